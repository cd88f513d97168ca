"""AWS does not answer: the caller is told to try again, whatever was being read or written."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from chalicelib.adapters.aws.outages import Throttled
from chalicelib.entrypoints.http import routing
from tests.functional.gateway import OURS, Gateway

ACCOUNT = f"/api/accounts/{OURS}"
READS = ("GetItem", "Query", "BatchGetItem")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


def refusal(code: str, status: int, **more: object) -> Callable[[str], Exception]:
    answer: Any = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return lambda operation: ClientError(answer, operation)


OUTAGES: dict[str, Callable[[str], Exception]] = {
    "no connection": lambda _: ConnectTimeoutError(endpoint_url="x"),
    "no answer": lambda _: ReadTimeoutError(endpoint_url="x"),
    "an error of its own": refusal("InternalServerError", 500),
    "no capacity left": refusal("ProvisionedThroughputExceededException", 400),
    "rows of another transaction": refusal(
        "TransactionCanceledException",
        400,
        CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}],
    ),
}


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let these operations of DynamoDB fail from now on."""
    call = BaseClient._make_api_call
    monkeypatch.setattr("time.sleep", lambda _: None)

    def fail(operations: Collection[str], error: Callable[[str], Exception]) -> None:
        def make(client: BaseClient, operation: str, arguments: Any) -> Any:
            if operation in operations:
                raise error(operation)
            return call(client, operation, arguments)

        monkeypatch.setattr(BaseClient, "_make_api_call", make)

    return fail


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("operations", [READS, WRITES], ids=["reads", "writes"])
@pytest.mark.usefixtures("jobs")
def test_the_caller_is_asked_to_try_again(
    api: Gateway, fail: Callable[..., None], operations: Collection[str], outage: str
) -> None:
    fail(operations, OUTAGES[outage])

    got = api.patch(ACCOUNT, {"name": "Greener"}, if_match='"1"')

    assert (got.status, got.json["code"]) == (503, "unavailable")
    assert int(got.headers["Retry-After"]) > 0
    assert "may be stored already" in got.json["detail"]


def test_a_batch_that_dynamodb_never_ends_is_one_too(
    api: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttle(*_: object) -> None:
        raise Throttled("rows left")

    monkeypatch.setattr(routing, "perform", throttle)

    assert api.get(ACCOUNT).status == 503


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_what_aws_refuses_for_good_is_a_fault_of_ours(
    api: Gateway, fail: Callable[..., None], code: str
) -> None:
    fail(READS, refusal(code, 400))

    assert api.get(ACCOUNT).status == 500
