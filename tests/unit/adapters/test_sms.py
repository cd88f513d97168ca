"""Publishing a text: once, and what each failure says of it (product.md §9)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from chalicelib.adapters.aws import send_once as once
from chalicelib.adapters.aws.sms import SnsTexts
from chalicelib.services.ports.texting import NumberUnusable, TextRefused, TextUnknown

NUMBER, SHOP = "+12065550123", "+12065550100"
NOT_VALID = f"Invalid parameter: PhoneNumber Reason: {NUMBER} is not valid to publish to"


class Sns:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def publish(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def error(code: str, message: str = "", status: int = 400) -> ClientError:
    told: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(told, "Publish")


def test_a_text_goes_from_the_accounts_number_as_a_transactional_one() -> None:
    sns = Sns({"MessageId": "m-1"})

    assert SnsTexts(sns).send(SHOP, NUMBER, "Reply YES") == "m-1"

    [asked] = sns.asked
    values = {name: told["StringValue"] for name, told in asked["MessageAttributes"].items()}
    assert (asked["PhoneNumber"], asked["Message"]) == (NUMBER, "Reply YES")
    assert values == {
        "AWS.MM.SMS.OriginationNumber": SHOP,
        "AWS.SNS.SMS.SMSType": "Transactional",
    }


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (ReadTimeoutError(endpoint_url="x"), TextUnknown),
        (ConnectionClosedError(endpoint_url="x"), TextUnknown),
        (BotoCoreError(), TextUnknown),
        (error("InternalFailure", status=500), TextUnknown),
        (error("ServiceUnavailable", status=503), TextUnknown),
        (ConnectTimeoutError(endpoint_url="x"), TextRefused),
        (EndpointConnectionError(endpoint_url="x"), TextRefused),
        (NoCredentialsError(), TextRefused),
        (error("Throttling"), TextRefused),
        (error("AuthorizationError", status=403), TextRefused),
        (error("InvalidParameter", "Invalid parameter: OriginationNumber"), TextRefused),
        (error("InvalidParameter", "Origination phone number is not yours"), TextRefused),
        (error("InvalidParameter", NOT_VALID), NumberUnusable),
        (error("InvalidParameterValue", "Phone number is opted out"), NumberUnusable),
        (error("OptedOut"), NumberUnusable),
    ],
)
def test_a_failure_says_whether_the_text_may_have_gone(
    failure: Exception, raised: type[Exception]
) -> None:
    sns = Sns(failure)

    with pytest.raises(raised) as told:
        SnsTexts(sns).send(SHOP, NUMBER, "Reply YES")

    assert len(sns.asked) == 1
    assert NUMBER not in str(told.value)


@pytest.mark.parametrize(
    ("failure", "opted_out"),
    [(error("InvalidParameter", NOT_VALID), False), (error("OptedOut"), True)],
)
def test_an_opt_out_at_the_carrier_is_told_from_a_dead_number(
    failure: Exception, opted_out: bool
) -> None:
    with pytest.raises(NumberUnusable) as told:
        SnsTexts(Sns(failure)).send(SHOP, NUMBER, "Reply YES")

    assert bool(told.value.details.get("opted_out")) is opted_out


def test_the_client_that_publishes_never_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    once.client.cache_clear()

    assert once.client("sns").meta.config.retries["total_max_attempts"] == 1
    once.client.cache_clear()
