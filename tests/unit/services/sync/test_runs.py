"""Asking for runs and looking at them (product.md §5)."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.records import Reject
from chalicelib.services.ports.pos import Page
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.syncing import a_room, disconnect, people

DAY = 86_400_000


def test_sync_now_queues_one_run_at_once() -> None:
    room = Backroom()

    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")

    [(body, delay)] = room.queue.sent
    assert (run.state, run.trigger, delay) == ("queued", "now", 0)
    assert body == {
        "v": 1,
        "uid": UID,
        "platform": PLATFORM,
        "credential": CREDENTIAL,
        "run": run.id,
        "hop": 0,
        "tries": 0,
    }


def test_while_one_runs_that_run_is_returned() -> None:
    room = Backroom()
    first = room.runs.start(UID, PLATFORM, CREDENTIAL, "schedule")

    second = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")

    assert second == first
    assert len(room.queue.sent) == 1


def test_asking_for_what_is_not_there_or_not_connected_is_refused() -> None:
    room = Backroom()

    with pytest.raises(NotFound):
        room.runs.start(UID, PLATFORM, "crd_of_nobody", "now")
    with pytest.raises(NotFound):
        room.runs.start("2000", PLATFORM, CREDENTIAL, "now")
    disconnect(room)
    with pytest.raises(Conflict):
        room.runs.reread(UID, PLATFORM, CREDENTIAL, 0)
    assert room.queue.sent == []


def test_reading_history_again_asks_for_it_from_the_day_given() -> None:
    room = Backroom()
    since = room.clock.now() - 90 * DAY

    run = room.runs.reread(UID, PLATFORM, CREDENTIAL, since)

    assert (run.trigger, run.reread_from) == ("reread", since)
    assert len(room.queue.sent) == 1


def test_a_stop_without_a_run_does_nothing() -> None:
    room = Backroom()

    room.runs.request_stop(UID, PLATFORM, CREDENTIAL)
    room.runs.request_stop(UID, PLATFORM, "crd_of_nobody")

    assert room.queue.sent == []
    assert room.sync().state == "succeeded"


def test_runs_are_shown_newest_first_page_by_page() -> None:
    room = a_room(customers=people(3))
    ids = [room.sync().id for _ in range(3)]

    first, more = room.runs.recent(UID, PLATFORM, 2, None)
    second, end = room.runs.recent(UID, PLATFORM, 2, more)

    assert [run.id for run in [*first, *second]] == ids[::-1]
    assert end is None
    assert room.runs.recent("2000", PLATFORM, 9, None) == ([], None)


def test_a_running_run_shows_how_far_it_is() -> None:
    room = a_room(customers=people(250))
    shown = []
    usual = room.states.checkpoint

    def watched(*given: object) -> bool:
        answer = usual(*given)
        shown.append(room.runs.get(UID, PLATFORM, run.id))
        return answer

    room.states.checkpoint = watched
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")

    room.deliver()

    assert shown[0].state == "running"
    assert shown[0].stream == "customers"
    assert 0 < shown[0].streams["customers"].new < 250
    assert room.runs.get(UID, PLATFORM, run.id).stream is None


def test_records_set_aside_are_shown_of_ones_own_runs_only() -> None:
    broken = Reject("customers", "bad_date", "born", {"id": 1}, "1")
    room = a_room(customers=[Page((), (broken,), 1, None)])
    run = room.sync()

    shown, _ = room.runs.set_aside(UID, PLATFORM, run.id, 5, None)

    assert [aside.reason for aside in shown] == ["bad_date"]
    with pytest.raises(NotFound):
        room.runs.set_aside("2000", PLATFORM, run.id, 5, None)
    with pytest.raises(NotFound):
        room.runs.set_aside(UID, "thsuite", run.id, 5, None)
