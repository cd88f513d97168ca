"""Rows that say what they said before need no reading, and no writing either (ADR 15)."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.services.ports.pos import Page
from chalicelib.services.ports.runs import StreamState
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.syncing import a_room, always, every_page_takes, later, people, show

MANY = 40


def show_version(room: Backroom, version: int) -> None:
    """The same people, in rows of this version."""
    customers = people(MANY)
    rows = {customer.ext_id: version * 1_000 + n for n, customer in enumerate(customers)}
    pages = [
        Page(tuple(ten), (), 10, None, True, rows={c.ext_id: rows[c.ext_id] for c in ten})
        for ten in (customers[n : n + 10] for n in range(0, MANY, 10))
    ]
    show(room, customers=pages)


def watch_known(room: Backroom, reading: str = "1", who: int = 7) -> list[bool]:
    """Whether this person's row of version 2 was known to each first page from now on."""
    usual, answers = room.gateway.open, []

    def opened(access: Any) -> Any:
        session = usual(access)
        session.reading = reading
        fetch = session.fetch

        def watched(plan: Any, cursor: Any, known: Any = None) -> Page:
            if plan.stream == "customers" and cursor is None:
                answers.append(known(str(who), 2_000 + who))
            return fetch(plan, cursor, known)

        session.fetch = watched
        return session

    room.gateway.open = opened
    return answers


def stored_state(room: Backroom) -> StreamState:
    return room.states.streams(UID, CREDENTIAL)["customers"]


def test_rows_are_known_to_the_next_run() -> None:
    room = a_room()
    show_version(room, 2)
    room.sync()
    later(room)
    answers = watch_known(room)

    room.sync()

    assert answers == [True]


def test_rows_that_a_pos_touches_for_nothing_cost_no_write_day_after_day() -> None:
    room = a_room()
    show_version(room, 1)
    room.sync()
    before = stored_state(room)

    for version in (2, 3, 4):
        later(room)
        show_version(room, version)
        room.sync()

    after = stored_state(room)
    assert (after.generation, after.chunks, after.deltas) == (
        before.generation,
        before.chunks,
        before.deltas,
    )


def test_after_rows_are_read_otherwise_they_are_kept_once_and_known_again() -> None:
    room = a_room()
    show_version(room, 1)
    room.sync()
    before, answers = stored_state(room), watch_known(room, reading="2")
    later(room)
    show_version(room, 2)

    room.sync()
    kept = stored_state(room)
    later(room)
    room.sync()

    assert answers == [False, True]
    assert (before.reading, kept.reading) == ("1", "2")
    assert kept.generation > before.generation
    assert stored_state(room).generation == kept.generation
    assert room.facts.shown(UID)


def test_a_run_that_failed_on_the_way_has_not_kept_the_rows_it_never_met() -> None:
    room = a_room()
    show_version(room, 1)
    room.sync()
    answers = watch_known(room, reading="2", who=37)
    later(room)
    show_version(room, 2)
    pages = 0

    def break_off() -> None:
        nonlocal pages
        pages += 1
        if pages == 3:
            raise UnexpectedAnswer("no page")

    always(room, "customers", break_off)
    room.sync()
    assert stored_state(room).reading == "1"

    for _ in range(2):
        later(room)
        room.sync()

    assert answers == [False, False, True]


def test_rows_of_a_listing_that_takes_many_slices_are_kept_once_too() -> None:
    room = a_room()
    show_version(room, 1)
    room.sync()
    answers = watch_known(room, reading="2")
    later(room)
    show_version(room, 2)
    every_page_takes(room, 10)

    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    room.deliver(seconds=55)
    generations = []
    for _ in range(2):
        later(room)
        room.sync()
        generations.append(stored_state(room).generation)

    assert answers == [False, True, True]
    assert stored_state(room).reading == "2"
    assert generations[0] == generations[1]
