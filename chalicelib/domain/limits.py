"""How much one account may ask of what all accounts share (docs/reference/limits.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

HourlyLimit = Literal[
    "checks",
    "credential_changes",
    "syncs",
    "rereads",
    "previews",
    "invitations",
    "audience_runs",
    "exports",
]
"""How often an account may do each within an hour."""

SlotLimit = Literal["sync_slots", "own_server_slots", "jobs_slots"]
"""How many messages of a queue may be worked on at once for an account; by default half of what the
queue's workers can (`domain/slots.py`)."""

OtherLimit = Literal["credentials", "own_server_minutes"]
"""Live credentials of an account; minutes that a run of an own server may work in all."""

CallLimit = Literal["till_calls", "push_calls", "read_calls"]
"""Calls of one API key within an hour, by their bucket; those within a minute and a second follow
(`domain/api_keys.py`)."""

LimitName = HourlyLimit | SlotLimit | OtherLimit | CallLimit

LIMIT_NAMES: tuple[LimitName, ...] = (
    *get_args(HourlyLimit),
    *get_args(OtherLimit),
    *get_args(SlotLimit),
    *get_args(CallLimit),
)

SLOT_LIMITS: Mapping[Literal["sync", "sync-own-server", "jobs"], SlotLimit] = {
    "sync": "sync_slots",
    "sync-own-server": "own_server_slots",
    "jobs": "jobs_slots",
}

DEFAULT_LIMITS: Mapping[LimitName, int] = {
    "checks": 60,
    "credential_changes": 120,
    "syncs": 120,
    "rereads": 12,
    "previews": 120,
    "invitations": 30,
    "audience_runs": 12,
    "exports": 30,
    "credentials": 300,
    "own_server_minutes": 120,
    "till_calls": 20_000,
    "push_calls": 2_000,
    "read_calls": 2_000,
}
"""What holds for an account until the operator raises it."""

LEAST_PER_USER = 5


def per_user(most: int) -> int:
    """Return how much of an account's limit one user may use: a fifth, but at least five."""
    return max(LEAST_PER_USER, most // 5)
