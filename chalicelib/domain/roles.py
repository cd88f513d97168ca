"""The rights of each role in an account (product.md §13; `DELETE` of a source's data: §3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Role = Literal["Owner", "Operator", "Marketing", "Analyst", "Manager", "Staff"]

Right = Literal[
    "account:erase",
    "account:read",
    "account:write",
    "audiences:read",
    "audiences:write",
    "audit:read",
    "counter:use",
    "discounts:read",
    "discounts:write",
    "integrations:read",
    "integrations:write",
    "inventory:read",
    "keys:read",
    "keys:write",
    "notifications:read",
    "personas:erase",
    "personas:export",
    "personas:read",
    "personas:write",
    "points:adjust",
    "previews:run",
    "runs:read",
    "runs:write",
    "settings:read",
    "settings:write",
    "sources:erase",
    "sources:trust",
    "stores:read",
    "stores:write",
    "team:read",
    "team:write",
]
"""`audiences:write` starts audience runs; `integrations:write` covers credentials, connecting and
disconnecting; `runs:write` *Sync now* and *Re-read*; `stores:write` mappings; `settings:write` the
card; `account:write` Account Settings; `counter:use` the Staff view (look up, wallet, redeem, sign
up)."""

ROLES: tuple[Role, ...] = get_args(Role)
RIGHTS: frozenset[Right] = frozenset(get_args(Right))

_READS: frozenset[Right] = frozenset(
    {
        "account:read",
        "audiences:read",
        "discounts:read",
        "integrations:read",
        "inventory:read",
        "notifications:read",
        "personas:read",
        "runs:read",
        "settings:read",
        "stores:read",
    }
)

RIGHTS_OF: Mapping[Role, frozenset[Right]] = {
    "Owner": RIGHTS,
    "Operator": _READS
    | {
        "account:write",
        "audiences:write",
        "audit:read",
        "integrations:write",
        "previews:run",
        "runs:write",
        "settings:write",
        "stores:write",
    },
    "Marketing": _READS | {"audiences:write", "discounts:write", "previews:run"},
    "Analyst": _READS | {"audit:read", "personas:export"},
    "Manager": frozenset(
        {
            "account:read",
            "counter:use",
            "discounts:read",
            "notifications:read",
            "personas:read",
            "personas:write",
            "points:adjust",
            "stores:read",
        }
    ),
    "Staff": frozenset({"counter:use"}),
}


def has_right(role: Role, right: Right) -> bool:
    """Whether users of this role have the right."""
    return right in RIGHTS_OF[role]
