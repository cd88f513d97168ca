"""The fields of a credential as a person typed them, checked against the platform's grid column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from chalicelib.domain.errors import Conflict, InvalidInput
from chalicelib.services.ports.pos import CredentialField, PlatformInfo

MARKET = "market"
"""The field *Relevant market of credential*, where the platform has it."""

ORDINALS = "ªº"
"""Letters of their own that stand behind a number."""


def validated(info: PlatformInfo, given: Mapping[str, str]) -> dict[str, str]:
    """A whole new credential's fields; blank optional ones are left out.

    Raises InvalidInput with field, reason and example of each fault; a value is never repeated.
    """
    faults = _unknown(info, given)
    fields: dict[str, str] = {}
    for field in info.fields:
        value = _typed(given.get(field.key, ""))
        fault = _fault(field, value)
        if fault:
            faults.append(_refusal(field, fault))
        elif value:
            fields[field.key] = value
    _raise(faults)
    return fields


def validated_changes(
    info: PlatformInfo, given: Mapping[str, str], held: Mapping[str, str]
) -> dict[str, str]:
    """Only the fields to change; a blank one is to be removed and comes back as "".

    Raises InvalidInput, also for a new address without the secrets that shall go there; and
    Conflict for a field that never changes once set (product.md §3.6).
    """
    faults = _unknown(info, given)
    changes: dict[str, str] = {}
    for field in info.fields:
        if field.key not in given:
            continue
        value = _typed(given[field.key])
        fault = _fault(field, value)
        if fault:
            faults.append(_refusal(field, fault))
        elif field.immutable and held.get(field.key, value) != value:
            raise Conflict(
                f"{field.label} cannot be changed once it is set, because sales are kept under it."
                " Remove this credential and add a new one instead.",
                field=field.key,
            )
        else:
            changes[field.key] = value
    faults += _left_behind(info, changes, held)
    _raise(faults)
    return changes


def _left_behind(
    info: PlatformInfo, changes: Mapping[str, str], held: Mapping[str, str]
) -> list[dict[str, object]]:
    """The secrets missing beside a new address: a kept one goes only where it was given for, else
    whoever may change the address could read it there."""
    hosts = [field.key for field in info.fields if field.host and field.key in changes]
    if all(changes[key] == held.get(key, "") for key in hosts):
        return []
    reason = "give it again with a new address: it is sent only where it was given for"
    return [
        _refusal(field, reason)
        for field in info.fields
        if field.secret and field.key not in changes
    ]


def secret_names(info: PlatformInfo) -> frozenset[str]:
    return frozenset(field.key for field in info.fields if field.secret)


def _typed(value: str) -> str:
    """The value in the one way to write its accents: a name is a key, and a pasted `é` may be two
    characters."""
    return unicodedata.normalize("NFC", value.strip())


def _fault(field: CredentialField, value: str) -> str | None:
    if not value:
        return "required" if field.required else None
    if field.host:
        return None  # judged by the gateway, in one text for all reasons
    if len(value) > field.max_length:
        return f"at most {field.max_length} characters"
    return _misspelt(field, value)


def _misspelt(field: CredentialField, value: str) -> str | None:
    if not value.isprintable():
        return "has a line break or another character that cannot be typed"
    if _looks_alike(value):
        return "has letters that look like others; type it with one keyboard"
    if field.pattern and not re.fullmatch(field.pattern, value):
        return f"does not look like a {field.label}"
    return None


def _looks_alike(value: str) -> bool:
    """Whether the value has letters or digits that pass for others: full-width and styled ones, and
    words of several alphabets, in which an `a` may be a Cyrillic one."""
    if value.isascii():
        return False
    for word in value.split():
        plain = [c for c in word if (c.isalpha() or c.isdecimal()) and c not in ORDINALS]
        if any(unicodedata.normalize("NFKC", c) != c for c in plain):
            return True
        if len({_alphabet(c) for c in plain if c.isalpha()}) > 1:
            return True
    return False


def _alphabet(letter: str) -> str:
    """`LATIN`, `CYRILLIC` …; Japanese and Korean write with several at once."""
    found = unicodedata.name(letter, "?").split()[0]
    return "CJK" if found in ("HIRAGANA", "KATAKANA", "HANGUL") else found


def _unknown(info: PlatformInfo, given: Iterable[str]) -> list[dict[str, object]]:
    known = {field.key for field in info.fields}
    example = ", ".join(field.key for field in info.fields)
    return [
        {"field": f"fields.{name[:60]}", "reason": "unknown field", "example": example}
        for name in given
        if name not in known
    ]


def _refusal(field: CredentialField, reason: str) -> dict[str, object]:
    return {"field": f"fields.{field.key}", "reason": reason, "example": field.example}


def _raise(faults: list[dict[str, object]]) -> None:
    if faults:
        raise InvalidInput("Some fields cannot be taken; nothing was stored.", errors=faults)
