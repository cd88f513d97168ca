"""How far a run has come: what its checkpoint keeps, and what people see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from chalicelib.domain.records import STREAMS
from chalicelib.domain.schedule import PassKind
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import Instant, RunState, Stream
from chalicelib.services.ports.pos import Cursor
from chalicelib.services.ports.runs import RunError, RunView, StreamTotals
from chalicelib.services.sync.run_result import StreamResult

MOST_WORDS = 200
"""Unknown words of a run that are counted each by itself: a new one in every row of the POS would
outgrow the run's row."""


LATER = ("aside_from", "words_from", "expected", "bookmark", "next_bookmark", "began_over")
"""Fields of a stream's progress that came later."""


@dataclass(slots=True)
class StreamProgress:
    """Holds how far a run has come with one stream. Stored with the run's checkpoint, by field
    name.

    `since`: read what changed since then; None on a full pass. `kind`: which pass it is. `cursor`:
    of the next page. `generation`, `chunks` and `deltas`: the address of the stream's manifest;
    `seen_generation` and `seen_deltas`: that of the list of what this listing showed. `listed`:
    rows of the listing so far; `expected`: of the last one, where this one lists everything, too.
    `days`: new sales per local day. `store_key_sales`: new sales per
    store key. `ended`: nothing is left to read. `good`: all of it was read. `aside_from`: the
    earliest time of a record that was set aside, `words_from`: of a sale with a status that the
    profile does not know. `bookmark`: what the listing goes on from, None where it reads by time or
    everything; `next_bookmark`: what it told to go on from next time. `began_over`: the POS no
    longer knew what it went on from.
    """

    since: Instant | None = None
    history_from: Instant | None = None
    kind: PassKind = "between"
    cursor: Cursor | None = None
    generation: int = 0
    chunks: int = 0
    deltas: int = 0
    seen_generation: int = 0
    seen_deltas: int = 0
    listed: int = 0
    full_listing: bool = False
    expected: int | None = None
    days: dict[str, int] = field(default_factory=dict)
    store_key_sales: dict[str, int] = field(default_factory=dict)
    ended: bool = False
    good: bool = False
    aside_from: Instant | None = None
    words_from: Instant | None = None
    bookmark: str | None = None
    next_bookmark: str | None = None
    began_over: bool = False

    @property
    def read_from(self) -> Instant | None:
        """Since when the stream is read; None for all there is."""
        return self.history_from if self.since is None else self.since


@dataclass(slots=True)
class Progress:
    """A run's whole checkpoint, stored by field name.

    `began`: the clock before the run's first request. `store_names`: name and IANA zone by store
    key. `asides`: records set aside and kept. `waits`: times in a row that the POS asked for
    patience; `resume_at`: when a waiting run goes on. `idle_hops`: processes in a row that took no
    page. `error`: why the run fails. `missing`: permissions that the key lacks. `imports`: the card
    takes points from the POS; `importing`: this run's customers listing may fix them. `leavers`:
    records of members who lost their last reason of membership and are not noted yet. `judging`:
    the customers were read to their end, and it is to be judged whether blanked contacts are taken.
    `sales_missing`: sales that the listing lacked and those it should have shown, where it lacked
    too many to be believed. `unread_balances`: external ids of shoppers whose points an importing
    run could not read.
    """

    began: Instant
    streams: dict[Stream, StreamProgress] = field(default_factory=dict)
    store_names: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    asides: int = 0
    waits: int = 0
    resume_at: Instant | None = None
    idle_hops: int = 0
    error: RunError | None = None
    missing: list[str] = field(default_factory=list)
    imports: bool = False
    importing: bool = False
    leavers: list[str] = field(default_factory=list)
    judging: bool = False
    sales_missing: tuple[int, int] | None = None
    unread_balances: list[str] = field(default_factory=list)

    def dump(self) -> dict[str, Any]:
        """Return what `load` reads. Fields that came later are left out while they say nothing: a
        process with older code can then go on with the run."""
        dumped = asdict(self)
        if not self.judging:
            del dumped["judging"]
        if self.sales_missing is None:
            del dumped["sales_missing"]
        for stream in dumped["streams"].values():
            for name in LATER:
                if not stream[name]:
                    del stream[name]
        if not self.unread_balances:
            del dumped["unread_balances"]
        return dumped

    @classmethod
    def load(cls, checkpoint: dict[str, Any]) -> Progress:
        """Return the progress that `dump` wrote; what newer code wrote besides is passed over."""
        streams = {n: from_fields(StreamProgress, at) for n, at in checkpoint["streams"].items()}
        names = {key: (name, zone) for key, (name, zone) in checkpoint["store_names"].items()}
        error = from_fields(RunError, checkpoint["error"]) if checkpoint["error"] else None
        missing = checkpoint.get("sales_missing")
        read = {
            **checkpoint,
            "streams": streams,
            "store_names": names,
            "error": error,
            "sales_missing": (missing[0], missing[1]) if missing else None,
        }
        return from_fields(cls, read)

    def end_all(self) -> None:
        """Read nothing more in this run: a process that takes it up only ends it."""
        for stream in self.streams.values():
            stream.ended = True

    def expected_rows(self, stream: Stream) -> int | None:
        """Return how many rows the listing of the stream is likely to have; None when unknown."""
        progress = self.streams.get(stream)
        return None if progress is None else progress.expected

    def next_stream(self) -> Stream | None:
        """Return the first stream that is not read to its end; None when all are."""
        for name in STREAMS:
            stream = self.streams.get(name)
            if stream is not None and not stream.ended:
                return name
        return None


