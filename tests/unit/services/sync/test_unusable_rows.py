"""Rows that cannot be used are told of, and read again (product.md §5, §12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chalicelib.domain.errors import UpstreamError
from chalicelib.domain.listing_checks import is_mostly_unusable
from chalicelib.domain.records import Reject
from chalicelib.domain.words import Stream
from chalicelib.services.ports.pos import Page, StreamPlan
from tests.fakes.pos import FakePosSession
from tests.worlds.backroom import CREDENTIAL, UID, Backroom
from tests.worlds.syncing import (
    DAY,
    HOUR,
    MINUTE,
    a_room,
    every_page_takes,
    later,
    open_notices,
    sales,
    show,
    sync_through_a_crash,
)

OVERLAP = 15 * MINUTE


def broken(amount: int, stream: Stream = "sales", at: int | None = None) -> list[Reject]:
    return [Reject(stream, "bad_money", "total", {}, f"b{n}", at) for n in range(amount)]


def shows_broken(
    room: Backroom, amount: int, *, good: int = 0, at: int | None = None, stream: Stream = "sales"
) -> None:
    """Pages of ten rows each; the sound ones come first."""
    pages = [Page((), tuple(broken(amount, stream, at)[n : n + 10]), 10, None)
             for n in range(0, amount, 10)]  # fmt: skip
    pages = [replace(page, fetched=len(page.rejects)) for page in pages]
    sound = [Page(tuple(sales(room, good)), (), good, None)] if good else []
    show(room, **{stream: [*sound, *pages]})


def plan_of(room: Backroom, stream: Stream = "sales") -> StreamPlan:
    """What the last run asked for."""
    return next(p for p, _ in room.gateway.sessions[-1].plans if p.stream == stream)


@pytest.mark.parametrize("stream", ["customers", "sales", "inventory"])
def test_a_run_that_could_use_nothing_is_told(stream: Stream) -> None:
    room = a_room()
    shows_broken(room, 100, stream=stream)

    room.sync()

    assert "unusable_rows" in open_notices(room)
    told = next(n for n in room.notifications.open_for(UID) if n.kind == "unusable_rows")
    assert "100 of 100" in told.title


@pytest.mark.parametrize(
    ("unusable", "rows", "said"),
    [(20, 20, True), (19, 19, False), (11, 20, True), (10, 20, False), (0, 50, False)],
)
def test_most_of_twenty_rows_are_worth_a_notice(unusable: int, rows: int, *, said: bool) -> None:
    assert is_mostly_unusable(unusable, rows) is said


def test_most_are_counted_over_all_slices_of_a_run() -> None:
    room = a_room()
    shows_broken(room, 60, good=50)
    every_page_takes(room, 3)

    run = room.sync(seconds=36)

    assert run.hops > 1
    assert "unusable_rows" in open_notices(room)


def test_a_few_bad_rows_among_good_ones_are_not() -> None:
    room = a_room()
    shows_broken(room, 40, good=50)

    room.sync()

    assert "unusable_rows" not in open_notices(room)


def test_words_that_the_profile_does_not_know_are_told_too() -> None:
    room = a_room()
    odd = [replace(s, status="?", is_final=False, is_status_known=False) for s in sales(room, 30)]
    show(room, sales=[Page(tuple(odd), (), 30, None, unknown_words={"status=?": 30})])

    room.sync()

    assert "unusable_rows" in open_notices(room)


def test_a_run_that_fails_later_tells_as_well() -> None:
    room = a_room()
    shows_broken(room, 30)
    show(room, inventory=[UpstreamError("The POS answers 500.")])

    room.sync()

    assert "unusable_rows" in open_notices(room)


def test_the_notice_goes_when_the_rows_are_usable_again_and_not_before() -> None:
    room = a_room()
    shows_broken(room, 30)
    room.sync()
    later(room, 2)
    show(room, sales=[])
    room.sync()
    still = open_notices(room)
    later(room, 24)
    show(room, sales=sales(room, 30))

    room.sync()

    assert "unusable_rows" in still
    assert "unusable_rows" not in open_notices(room)


def synced_once(room: Backroom) -> int:
    """A run that sets nothing aside; when the one after it begins, which sets 3 sales aside."""
    room.sync()
    later(room, 2)
    at = room.clock.now() - HOUR
    shows_broken(room, 3, at=at)
    room.sync()
    return at


def test_the_daily_pass_reads_what_was_set_aside_again_and_others_do_not() -> None:
    room = a_room()
    at = synced_once(room)
    began = room.clock.now()
    show(room, sales=[])
    later(room, 1)
    room.sync()
    between = plan_of(room).since

    later(room, 24)
    room.sync()

    assert between is not None
    assert between >= began - HOUR
    assert plan_of(room).since == at - OVERLAP


def test_the_pass_after_reads_no_further_back_once_nothing_is_set_aside() -> None:
    room = a_room()
    synced_once(room)
    show(room, sales=[])
    later(room, 24)
    room.sync()
    began = room.clock.now()

    later(room, 24)
    room.sync()

    since = plan_of(room).since
    assert since is not None
    assert since >= began - HOUR


def test_what_stays_unusable_is_read_daily_for_35_days() -> None:
    room = a_room()
    at = synced_once(room)
    for _ in range(20):
        later(room, 48)
        room.sync()
        since = plan_of(room).since
        assert since == max(at, room.clock.now() - 35 * DAY) - OVERLAP or since > at


def test_a_row_without_a_time_is_as_old_as_what_its_pass_read() -> None:
    room = a_room()
    room.sync()
    later(room, 2)
    shows_broken(room, 3)
    room.sync()
    asked = plan_of(room).since
    assert asked is not None

    later(room, 24)
    room.sync()

    assert plan_of(room).since == asked - OVERLAP


def _read_otherwise(usual: Callable[[Any], FakePosSession], access: Any) -> FakePosSession:
    session = usual(access)
    session.reading = "2"
    return session


@pytest.mark.parametrize("row", ["set aside", "unknown word"])
def test_another_reading_reads_them_again_at_once(row: str) -> None:
    room = a_room()
    at = synced_once(room)
    if row == "unknown word":
        odd = [replace(s, is_status_known=False, ordered_at=at) for s in sales(room, 2)]
        show(room, sales=odd)
        later(room, 24)
        room.sync()
    room.gateway.open = partial(_read_otherwise, room.gateway.open)
    show(room, sales=[])
    later(room, 1)

    room.sync()

    assert plan_of(room).since == at - OVERLAP
    assert room.states.streams(UID, CREDENTIAL)["sales"].words_from is None


@pytest.mark.parametrize(("pace", "seconds"), [(0.0, 900.0), (3.0, 36.0)])
def test_a_run_killed_at_any_step_leaves_the_same_to_read_again(
    pace: float, seconds: float
) -> None:
    def left(step: int | None) -> tuple[Any, bool]:
        room = a_room()
        room.sync()
        later(room, 2)
        shows_broken(room, 60, good=20, at=room.clock.now() - HOUR)
        every_page_takes(room, pace)
        sync_through_a_crash(room, step or 10**9, seconds)
        died = step is not None and room.wire.calls >= step
        state = room.states.streams(UID, CREDENTIAL)["sales"]
        return (state.aside_from, "unusable_rows" in open_notices(room)), died

    expected, _ = left(None)
    assert expected[1]
    step = 0
    died = True
    while died:
        step += 9
        found, died = left(step)
        assert found == expected
