"""What was done for or by a shopper, stored with one of their source records (product.md §6, §8).

An act is a fact: it stays when rules change, and moves with its record when a persona splits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain.words import Instant

KEPT = "kept"
DOUBLE_OPT_IN = "double_opt_in"


class Join(NamedTuple):
    """A reason of membership that somebody gave, and when; the first of several counts.

    `reason`: `form`, `partner_api`, `pos_signup:<platform>`, `double_opt_in:<platform>` or
    `kept:<setting>:<platform>@<day>`.
    """

    reason: str
    at: Instant


class Imported(NamedTuple):
    """The points balance that a POS listed, and the run that read the listing."""

    points: int
    run: str


@dataclass(frozen=True, slots=True)
class Acts:
    """`joins` are ordered by reason, one per reason. `flags` counts the changes of the record's
    consent flags, the last of them seen at `flags_at`."""

    joins: tuple[Join, ...] = ()
    imported: Imported | None = None
    flags: int = 0
    flags_at: Instant = 0


NO_ACTS = Acts()


def merge_joins(joins: Iterable[Join], more: Iterable[Join]) -> tuple[Join, ...]:
    """Return the joins of both, each reason once at its earliest instant, ordered by reason."""
    first: dict[str, Join] = {}
    for join in (*joins, *more):
        held = first.get(join.reason)
        if held is None or join.at < held.at:
            first[join.reason] = join
    return tuple(first[reason] for reason in sorted(first))
