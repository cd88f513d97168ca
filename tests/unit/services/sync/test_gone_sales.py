"""A sale deleted at the POS counts as void, and comes back if it reappears (product.md §5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import UpstreamError
from chalicelib.domain.ids import record_id
from chalicelib.domain.ledger import posted_total
from chalicelib.domain.records import Reject, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.services.ports.pos import TimeSpan
from tests.fakes.common import NOON
from tests.fakes.pos import FakePosGateway, a_platform, pages_of
from tests.worlds.backroom import CREDENTIAL, PLATFORM, SCOPE, UID, Backroom
from tests.worlds.syncing import (
    DAY,
    HOUR,
    every_page_takes,
    later,
    open_notices,
    people,
    sales,
    show,
    sync_through_a_crash,
)

EVER = TimeSpan(0, 2**45)


def a_room(*, by_time: bool = True) -> Backroom:
    """Every dollar of the five shoppers earns a point."""
    room = Backroom(
        gateway=FakePosGateway(infos=(a_platform(lists_sales_by_time=by_time),)),
    )
    show(room, customers=people(5))
    room.rules.set(
        UID,
        Rules(
            loyalty=Loyalty(enabled=True, points_per_100=10_000),
            sources={PLATFORM: Source(enroll_after=0)},
        ),
    )
    return room


def shows(
    room: Backroom,
    listed: Sequence[Sale],
    *,
    times: TimeSpan | None = EVER,
    rejects: Iterable[Reject] = (),
) -> None:
    """The POS lists these sales; `times`: those that it listed completely."""
    pages = pages_of(listed, 10)
    pages[-1] = replace(
        pages[-1],
        times=times,
        rejects=tuple(rejects),
        fetched=pages[-1].fetched + len(list(rejects)),
    )
    show(room, sales=pages)


def points(room: Backroom, customer: str = "0") -> int:
    """Of the only shopper under this id, who is nobody else's persona."""
    return int(room.facts.persona(UID, record_id(UID, PLATFORM, SCOPE, customer)).points) // 100


def counting(room: Backroom) -> set[str]:
    return {sid.ext_id for (_, sid), row in room.facts.sale_rows.items() if row.sale.happened}


def a_day_later(room: Backroom, listed: Sequence[Sale], **how: Any) -> None:
    later(room, 24)
    shows(room, listed, **how)
    room.sync()


def test_a_sale_that_two_readings_a_day_apart_lack_earns_no_more() -> None:
    room = a_room()
    sold = sales(room, 10)
    shows(room, sold)
    room.sync()

    a_day_later(room, sold[1:])
    after_one = points(room), counting(room)
    a_day_later(room, sold[1:])

    assert after_one == (2, {sale.ext_id for sale in sold})
    assert (points(room), counting(room)) == (1, {sale.ext_id for sale in sold[1:]})


def test_its_points_are_taken_by_a_further_entry() -> None:
    room = a_room()
    sold = sales(room, 10)
    shows(room, sold)
    room.sync()
    for _ in range(2):
        a_day_later(room, sold[1:])

    held = room.facts.pointer_rows[UID, record_id(UID, PLATFORM, SCOPE, "0")]
    entries = {ref.ext_id: postings for ref, postings in held.values()}

    assert [posting.amount for posting in entries[sold[0].ext_id]] == [100, -100]
    assert posted_total(entries[sold[5].ext_id]) == 100


@pytest.mark.parametrize("changes", [{}, {"updated_at": 5}], ids=["the same", "an older version"])
def test_a_sale_that_reappears_counts_again(changes: dict[str, Any]) -> None:
    room = a_room()
    sold = [replace(sale, updated_at=9) for sale in sales(room, 10)]
    shows(room, sold)
    room.sync()
    for _ in range(2):
        a_day_later(room, sold[1:])
    gone = points(room)

    a_day_later(room, [replace(sold[0], **changes), *sold[1:]])

    assert (gone, points(room)) == (1, 2)
    assert sold[0].ext_id in counting(room)


def test_whoever_was_a_member_by_that_sale_alone_leaves_and_it_is_said() -> None:
    room = a_room()
    sold = sales(room, 5)
    shows(room, sold)
    room.sync()
    a_day_later(room, sold[1:])

    later(room, 24)
    run = room.sync()

    assert run.members_left == 1
    assert "members_left" in open_notices(room)


def test_a_return_that_is_gone_gives_the_points_back() -> None:
    room = a_room()
    sale = sales(room, 1)[0]
    back = replace(sale, ext_id="back", kind="return", total=-100, original_ext_id=sale.ext_id)
    shows(room, [sale, back])
    room.sync()
    returned = points(room)
    for _ in range(2):
        a_day_later(room, [sale])

    assert (returned, points(room)) == (0, 1)


def test_a_sale_whose_return_stays_takes_nothing_twice() -> None:
    room = a_room()
    first, second = sales(room, 2, of=1)
    back = replace(first, ext_id="back", kind="return", total=-100, original_ext_id=first.ext_id)
    shows(room, [first, second, back])
    room.sync()
    for _ in range(2):
        a_day_later(room, [second, back])

    assert points(room) == 1


