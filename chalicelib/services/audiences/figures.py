"""What an audience run leaves for the Overview's figures and charts: small counts.

The run meets every persona anyway; the charts read one object and no persona.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from chalicelib.domain.audiences import ListedPersona
from chalicelib.domain.times import local_day_number
from chalicelib.domain.words import Day, Instant, Platform, Points, Uid
from chalicelib.services.audiences.snapshots import snapshot_prefix
from chalicelib.services.audiences.volumes import stored_json
from chalicelib.services.ports.audiences import ObjectMissing, Objects

DAYS_KEPT = 400


class DayTotals(NamedTuple):
    """What an account had at the end of its last audience run of a day. `points_open`: what it owes
    its members, in hundredths of a point; a balance below zero owes nothing."""

    personas: int
    members: int
    points_open: Points


@dataclass(slots=True)
class RunFigures:
    """Counts the personas of one run. `first_seen`: by local day and source of the last 400 days,
    each persona once, under the first of its sources."""

    personas: int = 0
    members: int = 0
    points_open: Points = 0
    first_seen: dict[Day, dict[Platform, int]] = field(default_factory=dict)

    def add(self, line: ListedPersona, zone: str, today: Day) -> None:
        """Count a persona of the account whose zone this is."""
        self.personas += 1
        self.members += line.member
        self.points_open += max(line.points, 0)
        day = local_day_number(line.inserted_at, zone)
        if day > today - DAYS_KEPT and line.sources:
            by_source = self.first_seen.setdefault(day, {})
            by_source[line.sources[0]] = by_source.get(line.sources[0], 0) + 1

    def totals(self) -> DayTotals:
        return DayTotals(self.personas, self.members, self.points_open)

    def packed(self) -> list[Any]:
        """Return the counts as JSON has them."""
        days = {str(day): counts for day, counts in self.first_seen.items()}
        return [self.personas, self.members, self.points_open, days]


def unpacked_figures(stored: list[Any]) -> RunFigures:
    personas, members, points_open, days = stored
    return RunFigures(personas, members, points_open, _days(days))


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """The figures of an account as its latest audience run left them. `history`: by local day, the
    last 400 that had a run."""

    as_of: Instant
    first_seen: Mapping[Day, Mapping[Platform, int]]
    history: Mapping[Day, DayTotals]

    def packed(self) -> bytes:
        """Return the figures as JSON."""
        return orjson.dumps(
            {
                "as_of": self.as_of,
                "first_seen": {str(day): counts for day, counts in self.first_seen.items()},
                "history": {str(day): totals for day, totals in self.history.items()},
            },
            default=list,
        )


def figures_name(uid: Uid, run: str) -> str:
    return f"{snapshot_prefix(uid, run)}figures.json"


def figures_after(
    before: AccountFigures | None, run: RunFigures, as_of: Instant, zone: str
) -> AccountFigures:
    """Return the figures that a run leaves, when those of the run before were these."""
    today = local_day_number(as_of, zone)
    history = dict(before.history) if before else {}
    history[today] = run.totals()
    kept = {day: totals for day, totals in sorted(history.items()) if day > today - DAYS_KEPT}
    return AccountFigures(as_of, run.first_seen, kept)


def read_figures(objects: Objects, uid: Uid, run: str) -> AccountFigures | None:
    """Return the figures of a run; None where it left none, or none that can be read."""
    if not run:
        return None
    try:
        values: dict[str, Any] = stored_json(objects.get(figures_name(uid, run)))
        history = {int(day): DayTotals(*totals) for day, totals in values["history"].items()}
        return AccountFigures(values["as_of"], _days(values["first_seen"]), history)
    except (ObjectMissing, LookupError, TypeError, ValueError):
        return None


def _days(stored: Mapping[str, Mapping[str, int]]) -> dict[Day, dict[Platform, int]]:
    return {
        int(day): {Platform(source): count for source, count in counts.items()}
        for day, counts in stored.items()
    }
