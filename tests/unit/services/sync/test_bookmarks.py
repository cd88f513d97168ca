"""A feed that tells what to ask for next time is read from there (product.md §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.records import Reject
from chalicelib.services.ports.pos import Page, StreamPlan
from chalicelib.services.ports.runs import RunView
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.syncing import DAY, a_room, later, people, show, sync_through_a_crash


def feed(*bookmarks: str | None, **last: Any) -> list[Page]:
    """A page for each bookmark that is told, the last page's among them."""
    facts = tuple(people(1))
    return [Page(facts, (), 1, None, bookmark=told, **last) for told in bookmarks]


def plan_of(room: Backroom) -> StreamPlan:
    """What the last run asked for."""
    return next(p for p, _ in room.gateway.sessions[-1].plans if p.stream == "customers")


def bookmark(room: Backroom) -> str | None:
    return room.states.streams(UID, CREDENTIAL)["customers"].bookmark


def synced(room: Backroom, hours: float = 6, **streams: Any) -> RunView:
    later(room, hours)
    show(room, **streams)
    return room.sync()


def test_the_next_run_goes_on_from_what_the_last_page_told() -> None:
    room = a_room(customers=feed("v1", "v2"))

    room.sync()
    assert plan_of(room).bookmark is None
    synced(room, customers=feed("v3"))

    assert plan_of(room).bookmark == "v2"
    assert bookmark(room) == "v3"


def test_a_listing_that_breaks_off_leaves_the_bookmark_of_the_last_good_one() -> None:
    room = a_room(customers=feed("v1"))
    room.sync()

    broken = synced(room, customers=[*feed("v2"), UnexpectedAnswer("Odd.")])
    assert (broken.state, bookmark(room)) == ("failed", "v1")
    synced(room, customers=feed("v3"))

    assert (plan_of(room).bookmark, bookmark(room)) == ("v1", "v3")


def test_a_run_that_crashes_anywhere_leaves_a_bookmark_only_with_what_it_speaks_of() -> None:
    def of(room: Backroom) -> object:
        return bookmark(room), len(room.facts.records)

    usual = a_room(customers=feed("v1"))
    usual.sync()
    for at in range(1, usual.wire.calls + 1, 7):
        room = a_room(customers=feed("v1"))
        sync_through_a_crash(room, at)

        assert of(room) == of(usual)


def test_a_reread_and_a_first_pass_go_on_from_none() -> None:
    room = a_room(customers=feed("v1"))
    room.sync()
    later(room)
    show(room, customers=feed("v2"))

    room.runs.reread(UID, PLATFORM, CREDENTIAL, room.clock.now() - 9 * DAY)
    room.deliver()

    assert plan_of(room).bookmark is None
    assert bookmark(room) == "v2"


def test_records_that_are_to_be_read_again_are_not_passed_over_by_a_bookmark() -> None:
    aside = Reject("customers", "missing_id", "id", {}, None, None)
    room = a_room(customers=[replace(*feed("v1"), rejects=(aside,), fetched=2)])
    room.sync()

    synced(room, 1, customers=feed("v2"))
    assert plan_of(room).bookmark == "v1"
    synced(room, 24, customers=feed("v3"))  # the daily pass, which reads them again

    assert plan_of(room).bookmark is None
    assert room.states.streams(UID, CREDENTIAL)["customers"].aside_from is None
    synced(room, 24, customers=feed("v4"))
    assert plan_of(room).bookmark == "v3"


def test_a_bookmark_that_was_lost_is_said_and_what_is_read_then_counts_as_all() -> None:
    room = a_room(customers=feed("v1"))
    room.sync()

    run = synced(room, customers=feed("v2", began_over=True, full_listing=True))

    assert (run.state, run.began_over) == ("succeeded", ("customers",))
    assert bookmark(room) == "v2"
    assert synced(room, customers=feed("v3")).began_over == ()


def test_a_pos_that_tells_none_any_more_is_read_by_time_again() -> None:
    room = a_room(customers=feed("v1"))
    room.sync()

    synced(room, customers=feed(None))
    synced(room, customers=feed(None))

    assert (plan_of(room).bookmark, bookmark(room)) == (None, None)
    assert plan_of(room).since is not None
