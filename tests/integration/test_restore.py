"""A restore rehearsed on the deployed stack: what it asks of AWS, and that the product goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.stage import new_retailer
from tools.restore import RestoredStack
from tools.stack import LocalStack
from tools.stage_parameters import TABLES


class Dies(BaseException):
    """The command's process ended here."""


class Watched:
    """DynamoDB; keeps the requests to restore, and dies before the third of them, once."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.restored: list[dict[str, Any]] = []
        self.dies = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def restore_table_to_point_in_time(self, **request: Any) -> Any:
        if self.dies and len(self.restored) == 2:
            self.dies = False
            raise Dies
        self.restored.append(request)
        return self._dynamodb.restore_table_to_point_in_time(**request)


@pytest.fixture
def watched(stack: LocalStack) -> Iterator[Watched]:
    yield Watched(stack.client("dynamodb"))
    RestoredStack(stack.client, "local").adopt("own")  # other tests use the stack's own tables


def test_a_restore_that_died_is_finished_and_the_product_goes_on_in_the_restored_tables(
    stack: LocalStack, watched: Watched
) -> None:
    """The local AWS restores what there is at present, whatever the moment; its roles are real."""
    retailer = new_retailer(stack)
    retailer.call("POST", "/stores", {"name": "Before"})
    moment = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)

    def again() -> RestoredStack:
        def client_of(service: str) -> Any:
            return watched if service == "dynamodb" else stack.client(service)

        return RestoredStack(client_of, "local")

    with pytest.raises(Dies):
        again().restore(moment)
    moves = again().restore(moment)

    assert len(watched.restored) == len(TABLES)
    assert all(request["RestoreDateTime"] == moment for request in watched.restored)
    for move in moves:
        ttl = watched.describe_time_to_live(TableName=move.target)["TimeToLiveDescription"]
        backups = watched.describe_continuous_backups(TableName=move.target)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"

    retailer.call("POST", "/stores", {"name": "After"})
    assert {store["name"] for store in retailer.get("/stores")["items"]} == {"Before", "After"}
    stack.tick("PlanSyncs")
    stack.tick("ReleaseTexts")
    former = {move.logical: move.source for move in moves}
    key = {"pk": {"S": f"ACCOUNT#{retailer.uid}"}, "sk": {"S": "STORE#00000002"}}
    assert "Item" not in watched.get_item(TableName=former["StoresTable"], Key=key)

    again().adopt("own")
    assert {store["name"] for store in retailer.get("/stores")["items"]} == {"Before"}
