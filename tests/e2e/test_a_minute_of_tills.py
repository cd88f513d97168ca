"""Tills of many accounts act for a minute on the deployed stack: who is refused is told why, and
the balances are right."""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from simulators.till import Redemption, Template, Till, TillRefused
from simulators.till.till import Answered
from tests.e2e.stage import new_retailer
from tools.demo.retailer import Retailer
from tools.stack import LocalStack

ACCOUNTS, TILLS_EACH = 10, 5
EVERY, WARM_UP, LASTS = 5.0, 15.0, 60.0
GIVEN, PRICE = 5_000, 100
TEN_OFF = {"name": "Ten off", "points": PRICE, "amount_off": 1000}
KINDS = ("signup", "wallet", "redemption", "refund")
ROUNDS = 25


@dataclass
class Shop:
    """One account with two regulars, whom all its tills serve."""

    stack: LocalStack
    number: int
    redeemed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.retailer: Retailer = new_retailer(self.stack)
        self.retailer.decide("/loyalty", {"enabled": True})
        made = self.retailer.call("POST", "/api-keys", {"name": "Tills", "platform": "posabit"})
        self.key = str(made["secret"])
        self.retailer.call("POST", "/discounts", TEN_OFF)
        self.regulars = [f"+120644{n}{self.number:04d}" for n in (7, 8)]
        till = Cashier(self, 0).till
        for phone in self.regulars:
            path = f"/personas/{till.sign_up(phone, consent=False)}/points"
            body = {"amount": GIVEN, "reason": "Welcome"}
            name = {"Idempotency-Key": f"minute-of-tills-{phone[1:]}"}
            self.retailer.call("POST", path, body, headers=name)

    def wrong_balances(self) -> list[str]:
        """Where a wallet differs from what the tills were answered."""
        till = Cashier(self, 0).till
        shown = {phone: till.wallet(phone).points for phone in self.regulars}
        right = {phone: GIVEN - PRICE * self.redeemed[phone] for phone in self.regulars}
        return [f"{p}: {shown[p]}, not {right[p]}" for p in shown if shown[p] != right[p]]


@dataclass
class Cashier:
    """Stands at one till, and acts in turns; one redemption is given back by the next refund."""

    shop: Shop
    number: int
    answers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.http = requests.Session()
        self.till = Till(self._send, self.shop.key, self.shop.retailer.uid)
        self.phone = self.shop.regulars[self.number % 2]
        self.shown: list[Template] = []
        self.made: list[Redemption] = []

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answered:
        named = {"Host": self.shop.stack.host, **headers}
        url = self.shop.stack.api_url + path
        answer = self.http.request(method, url, json=body, headers=named, timeout=120)
        busy = answer.status_code in (429, 503)
        told = " without Retry-After" if busy and "Retry-After" not in answer.headers else ""
        self.answers[f"{answer.status_code}{told}"] += 1
        kept = {name.lower(): value for name, value in answer.headers.items()}
        return Answered(answer.status_code, answer.json(), kept)

    def work(self, began: float) -> None:
        """Act every 5 s until the minute is over."""
        turn, at = self.number, began + EVERY * self.number / TILLS_EACH
        while at < began + WARM_UP + LASTS:
            time.sleep(max(0.0, at - time.monotonic()))
            with suppress(TillRefused):  # its answer is counted
                self.act(KINDS[turn % len(KINDS)], turn)
            if at < began + WARM_UP:
                self.answers.clear()
            turn, at = turn + 1, at + EVERY

    def act(self, kind: str, turn: int) -> None:
        if kind == "refund" and self.made:
            self.till.refund(self.made.pop())
            self.shop.redeemed[self.phone] -= 1
        elif kind == "redemption" and self.shown:
            self.made.append(self.till.redeem(self.shown.pop()))
            self.shop.redeemed[self.phone] += 1
        elif kind == "signup":
            self.till.sign_up(f"+1206{300 + turn}{self.shop.number:02d}{self.number:02d}")
        else:
            self.shown = [self.till.wallet(self.phone).template("Ten off")]


def medians(cashier: Cashier) -> dict[str, float]:
    """In milliseconds, of calls one after another, an empty route's among them."""
    times: dict[str, list[float]] = {}
    for turn in range(ROUNDS):
        for kind in ("empty route", *KINDS):
            began = time.monotonic()
            if kind == "empty route":
                cashier._send("GET", "/api/config", None, {})
            else:
                cashier.act(kind, 100 + turn)
            times.setdefault(kind, []).append(time.monotonic() - began)
    return {kind: 1000 * statistics.median(taken) for kind, taken in times.items()}


@pytest.mark.full
def test_fifty_tills_of_ten_accounts_act_every_five_seconds_for_a_minute(
    stack: LocalStack,
) -> None:
    """`pytest -s` shows what they were answered, and how long each call takes beside a route that
    reads nothing: `GET /api/config`."""
    shops = [Shop(stack, number) for number in range(ACCOUNTS)]
    cashiers = [Cashier(shop, number) for shop in shops for number in range(TILLS_EACH)]

    began = time.monotonic()
    with ThreadPoolExecutor(len(cashiers)) as people:
        list(people.map(lambda cashier: cashier.work(began), cashiers))

    answers: Counter[str] = Counter()
    for cashier in cashiers:
        answers.update(cashier.answers)
    sys.stdout.write(f"\n{len(cashiers)} tills in {LASTS:.0f} s: {dict(answers)}\n")
    p50 = ", ".join(f"{kind} {ms:.0f} ms" for kind, ms in medians(Cashier(shops[0], 0)).items())
    sys.stdout.write(f"p50 of {ROUNDS} calls in a row: {p50}\n")

    assert [wrong for shop in shops for wrong in shop.wrong_balances()] == []
    assert set(answers) <= {"200", "409", "429", "503"}, answers
    assert answers["200"] > len(cashiers) * LASTS / EVERY / 2
