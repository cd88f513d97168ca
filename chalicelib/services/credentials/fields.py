"""Check the fields of a credential, as a person typed them, against the platform's profile."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from chalicelib.domain.address_parts import label_fault, path_fault
from chalicelib.domain.errors import Conflict, field_fault, invalid_fields
from chalicelib.domain.shown_text import HIDDEN_REASON, has_hidden
from chalicelib.services.ports.pos import CredentialField, PlatformInfo

MARKET = "market"
"""The field *Relevant market of credential*, where the platform has it."""

ORDINALS = "ªº"
"""Letters of their own that stand behind a number."""


def check_fields(info: PlatformInfo, given: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a new credential; blank optional ones are left out.

    Raises InvalidInput with field, reason and example of each fault; a value is never repeated.
    """
    faults = _unknown(info, given)
    fields: dict[str, str] = {}
    for field in info.fields:
        value = _normal_form(given.get(field.key, ""))
        fault = _fault(field, value)
        if fault:
            faults.append(_refusal(field, fault))
        elif value:
            fields[field.key] = value
    _raise(faults)
    return fields


def check_changes(
    info: PlatformInfo,
    given: Mapping[str, str],
    stored: Mapping[str, str],
    *,
    trusts_more: bool = False,
) -> dict[str, str]:
    """Return the fields to change; a blank one is to be removed and comes back as "".

    `stored`: the credential's fields in clear today. `trusts_more`: whether the change also lets
    more pass for the retailer's server, see `host_trust.trusts_more`.

    Raises InvalidInput, also for a new address or new trust without the secrets that shall go
    there; and Conflict for a field that never changes once set (product.md §3.6).
    """
    faults = _unknown(info, given)
    changes: dict[str, str] = {}
    for field in info.fields:
        if field.key not in given:
            continue
        value = _normal_form(given[field.key])
        fault = _fault(field, value)
        if fault:
            faults.append(_refusal(field, fault))
        elif field.immutable and stored.get(field.key, value) != value:
            raise Conflict(
                f"{field.label} cannot be changed once it is set, because sales are kept under it."
                " Remove this credential and add a new one instead.",
                field=field.key,
            )
        else:
            changes[field.key] = value
    if trusts_more or _is_another_address(info, changes, stored):
        faults += _missing_secrets(info, changes)
    _raise(faults)
    return changes


def _is_another_address(
    info: PlatformInfo, changes: Mapping[str, str], stored: Mapping[str, str]
) -> bool:
    named = [field.key for field in info.fields if field.host or field.within == "host"]
    hosts = [key for key in named if key in changes]
    return any(changes[key] != stored.get(key, "") for key in hosts)


def _missing_secrets(info: PlatformInfo, changes: Mapping[str, str]) -> list[dict[str, object]]:
    """Return a fault for each secret that is not given again.

    A stored secret goes only to the address and under the trust that it was given for, else whoever
    may change these could read it there.
    """
    reason = "give it again with a new address or trust: it is sent only where it was given for"
    return [
        _refusal(field, reason)
        for field in info.fields
        if field.secret and field.key not in changes
    ]


def secret_names(info: PlatformInfo) -> frozenset[str]:
    """Return the keys of the fields that are secret."""
    return frozenset(field.key for field in info.fields if field.secret)


def _normal_form(value: str) -> str:
    """Return the value in Unicode's composed form: a name is a key, and a pasted `é` may be two
    characters."""
    return unicodedata.normalize("NFC", value.strip())


def _fault(field: CredentialField, value: str) -> str | None:
    if not value:
        return "required" if field.required else None
    if field.host:
        return None  # judged by the gateway, in one text for all reasons
    if field.within:
        judge = label_fault if field.within == "host" else path_fault
        if fault := judge(value):
            return fault
    if len(value) > field.max_length:
        return f"at most {field.max_length} characters"
    return _spelling_fault(field, value)


def _spelling_fault(field: CredentialField, value: str) -> str | None:
    if has_hidden(value) or not value.isprintable():
        return HIDDEN_REASON
    if _looks_alike(value):
        return "has letters that look like others; type it with one keyboard"
    if field.pattern and not re.fullmatch(field.pattern, value):
        return f"does not look like a {field.label}"
    return None


def _looks_alike(value: str) -> bool:
    """Whether the value has letters or digits that pass for others: full-width or styled ones, or
    a word of several alphabets, in which an `a` may be a Cyrillic one."""
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
    """Return `LATIN`, `CYRILLIC` …; Japanese and Korean write with several at once."""
    alphabet = unicodedata.name(letter, "?").split()[0]
    return "CJK" if alphabet in ("HIRAGANA", "KATAKANA", "HANGUL") else alphabet


def _unknown(info: PlatformInfo, given: Iterable[str]) -> list[dict[str, object]]:
    known = {field.key for field in info.fields}
    example = ", ".join(field.key for field in info.fields)
    return [
        field_fault(f"fields.{name[:60]}", "unknown field", example)
        for name in given
        if name not in known
    ]


def _refusal(field: CredentialField, reason: str) -> dict[str, object]:
    return field_fault(f"fields.{field.key}", reason, field.example)


def _raise(faults: list[dict[str, object]]) -> None:
    if faults:
        raise invalid_fields(*faults)
