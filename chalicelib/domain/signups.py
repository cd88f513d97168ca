"""Signups: what a shopper, or somebody for them, told AIQ itself (product.md §11).

A signup is a source record of its own, which pulls never overwrite and a roll-back never sees.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Literal

from chalicelib.domain.records import CLAIMED, Customer
from chalicelib.domain.words import NO_PLATFORM, Instant, Platform, ScopeId

SIGNUP_SCOPE = ScopeId("signup")
PUSHED_SCOPE = ScopeId("pushed")
API_SCOPE = ScopeId("api")
"""Of records that signed up, of what a POS pushes of its shoppers, and of sales that a key of no
platform pushes (partner-api.md S3, S9)."""

PUSHED = "pushed"
"""The flag of a sale that was pushed and not pulled: what the source itself tells of it wins."""

OWN_SCOPES = frozenset({SIGNUP_SCOPE, PUSHED_SCOPE, API_SCOPE})

AIQ = Platform("aiq")
REST_API = Platform("api")
"""*Sourced from* of forms and of keys of no platform."""
OWN_TITLES = {AIQ: "AIQ Loyalty", REST_API: "REST API"}

SignUpSource = Literal["till", "form", "staff"]
"""`till`: a call with a key, or a webhook; `form`: the public page; `staff`: the counter view."""

_CONTACTS = {"phone": "phone_raw", "email": "email_raw"}
"""A contact comes with its raw text, and with the flags that say what is wrong with it."""
_FIELDS = (
    "first",
    "last",
    "phone_raw",
    "email_raw",
    "birth_date",
    "gender",
    "state",
    "address",
    "favourite_store",
)


def signup_platform(source: SignUpSource, platform: Platform) -> Platform:
    """Return the platform of a signup's record. `platform`: the key's, "" for *other*."""
    if source != "till":
        return AIQ
    return REST_API if platform == NO_PLATFORM else platform


def signup_reason(source: SignUpSource, platform: Platform) -> str:
    """Return the reason of membership that a signup gives (product.md §8)."""
    if source != "till":
        return "form"
    return "partner_api" if platform == NO_PLATFORM else f"pos_signup:{platform}"


def signup_ext_id(customer: Customer) -> str | None:
    """Return the external id of a signup's record: its first valid contact, else one that stands
    for what was typed; None where no contact was."""
    if contact := customer.phone or customer.email:
        return contact
    typed = customer.phone_raw or customer.email_raw
    if not typed:
        return None
    return "typed:" + blake2b(typed.encode(), digest_size=12).hexdigest()


def with_signup(held: Customer | None, told: Customer) -> Customer:
    """Return a record after another signup of it: each field as it was told last, and what nobody
    told stays blank. What a public form claims fills a blank and takes the place of another claim,
    never of what somebody proved (partner-api.md S4). The same signups give the same record in any
    order."""
    if held is None:
        return told
    latest = max(_at(held), _at(told))
    values: dict[str, object] = {}
    times: list[str] = []
    flags: set[str] = set()
    for name in _FIELDS:
        one = max(held, told, key=partial(_rank, name))
        at = _told_at(one, name)
        if at is None:
            continue
        values[name] = getattr(one, name)
        if at != latest:
            times.append(f"{name}@{at}")
        for contact, raw in _CONTACTS.items():
            if raw == name:
                values[contact] = getattr(one, contact)
                flags |= {flag for flag in one.flags if flag.endswith(f"_{contact}")}
        if (claimed := CLAIMED + name) in one.flags:
            flags.add(claimed)
    flags |= {flag for c in (held, told) for flag in c.flags if flag == "minor"}
    return replace(
        told,
        **values,  # type: ignore[arg-type]  # fields of a customer
        flags=frozenset(flags),
        told_before=tuple(times),
        created_at=min(held.created_at or latest, told.created_at or latest),
        updated_at=latest,
    )


def _told_at(customer: Customer, name: str) -> Instant | None:
    """Return when a field was told last; None for one that was not."""
    if getattr(customer, name) in (None, ""):
        return None
    for told in customer.told_before:
        field, _, at = told.partition("@")
        if field == name:
            return int(at)
    return _at(customer)


def _rank(name: str, customer: Customer) -> tuple[int, Instant, str]:
    """Return the rank of a field's value: proven before claimed before blank, then the later one.

    Of two values of one instant the same wins, whichever came first.
    """
    at = _told_at(customer, name)
    if at is None:
        return 0, -1, ""
    field = next((field for field, raw in _CONTACTS.items() if raw == name), name)
    worth = 1 if CLAIMED + field in customer.flags else 2
    return worth, at, str(getattr(customer, name))


def _at(customer: Customer) -> Instant:
    return customer.updated_at or 0
