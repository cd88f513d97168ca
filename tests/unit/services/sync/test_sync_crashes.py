"""A worker that dies at any step of a run is followed by one that ends it the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.records import Customer, InventoryItem, Reject, Sale, StoreFact
from chalicelib.services.ports.pos import Page
from tests.fakes.facts import Crash
from tests.fakes.pos import FakePosGateway
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.syncing import every_page_takes

DAY = 86_400_000
LEASE_SECONDS = 200


def pages() -> dict[Any, list[Any]]:
    customers = [
        Customer(
            str(n),
            first="Ana",
            phone=f"+1206555{n // 3:04d}",
            email=f"{n % 7}@example.com" if n % 2 else None,
        )
        for n in range(12)
    ]
    sales = [
        Sale(
            f"s{n}",
            "north" if n % 3 else "kiosk",
            ordered_at=1_767_000_000_000 - n * DAY,
            ordered_at_text="",
            currency="USD",
            total=100 * n,
            customer_ext_id=str(n) if n % 4 else None,
        )
        for n in range(12)
    ]
    items = [InventoryItem(f"i{n}", "north", "Flower", "1", "USD") for n in range(6)]
    broken = Reject("sales", "bad_date", "ordered_at", {"id": "x"}, "x")
    return {
        "stores": [Page((StoreFact("north", "North House"),), (), 1, None)],
        "customers": [Page(tuple(customers[i : i + 4]), (), 4, None, True) for i in (0, 4, 8)],
        "sales": [
            Page(tuple(sales[:6]), (broken,), 7, None),
            Page(tuple(sales[4:]), (), 8, None),
        ],
        "inventory": [Page(tuple(items[i : i + 3]), (), 3, None, True) for i in (0, 3)],
    }


def changed_pages() -> dict[Any, list[Any]]:
    """The next day: some shoppers corrected, a sale moved and one voided, a product gone."""
    changed = pages()
    changed["customers"] = [
        Page(
            (
                Customer("1", first="Ana", phone="+12065550009", email="1@example.com"),
                Customer("3", first="Bea"),
                Customer("20", phone="+12065550001"),
            ),
            (),
            3,
            None,
            True,
        )
    ]
    changed["sales"] = [
        Page(
            (
                Sale("s1", "north", 1_767_000_000_000, "", "USD", 100, customer_ext_id="7"),
                Sale("s2", "north", 1_766_900_000_000, "", "USD", 0, "void", customer_ext_id="2"),
                Sale("s30", "kiosk", 1_767_100_000_000, "", "USD", 5, customer_ext_id="30"),
            ),
            (),
            3,
            None,
        )
    ]
    changed["inventory"] = [
        Page(
            tuple(InventoryItem(f"i{n}", "north", "Flower", "2", "USD") for n in range(1, 6)),
            (),
            6,
            None,
            True,
        )
    ]
    return changed


def seen_by_people(room: Backroom) -> dict[str, Any]:
    """Everything of an account that a person can see, but for times and ids of runs."""
    last = max(view.id for view in room.states.kept.values())
    run = room.states.run(UID, PLATFORM, last)
    credential = room.credentials.get(UID, PLATFORM, CREDENTIAL)
    return {
        "personas": {
            (frozenset(p.members), p.favourite_store, p.sources, p.phone, p.flags, p.figures)
            for p in room.facts.shown(UID)
        },
        "sales": room.facts.sale_rows,
        "pointers": {
            k: {ref for ref, _ in v.values()} for k, v in room.facts.pointer_rows.items() if v
        },
        "summaries": {
            k: (v.summary, v.points) for k, v in room.facts.summaries.items() if v.summary.total
        },
        "store keys": {(k.key, k.name, k.sales) for k in room.stores.keys(UID)},
        "inventory": {
            (key, item.ext_id, item.quantity, item.active)
            for key, shelf in room.inventories.items.items()
            for item in shelf.values()
        },
        "totals": (run.state, run.streams, run.sales_linked, run.sales_unlinked, run.reasons),
        "asides": room.states.asides(UID, run.id, 100, None),
        "watermarks": {
            stream: state.watermark is not None
            for (_, _, stream), state in room.states.kept_streams.items()
        },
        "notifications": {n.kind for n in room.notifications.open_for(UID)},
        "schedule": (
            credential.failures_in_a_row,
            credential.stopped,
            credential.last_run_id == run.id,
        ),
        "intents": room.facts.intents,
    }


def a_room(seconds_a_page: float = 0.0) -> Backroom:
    room = Backroom(gateway=FakePosGateway(pages=pages()))
    if seconds_a_page:
        every_page_takes(room, seconds_a_page)
    return room


def day_after_day(room: Backroom, seconds: float) -> Iterator[None]:
    """Two runs: everything, then the changes of a day."""
    room.sync(seconds)
    yield
    room.gateway.pages = changed_pages()
    room.clock.move(6 * 3_600)
    room.sync(seconds)


@pytest.mark.parametrize(
    ("seconds_a_page", "seconds"), [(0.0, 900.0), (1.5, 34.0)], ids=["one slice", "many slices"]
)
def test_a_run_killed_at_any_step_ends_as_if_nothing_had_happened(
    seconds_a_page: float, seconds: float
) -> None:
    calm = a_room(seconds_a_page)
    for _ in day_after_day(calm, seconds):
        pass
    expected = seen_by_people(calm)
    steps = calm.wire.calls
    assert steps > 60
    assert len(expected["personas"]) > 3

    for step in range(1, steps + 1):
        room = a_room(seconds_a_page)
        room.wire.at = step

        sync_through_crashes(room, seconds)
        room.gateway.pages = changed_pages()
        room.clock.move(6 * 3_600)
        sync_through_crashes(room, seconds)

        assert seen_by_people(room) == expected, f"killed at step {step} of {steps}"


def test_a_run_killed_again_and_again_still_ends() -> None:
    """Of every four workers one lives long enough to leave a checkpoint."""
    calm = a_room(seconds_a_page=1.5)
    calm.sync()
    expected = seen_by_people(calm)

    room = a_room(seconds_a_page=1.5)
    asked = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    bodies = room.queue.take()
    for patience in 50 * (2, 9, 23, 90):
        room.wire.calls, room.wire.at = 0, patience
        try:
            for body in bodies:
                room.work(body)
        except Crash:
            room.clock.move(LEASE_SECONDS)
        bodies += room.queue.take()
        if room.states.run(UID, PLATFORM, asked.id).ended_at:
            break

    assert seen_by_people(room) == expected


def sync_through_crashes(room: Backroom, seconds: float) -> None:
    """Deliver as SQS does: what a dead worker held comes back after its visibility timeout."""
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    waiting = room.queue.take()
    for _ in range(500):
        if not waiting:
            return
        body = waiting.pop(0)
        room.clock.move(1)
        try:
            room.work(body, seconds)
        except Crash:
            waiting.append(body)
            room.clock.move(LEASE_SECONDS)
        waiting += room.queue.take()
    raise AssertionError("the messages never end")
