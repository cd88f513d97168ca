"""What an audience run leaves for the Overview's figures and charts: small counts.

The run meets every persona anyway; the charts read one object and no persona.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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


class SourceTotals(NamedTuple):
    """How many personas have a record that a source listed, how many such records they have, and
    how many more are out of market."""

    personas: int = 0
    records: int = 0
    out_of_market: int = 0


NO_TOTALS = SourceTotals()


@dataclass(slots=True)
class RunFigures:
    """Counts the personas of one run. `first_seen`: by local day and source of the last 400 days,
    each persona once, under the first of its sources."""

    personas: int = 0
    members: int = 0
    points_open: Points = 0
    first_seen: dict[Day, dict[Platform, int]] = field(default_factory=dict)
    sources: dict[Platform, SourceTotals] = field(default_factory=dict)

    def add(self, line: ListedPersona, zone: str, today: Day) -> None:
        """Count a persona of the account whose zone this is."""
        self.personas += 1
        self.members += line.member
        self.points_open += max(line.points, 0)
        day = local_day_number(line.inserted_at, zone)
        if day > today - DAYS_KEPT and line.sources:
            by_source = self.first_seen.setdefault(day, {})
            by_source[line.sources[0]] = by_source.get(line.sources[0], 0) + 1

    def add_records(self, pulled: Sequence[Platform]) -> None:
        """Count the records of one persona, each by the source that listed it."""
        for source, records in Counter(pulled).items():
            before = self.sources.get(source, NO_TOTALS)
            self.sources[source] = before._replace(
                personas=before.personas + 1, records=before.records + records
            )

    def add_left_out(self, sources: Iterable[Platform]) -> None:
        """Count records that are out of market."""
        for source in sources:
            before = self.sources.get(source, NO_TOTALS)
            self.sources[source] = before._replace(out_of_market=before.out_of_market + 1)

    def totals(self) -> DayTotals:
        return DayTotals(self.personas, self.members, self.points_open)

    def packed(self) -> list[Any]:
        """Return the counts as JSON has them."""
        days = {str(day): counts for day, counts in self.first_seen.items()}
        return [self.personas, self.members, self.points_open, days]


def unpacked_figures(stored: list[Any], sources: Mapping[str, Sequence[int]]) -> RunFigures:
    personas, members, points_open, days = stored
    return RunFigures(personas, members, points_open, _days(days), unpacked_sources(sources))


def unpacked_sources(stored: Mapping[str, Sequence[int]]) -> dict[Platform, SourceTotals]:
    return {Platform(source): SourceTotals(*totals) for source, totals in stored.items()}


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """The figures of an account as its latest audience run left them. `history`: by local day, the
    last 400 that had a run."""

    as_of: Instant
    first_seen: Mapping[Day, Mapping[Platform, int]]
    history: Mapping[Day, DayTotals]
    sources: Mapping[Platform, SourceTotals] = field(default_factory=dict)

    def packed(self) -> bytes:
        """Return the figures as JSON."""
        return orjson.dumps(
            {
                "as_of": self.as_of,
                "first_seen": {str(day): counts for day, counts in self.first_seen.items()},
                "history": {str(day): totals for day, totals in self.history.items()},
                "sources": self.sources,
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
    return AccountFigures(as_of, run.first_seen, kept, run.sources)


def read_figures(objects: Objects, uid: Uid, run: str) -> AccountFigures | None:
    """Return the figures of a run; None where it left none, or none that can be read."""
    if not run:
        return None
    try:
        values: dict[str, Any] = stored_json(objects.get(figures_name(uid, run)))
        history = {int(day): DayTotals(*totals) for day, totals in values["history"].items()}
        sources = unpacked_sources(values.get("sources", {}))
        return AccountFigures(values["as_of"], _days(values["first_seen"]), history, sources)
    except (ObjectMissing, LookupError, TypeError, ValueError):
        return None


def _days(stored: Mapping[str, Mapping[str, int]]) -> dict[Day, dict[Platform, int]]:
    return {
        int(day): {Platform(source): count for source, count in counts.items()}
        for day, counts in stored.items()
    }
