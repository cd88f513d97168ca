"""How a run waits, goes on in another process, and ends when somebody asks (product.md §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, RateLimited, UpstreamError
from chalicelib.services.job_messages.base import MAX_HOPS
from chalicelib.services.ports.runs import RunView
from tests.fakes.pos import pages_of
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID
from tests.worlds.syncing import (
    SECOND,
    a_room,
    credential,
    disconnect,
    every_page_takes,
    later,
    on_fetch,
    people,
    products,
    sales,
    show,
    streams_asked,
    watermark,
)


def test_a_short_wait_delays_the_message_and_the_same_run_goes_on_where_it_was() -> None:
    room = a_room(customers=[*pages_of(people(20), 10), RateLimited("wait", retry_after=40.2)])
    room.gateway.pages["customers"].append(pages_of(people(30)[20:])[0])
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")

    room.work(room.queue.take()[0])

    waiting = room.states.run(UID, PLATFORM, run.id)
    [(_, delay)] = room.queue.sent
    assert (waiting.state, delay) == ("waiting", 41)
    assert waiting.resume_at == room.clock.now() + 41 * SECOND
    room.clock.move(delay)
    room.deliver()
    ended = room.states.run(UID, PLATFORM, run.id)
    assert (ended.state, ended.streams["customers"].new) == ("succeeded", 30)
    assert ended.streams["customers"].pages == 3


def test_a_pos_that_names_no_time_is_left_alone_for_longer_and_longer() -> None:
    room = a_room(customers=[RateLimited("wait") for _ in range(4)] + pages_of(people(1)))
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    delays = []

    for _ in range(4):
        room.work(room.queue.take()[0])
        delays.append(room.queue.sent[0][1])

    assert delays == [30, 60, 120, 240]


def test_a_page_in_between_ends_the_growing_patience() -> None:
    first, second = pages_of(people(20), 10)
    room = a_room(customers=[RateLimited("wait"), first, RateLimited("wait"), second])
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    delays = []

    for _ in range(2):
        room.work(room.queue.take()[0])
        delays.append(room.queue.sent[0][1])

    assert delays == [30, 30]


def test_a_long_wait_goes_back_to_the_due_index_and_the_planner_resumes_the_run() -> None:
    room = a_room(customers=[RateLimited("wait", retry_after=7_200), *pages_of(people(3))])
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    room.deliver()

    assert room.queue.sent == []
    assert credential(room).next_sync_at == room.clock.now() + 7_201 * SECOND
    assert room.states.run(UID, PLATFORM, run.id).state == "waiting"
    assert room.planner.plan(lambda: True) == 0
    room.clock.move(7_202)
    room.planner.plan(lambda: True)
    room.deliver()
    assert room.states.run(UID, PLATFORM, run.id).state == "succeeded"
    assert len(room.states.kept) == 1


@pytest.mark.parametrize("hours", [5, 7, 24])
def test_a_run_that_waits_for_hours_is_still_the_same_run(hours: int) -> None:
    limited = RateLimited("wait", retry_after=hours * 3_600)
    room = a_room(customers=[limited, *pages_of(people(3))])
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    room.deliver()

    room.clock.move(hours * 3_600 + 60)
    room.planner.plan(lambda: True)
    room.deliver()

    assert room.states.run(UID, PLATFORM, run.id).state == "succeeded"


def test_sync_now_does_not_hurry_a_pos_that_asked_for_patience() -> None:
    room = a_room(customers=[RateLimited("wait", retry_after=7_200), *pages_of(people(3))])
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    room.deliver()

    again = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")

    assert again.id == run.id
    assert room.queue.sent == []


def test_a_credential_removed_before_a_long_wait_ends_its_run() -> None:
    room = a_room(customers=[RateLimited("wait", retry_after=7_200)])
    on_fetch(room, 2, lambda: room.credentials.remove(credential(room), room.clock.now()))

    run = room.sync()

    assert run.state == "stopped"


def test_a_run_asked_to_stop_ends_at_its_next_checkpoint_without_another_request() -> None:
    room = a_room(customers=people(500))
    on_fetch(room, 6, lambda: room.runs.request_stop(UID, PLATFORM, CREDENTIAL))

    run = room.sync()

    assert run.state == "stopped"
    assert len(streams_asked(room)) == 20
    assert len(room.facts.personas) == 190
    assert watermark(room, "customers") is None
    assert all(session.closed for session in room.gateway.sessions)


def test_a_run_asked_to_stop_while_it_waits_ends_at_once() -> None:
    room = a_room(customers=[RateLimited("wait", retry_after=7_200), *pages_of(people(3))])
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    room.deliver()
    requests = len(streams_asked(room))

    room.runs.request_stop(UID, PLATFORM, CREDENTIAL)
    room.deliver()

    assert room.states.run(UID, PLATFORM, run.id).state == "stopped"
    assert len(streams_asked(room)) == requests


def test_a_run_asked_to_stop_before_it_begins_never_calls() -> None:
    room = a_room(customers=people(3))
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")

    room.runs.request_stop(UID, PLATFORM, CREDENTIAL)
    room.deliver()

    assert room.states.run(UID, PLATFORM, run.id).state == "stopped"
    assert streams_asked(room) == []


def test_a_slow_run_asked_to_stop_ends_within_two_seconds_of_work() -> None:
    room = a_room(customers=people(500))
    every_page_takes(room, 0.9)
    on_fetch(room, 6, lambda: room.runs.request_stop(UID, PLATFORM, CREDENTIAL))

    run = room.sync()

    assert run.state == "stopped"
    assert len(streams_asked(room)) <= 8


def test_what_a_stopped_run_read_is_known_to_the_next() -> None:
    room = a_room(customers=people(500))
    on_fetch(room, 6, lambda: room.runs.request_stop(UID, PLATFORM, CREDENTIAL))
    room.sync()

    run = room.sync()

    assert run.state == "succeeded"
    assert (run.streams["customers"].unchanged, run.streams["customers"].new) == (190, 310)


@pytest.mark.parametrize("how", ["disconnected", "removed"])
def test_a_source_gone_before_its_run_begins_is_never_called(how: str) -> None:
    room = a_room()
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    if how == "disconnected":
        disconnect(room)
    else:
        room.credentials.remove(credential(room), room.clock.now())

    room.deliver()

    assert room.states.run(UID, PLATFORM, run.id).state == "stopped"
    assert room.gateway.opened == []
    assert room.states.live(UID, CREDENTIAL) is None


def test_a_source_disconnected_between_two_slices_is_called_no_more() -> None:
    room = a_room(customers=people(50))
    every_page_takes(room, 10)
    on_fetch(room, 3, lambda: disconnect(room))
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")

    room.deliver(seconds=55)

    assert room.states.run(UID, PLATFORM, run.id).state == "stopped"
    assert len(streams_asked(room)) == 3


def test_a_run_may_not_be_asked_of_a_source_that_is_not_connected() -> None:
    room = a_room()
    disconnect(room)

    with pytest.raises(Conflict):
        room.runs.start(UID, PLATFORM, CREDENTIAL, "now")


def test_double_and_late_messages_do_nothing() -> None:
    room = a_room(customers=people(3))
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    [body] = room.queue.take()
    room.work(body)
    requests = len(streams_asked(room))

    room.work(body)
    room.work({**body, "hop": 7})
    room.work({**body, "run": "run_of_another_time"})
    room.work({**body, "credential": "crd_never"})

    assert len(streams_asked(room)) == requests
    assert room.queue.sent == []


def test_a_message_that_finds_the_lease_taken_comes_back_later_and_gives_up_in_the_end() -> None:
    room = a_room()
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    room.states.acquire(UID, PLATFORM, CREDENTIAL, run.id, 0, room.clock.now())
    [body] = room.queue.take()
    delays = []

    for _ in range(100):
        room.states.states[UID, CREDENTIAL].held_until = room.clock.now() + 180_000
        room.work(body)
        if not room.queue.sent:
            break
        delays.append(room.queue.sent[0][1])
        [body] = room.queue.take()

    assert room.gateway.opened == []
    assert delays[:4] == [1, 3, 5, 7]
    assert max(delays) <= 181
    assert len(delays) == 40


def test_a_run_whose_worker_died_goes_on_when_its_lease_ends() -> None:
    room = a_room(customers=people(3))
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    room.states.acquire(UID, PLATFORM, CREDENTIAL, run.id, 0, room.clock.now())
    [body] = room.queue.take()

    for _ in range(40):
        room.work(body)
        if not room.queue.sent:
            break
        room.clock.move(room.queue.sent[0][1])
        [body] = room.queue.take()

    assert room.states.run(UID, PLATFORM, run.id).state == "succeeded"


def test_a_run_that_never_gets_to_work_is_given_up() -> None:
    room = a_room(customers=people(3))

    run = room.sync(seconds=5)

    assert run.state == "failed"
    assert run.error
    assert (run.error.code, run.error.actor) == ("no_progress", "us")
    assert run.hops == 2
    assert streams_asked(room) == []


def test_a_listing_without_end_is_given_up_at_the_last_hop() -> None:
    room = a_room(customers=people(50))
    on_fetch(room, 1, lambda: room.clock.move(900))
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    [body] = room.queue.take()

    room.work({**body, "hop": MAX_HOPS}, seconds=60)

    ended = room.states.run(UID, PLATFORM, run.id)
    assert ended.error
    assert (ended.state, ended.error.code) == ("failed", "no_progress")


def test_many_slices_come_to_the_same_as_one() -> None:
    def shown(seconds: float) -> tuple[RunView, Any]:
        room = a_room(customers=people(35), inventory=products(*range(15)))
        show(room, sales=sales(room, 30))
        every_page_takes(room, 1)
        run = room.sync(seconds)
        return run, (run.streams, run.sales_linked, run.requests, run.persona_writes)

    whole, one = shown(900)
    sliced, many = shown(32)

    assert sliced.hops >= 3
    assert whole.hops == 0
    assert many == one


def test_each_run_measures_how_old_its_source_has_become_by_platform_alone() -> None:
    room = a_room(customers=people(3))
    show(room, sales=[*sales(room, 4), replace(sales(room, 1, days=1)[0], customer_ext_id=None)])
    measured: list[tuple[dict[str, float], dict[str, str]]] = []
    ending = replace(
        room.worker.ending,
        measure=lambda figures, **under: measured.append((dict(figures), under)),
    )
    room.worker = replace(room.worker, ending=ending)

    run = room.sync()
    began = room.clock.now()
    later(room, hours=30)
    show(room, customers=[UpstreamError("It answers 500.")])
    room.sync()

    (good, under), (bad, _) = measured
    assert under == {"platform": PLATFORM}
    assert good["SetAside"] == 0
    assert good["SalesUnlinked"] == run.sales_unlinked == 2
    assert good["FreshnessSeconds"] < 60
    assert bad["FreshnessSeconds"] == pytest.approx((room.clock.now() - began) / 1000, abs=60)
