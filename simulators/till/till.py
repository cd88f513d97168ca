"""What POSaBIT does at checkout: signs shoppers up, shows their wallet, redeems, gives back.

Written from AIQ's public API alone (reference/aiq.md §1, §2, §6), without a look at the product's
code: it sends what clients of AIQ send, and reads what they read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Json = dict[str, Any]

HEADER = "X-APIKEY"
OK = 200
TRY_AGAIN = frozenset((429, 503))
MOST_TRIES = 6

SIGNATURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABc3UB"
    "GAAAAABJRU5ErkJggg=="
)
"""A picture of one dot: what the kiosk's pad sends."""


class Answered(NamedTuple):
    """An answer. `headers` by their lower-cased names."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Send(Protocol):
    def __call__(
        self, method: str, path: str, body: Json | None, headers: Mapping[str, str]
    ) -> Answered:
        """Send one request to the API; `path` begins with /api/."""
        ...


class TillRefused(Exception):
    """The API refused a call; the cashier reads `message`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Template:
    """A discount as the wallet shows it."""

    id: str
    name: str
    points: float
    available: bool
    redemption_url: str


@dataclass(frozen=True, slots=True)
class Wallet:
    contact_id: str
    points: float
    member: bool
    templates: tuple[Template, ...]

    def template(self, name: str) -> Template:
        """Return the discount of this name. Raises KeyError."""
        return {each.name: each for each in self.templates}[name]


@dataclass(frozen=True, slots=True)
class Redemption:
    """What a refund names."""

    id: str
    contact_id: str
    template_id: str
    refunded: bool


@dataclass(slots=True)
class Till:
    """One till of a store. `key` and `uid`: as copied from *API & Tracking*. `store`: the number in
    POSaBIT's *Data* field, None where nobody filled it in.

    `waits`: how often the API asked to try again, by status.
    """

    send: Send
    key: str
    uid: str
    store: int | None = None
    sleep: Callable[[float], None] = time.sleep
    waits: dict[int, int] = field(default_factory=dict)

    def sign_up(
        self, phone: str, *, consent: bool = True, first: str = "", last: str = "", email: str = ""
    ) -> str:
        """Sign a shopper up during checkout; with *Customer Consent* they sign on the pad. Returns
        their contactID. Raises TillRefused."""
        body: Json = {
            "mobilePhone": phone,
            "firstName": first,
            "lastName": last,
            "email": email,
            "loyalty": True,
            "favoriteStoreID": "#" if self.store is None else self.store,
        }
        if consent:
            body |= {"smsoptin": True, "emailOptIn": True, "customerSignature": SIGNATURE}
        return str(self._call("POST", "/api/v2/loyalty", body)["contactID"])

    def wallet(self, phone: str) -> Wallet:
        """Show the points and discounts of a shopper. Raises TillRefused."""
        data = self._call("POST", "/api/v2/wallet", {"phone": phone})
        return Wallet(
            contact_id=str(data["contactID"]),
            points=float(data["loyaltyPoints"]),
            member=bool(data["loyaltyMember"]),
            templates=tuple(_template(each) for each in data["discountTemplates"]),
        )

    def redeem(self, template: Template, order: str = "") -> Redemption:
        """Redeem what a wallet showed, by its URL. Raises TillRefused."""
        path = "/api/" + template.redemption_url.partition("/api/")[2]
        return _redemption(self._call("PUT", path, {"orderID": order} if order else {}))

    def refund(self, redemption: Redemption) -> Redemption:
        """Give the points of a redemption back. Raises TillRefused."""
        body = {
            "contactID": redemption.contact_id,
            "templateID": redemption.template_id,
            "redemptionID": redemption.id,
        }
        path = f"/api/v1.1/discount/refund/{self.uid}"
        return _redemption(self._call("PUT", path, body))

    def _call(self, method: str, path: str, body: Json) -> Any:
        """Return the envelope's data; what is to be tried again is, as the API says when."""
        for tried in range(1, MOST_TRIES + 1):
            answer = self.send(method, path, body, {HEADER: self.key})
            if answer.status not in TRY_AGAIN or tried == MOST_TRIES:
                break
            self.waits[answer.status] = self.waits.get(answer.status, 0) + 1
            self.sleep(float(answer.headers.get("retry-after", "1")))
        if answer.status != OK or not answer.body.get("success"):
            errors = (answer.body or {}).get("errors") or [{"message": "no answer"}]
            raise TillRefused(answer.status, str(errors[0]["message"]))
        return answer.body["data"]


def _template(shown: Json) -> Template:
    return Template(
        id=str(shown["id"]),
        name=str(shown["name"]),
        points=float(shown["pointsDeduction"]),
        available=bool(shown["available"]),
        redemption_url=str(shown["redemptionURL"]),
    )


def _redemption(data: Json) -> Redemption:
    return Redemption(
        id=str(data["redemptionID"]),
        contact_id=str(data["contactID"]),
        template_id=str(data["templateID"]),
        refunded=bool(data["refunded"]),
    )
