"""Tills of many accounts act for a minute on the deployed stack: who is refused is told why, and
the balances are right.

What holds on any machine is asserted: each answer of ours is a success, a business refusal, or 429
or 503 with `Retry-After`, and balances are what the tills were answered. A gateway that gives a
call up says nothing about what came of it: so a till asks again when the minute is over, by the
same URL or for the same redemption, and must be told. How often that happens, and how quick the
answers are, depends on the machine and is shown.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

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
OK = 200
GATEWAY = frozenset((502, 503, 504))
"""What a gateway answers by itself, without our envelope, where a function takes too long."""
DIED = "died"
"""What it says where a function ended that should not have."""
NOBODY, GIVEN_UP = 599, "given up by the gateway"
MOST_ASKED = 10

Answer = TypeVar("Answer")


@dataclass
class Shop:
    """One account with two regulars, whom all its tills serve."""

    stack: LocalStack
    number: int

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

    def wrong_balances(self, cashiers: Sequence[Cashier]) -> list[str]:
        """Where a wallet differs from what the tills were answered."""
        asking = Cashier(self, 0)
        wrong = []
        for phone in self.regulars:
            standing = [r for c in cashiers if c.phone == phone for r in c.standing()]
            shown = asking.until_told(lambda phone=phone: asking.till.wallet(phone).points)
            right = GIVEN - PRICE * len(standing)
            if shown != right:
                wrong.append(f"{phone}: {shown}, not {right}")
        return wrong


@dataclass
class Cashier:
    """Stands at one till, and acts in turns; one redemption is given back by the next refund.

    `redeemed`, `refunded`: ids, as they were answered. `unsure_of`: templates and redemptions of
    calls that nobody answered.
    """

    shop: Shop
    number: int
    answers: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    redeemed: list[str] = field(default_factory=list)
    refunded: list[str] = field(default_factory=list)
    unsure_of: list[Template | Redemption] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = requests.Session()
        self.till = Till(self._send, self.shop.key, self.shop.retailer.uid)
        self.phone = self.shop.regulars[self.number % 2]
        self.shown: list[Template] = []
        self.made: list[Redemption] = []

    def standing(self) -> set[str]:
        """The redemptions that were not given back."""
        return set(self.redeemed) - set(self.refunded)

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answered:
        named = {"Host": self.shop.stack.host, **headers}
        url = self.shop.stack.api_url + path
        try:
            answer = self.http.request(method, url, json=body, headers=named, timeout=120)
            told = answer.json()
        except requests.RequestException:  # no answer at all, or one that is no JSON
            self.answers[GIVEN_UP] += 1
            return Answered(NOBODY, {}, {})
        is_ours = isinstance(told, dict) and ("success" in told or answer.status_code == OK)
        if not is_ours and answer.status_code in GATEWAY and DIED not in answer.text:
            self.answers[GIVEN_UP] += 1
            return Answered(NOBODY, {}, {})
        busy = answer.status_code in (429, 503)
        without = " without Retry-After" if busy and "Retry-After" not in answer.headers else ""
        self.answers[f"{answer.status_code}{without}"] += 1
        kept = {name.lower(): value for name, value in answer.headers.items()}
        return Answered(answer.status_code, told, kept)

    def work(self, began: float) -> None:
        """Act every 5 s until the minute is over."""
        turn, at = self.number, began + EVERY * self.number / TILLS_EACH
        while at < began + WARM_UP + LASTS:
            time.sleep(max(0.0, at - time.monotonic()))
            with suppress(TillRefused):  # its answer is counted
                self.act(KINDS[turn % len(KINDS)], turn)
            turn, at = turn + 1, at + EVERY

    def act(self, kind: str, turn: int) -> None:
        if kind == "refund" and self.made:
            self.refund(self.made.pop())
        elif kind == "redemption" and self.shown:
            self.redeem(self.shown.pop())
        elif kind == "signup":
            self.till.sign_up(f"+1206{300 + turn}{self.shop.number:02d}{self.number:02d}")
        else:
            kind = "wallet"
            self.shown = [self.till.wallet(self.phone).template("Ten off")]
        self.done[kind] += 1

    def redeem(self, template: Template) -> None:
        with self.noting(template):
            made = self.till.redeem(template)
            self.redeemed.append(made.id)
            self.made.append(made)

    def refund(self, redemption: Redemption) -> None:
        with self.noting(redemption):
            self.refunded.append(self.till.refund(redemption).id)

    @contextmanager
    def noting(self, what: Template | Redemption) -> Iterator[None]:
        """Note it where nobody says what came of it; a refusal of ours has done nothing."""
        try:
            yield
        except TillRefused as refused:
            if refused.status == NOBODY:
                self.unsure_of.append(what)
            raise

    def settle(self) -> None:
        """Ask again for what nobody answered: it is done once, or was, or is refused."""
        unsure, self.unsure_of = self.unsure_of, []
        for what in unsure:
            act = self.redeem if isinstance(what, Template) else self.refund
            with suppress(TillRefused):
                self.until_told(lambda act=act, what=what: act(what))
        self.unsure_of = []

    def until_told(self, ask: Callable[[], Answer]) -> Answer:
        """Ask until somebody answers, as often as a machine that has nothing else to do needs."""
        for _ in range(MOST_ASKED):
            try:
                return ask()
            except TillRefused as refused:
                if refused.status != NOBODY:
                    raise
        pytest.fail(f"nobody answers, {MOST_ASKED} times in a row")


def medians(cashier: Cashier) -> dict[str, float]:
    """In milliseconds, of calls one after another, an empty route's among them."""
    times: dict[str, list[float]] = {}
    for turn in range(ROUNDS):
        for kind in ("empty route", *KINDS):
            began = time.monotonic()
            if kind == "empty route":
                cashier._send("GET", "/api/config", None, {})
            else:
                with suppress(TillRefused):
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

    answers = sum((cashier.answers for cashier in cashiers), Counter[str]())
    with ThreadPoolExecutor(2) as people:
        list(people.map(Cashier.settle, cashiers))
    done = sum((cashier.done for cashier in cashiers), Counter[str]())
    sys.stdout.write(f"\n{len(cashiers)} tills in {WARM_UP + LASTS:.0f} s: {dict(answers)}\n")
    sys.stdout.write(f"done: {dict(done)}\n")
    measured = Cashier(shops[0], 0)
    cashiers.append(measured)
    p50 = ", ".join(f"{kind} {ms:.0f} ms" for kind, ms in medians(measured).items())
    measured.settle()
    sys.stdout.write(f"p50 of {ROUNDS} calls in a row: {p50}\n")

    wrong = [
        each
        for shop in shops
        for each in shop.wrong_balances([c for c in cashiers if c.shop is shop])
    ]
    assert wrong == []
    redeemed = [each for cashier in cashiers for each in cashier.redeemed]
    assert len(redeemed) == len(set(redeemed)), "each URL has a redemption of its own"
    assert set(answers) <= {"200", "409", "429", "503", GIVEN_UP}, answers
    assert set(done) == set(KINDS), "each act was done, or this shows nothing"
