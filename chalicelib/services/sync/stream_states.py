"""What the streams of an ended run leave to the next run: watermarks and counts.

A worker that dies on the way is followed by one that ends the run again. What was counted already
is known by the run's id on the stored state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from chalicelib.domain.schedule import read_again_from
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Instant, Stream
from chalicelib.services.ports.runs import StreamState
from chalicelib.services.sync.run_result import MOST_STORE_KEYS, RunResult, StreamResult

DAYS_WATCHED = 100
"""Sales are counted per day for so many days back: a quarter, which the chart of sales shows."""


def states_after(result: RunResult) -> dict[Stream, StreamState]:
    """The states of the run's streams with what the run read added; manifests stay where they
    were."""
    return {
        stream: _state_after(result, read, result.state_before(stream))
        for stream, read in result.streams.items()
    }


def _state_after(result: RunResult, read: StreamResult, earlier: StreamState) -> StreamState:
    after = earlier
    if earlier.last_run != result.run:
        after = replace(
            after,
            store_key_sales=_first(_sum(earlier.store_key_sales, read.store_key_sales)),
            days=_recent(_sum(earlier.days, read.days), result.began),
            last_run=result.run,
        )
    if read.good:
        after = replace(after, watermark=result.began, bookmark=read.bookmark)
    if read.good and read.full_listing:
        after = replace(after, last_listing=read.listed)
    return replace(
        after,
        aside_from=_left_from(earlier.aside_from, read.aside_from, read, result.began),
        words_from=_left_from(earlier.words_from, read.words_from, read, result.began),
        judged_by=result.reading if read.good or earlier.judged_by is None else earlier.judged_by,
    )


def _left_from(
    before: Instant | None, found: Instant | None, read: StreamResult, began: Instant
) -> Instant | None:
    """The earliest time of the records that are still unusable, when the run found some from
    `found` on; those of `before` are done with once they were all read again."""
    if before is not None and read.good and not read.goes_on:
        again_from = read_again_from(before, began)
        if read.read_from is None or read.read_from <= again_from:
            before = None
    return min((at for at in (before, found) if at is not None), default=None)


def _sum(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """The keys of before come first."""
    keys = [*before, *(key for key in more if key not in before)]
    return {key: before.get(key, 0) + more.get(key, 0) for key in keys}


def _first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(islice(counts.items(), MOST_STORE_KEYS))


def _recent(days: Mapping[str, int], now: Instant) -> dict[str, int]:
    oldest = utc_day(now) - DAYS_WATCHED
    return {day: count for day, count in days.items() if int(day) > oldest}
