"""Which rows belong to an account, by their keys alone (docs/reference/design.md, "Tables")."""

from __future__ import annotations

from chalicelib.domain.words import Uid

_SECOND_PARTS = 2


def belongs_to(uid: Uid, pk: str, sk: str) -> bool:
    """Whether the row is the account's: its partition names it first or second, or its sort key in
    a partition that many accounts share."""
    parts = pk.split("#")
    if parts[0] == uid or (len(parts) >= _SECOND_PARTS and parts[1] == uid):
        return True
    match parts[0]:
        case "DIGESTS" | "EXPIRY":
            return sk == uid
        case "AUDIENCES":
            return sk.endswith(f"#{uid}")
        case "SHOPPERSDUE":
            return sk.startswith(f"{uid}#")
    return False
