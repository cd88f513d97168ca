"""Signups: what a shopper, or somebody for them, told AIQ itself (product.md §11).

A signup is a source record of its own, which pulls never overwrite and a roll-back never sees.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Literal

from chalicelib.domain.records import Customer
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

_TOLD_AGAIN = (
    "first",
    "last",
    "phone",
    "phone_raw",
    "email",
    "email_raw",
    "birth_date",
    "gender",
    "state",
    "address",
    "favourite_store",
)
_RAW = {"phone": "phone_raw", "email": "email_raw"}
_FLAGS_OF = {
    "phone": frozenset({"bad_phone", "placeholder_phone", "claimed_phone"}),
    "email": frozenset({"bad_email", "placeholder_email", "claimed_email"}),
}


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
    """Return a record after another signup of it: what was left blank stays as it was, and an older
    one only fills what is blank."""
    if held is None:
        return told
    newer, older = (told, held) if _at(told) >= _at(held) else (held, told)
    values = {
        name: value
        for name in _TOLD_AGAIN
        if (value := getattr(newer, name)) not in (None, "")
        or (value := getattr(older, name)) not in (None, "")
    }
    flags = newer.flags
    for name, raw in _RAW.items():
        if getattr(newer, raw):  # a contact and its raw text come from one telling
            values[name], values[raw] = getattr(newer, name), getattr(newer, raw)
        elif getattr(older, raw):
            values[name], values[raw] = getattr(older, name), getattr(older, raw)
            flags |= older.flags & _FLAGS_OF[name]
    if newer.birth_date is None:
        flags |= older.flags & {"minor"}
    created = min(_at(newer), _at(older))
    return replace(
        newer, **values, flags=flags, created_at=created, updated_at=max(_at(newer), _at(older))
    )


def _at(customer: Customer) -> Instant:
    return customer.updated_at or 0
