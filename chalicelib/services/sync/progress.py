"""Where a run stands: what its checkpoint keeps, and what people see of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from chalicelib.domain.records import STREAMS
from chalicelib.domain.schedule import PassKind
from chalicelib.domain.words import Instant, RunState, Stream
from chalicelib.services.ports.pos import Cursor
from chalicelib.services.ports.runs import RunError, RunView, StreamTotals

MOST_WORDS = 200
"""Unknown words of a run that are told apart: one told with every row would outgrow its row."""


@dataclass(slots=True)
class StreamPlace:
    """One stream's place in the run.

    `since` is None on a full pass, `kind` which pass it is. `generation`, `chunks` and `deltas` say
    where its manifest is, `seen_generation` and `seen_deltas` the list of what this listing showed;
    `listed` counts rows of the listing so far; `days` new sales per UTC day; `ended` that nothing
    is left to read, `good` that it was read whole.
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
    days: dict[str, int] = field(default_factory=dict)
    store_key_sales: dict[str, int] = field(default_factory=dict)
    ended: bool = False
    good: bool = False


@dataclass(slots=True)
class Progress:
    """The whole checkpoint. `began` is the clock before the run's first request; `missing` names
    the permissions that the key was found to lack; `imports`: the card takes points from the POS;
    `importing`: this run's customers listing may fix them; `leavers`: whom it took their last
    reason of membership."""

    began: Instant
    streams: dict[Stream, StreamPlace] = field(default_factory=dict)
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

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, told: dict[str, Any]) -> Progress:
        streams = {name: StreamPlace(**place) for name, place in told["streams"].items()}
        names = {key: (name, zone) for key, (name, zone) in told["store_names"].items()}
        error = RunError(**told["error"]) if told["error"] else None
        return cls(**{**told, "streams": streams, "store_names": names, "error": error})

    def end_all(self) -> None:
        """Nothing more is read in this run: who goes on with it only ends it."""
        for place in self.streams.values():
            place.ended = True

    def next_stream(self) -> Stream | None:
        for stream in STREAMS:
            place = self.streams.get(stream)
            if place is not None and not place.ended:
                return stream
        return None


class Tally:
    """Counts while a slice works, and turns them into the view that people see."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._streams: dict[Stream, dict[str, int]] = {
            name: _counts(totals) for name, totals in view.streams.items()
        }
        self._reasons = dict(view.reasons)
        self._words = dict(view.unknown_words)
        self.linked = view.sales_linked
        self.unlinked = view.sales_unlinked
        self.requests = view.requests
        self.retries = view.retries
        self.persona_writes = view.persona_writes
        self.members_left = view.members_left

    def add(self, stream: Stream, **counts: int) -> None:
        totals = self._streams.setdefault(stream, _counts(StreamTotals()))
        for name, count in counts.items():
            totals[name] += count

    def of(self, stream: Stream) -> dict[str, int]:
        return self._streams.setdefault(stream, _counts(StreamTotals()))

    def reason(self, reason: str) -> None:
        self._reasons[reason] = self._reasons.get(reason, 0) + 1

    def words(self, words: dict[str, int]) -> None:
        for word, count in words.items():
            name = word
            if word not in self._words and len(self._words) >= MOST_WORDS:
                name = word.partition("=")[0] + "=…"
            self._words[name] = self._words.get(name, 0) + count

    def view(
        self, state: RunState, now: Instant, progress: Progress, *, hop: int, ended: bool = False
    ) -> RunView:
        done = {name for name, place in progress.streams.items() if place.good}
        return replace(
            self._view,
            state=state,
            resume_at=progress.resume_at if state == "waiting" else None,
            started_at=self._view.started_at or progress.began,
            heartbeat_at=now,
            ended_at=now if ended else None,
            stream=None if ended else progress.next_stream(),
            streams={
                name: StreamTotals(**counts, done=name in done)
                for name, counts in self._streams.items()
            },
            sales_linked=self.linked,
            sales_unlinked=self.unlinked,
            requests=self.requests,
            retries=self.retries,
            persona_writes=self.persona_writes,
            members_left=self.members_left,
            hops=hop,
            reasons=dict(self._reasons),
            unknown_words=dict(self._words),
            error=progress.error,
        )


def _counts(totals: StreamTotals) -> dict[str, int]:
    told = asdict(totals)
    del told["done"]
    return cast(dict[str, int], told)
