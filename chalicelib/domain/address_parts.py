"""Which values may stand in the address of a server: each refusal says what is wrong.

Nothing that changes where a request goes passes: no slash, no account, no step upwards, no letter
that looks like another.
"""

from __future__ import annotations

import re

_PART = re.compile(r"[A-Za-z0-9._~-]+")
_LABEL = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def path_fault(value: str) -> str | None:
    """Return why a value cannot be a part of a path, None where it can."""
    if "/" in value or "\\" in value:
        return "has a slash in it; give the name alone, not an address"
    if "@" in value:
        return "has an @ in it; give the name alone, without an account"
    if ".." in value or value == ".":
        return "has dots that lead elsewhere; give the name as the POS shows it"
    if not value.isascii():
        return "has a letter that only looks like one of a to z; type it with one keyboard"
    if not _PART.fullmatch(value):
        return "has a character that no address has; use letters, digits, - and _"
    return None


def label_fault(value: str) -> str | None:
    """Return why a value cannot be a part of a host's name between two dots, None where it can."""
    if fault := path_fault(value):
        return fault
    if "." in value:
        return "has a dot in it; give the name alone, without what stands behind it"
    if not _LABEL.fullmatch(value):
        return "is no name of a server: letters, digits and - between them, 63 at most"
    return None
