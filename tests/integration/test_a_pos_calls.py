"""A client with the habits of AIQ's own (reference/aiq.md) against the deployed stack."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from tests.e2e.stage import new_retailer
from tests.waiting import eventually
from tools.demo.retailer import Retailer
from tools.stack import LocalStack

pytestmark = pytest.mark.stack

PHONE, EMAIL = "2065550123", "ana.reyes@example.org"
TRIES = 3
"""Of a call too many: a quick machine asks more than the five reads a second of a key."""


class AiqClient:
    """Knows AIQ's documentation and nothing else: the header, the envelope, `errors[0].message`,
    and that a call too many is tried again after `Retry-After`."""

    def __init__(self, stack: LocalStack, key: str, uid: str) -> None:
        self.http, self.base, self.key, self.uid = stack.http, stack.api_url, key, uid

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self._send(method, path, body, headers)
        for _try in range(TRIES):
            if answer.status_code != 429:
                break
            time.sleep(int(answer.headers["Retry-After"]))
            answer = self._send(method, path, body, headers)
        said = answer.json()
        assert answer.status_code == said["code"], answer.text
        assert said["success"] is (said["code"] < 400)
        return said

    def _send(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> requests.Response:
        return self.http.request(
            method,
            f"{self.base}/api/{path}",
            json=body,
            headers={"x-apikey": self.key, **headers},
            timeout=60,
        )


@pytest.fixture(scope="module")
def retailer(stack: LocalStack) -> Retailer:
    return new_retailer(stack)


@pytest.fixture(scope="module")
def client(stack: LocalStack, retailer: Retailer) -> AiqClient:
    made = retailer.call("POST", "/api-keys", {"name": "Tills", "platform": "posabit"})
    return AiqClient(stack, made["secret"], retailer.uid)


def test_a_client_written_for_aiq_signs_up_looks_up_and_opts_in(client: AiqClient) -> None:
    uid = client.uid
    stores = client.call("GET", f"v1.1/stores/{uid}/")["data"]["stores"]
    joined = client.call(
        "POST",
        "v2/loyalty",
        {
            "uid": uid,
            "firstName": "Ana",
            "lastName": "Reyes",
            "mobilePhone": PHONE,
            "email": EMAIL,
            "loyalty": True,
            "smsoptin": True,
            "favoriteStoreID": stores[0]["id"] if stores else "#",
        },
    )["data"]
    found = client.call("GET", f"v2/loyalty/lookup/{PHONE}")["data"]
    listed = client.call("GET", f"v1.1/piis/{uid}?search={EMAIL}")["data"]
    wallet = client.call("POST", "v2/wallet", {"phone": PHONE})["data"]

    assert joined["contactID"] == found["contactID"] == wallet["contactID"]
    assert listed["results"][0]["contactID"] == joined["contactID"]
    assert found["loyalty"] is True
    again = client.call("POST", "v2/loyalty", {"mobilePhone": f"+1{PHONE}", "firstName": ""})
    assert again["data"]["contactID"] == joined["contactID"]
    out = client.call("PUT", f"v2/optin/text/{PHONE}/false")["data"]
    kept = client.call("PUT", f"v2/optin/text/{PHONE}/true?doubleopt=true")["data"]
    assert (out["state"], kept["state"]) == ("opted_out", "opted_out")


def test_what_is_refused_is_refused_with_aiqs_words(stack: LocalStack, client: AiqClient) -> None:
    wrong = AiqClient(stack, "not-a-key", client.uid)

    for said in (
        wrong.call("GET", f"v1.1/stores/{client.uid}"),
        client.call("GET", "v1.1/stores/1000000001"),
        client.call("GET", f"v1.1/stores/{client.uid}?api_key={client.key}"),
    ):
        assert said["code"] == 403
        assert said["errors"][0]["message"] == "Please provide a valid API key"
    assert (
        client.call("GET", f"v1.1/piis/{client.uid}?search=2065550999")["data"]["results"] is None
    )
    assert client.call("POST", "v2/loyalty", {"firstName": "Nobody"})["code"] == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "v2/tiers/{uid}"),
        ("GET", "v1.1/contact/orders/{uid}/4f1c9a2b"),
        ("DELETE", "v1.1/stores/{uid}"),
        ("PATCH", "v2/loyalty"),
    ],
)
def test_a_call_that_is_not_served_is_told_so_in_the_envelope(
    client: AiqClient, method: str, path: str
) -> None:
    assert client.call(method, path.format(uid=client.uid))["code"] == 404


def test_an_encoded_address_is_the_address(client: AiqClient) -> None:
    found = client.call("GET", f"v2/loyalty/lookup/{EMAIL.replace('@', '%40')}")["data"]

    assert found["contact"]["email"] == EMAIL
    head = client.http.head(
        f"{client.base}/api/v1.1/discount/redeem/{client.uid}/dsc_1/token",
        headers={"x-apikey": client.key},
        timeout=60,
    )
    assert head.status_code == 405


def test_the_front_adds_the_secret_that_the_api_knows(stack: LocalStack) -> None:
    front = stack.client("cloudfront").get_distribution_config(Id=stack.outputs["FrontId"])
    handler = stack.client("lambda").get_function_configuration(
        FunctionName=stack.resources["APIHandler"]
    )

    origins = front["DistributionConfig"]["Origins"]["Items"]
    [api] = [origin for origin in origins if origin["Id"] == "api"]
    [added] = api["CustomHeaders"]["Items"]
    assert added["HeaderValue"] == handler["Environment"]["Variables"]["FRONT_SECRET"]
    assert re.fullmatch("[A-Za-z0-9]{40}", added["HeaderValue"])


def test_a_key_that_was_revoked_ends_with_the_next_call(
    stack: LocalStack, retailer: Retailer
) -> None:
    made = retailer.call("POST", "/api-keys", {"name": "Old", "platform": None})
    client = AiqClient(stack, made["secret"], retailer.uid)
    assert client.call("GET", f"v1.1/stores/{client.uid}")["code"] == 200

    retailer.ask("DELETE", f"/api-keys/{made['id']}")

    assert client.call("GET", f"v1.1/stores/{client.uid}")["code"] == 403


def test_a_signed_webhook_makes_a_member_a_moment_later(
    stack: LocalStack, retailer: Retailer, client: AiqClient
) -> None:
    secret = retailer.call("POST", "/webhook-secrets", {"platform": "posabit"})["secret"]
    at = datetime.fromtimestamp(round(time.time()), UTC)
    data = {"mobilePhone": "2065550177", "firstName": "Zoë"}
    body = json.dumps({"type": "signup", "occurred_at": at.isoformat(), "data": data})
    signature = Webhook(secret).sign("evt-1", at, body)

    answer = stack.http.post(
        f"{stack.api_url}/api/webhooks/posabit/{retailer.uid}",
        data=body.encode(),
        headers={
            "content-type": "application/json",
            "webhook-id": "evt-1",
            "webhook-timestamp": str(round(at.timestamp())),
            "webhook-signature": signature,
        },
        timeout=60,
    )

    assert (answer.status_code, answer.json()["data"]) == (202, {"accepted": True})

    def is_member() -> bool:
        found = client.call("GET", "v2/lookup/2065550177")["data"]
        return found["results"] is not None and found["loyalty"] is True

    assert eventually(is_member)