def test_syncs_of_one_day_void_nothing_however_many() -> None:
    room = a_room()
    sold = sales(room, 10)
    shows(room, sold)
    room.sync()
    shows(room, sold[1:])

    for _ in range(6):
        later(room, 3)
        room.sync()

    assert points(room) == 2


@pytest.mark.parametrize(
    "how",
    [
        {"times": None},
        {"times": TimeSpan(0, 1)},
        {"rejects": [Reject("sales", "missing_id", "id", {})]},
        {"rejects": [Reject("sales", "missing_id", "id", {}, at=NOON - HOUR)]},
        {"rejects": [Reject("sales", "bad_money", "total", {}, "s0-0")]},
    ],
    ids=[
        "rows moved",
        "other days",
        "a row that names nothing",
        "a row of its day that names no sale",
        "a row that cannot be used",
    ],
)
def test_a_reading_that_does_not_show_the_whole_day_voids_nothing(how: dict[str, Any]) -> None:
    room = a_room()
    sold = sales(room, 10)
    shows(room, sold)
    room.sync()

    for _ in range(4):
        a_day_later(room, sold[1:], **how)

    assert points(room) == 2


def test_a_row_of_another_day_that_names_no_sale_hides_none() -> None:
    room = a_room()
    sold = sales(room, 10)
    shows(room, sold)
    room.sync()

    for _ in range(2):
        nobody = Reject("sales", "missing_id", "id", {}, at=sold[0].ordered_at - 3 * DAY)
        a_day_later(room, sold[1:], rejects=[nobody])

    assert points(room) == 1


def test_a_reading_that_breaks_off_voids_nothing() -> None:
    room = a_room()
    sold = sales(room, 30)
    shows(room, sold)
    room.sync()

    for _ in range(4):
        later(room, 24)
        pages = pages_of(sold[1:], 10)
        show(room, sales=[pages[0], UpstreamError("The POS answers 500.")])
        room.sync()

    assert len(counting(room)) == 30


def test_a_platform_that_lists_by_change_voids_nothing() -> None:
    room = a_room(by_time=False)
    sold = sales(room, 10)
    shows(room, sold)
    room.sync()

    for _ in range(4):
        a_day_later(room, sold[1:])

    assert points(room) == 2


def test_a_reading_that_lacks_very_much_voids_nothing_and_is_told() -> None:
    room = a_room()
    sold = sales(room, 100)
    shows(room, sold)
    room.sync()

    for _ in range(3):
        a_day_later(room, sold[20:])

    assert len(counting(room)) == 100
    assert "unusable_rows" in open_notices(room)


def test_the_notice_goes_when_a_reading_shows_the_sales_again() -> None:
    room = a_room()
    sold = sales(room, 100)
    shows(room, sold)
    room.sync()
    a_day_later(room, sold[20:])

    a_day_later(room, sold)

    assert "unusable_rows" not in open_notices(room)


def test_a_listing_read_over_two_slices_loses_only_what_neither_showed() -> None:
    room = a_room()
    sold = sales(room, 60)
    shows(room, sold)
    room.sync()
    for _ in range(2):
        later(room, 24)
        shows(room, sold[1:])
        every_page_takes(room, 4)
        run = room.sync(seconds=35)

    assert run.hops > 1
    assert counting(room) == {sale.ext_id for sale in sold[1:]}


@pytest.mark.parametrize(("pace", "seconds"), [(0.0, 900.0), (3.0, 35.0)])
def test_a_run_killed_at_any_step_finds_the_same_sales_gone(pace: float, seconds: float) -> None:
    step = 0
    while True:
        room = a_room()
        sold = sales(room, 30)
        shows(room, sold)
        room.sync()
        a_day_later(room, sold[1:])
        later(room, 24)
        every_page_takes(room, pace)
        step += 7
        sync_through_a_crash(room, step, seconds)
        died = room.wire.calls >= step
        shows(room, sold)
        gone = counting(room)
        later(room, 24)
        room.sync()

        assert gone == {sale.ext_id for sale in sold[1:]}
        assert len(counting(room)) == 30
        assert points(room) == 6
        if not died:
            return


def test_re_reads_find_old_sales_gone_too() -> None:
    room = a_room()
    sold = sales(room, 10, days=100)
    shows(room, sold)
    room.sync()
    shows(room, sold[1:])
    for _ in range(3):
        later(room, 24)
        room.sync()
    unasked = counting(room)

    for _ in range(2):
        later(room, 24)
        room.runs.reread(UID, PLATFORM, CREDENTIAL, room.clock.now() - 200 * DAY)
        room.deliver()

    assert len(unasked) == 10
    assert counting(room) == {sale.ext_id for sale in sold[1:]}


def test_a_quiet_day_writes_no_sale_again() -> None:
    room = a_room()
    sold = sales(room, 30)
    shows(room, sold)
    room.sync()
    kept = dict(room.states.sales_shown)

    a_day_later(room, sold)

    assert {day: id(rows) for day, rows in room.states.sales_shown.items()} == {
        day: id(rows) for day, rows in kept.items()
    }
