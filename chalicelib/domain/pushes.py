"""Calls of a POS that wait: whom what they told is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.traces import Traces

SHOPPER = ("pos_user", "member")
"""Fields of a pushed sale that say who bought."""


def is_about(thing: Mapping[str, Any], traces: Traces) -> bool:
    """Whether a pushed shopper is this person, or a pushed sale theirs."""
    return traces.mark(_who(thing))


def without(things: Sequence[dict[str, Any]], traces: Traces) -> list[dict[str, Any]]:
    """Return what was told without the person: a sale of theirs without its shopper."""
    kept = []
    for thing in things:
        if not is_about(thing, traces):
            kept.append(thing)
        elif _is_sale(thing):
            kept.append({**thing, "pos_user": "", "member": None})
    return kept


def _is_sale(thing: Mapping[str, Any]) -> bool:
    return "pos_user" in thing


def _who(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: thing[name] for name in SHOPPER} if _is_sale(thing) else thing
