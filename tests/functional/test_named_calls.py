"""A named call that dies after its effect and before its answer is kept (partner-api.md S14)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from chalicelib.config import config
from chalicelib.domain.call_names import RUNS_AT_MOST
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from tests.functional.gateway import OURS, Got, World
from tests.functional.partner import Caller, a_caller
from tests.functional.test_rewards_api import PHONE, create, shop

__all__ = ["shop"]


class Died(BaseException):
    """The process that served the call is gone."""


@pytest.fixture
def till(shop: World) -> Caller:
    create(shop.gateway("Owner"))
    return a_caller()


def call(till: Caller, method: str, path: str, body: Any = None) -> Got:
    headers = {"X-APIKEY": till.key, "Idempotency-Key": f"{method} {path}"[:60]}
    return till.gateway.send(method, path, body=body, headers=headers)


def dies_and_comes_again(till: Caller, method: str, path: str, body: Any = None) -> Got:
    """The answer of the call that was made again, after it died with its effect done."""

    def dies(*_: object) -> None:
        raise Died

    calls, clock = wiring.api_keys.named_calls(), wiring.outside.clock()
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(calls, "end", dies)
        with pytest.raises(Died):
            call(till, method, path, body)
    assert call(till, method, path, body).headers["Retry-After"] == "1", "it may still run"
    with pytest.MonkeyPatch.context() as later:
        at = clock.now() + RUNS_AT_MOST + SECOND
        later.setattr(type(clock), "now", lambda _: at)
        return call(till, method, path, body)


def points(till: Caller) -> Any:
    return till.post("/api/v2/wallet", {"phone": PHONE}).json["data"]["loyaltyPoints"]


def redemption_url(till: Caller) -> str:
    [ten] = till.post("/api/v2/wallet", {"phone": PHONE}).json["data"]["discountTemplates"]
    return urlsplit(ten["redemptionURL"]).path


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v2/loyalty", {"mobilePhone": "2065550101", "firstName": "Ana"}),
        ("POST", f"/api/v1.1/loyaltyContact/{OURS}", {"mobilePhone": "2065550101"}),
        ("PUT", "/api/v2/optin/text/2065550101/true", None),
        (
            "POST",
            f"/api/v1.1/createUpdateMember/{OURS}",
            {"pos_id": "7", "mobilePhone": "2065550101"},
        ),
    ],
)
def test_it_answers_as_a_call_that_lived_does_once_more(
    till: Caller, method: str, path: str, body: Any
) -> None:
    again = dies_and_comes_again(till, method, path, body)

    assert again.status == 200, again.text
    assert till.gateway.send(method, path, body=body, headers={"X-APIKEY": till.key}).json == (
        again.json
    )


def test_points_leave_and_come_back_once(till: Caller) -> None:
    url = redemption_url(till)

    done = dies_and_comes_again(till, "PUT", url).json["data"]
    assert (points(till), till.put(url).json["data"]) == (200, done)

    names = [done[name] for name in ("contactID", "templateID", "redemptionID")]
    refund = "/".join((f"/api/v1.1/discount/refund/{OURS}", *names))
    back = dies_and_comes_again(till, "PUT", refund).json["data"]
    assert (back["refunded"], points(till)) == (True, 300)


def test_a_pin_that_the_call_used_opens_the_wallet_for_it_again(till: Caller) -> None:
    texting = wiring.outside.texting_settings()
    rules = texting.get(Uid(OURS))
    texting.assign("+12065559999", Uid(OURS))
    texting.save(Uid(OURS), rules, replace(rules, number="+12065559999"))
    till.post("/api/v2/verify/wallet", {"phone": PHONE})
    url = config().queue_texts_url
    received = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    jobs = [json.loads(each["Body"]) for each in received["Messages"]]
    [code] = [job["code"] for job in jobs if job["job"] == "pin"]
    view = {"phone": PHONE, "code": code}

    again = dies_and_comes_again(till, "POST", "/api/v2/view/wallet", view)

    assert (again.status, again.json["data"]["loyaltyPoints"]) == (200, 300)
    assert till.post("/api/v2/view/wallet", view).status == 422