class Tally:
    """Counts what a run does, on top of the counts of its earlier processes."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._streams: dict[Stream, dict[str, int]] = {
            name: _counts(totals) for name, totals in view.streams.items()
        }
        self._reasons = dict(view.reasons)
        self._words = dict(view.unknown_words)
        self.linked = view.sales_linked
        self.unlinked = view.sales_unlinked
        self.out_of_market = view.sales_out_of_market
        self.requests = view.requests
        self.retries = view.retries
        self.persona_writes = view.persona_writes
        self.members_left = view.members_left

    def add(self, stream: Stream, **counts: int) -> None:
        totals = self._streams.setdefault(stream, _counts(StreamTotals()))
        for name, count in counts.items():
            totals[name] += count

    def set_aside(self, stream: Stream) -> int:
        """Count the records of the stream that the run set aside."""
        return self._streams.get(stream, {}).get("set_aside", 0)

    def new(self, stream: Stream) -> int:
        """Count the records of the stream that AIQ did not have."""
        return self._streams.get(stream, {}).get("new", 0)

    def unusable(self, stream: Stream) -> int:
        """Count the rows of the stream that could not be used in full.

        These were set aside or, of sales, have words that the profile does not know. A row may have
        two such words, so that of each field's words the most frequent field counts.
        """
        if stream != "sales":
            return self.set_aside(stream)
        per_field: dict[str, int] = {}
        for word, count in self._words.items():
            name = word.partition("=")[0]
            per_field[name] = per_field.get(name, 0) + count
        return self.set_aside(stream) + max(per_field.values(), default=0)

    def has_changes(self, stream: Stream) -> bool:
        """Whether new or changed records came. The run shows the stream from now on, even empty."""
        counts = self._streams.setdefault(stream, _counts(StreamTotals()))
        return counts["new"] + counts["changed"] > 0

    def add_reason(self, reason: str) -> None:
        self._reasons[reason] = self._reasons.get(reason, 0) + 1

    def add_unknown_words(self, words: Mapping[str, int]) -> None:
        """Count enum values, given as `field=value`; beyond `MOST_WORDS` by their field only."""
        for word, count in words.items():
            name = word
            if word not in self._words and len(self._words) >= MOST_WORDS:
                name = word.partition("=")[0] + "=…"
            self._words[name] = self._words.get(name, 0) + count

    def run_view(
        self, state: RunState, now: Instant, progress: Progress, *, hop: int, ended: bool = False
    ) -> RunView:
        """The run as people see it `now`, `hop` processes after its first."""
        done = {name for name, stream in progress.streams.items() if stream.good}
        return replace(
            self._view,
            state=state,
            resume_at=progress.resume_at if state == "waiting" else None,
            started_at=self._view.started_at or progress.began,
            heartbeat_at=now,
            ended_at=now if ended else None,
            stream=None if ended else progress.next_stream(),
            streams={
                name: StreamTotals(
                    **counts, done=name in done, expected=progress.expected_rows(name)
                )
                for name, counts in self._streams.items()
            },
            sales_linked=self.linked,
            sales_unlinked=self.unlinked,
            sales_out_of_market=self.out_of_market,
            requests=self.requests,
            retries=self.retries,
            persona_writes=self.persona_writes,
            members_left=self.members_left,
            hops=hop,
            reasons=dict(self._reasons),
            unknown_words=dict(self._words),
            error=progress.error,
            began_over=tuple(n for n, stream in progress.streams.items() if stream.began_over),
        )


def _counts(totals: StreamTotals) -> dict[str, int]:
    counts = asdict(totals)
    del counts["done"], counts["expected"]
    return cast(dict[str, int], counts)


def stream_result(stream: StreamProgress, set_aside: int, unusable: int) -> StreamResult:
    """Return what a run read of a stream, as its ending works from it."""
    return StreamResult(
        good=stream.good,
        full_listing=stream.full_listing,
        looks_back=stream.good and (stream.since is None or stream.kind != "between"),
        read_from=stream.read_from,
        listed=stream.listed,
        set_aside=set_aside,
        unusable=unusable,
        aside_from=stream.aside_from,
        words_from=stream.words_from,
        goes_on=stream.bookmark is not None,
        bookmark=stream.next_bookmark,
        days=dict(stream.days),
        store_key_sales=dict(stream.store_key_sales),
    )
