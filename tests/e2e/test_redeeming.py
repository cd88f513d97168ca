"""Tills redeem on the deployed stack: what is good once is redeemed once, whoever is first."""

from __future__ import annotations

import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.stage import new_retailer
from tools.stack import LocalStack

PHONE = "+12065550177"
TRY_AGAIN = (429, 503, 504)
"""504 is the gateway's own, on a busy machine: the same URL again gives the first answer."""


class Till:
    """Calls with an API key, and tries again what it is told to try again."""

    def __init__(self, stack: LocalStack, key: str) -> None:
        self.url, self.tried_again = stack.api_url, 0
        self.headers = {"Host": stack.host, "X-APIKEY": key}

    def send(self, method: str, path: str, body: object = None) -> requests.Response:
        for _ in range(100):
            answer = requests.request(
                method, self.url + path, json=body, headers=self.headers, timeout=120
            )
            if answer.status_code not in TRY_AGAIN:
                return answer
            self.tried_again += 1
            time.sleep(min(2, float(answer.headers.get("Retry-After", "1"))))
        raise AssertionError("refused for ever")

    def data(self, method: str, path: str, body: object = None) -> Any:
        answer = self.send(method, path, body)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def url_of(self, name: str) -> str:
        templates = self.data("POST", "/api/v2/wallet", {"phone": PHONE})["discountTemplates"]
        found = next(each for each in templates if each["name"] == name)
        return str(urlsplit(found["redemptionURL"]).path)


@pytest.mark.parametrize(
    ("tills_at_once", "redeems"), [(8, 24), pytest.param(16, 1_000, marks=pytest.mark.full)]
)
def test_a_one_time_discount_is_redeemed_once_by_many_tills_at_once(
    stack: LocalStack, tills_at_once: int, redeems: int
) -> None:
    """`pytest -s` shows how often a till was told to try again."""
    retailer = new_retailer(stack)
    retailer.decide("/loyalty", {"enabled": True})
    made = retailer.call("POST", "/api-keys", {"name": "Tills", "platform": "posabit"})
    till = Till(stack, made["secret"])
    signup = {"mobilePhone": PHONE, "firstName": "Maria", "loyalty": True}
    contact = till.data("POST", "/api/v2/loyalty", signup)["contactID"]
    body = {"amount": 300, "reason": "Welcome"}
    key = {"Idempotency-Key": "e2e-redeem-01"}
    retailer.call("POST", f"/personas/{contact}/points", body, headers=key)
    gift = {"name": "Gift", "points": 50, "amount_off": 500, "reusable": False}
    retailer.call("POST", "/discounts", gift)
    retailer.call("POST", "/discounts", {"name": "Ten off", "points": 100, "amount_off": 1000})

    with ThreadPoolExecutor(tills_at_once) as tills:
        urls = list(tills.map(lambda _: till.url_of("Gift"), range(redeems)))
        answers = list(tills.map(lambda url: till.send("PUT", url), urls))

    statuses = sorted(answer.status_code for answer in answers)
    told = f"{redeems} redeems, {tills_at_once} at a time, {till.tried_again} tried again"
    sys.stdout.write(f"\n{told}: {dict(Counter(statuses))}\n")
    assert statuses == [200, *[409] * (redeems - 1)]
    refused = {a.json()["errors"][0]["message"] for a in answers if a.status_code == 409}
    assert refused == {"This discount is already redeemed."}
    wallet = till.data("POST", "/api/v2/wallet", {"phone": PHONE})
    assert wallet["loyaltyPoints"] == 250

    ten = till.data("PUT", till.url_of("Ten off"), {"orderID": "R-1"})
    names = (ten["contactID"], ten["templateID"], ten["redemptionID"])
    refund = f"/api/v1.1/discount/refund/{retailer.uid}/" + "/".join(names)
    with ThreadPoolExecutor(tills_at_once) as tills:
        given_back = list(tills.map(lambda _: till.send("PUT", refund), range(tills_at_once)))
    assert {answer.status_code for answer in given_back} == {200}
    ledger = retailer.get(f"/personas/{contact}/ledger")["items"]
    assert sum(entry["amount"] for entry in ledger) == 250
    counted = {each["name"]: each["redemptions"] for each in retailer.get("/discounts")["items"]}
    assert counted == {"Gift": 1, "Ten off": 0}
