"""Inventory, and what people are told after a run (product.md §4, §5, §12)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.records import Customer
from chalicelib.services.sync import stream_states, take_page
from tests.fakes.pos import pages_of
from tests.worlds.backroom import SCOPE, UID, Backroom
from tests.worlds.syncing import (
    DAY,
    a_room,
    every_page_takes,
    later,
    open_notices,
    people,
    products,
    sales,
    show,
    sync_through_a_crash,
)


def shelf(room: Backroom) -> dict[str, bool]:
    return {
        item.ext_id: item.active
        for items in room.inventories.items.values()
        for item in items.values()
    }


def test_a_product_absent_from_a_complete_listing_turns_inactive_and_may_come_back() -> None:
    room = a_room(inventory=products(*range(30)))
    room.sync()
    later(room)
    show(room, inventory=products(*range(29)))

    room.sync()
    gone = shelf(room)
    later(room)
    show(room, inventory=products(*range(30)))
    room.sync()

    assert [name for name, active in gone.items() if not active] == ["i29"]
    assert all(shelf(room).values())


def test_products_that_are_gone_are_taken_out_once() -> None:
    room = a_room(inventory=products(*range(30)))
    room.sync()
    show(room, inventory=products(*range(29)))
    later(room)
    room.sync()
    calls: list[Any] = []
    room.inventories.deactivate = lambda *given: calls.append(given)  # type: ignore[method-assign]

    later(room)
    room.sync()

    assert calls == []


def test_a_listing_much_shorter_than_the_last_keeps_the_old_set_and_says_so() -> None:
    room = a_room(inventory=products(*range(30)))
    room.sync()
    later(room)
    show(room, inventory=products(*range(26)))

    run = room.sync()

    assert run.state == "succeeded"
    assert all(shelf(room).values())
    assert "truncated_catalogue" in open_notices(room)


def test_a_listing_as_short_again_is_believed() -> None:
    room = a_room(inventory=products(*range(30)))
    room.sync()
    show(room, inventory=products(*range(20)))
    later(room)
    room.sync()
    later(room)

    room.sync()

    assert sum(shelf(room).values()) == 20
    assert "truncated_catalogue" not in open_notices(room)


def test_a_listing_that_is_not_complete_retires_nothing() -> None:
    room = a_room(inventory=products(*range(30)))
    room.sync()
    later(room)
    show(room, inventory=pages_of(products(*range(29)), 10, full_listing=False))

    room.sync()

    assert all(shelf(room).values())


def test_a_listing_read_over_two_slices_retires_only_what_neither_showed() -> None:
    room = a_room(inventory=products(*range(30)))
    room.sync()
    later(room)
    show(room, inventory=products(*range(1, 30)))
    every_page_takes(room, 4)

    run = room.sync(seconds=35)

    assert run.hops > 1
    assert [name for name, active in shelf(room).items() if not active] == ["i0"]


@pytest.mark.parametrize(("left", "gone"), [(29, 1), (20, 0)], ids=["retired", "too short"])
@pytest.mark.parametrize(("pace", "seconds"), [(0.0, 900.0), (3.0, 35.0)])
def test_a_run_killed_at_any_step_judges_the_catalogue_the_same(
    left: int, gone: int, pace: float, seconds: float
) -> None:
    def second_run(step: int) -> Backroom:
        room = a_room(inventory=products(*range(30)))
        room.sync()
        later(room)
        every_page_takes(room, pace)
        show(room, inventory=products(*range(left)), customers=people(5))
        sync_through_a_crash(room, step, seconds)
        return room

    steps = second_run(step=-1).wire.calls
    assert steps > 15

    for step in range(1, steps + 1):
        room = second_run(step)

        assert sum(not active for active in shelf(room).values()) == gone, f"killed at {step}"
        assert ("truncated_catalogue" in open_notices(room)) is (gone == 0), f"killed at {step}"


def test_nothing_of_a_listing_is_kept_beside_the_catalogue_afterwards() -> None:
    room = a_room(inventory=products(*range(30)))
    every_page_takes(room, 4)
    room.sync(seconds=35)

    left = [
        place
        for place, rows in room.states.manifests_kept.items()
        if rows and place[2] != "inventory"
    ]

    assert left == []


def test_unmapped_store_keys_are_told_of_with_the_sales_that_wait() -> None:
    room = a_room(customers=people(5))
    show(room, sales=sales(room, 12))

    room.sync()

    [said] = [n for n in room.notifications.open_for(UID) if n.kind == "unmapped_stores"]
    assert "North House" in said.title
    assert "12 sales" in said.title
    [key] = room.stores.keys(UID)
    assert (key.key, key.scope, key.sales, key.name) == ("north", SCOPE, 12, "North House")


def test_counts_of_a_store_key_are_of_sales_not_of_readings() -> None:
    room = a_room(customers=people(5))
    show(room, sales=sales(room, 12))
    room.sync()
    later(room)
    edited = [replace(sale, total=5) for sale in sales(room, 12)]
    show(room, sales=edited)

    room.sync()
    later(room)
    show(room, sales=[*edited, *sales(room, 3, days=1)])
    room.sync()

    assert [key.sales for key in room.stores.keys(UID)] == [15]


def test_a_key_seen_only_in_sales_is_recorded_too() -> None:
    room = a_room()
    show(room, sales=[replace(sale, store_key="Kiosk #2") for sale in sales(room, 2)])

    room.sync()

    assert {(key.key, key.sales) for key in room.stores.keys(UID)} == {
        ("north", 0),
        ("Kiosk #2", 2),
    }


def test_a_field_with_another_value_in_every_sale_is_recorded_so_often_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (take_page, stream_states):
        monkeypatch.setattr(module, "MOST_STORE_KEYS", 8)
    room = a_room(customers=people(2))
    tills = [replace(sale, store_key=sale.ext_id) for sale in sales(room, 12)]
    show(room, sales=tills)
    room.sync()
    later(room)
    more = [replace(sale, store_key=sale.ext_id) for sale in sales(room, 24)]
    show(room, sales=more)

    run = room.sync()

    assert run.state == "succeeded"
    assert len(room.facts.sale_rows) == 24
    listed = {key.key for key in room.stores.keys(UID)}
    assert len(listed - {"north"}) == 8
    assert listed - {"north"} <= {sale.store_key for sale in tills}


def test_a_complete_listing_without_a_row_is_told_of_and_mended() -> None:
    room = a_room(customers=[])
    room.sync()
    assert "no_rows" in open_notices(room)
    later(room)
    show(room, customers=people(1))

    room.sync()

    assert "no_rows" not in open_notices(room)


def test_an_incremental_listing_without_a_row_is_nothing_to_tell() -> None:
    room = a_room(customers=pages_of([], full_listing=False))

    room.sync()

    assert "no_rows" not in open_notices(room)


@pytest.mark.parametrize("with_future", [False, True])
def test_a_week_without_sales_after_weeks_with_some_is_told_of(with_future: bool) -> None:
    room = a_room(customers=people(3))
    past = [sale for week in range(4) for sale in sales(room, 3, days=7 * week + 1)]
    wrong_clock = replace(
        sales(room, 1)[0], ext_id="future", ordered_at=room.clock.now() + 999 * DAY
    )
    show(room, sales=[*past, *([wrong_clock] if with_future else [])])
    room.sync()
    assert "no_rows" not in open_notices(room)

    later(room, 8 * 24)
    room.sync()

    assert "no_rows" in open_notices(room)


def test_many_sales_that_name_nobody_are_told_of() -> None:
    room = a_room()
    show(room, sales=[replace(sale, customer_ext_id=None) for sale in sales(room, 60)])

    run = room.sync()

    assert (run.sales_linked, run.sales_unlinked) == (0, 60)
    assert "many_unlinked_sales" in open_notices(room)


def test_a_key_on_too_many_shoppers_is_told_of_and_mended() -> None:
    crowd = [Customer(str(n), phone="+12065550001") for n in range(9)]
    room = a_room(customers=crowd)
    room.sync()
    assert "shared_key" in open_notices(room)
    later(room)
    show(room, customers=[*crowd[:8], Customer("8", email="8@x.example")])

    room.sync()

    assert "shared_key" not in open_notices(room)


def test_a_dead_letter_nobody_sees_any_more_is_forgotten() -> None:
    room = a_room()
    room.notifier.raise_(UID, "dead_letter", "queue:sync", queue="sync", count=1)
    room.sync()
    assert "dead_letter" in open_notices(room)

    later(room)
    room.sync()

    assert "dead_letter" not in open_notices(room)
