"""The figures and charts of the Overview, from what audience runs and syncs counted (§13).

No persona and no sale is read: new personas and points come of the latest audience run, sales by
day of what the syncs of each credential saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.errors import NotFound, field_fault, invalid_fields
from chalicelib.domain.series import Bucket, BucketWidth, buckets
from chalicelib.domain.times import local_day_number
from chalicelib.domain.words import Day, Instant, Platform, Points, Uid
from chalicelib.services.audiences.figures import AccountFigures, read_figures
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audiences import AudienceRun, AudienceRuns, Objects
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Credential, Credentials, Integrations
from chalicelib.services.ports.runs import SyncStates

SeriesName = Literal["sales", "personas", "points"]
POINTS_SERIES = "points"
"""The one line of the liability's chart."""


@dataclass(frozen=True, slots=True)
class Overview:
    """An account at a glance, as its latest audience run left it; `as_of` None before the first.

    `sources`: personas by platform of *Sourced from*; who has several counts under each.
    """

    as_of: Instant | None = None
    personas: int = 0
    personas_today: int = 0
    members: int = 0
    points_open: Points | None = None
    sources: Mapping[Platform, int] | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A chart: its buckets from the oldest on. `sources`: what its values are by."""

    as_of: Instant | None
    sources: tuple[str, ...]
    buckets: list[Bucket]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewService:
    """Reads the Overview's figures and series."""

    accounts: Accounts
    runs: AudienceRuns
    objects: Objects
    integrations: Integrations
    credentials: Credentials
    states: SyncStates
    clock: Clock

    def overview(self, uid: Uid) -> Overview:
        """Return the figures of the latest audience run."""
        run, figures = self._latest(uid)
        if run is None:
            return Overview()
        counts = {count.name: count for count in run.audiences}
        everybody, members = counts.get("personas"), counts.get("members")
        today = self._today(uid)
        seen_today = figures.first_seen.get(today, {}) if figures else {}
        totals = figures.history.get(max(figures.history)) if figures else None
        return Overview(
            as_of=run.as_of,
            personas=everybody.total if everybody else run.personas,
            personas_today=sum(seen_today.values()),
            members=members.total if members else 0,
            points_open=totals.points_open if totals else None,
            sources=everybody.by_source if everybody else {},
        )

    def series(self, uid: Uid, name: SeriesName, first: Day, last: Day, by: BucketWidth) -> Series:
        """Return a chart's buckets from `first` to `last`, local days. Raises InvalidInput."""
        if first > last:
            raise invalid_fields(field_fault("from", "a day that is not after `to`", "2026-01-01"))
        if name == "sales":
            return self._sales(uid, first, last, by)
        _, figures = self._latest(uid)
        if figures is None:
            return Series(None, (), [])
        if name == "personas":
            return _series(figures.as_of, figures.first_seen, first, last, by, {})
        open_points = {
            day: {POINTS_SERIES: totals.points_open} for day, totals in figures.history.items()
        }
        return Series(
            figures.as_of,
            (POINTS_SERIES,),
            [Bucket(day, v) for day, v in sorted(open_points.items()) if first <= day <= last],
        )

    def _sales(self, uid: Uid, first: Day, last: Day, by: BucketWidth) -> Series:
        zone = self.accounts.get(uid).time_zone
        counts: dict[Day, dict[Platform, int]] = {}
        read_until: dict[Platform, Day | None] = {}
        connected = [card for card in self.integrations.for_account(uid) if card.state != "draft"]
        for card in connected:
            held = self.credentials.for_integration(uid, card.platform)
            if not held:
                continue
            read_until[card.platform] = _read_until(held, zone)
            for credential in held:
                sales = self.states.streams(uid, credential.id).get("sales")
                for day, count in (sales.days if sales else {}).items():
                    by_source = counts.setdefault(int(day), {})
                    before = by_source.get(card.platform, 0)
                    by_source[card.platform] = before + count
        return _series(self.clock.now(), counts, first, last, by, read_until)

    def _latest(self, uid: Uid) -> tuple[AudienceRun | None, AccountFigures | None]:
        latest = self.runs.head(uid).latest
        if not latest:
            return None, None
        try:
            run = self.runs.run(uid, latest)
        except NotFound:
            return None, None
        return run, read_figures(self.objects, uid, latest)

    def _today(self, uid: Uid) -> Day:
        return local_day_number(self.clock.now(), self.accounts.get(uid).time_zone)


def _series(
    as_of: Instant,
    counts: Mapping[Day, Mapping[Platform, int]],
    first: Day,
    last: Day,
    by: BucketWidth,
    read_until: Mapping[Platform, Day | None],
) -> Series:
    made = buckets(counts, first, last, by, read_until)
    sources = sorted({source for bucket in made for source in bucket.values} | set(read_until))
    return Series(as_of, tuple(sources), made)


def _read_until(held: list[Credential], zone: str) -> Day | None:
    """The last local day that a good sync of every credential reached."""
    times = [credential.last_good_run_at for credential in held]
    known = [at for at in times if at is not None]
    return local_day_number(min(known), zone) if len(known) == len(times) else None
