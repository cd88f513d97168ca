"""Which rows of a listing are asked for, and whether the POS kept to it: one axis of three.

A filter is pure. What it asks for is a span of the listing, which a position keeps where several
are read one after another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar, Generic, TypeVar

from chalicelib.domain.times import DAY, HOUR, MINUTE, SECOND, from_datetime, to_datetime
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.response_page import Json, ResponsePage
from chalicelib.pos.profile.paging import TimeFilter
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Times
from chalicelib.pos.rows import times
from chalicelib.pos.rows.coerce import Unusable
from chalicelib.services.ports.pos import StreamPlan, TimeSpan

Params = dict[str, str]
S = TypeVar("S")
"""What a filter asks for: a dataclass that a position may hold."""

INSTANTS = ("iso", "seconds", "milliseconds")
"""Forms of a time that tell the instant, wherever the clock stands."""

TICK: Instant = 1
"""POS tell milliseconds and may know finer ones, so bounds overlap by one of ours."""


@dataclass(frozen=True, slots=True)
class Span:
    """Rows from `after` to `before`, both included, without a bound where it is None. `floor`:
    where the last span begins, None where there is but one."""

    after: Instant | None
    before: Instant | None = None
    floor: Instant | None = None


class Filter(ABC, Generic[S]):
    """Asks for one span of a listing after another, newest first."""

    span_type: ClassVar[type]
    is_kept = True
    """Whether a position keeps the span: it cannot be told from the plan alone."""

    @abstractmethod
    def first(self, plan: StreamPlan) -> S:
        """The span to begin with."""

    @abstractmethod
    def params(self, span: S) -> Params:
        """The parameters that ask for it."""

    @abstractmethod
    def check(self, plan: StreamPlan, span: S, page: ResponsePage) -> None:
        """Raises FilterIgnored when most rows lie outside of what was asked for."""

    def following(self, span: S, rows: int) -> S | None:  # noqa: ARG002
        """The span before one that held so many rows; None where that was the last."""
        return None

    def times_read(self, plan: StreamPlan, span: S) -> TimeSpan | None:  # noqa: ARG002
        """The times that the whole listing showed when this was its last span; None of one that
        showed no time as a whole."""
        return None

    def leaves_nothing_out(self, plan: StreamPlan, span: S) -> bool:  # noqa: ARG002
        """Whether a listing that was read to its end holds everything the POS has."""
        return False


class NoFilter(Filter[Span]):
    """Asks for all rows."""

    span_type = Span
    is_kept = False

    def first(self, plan: StreamPlan) -> Span:  # noqa: ARG002
        return Span(None)

    def params(self, span: Span) -> Params:  # noqa: ARG002
        return {}

    def check(self, plan: StreamPlan, span: Span, page: ResponsePage) -> None:
        """Nothing can be outside."""

    def leaves_nothing_out(self, plan: StreamPlan, span: Span) -> bool:  # noqa: ARG002
        return True


@dataclass(frozen=True, slots=True)
class TimeBounds(Filter[Span]):
    """Asks for rows by a time of theirs. `write` writes a bound, `read` reads a row's time; where
    times are those of a shop's clock, `shown` says what it showed at an instant, as if it were UTC.
    `blur`: what a bound as it is written may leave open."""

    spec: TimeFilter
    write: Callable[[Instant], str]
    read: Callable[[Json], Instant | None]
    shown: Callable[[Instant], Instant] = lambda at: at
    blur: Instant = 0

    span_type = Span

    @property
    def is_kept(self) -> bool:  # type: ignore[override]
        return self.spec.window_days is not None

    def first(self, plan: StreamPlan) -> Span:
        spec = self.spec
        if plan.since is not None:
            return Span(plan.since - spec.look_back_days * DAY)
        floor = history_start(plan, spec.history_days)
        if spec.window_days is not None:
            # The newest window has no end, so that no row can fall off it.
            return Span(max(floor, plan.now - spec.window_days * DAY), floor=floor)
        return Span(floor) if spec.from_history else Span(None)

    def params(self, span: Span) -> Params:
        spec, params = self.spec, {}
        if span.after is not None:
            params[spec.after] = self.write(span.after)
        if spec.before and span.before is not None:
            params[spec.before] = self.write(span.before)
        return params

    def check(self, plan: StreamPlan, span: Span, page: ResponsePage) -> None:
        """Rows that are dated ahead by a wrong clock do not count."""
        if span.after is None and span.before is None:
            return
        ahead = self.shown(plan.now) + DAY
        early = 0 if span.after is None else self.shown(span.after) - self.blur
        late = ahead if span.before is None else self.shown(span.before) + self.blur
        instants = (instant for row in page.rows if (instant := self.read(row)) is not None)
        page.check_filter(
            (instant < early or late < instant <= ahead for instant in instants),
            "The filter by time is ignored",
        )

    def following(self, span: Span, rows: int) -> Span | None:  # noqa: ARG002
        """A row at the seam is met twice rather than never."""
        days = self.spec.window_days
        if days is None or span.floor is None or span.after is None or span.after <= span.floor:
            return None
        start = max(span.floor, span.after - days * DAY)
        return Span(start, span.after + TICK, span.floor)

    def times_read(self, plan: StreamPlan, span: Span) -> TimeSpan | None:
        start = span.after if span.floor is None else span.floor
        return None if start is None else TimeSpan(start, plan.now)

    def leaves_nothing_out(self, plan: StreamPlan, span: Span) -> bool:  # noqa: ARG002
        return span.after is None and span.before is None


def time_bounds(spec: TimeFilter, clock: Times, zone: str) -> TimeBounds:
    """The filter by time that a profile asks for; `zone`: of the shop whose clock it goes by."""
    if clock.zone != "store" or spec.format in INSTANTS:
        write = partial(written_time, layout=spec.format)
        read_instant = instant_of(clock, spec.field, zone)
        return TimeBounds(spec, write, read_instant, blur=_blur(spec.format))

    def read(row: Json) -> Instant | None:
        moment = times.wall_clock(spec.field.value(row), clock.formats)
        return None if moment is None else from_datetime(moment.replace(tzinfo=UTC))

    def write_shown(at: Instant) -> str:
        return _clock_before(at, zone).strftime(spec.format)

    def shown(at: Instant) -> Instant:
        return from_datetime(_clock_before(at, zone).replace(microsecond=0, tzinfo=UTC))

    return TimeBounds(spec, write_shown, read, shown)


def _clock_before(at: Instant, zone: str) -> datetime:
    """What a shop's clock showed; an hour earlier when it is about to be put back, for it will then
    show that hour again."""
    moment, later = to_datetime(at, zone), to_datetime(at + HOUR, zone)
    if later.utcoffset() != moment.utcoffset():
        moment = to_datetime(at - HOUR, zone)
    return moment.replace(tzinfo=None)


def instant_of(
    clock: Times, field: Path | None, zone: str = "UTC"
) -> Callable[[Json], Instant | None]:
    """A reader of a row's instant; None for a row that has none we can read. `zone`: of the shop
    whose clock texts without an offset show."""
    if field is None:
        return lambda _row: None
    read = times.instant_reader(zone if clock.zone == "store" else clock.zone, clock.formats)

    def instant(row: Json) -> Instant | None:
        try:
            return read(field.value(row))
        except Unusable:
            return None

    return instant


def latest_of(
    clock: Times, field: Path | None, zone: str = "UTC"
) -> Callable[[Sequence[Json]], Instant | None]:
    """A reader of the latest instant of some rows; None where none has one we can read."""
    if field is None:
        return lambda _rows: None
    instant = instant_of(clock, field, zone)

    def latest(rows: Sequence[Json]) -> Instant | None:
        texts = [field.value(row) for row in rows]
        if are_of_one_form_in_utc(texts):
            last = instant(rows[texts.index(max(texts))])
            if last is not None:
                return last
        return max((at for at in map(instant, rows) if at is not None), default=None)

    return latest


def are_of_one_form_in_utc(texts: Sequence[Json]) -> bool:
    """Whether these are times of one form, `YYYY-MM-DDT…Z` of one length: a later one is then the
    greater text, and need not be read to be compared."""
    for text in texts:
        if type(text) is not str or text[10:11] != "T" or text[-1] != "Z":
            return False
    return len(set(map(len, texts))) == 1


def history_start(plan: StreamPlan, days: int) -> Instant:
    """Return how far back a first pass reads: to the plan's beginning, else so many days."""
    return plan.now - days * DAY if plan.history_from is None else plan.history_from


def written_time(at: Instant, layout: str = "iso") -> str:
    """A time as a filter takes it: `2026-05-01T00:00:00.000Z`, the form seen in working calls,
    unless the profile says another."""
    if layout == "milliseconds":
        return str(at)
    if layout == "seconds":
        return str(at // 1000)
    moment = to_datetime(at).replace(tzinfo=None)
    if layout == "iso":
        return moment.isoformat(timespec="milliseconds") + "Z"
    return moment.strftime(layout)


def _blur(layout: str) -> Instant:
    """The length of the last unit that a format writes, where it is longer than ours."""
    if layout in ("iso", "milliseconds"):
        return 0
    if layout == "seconds" or any(code in layout for code in ("%S", "%T", "%c", "%X", "%s")):
        return SECOND
    return MINUTE if "%M" in layout or "%R" in layout else DAY
