"""At the counter of the demo: a signup and a reward at the till, and signups by the form."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from simulators.oracle.counter import Act, expected
from simulators.till import Till
from simulators.till.till import Answered, Wallet
from tools.demo.retailer import Json, Retailer
from tools.demo.simulator import Simulator
from tools.stack import LocalStack
from tools.steps import StepFailed

POS = "posabit"
DISCOUNT: Json = {"name": "Ten off", "points": 100, "amount_off": 1000}
AT_THE_TILL, BY_FORM = "+12065550181", "+12065550182"
BORN = "1988-02-29"
_ASK_SECONDS = 60
_WAIT_SECONDS = 90
_PROOF = re.compile(r'name="proof" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class AtTheCounter:
    """What came of it, what should have, and a sentence for a person."""

    counts: dict[str, int]
    right: dict[str, int]
    sentence: str


class Front:
    """The front of the product, as a till and a shopper's browser reach it: without a log-in."""

    def __init__(self, stack: LocalStack) -> None:
        self._url = stack.api_url
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Host"] = stack.host

    def send(
        self, method: str, path: str, body: Json | None, headers: Mapping[str, str]
    ) -> Answered:
        """The `Send` of a till."""
        answer = self._ask(method, path, json=body, headers=dict(headers))
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Answered(answer.status_code, answer.json(), names)

    def join(self, uid: str, typed: Mapping[str, str]) -> None:
        """Open the signup form, fill it in, send it. Raises StepFailed."""
        page = self._ask("GET", f"/join/{uid}")
        proof = _PROOF.search(page.text)
        if proof is None:
            raise StepFailed("open the signup form", f"status {page.status_code}")
        sent = self._ask("POST", f"/join/{uid}", data={**typed, "proof": proof[1]})
        if sent.status_code != requests.codes.see_other:
            raise StepFailed("send the signup form", f"status {sent.status_code}")

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        url = self._url + path
        return self._http.request(
            method, url, timeout=_ASK_SECONDS, allow_redirects=False, **options
        )


def act(retailer: Retailer, stack: LocalStack, posabit: Simulator) -> AtTheCounter:
    """Sign up at the till and by the form, redeem a reward and give it back.

    Whoever signs up by the form is created in POSaBIT, unless POSaBIT knows them.
    """
    _sync_personas(retailer)
    front = Front(stack)
    till = Till(front.send, _key(retailer), retailer.uid, store=1)
    name = _discount(retailer)
    member, known = _a_member(retailer), _a_shopper(retailer)
    phones = [BY_FORM, known["phone"]]
    before = {phone: _in_posabit(posabit, phone) for phone in phones}

    till.sign_up(AT_THE_TILL, first="Ana", last="Till", email="ana.till@example.com")
    for first, phone in (("Ben", BY_FORM), ("Cleo", known["phone"])):
        front.join(retailer.uid, {"first": first, "phone": phone, "birth_date": BORN})
    wallet = till.wallet(member["phone"])
    redeemed = till.redeem(wallet.template(name), order="demo-1")
    spent = till.wallet(member["phone"])
    till.refund(redeemed)
    after = till.wallet(member["phone"])

    _wait_for(posabit, BY_FORM)
    acts = [
        Act("till_signup", AT_THE_TILL),
        *(Act("form_signup", phone) for phone in phones),
        Act("redeem", redeemed.id),
        Act("refund", redeemed.id),
    ]
    counts = {
        "signups": sum(_is_member(till.wallet(phone)) for phone in (AT_THE_TILL, *phones)),
        "redeemed": round((wallet.points - spent.points) / DISCOUNT["points"]),
        "refunded": round((after.points - spent.points) / DISCOUNT["points"]),
        "created_in_pos": sum(_in_posabit(posabit, p) - before[p] for p in phones),
    }
    sentence = (
        f"Ana Till signed up at checkout; {member['first']} {member['last']} redeemed {name} for"
        f" {DISCOUNT['points']} points and got them back; Ben signed up by the form and was created"
        " in POSaBIT"
    )
    return AtTheCounter(counts, expected(acts, {known["phone"]}), sentence)


def _sync_personas(retailer: Retailer) -> None:
    path = f"/integrations/{POS}/settings"
    settings = retailer.get(path)
    current = {each["key"]: each["value"] for each in settings["settings"]}
    if current["sync_personas"] is not True:
        retailer.change("PATCH", path, {"sync_personas": True}, version=settings["version"])


def _key(retailer: Retailer) -> str:
    """A new key for POSaBIT: an older one's secret is not shown again."""
    made = retailer.call("POST", "/api-keys", {"name": "Tills", "platform": POS})
    return str(made["secret"])


def _discount(retailer: Retailer) -> str:
    known = {each["name"] for each in retailer.get("/discounts")["items"]}
    if DISCOUNT["name"] not in known:
        retailer.call("POST", "/discounts", DISCOUNT)
    return str(DISCOUNT["name"])


def _a_member(retailer: Retailer) -> Json:
    """A member with the points for the discount."""
    return next(
        persona
        for persona in retailer.personas()
        if persona["member"] and persona["phone"] and persona["points"] >= DISCOUNT["points"]
        if not persona["flags"]
    )


def _a_shopper(retailer: Retailer) -> Json:
    """Somebody whom POSaBIT knows by phone."""
    return next(
        persona
        for persona in reversed(retailer.personas())
        if persona["phone"] and persona["sources"] == [POS] and not persona["flags"]
    )


def _is_member(wallet: Wallet) -> bool:
    return wallet.member


def _wait_for(posabit: Simulator, phone: str) -> None:
    """Wait until POSaBIT has the shopper; gives up after a while, and the counts say so."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not _in_posabit(posabit, phone) and time.monotonic() < deadline:
        time.sleep(1)


def _in_posabit(posabit: Simulator, phone: str) -> int:
    """How many shoppers with this phone POSaBIT has in all its venues."""
    found = 0
    for venue in posabit.venues:
        answer = requests.get(
            f"{posabit.base_url}/v2/venue/customers",
            params={"q[telephone_eq]": phone.removeprefix("+1"), "per_page": "10"},
            headers={"Authorization": f"Bearer {venue['token']}"},
            timeout=_ASK_SECONDS,
        )
        found += int(answer.json()["total_records"])
    return found
