"""Who is told to act, and what a failing run leaves alone (product.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import (
    AiqError,
    FilterIgnored,
    HostRefused,
    KeyRejected,
    PermissionMissing,
    ServerUnreachable,
    UnexpectedAnswer,
    UpstreamError,
)
from chalicelib.domain.records import StoreFact
from chalicelib.domain.words import CredentialId
from chalicelib.services.sync.ending import RunEnding
from chalicelib.services.sync.run_result import RunResult
from tests.fakes.facts import Crash
from tests.fakes.pos import pages_of
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.syncing import (
    MINUTE,
    SECOND,
    a_room,
    always,
    credential,
    every_page_takes,
    later,
    open_notices,
    people,
    products,
    sales,
    show,
    streams_asked,
    watermark,
)


@pytest.mark.parametrize(
    ("error", "actor"),
    [
        (UpstreamError("It answers 500."), "the POS"),
        (UnexpectedAnswer("It sent HTML."), "the POS"),
        (FilterIgnored("It ignores the filter."), "the POS"),
        (ServerUnreachable("It does not answer."), "you"),
        (HostRefused("That address is private."), "you"),
        (KeyRejected("It refuses the key."), "you"),
    ],
)
def test_a_failure_names_stream_and_actor_and_moves_no_watermark_of_what_was_not_read(
    error: AiqError, actor: str
) -> None:
    room = a_room(customers=people(15))
    show(room, sales=[*pages_of(sales(room, 10), 10), error])

    run = room.sync()

    assert run.state == "failed"
    assert run.error
    assert (run.error.code, run.error.actor, run.error.stream) == (error.code, actor, "sales")
    assert watermark(room, "customers") is not None
    assert watermark(room, "sales") is None
    costs_its_stream = isinstance(error, UnexpectedAnswer | FilterIgnored)
    assert ("inventory" in streams_asked(room)) == costs_its_stream
    assert len(room.facts.sale_rows) == 10
    assert credential(room).last_good_run_at is None
    assert credential(room).last_error == error.code


def test_a_report_that_is_too_large_costs_its_stream_and_no_other() -> None:
    room = a_room(customers=people(15))
    too_large = UnexpectedAnswer("It sent more than 10 MB (customers).")
    show(room, customers=[too_large], sales=pages_of(sales(room, 10), 10))

    run = room.sync()

    assert run.error
    assert (run.state, run.error.stream) == ("failed", "customers")
    assert "10 MB (customers)" in run.error.message
    assert len(room.facts.sale_rows) == run.streams["sales"].new == 10
    assert watermark(room, "customers") is None
    assert watermark(room, "sales") is not None


def test_without_the_list_of_stores_nothing_else_is_read() -> None:
    room = a_room(stores=[UnexpectedAnswer("It sent HTML.")])

    run = room.sync()

    assert run.error
    assert run.error.stream == "stores"
    assert streams_asked(room) == ["stores"]


def test_a_failed_run_shows_no_counts_of_streams_it_never_read() -> None:
    room = a_room(customers=[UpstreamError("It answers 500.")])

    run = room.sync()

    assert set(run.streams) == {"stores"}


def test_after_a_failure_the_next_run_reads_on_from_the_last_good_one() -> None:
    room = a_room()
    room.sync()
    good = watermark(room, "sales")
    later(room)
    show(room, sales=[UpstreamError("It answers 500.")])
    room.sync()
    later(room)

    room.sync()

    since = [p.since for s in room.gateway.sessions for p, _ in s.plans if p.stream == "sales"]
    assert good is not None
    assert since == [None, good - 900 * SECOND, good - 900 * SECOND]


def reject_key(room: Backroom) -> None:
    show(room, stores=[KeyRejected("It refuses the key.")])
    room.sync()
    later(room, 1)


def test_a_key_rejected_three_times_stops_the_schedule_and_says_so() -> None:
    room = a_room()

    for stopped in (None, None, "key_rejected"):
        reject_key(room)
        assert credential(room).stopped == stopped

    assert open_notices(room) == {"key_rejected"}
    assert credential(room).next_sync_at is None
    assert credential(room).failures_in_a_row == 3


def test_a_key_that_cannot_be_decrypted_stops_the_schedule_at_once_and_says_so() -> None:
    room = a_room()
    held = credential(room)
    sealed = room.key_ring.seal(UID, CredentialId("crd_other"), {"key": "vt_4f1c9a2b7d"}).sealed
    room.credentials.save(replace(held, sealed=sealed))

    run = room.sync()

    assert (run.state, run.error and run.error.code) == ("failed", "secret_unreadable")
    assert open_notices(room) == {"key_unreadable"}
    assert (credential(room).stopped, credential(room).next_sync_at) == ("secret_unreadable", None)


def test_other_failures_before_do_not_count_as_rejections() -> None:
    room = a_room()
    for _ in range(5):
        show(room, stores=[UpstreamError("It answers 500.")])
        room.sync()
        later(room, 1)

    reject_key(room)

    assert credential(room).stopped is None
    assert credential(room).next_sync_at is not None


def test_a_good_run_mends_what_was_said() -> None:
    room = a_room()
    for _ in range(3):
        reject_key(room)
    show(room, stores=[StoreFact("north", "North House")])

    room.sync()

    assert open_notices(room) == {"unmapped_stores"}
    assert credential(room).stopped is None
    assert credential(room).failures_in_a_row == 0


def test_a_dead_server_is_left_alone_for_longer_and_longer_and_told_of() -> None:
    room = a_room()
    pauses = []

    for _ in range(7):
        show(room, stores=[ServerUnreachable("It does not answer.")])
        room.sync()
        pauses.append((credential(room).next_sync_at - room.clock.now()) // MINUTE)
        room.clock.move(600)

    assert pauses == [15, 30, 60, 120, 240, 360, 360]
    assert "server_unreachable" in open_notices(room)


def a_slow_own_server(shoppers: int) -> Backroom:
    """Its reports take a minute for each page of ten."""
    room = a_room(customers=people(shoppers))
    room.credentials.rows[UID, PLATFORM, CREDENTIAL] = replace(credential(room), own_server=True)
    every_page_takes(room, 60)
    return room


def test_a_run_of_an_own_server_ends_after_two_hours_and_the_server_is_left_alone() -> None:
    room = a_slow_own_server(2_000)

    run = room.sync()

    error = run.error
    assert error is not None
    assert (run.state, error.code, error.actor) == ("failed", "server_too_slow", "you")
    assert "120 minutes" in error.message
    assert 115 <= run.streams["customers"].pages <= 121
    assert watermark(room, "customers") is None
    assert run.streams["customers"].new >= 1_150, "what came is kept"
    assert credential(room).next_sync_at - room.clock.now() == 15 * MINUTE
    assert room.sync().state == "failed"
    assert credential(room).next_sync_at - room.clock.now() == 30 * MINUTE


def test_only_work_counts_and_the_operator_can_allow_more_of_it() -> None:
    room = a_slow_own_server(1_500)
    room.raised_limits.put(UID, "own_server_minutes", 180)
    assert room.sync().state == "succeeded"

    room = a_slow_own_server(1_000)
    queued = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    while bodies := room.queue.take():
        room.clock.move(3_600)
        for body in bodies:
            room.work(body)
    run = room.states.run(UID, PLATFORM, queued.id)
    assert run.state == "succeeded", "it waited for an hour before each of its processes"


def test_a_run_of_a_hosted_pos_may_take_as_long_as_it_takes() -> None:
    room = a_room(customers=people(1_500))
    every_page_takes(room, 60)

    assert room.sync().state == "succeeded"


def test_a_missing_permission_holds_up_only_its_own_stream() -> None:
    lacking = ["Enhanced Customer Data Access"]
    room = a_room(customers=[PermissionMissing("Not allowed.", permissions=lacking)])
    show(room, sales=sales(room, 3), inventory=products(1))

    run = room.sync()

    assert streams_asked(room) == ["stores", "customers", "sales", "inventory"]
    assert run.state == "failed"
    assert run.error
    assert (run.error.actor, run.error.stream) == ("you", "customers")
    assert watermark(room, "customers") is None
    assert watermark(room, "sales") is not None
    [said] = [n for n in room.notifications.open_for(UID) if n.kind == "permission_missing"]
    assert lacking[0] in said.title


def test_every_missing_permission_is_named_and_granting_them_mends_it() -> None:
    room = a_room(
        customers=[PermissionMissing("Not allowed.", permissions=["Customer Data"])],
        inventory=[PermissionMissing("Not allowed.", permissions=["Menu Feed"])],
    )
    room.sync()
    [said] = [n for n in room.notifications.open_for(UID) if n.kind == "permission_missing"]
    later(room)

    run = room.sync()

    assert "Customer Data, Menu Feed" in said.title
    assert run.state == "succeeded"
    assert "permission_missing" not in open_notices(room)


def test_a_source_without_a_good_run_for_a_day_is_stale() -> None:
    room = a_room()
    room.sync()

    later(room, 23)
    show(room, stores=[UpstreamError("It answers 500.")])
    room.sync()
    assert "stale_source" not in open_notices(room)

    later(room, 2)
    show(room, stores=[UpstreamError("It answers 500.")])
    room.sync()
    assert "stale_source" in open_notices(room)


def test_a_run_that_failed_reads_on_no_more_though_its_worker_died_before_saying_so() -> None:
    room = a_room(customers=people(3))
    show(room, sales=[UpstreamError("It answers 500."), *pages_of(sales(room, 3))])
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    [body] = room.queue.take()
    usual = room.credentials.record_run

    def dying(*_: Any, **__: Any) -> None:
        room.credentials.record_run = usual
        raise Crash

    room.credentials.record_run = dying
    with pytest.raises(Crash):
        room.work(body)
    requests = len(streams_asked(room))
    room.clock.move(200)

    room.work(body)

    assert len(streams_asked(room)) == requests
    assert room.states.run(UID, PLATFORM, run.id).state == "failed"
    assert credential(room).failures_in_a_row == 1


@pytest.mark.parametrize("fault", [KeyRejected("No."), UpstreamError("500")], ids=lambda e: e.code)
def test_a_failing_run_killed_at_any_step_fails_the_same(fault: AiqError) -> None:
    def failing() -> Backroom:
        room = a_room(customers=people(12), inventory=products(1, 2))
        show(room, sales=[*pages_of(sales(room, 10), 10), fault])
        return room

    def outcome(room: Backroom) -> Any:
        [run] = [room.states.run(UID, PLATFORM, view.id) for view in room.states.kept.values()]
        found = credential(room)
        return (
            (run.state, run.error and run.error.code, found.failures_in_a_row, found.last_error),
            {(k.key, k.sales) for k in room.stores.keys(UID)},
            open_notices(room),
            len(room.facts.personas),
        )

    calm = failing()
    calm.sync()

    for step in range(1, calm.wire.calls + 1):
        room = failing()
        room.wire.at = step
        room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
        bodies = room.queue.take()
        while bodies:
            try:
                room.work(bodies[0])
                bodies.pop(0)
            except Crash:
                room.clock.move(200)
                if not room.gateway.pages["sales"][1:]:
                    room.gateway.pages["sales"].append(fault)
            bodies += room.queue.take()
        assert outcome(room) == outcome(calm), f"killed at step {step}"


def deliver_until_it_ends(room: Backroom, most: int = 20) -> int:
    """Queue a run; how often it was taken up before it ended. A message that raised or died comes
    again once the lease is over; when it is dead-lettered the planner sends another like it."""
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    [body] = room.queue.take()
    for taken in range(1, most + 1):
        with suppress(Crash, KeyError):
            room.work(body)
        if room.states.run(UID, PLATFORM, run.id).ended_at is not None:
            return taken
        room.clock.move(200)
        [body] = room.queue.take() or [body]
    raise AssertionError("the run never ends")


def a_bug() -> None:
    raise KeyError("a bug of ours")


def test_a_bug_met_at_the_same_place_again_and_again_ends_the_run_and_is_ours() -> None:
    room = a_room(customers=people(15))
    room.sync()
    good = watermark(room, "customers")
    later(room)
    always(room, "sales", a_bug)

    assert deliver_until_it_ends(room) == 5

    [run, *_], _ = room.states.runs(UID, PLATFORM, 1, None)
    assert run.error
    assert (run.state, run.error.code, run.error.actor) == ("failed", "no_progress", "us")
    assert watermark(room, "customers") == good
    assert credential(room).last_error == "no_progress"
    assert credential(room).next_sync_at == room.clock.now() + 15 * MINUTE


def test_the_message_of_a_bug_reaches_the_dead_letters_though_the_run_has_ended() -> None:
    room = a_room()
    always(room, "stores", a_bug)
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    [body] = room.queue.take()

    for _ in range(5):
        with pytest.raises(KeyError):
            room.work(body)
        room.clock.move(200)

    assert room.states.run(UID, PLATFORM, run.id).state == "failed"


def test_a_page_that_kills_every_worker_ends_the_run_before_a_sixth_dies_of_it() -> None:
    room = a_room(customers=people(15))
    deaths = []

    def dies() -> None:
        deaths.append(room.clock.now())
        room.wire.calls, room.wire.at = 0, 1  # nothing that it still calls gets through

    always(room, "sales", dies)
    usual = room.work

    def works(body: Any) -> None:
        room.wire.at = None
        usual(body)

    room.work = works  # type: ignore[method-assign]

    assert deliver_until_it_ends(room) == 6

    assert len(deaths) == 5
    assert credential(room).last_error == "no_progress"


def test_a_run_that_moves_on_between_its_crashes_is_no_hopeless_one() -> None:
    room = a_room(customers=people(300))
    every_page_takes(room, 3)
    pages = 0

    def dies_now_and_then() -> None:
        nonlocal pages
        pages += 1
        if pages % 3 == 0:
            raise KeyError("a bug of ours")

    always(room, "customers", dies_now_and_then)

    assert deliver_until_it_ends(room) > 6

    [run], _ = room.states.runs(UID, PLATFORM, 1, None)
    assert run.state == "succeeded"
    assert len(room.facts.records) == 300


def test_a_run_that_is_given_up_tells_which_shops_its_sales_name() -> None:
    room = a_room(customers=people(5))
    show(room, sales=sales(room, 10))
    every_page_takes(room, 3)
    always(room, "inventory", a_bug)

    deliver_until_it_ends(room)

    [run], _ = room.states.runs(UID, PLATFORM, 1, None)
    assert run.error
    assert run.error.code == "no_progress"
    assert {key.key: key.sales for key in room.stores.keys(UID)} == {"north": 10}
    assert "unmapped_stores" in open_notices(room)


def test_a_run_that_is_given_up_after_its_last_page_takes_its_own_catalogue_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = a_room(inventory=products(*range(30)))
    room.sync()
    later(room)
    show(room, inventory=products(*range(29)))
    every_page_takes(room, 3)
    usual = RunEnding.end

    def fails_after_the_last_page(
        ending: RunEnding, result: RunResult, save_streams: Callable[[], None]
    ) -> None:
        if result.end == "complete":
            a_bug()
        usual(ending, result, save_streams)

    monkeypatch.setattr(RunEnding, "end", fails_after_the_last_page)

    deliver_until_it_ends(room)

    items = [item for shelf in room.inventories.items.values() for item in shelf.values()]
    assert [item.ext_id for item in items if not item.active] == ["i29"]
