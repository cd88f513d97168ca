"""Read what was typed in a signup: whatever cannot be read is *not said*, with a warning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from chalicelib.domain.names import fold_name
from chalicelib.domain.records import CLAIMED, Customer
from chalicelib.domain.words import Instant
from chalicelib.services.ports.signups import ReadContact, SignUp, SignUpWarning
from chalicelib.services.ports.stores import Store

LONGEST = 200
OLDEST_YEAR = 1900
BAD_PHONE = "this is no phone number: it is kept as it was written"
BAD_EMAIL = "this is no e-mail address: it is kept as it was written"
BAD_BIRTH_DATE = "give a date such as 1990-01-31; it was not taken"
NO_STORE = "the account has no such store (Settings -> Retail Stores); it was not taken"

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_MONTH_FIRST = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_NUMBER = re.compile(r"[0-9]{1,8}")


def read_signup(
    signup: SignUp, phone: ReadContact, email: ReadContact, now: Instant
) -> tuple[Customer, list[SignUpWarning]]:
    """Return the shopper that was told, without an id and a store."""
    warnings: list[SignUpWarning] = []
    flags: set[str] = set()
    number = _contact(signup.phone, phone, "phone", BAD_PHONE, flags, warnings)
    address = _contact(signup.email, email, "email", BAD_EMAIL, flags, warnings)
    for channel, name in (("sms", "phone"), ("email", "email")):
        if channel in signup.claimed and {"phone": number, "email": address}[name]:
            flags.add(CLAIMED + name)
    born = read_birth_date(signup.birth_date)
    if born is None and signup.birth_date.strip():
        warnings.append(SignUpWarning("birth_date", BAD_BIRTH_DATE))
    at = now if signup.at is None else signup.at
    if signup.source == "form":
        flags |= {CLAIMED + name for name, value in _names(signup, born).items() if value}
    customer = Customer(
        "",
        first=_text(signup.first),
        last=_text(signup.last),
        phone=None if f"{CLAIMED}phone" in flags else number,
        phone_raw=_text(signup.phone) or None,
        email=None if f"{CLAIMED}email" in flags else address,
        email_raw=_text(signup.email) or None,
        birth_date=born,
        address=_text(signup.address) or None,
        state=_text(signup.state) or None,
        created_at=at,
        updated_at=at,
        flags=frozenset(flags),
    )
    return customer, warnings


def is_number(typed: str) -> bool:
    """Whether a store was told by its number."""
    return _NUMBER.fullmatch(typed.strip()) is not None


def store_named(typed: str, stores: Sequence[Store]) -> int | None:
    """Return the store of this name or nickname; None for none, or several."""
    wanted = fold_name(typed)
    found = {
        s.id for s in stores if wanted and wanted in (fold_name(s.name), fold_name(s.nickname))
    }
    return found.pop() if len(found) == 1 else None


def _contact(
    typed: str,
    read: ReadContact,
    field: str,
    reason: str,
    flags: set[str],
    warnings: list[SignUpWarning],
) -> str | None:
    text = typed.strip()
    if not text:
        return None
    value, flag = read(text)
    if flag is not None:
        flags.add(flag)
        warnings.append(SignUpWarning(field, reason))
    return value


def _text(typed: str) -> str:
    return " ".join(typed.split())[:LONGEST]


def _names(signup: SignUp, born: str | None) -> dict[str, str]:
    return {"first": _text(signup.first), "last": _text(signup.last), "birth_date": born or ""}


def read_birth_date(typed: str) -> str | None:
    """Return the ISO text of a date: ISO, or month first where no other reading is one."""
    text = typed.strip()
    if match := _ISO.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := _MONTH_FIRST.fullmatch(text):
        month, day, year = map(int, match.groups())
        if day <= 12 and day != month:
            return None
    else:
        return None
    try:
        born = date(year, month, day)
    except ValueError:
        return None
    return born.isoformat() if born.year >= OLDEST_YEAR else None
