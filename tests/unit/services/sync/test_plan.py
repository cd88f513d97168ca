"""Which credentials get a run, when, and by whom (product.md §5, architecture.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.services.job_messages.sync_messages import sync_message
from chalicelib.services.ports.integrations import Credential, DueCredential
from chalicelib.services.sync.plan import LOOK_AGAIN_AFTER, Planner
from chalicelib.services.sync.runs import RunService
from tests.fakes.common import MemoryQueue
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.syncing import a_room, credential, disconnect, open_notices, people

DAY = 86_400_000


def always() -> bool:
    return True


def times(number: int) -> Callable[[], bool]:
    """True so often, then time is up."""
    left = iter([True] * number)
    return lambda: next(left, False)


def due_room(amount: int = 1) -> Backroom:
    """A room with so many credentials, all due since a second ago."""
    room = Backroom()
    for number in range(2, amount + 1):
        room.credentials.add(
            replace(credential(room), id=f"crd_{number}", scope=f"scope-{number}", version=0)
        )
    for row in list(room.credentials.rows.values()):
        set_due(room, row, room.clock.now() - 1_000)
    return room


def set_due(room: Backroom, row: Credential, at: int | None) -> None:
    room.credentials.set_due(row.uid, row.platform, row.id, at)


def queued(room: Backroom) -> list[object]:
    return sorted(str(body["credential"]) for body in room.queue.bodies)


def test_each_due_credential_gets_one_message_and_moves_on() -> None:
    room = due_room(5)

    assert room.planner.plan(always) == 5

    assert queued(room) == ["crd_1", "crd_2", "crd_3", "crd_4", "crd_5"]
    later = room.clock.now() + LOOK_AGAIN_AFTER
    assert {row.next_sync_at for row in room.credentials.rows.values()} == {later}
    assert room.planner.plan(always) == 0


def test_what_is_due_later_or_never_is_left_alone() -> None:
    room = due_room(2)
    set_due(room, room.credentials.get(UID, PLATFORM, "crd_1"), room.clock.now() + 1)
    set_due(room, room.credentials.get(UID, PLATFORM, "crd_2"), None)

    assert room.planner.plan(always) == 0
    assert room.queue.sent == []


def test_more_than_a_batch_of_one_shard_is_planned() -> None:
    room = due_room(1)
    room.planner = Planner(room.credentials, room.runs, room.notices, room.clock, shards=1)
    due, usual = list(range(130)), room.credentials.due

    def of_one_shard(shard: int, until: int, limit: int) -> list[DueCredential]:
        taken, due[:] = due[:limit], due[limit:]
        return [replace(usual_due, due_at=usual_due.due_at - n) for n in taken]

    [usual_due] = [found for shard in range(16) for found in usual(shard, room.clock.now(), 9)]
    room.credentials.due = of_one_shard  # type: ignore[method-assign]
    claimed: list[DueCredential] = []
    room.credentials.claim_due = lambda one, _: bool(claimed.append(one))  # type: ignore[method-assign]

    room.planner.plan(always)

    assert len(claimed) == 130


def test_messages_are_spread_over_a_minute() -> None:
    room = due_room(60)

    room.planner.plan(always)

    delays = [delay for _, delay in room.queue.sent]
    assert max(delays) < 60
    assert len(set(delays)) > 1


def test_of_two_planners_one_queues() -> None:
    room = due_room(3)
    usual = room.credentials.claim_due
    raced: list[bool] = []

    def after_another(due: DueCredential, next_at: int) -> bool:
        if not raced:
            raced.append(True)
            room.planner.plan(always)
        return usual(due, next_at)

    room.credentials.claim_due = after_another  # type: ignore[method-assign]

    assert room.planner.plan(always) == 0
    assert queued(room) == ["crd_1", "crd_2", "crd_3"]


def test_when_time_is_up_the_rest_stays_due_for_the_next_planner() -> None:
    room = due_room(40)

    first = room.planner.plan(times(5))
    second = room.planner.plan(always)

    assert 0 < first < 40
    assert first + second == 40
    assert len(set(queued(room))) == 40


@pytest.mark.parametrize("how", ["disconnected", "removed"])
def test_what_must_not_be_called_leaves_the_index(how: str) -> None:
    room = due_room(1)
    if how == "disconnected":
        disconnect(room)
    else:
        usual = room.credentials.claim_due

        def removed_meanwhile(due: DueCredential, next_at: int) -> bool:
            claimed = usual(due, next_at)
            room.credentials.remove(credential(room), room.clock.now())
            return claimed

        room.credentials.claim_due = removed_meanwhile  # type: ignore[method-assign]

    assert room.planner.plan(always) == 0

    assert room.queue.sent == []
    assert room.credentials.rows[UID, PLATFORM, CREDENTIAL].next_sync_at is None


def test_a_run_that_lives_and_works_is_not_pushed() -> None:
    room = due_room(1)
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    room.queue.take()

    room.planner.plan(always)

    assert room.queue.sent == []


def test_a_run_whose_message_was_lost_is_pushed_again() -> None:
    room = due_room(1)
    room.planner.plan(always)
    lost = room.queue.take()

    room.clock.move(LOOK_AGAIN_AFTER / 1000)
    room.planner.plan(always)

    assert [body["run"] for body in room.queue.bodies] == [lost[0]["run"]]
    room.deliver()
    assert room.states.run(UID, PLATFORM, str(lost[0]["run"])).state == "succeeded"


def test_a_run_whose_message_waits_for_a_slot_is_not_pushed_again() -> None:
    room = due_room(1)
    room.planner.plan(always)
    [waiting] = room.queue.take()
    message = sync_message(waiting)
    ages = [age for age in range(0, 1_801, 60) if age]

    for age in ages:
        room.clock.move(60)
        room.worker.note_waiting(message, age)
    room.planner.plan(always)

    assert room.queue.sent == []
    assert room.runs.start(UID, PLATFORM, CREDENTIAL, "now").id == message.run
    assert room.queue.sent == []


def test_a_lost_continuation_is_pushed_at_its_hop() -> None:
    room = a_room(customers=people(30))
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    lease = room.states.acquire(UID, PLATFORM, CREDENTIAL, run.id, 0, room.clock.now())
    room.states.hand_over(lease, {}, replace(lease.view, state="running", hops=3), 3)
    room.queue.take()
    set_due(room, credential(room), room.clock.now())
    room.clock.move(1_800)

    room.planner.plan(always)
    room.deliver()

    assert room.states.run(UID, PLATFORM, run.id).state == "succeeded"


def test_a_source_without_a_good_run_for_a_day_is_said_to_be_stale() -> None:
    room = due_room(1)
    room.planner.plan(always)
    assert "stale_source" not in open_notices(room)

    room.clock.move(DAY / 1000)
    room.planner.plan(always)

    assert open_notices(room) == {"stale_source"}


def test_a_stale_source_that_has_told_no_scope_yet_is_called_by_its_credential() -> None:
    room = due_room(1)
    room.credentials._put(replace(credential(room), scope="", version=0))

    room.clock.move(DAY / 1000)
    room.planner.plan(always)

    [notice] = room.notifications.open_for(UID)
    assert f"({CREDENTIAL})" in notice.title


def test_own_servers_have_a_queue_of_their_own() -> None:
    room = due_room(2)
    room.credentials.rows[UID, PLATFORM, "crd_2"] = replace(
        room.credentials.get(UID, PLATFORM, "crd_2"), own_server=True
    )
    queues = {"sync": MemoryQueue(), "sync-own-server": MemoryQueue()}
    room.runs = RunService(
        room.states, room.credentials, room.integrations, queues.__getitem__, room.ids, room.clock
    )
    planner = Planner(room.credentials, room.runs, room.notices, room.clock, shards=16)

    planner.plan(always)

    assert [body["credential"] for body in queues["sync"].bodies] == ["crd_1"]
    assert [body["credential"] for body in queues["sync-own-server"].bodies] == ["crd_2"]


def test_a_planned_run_sets_the_next_time_when_it_ends() -> None:
    room = due_room(1)
    room.planner.plan(always)

    room.deliver()

    next_at = credential(room).next_sync_at
    assert next_at is not None
    assert room.clock.now() < next_at <= room.clock.now() + 6 * 3_600_000


def test_the_planner_measures_how_late_it_comes_to_the_oldest() -> None:
    room = due_room(3)
    set_due(room, room.credentials.get(UID, PLATFORM, "crd_2"), room.clock.now() - 90_000)
    measured: list[dict[str, float]] = []
    planner = replace(room.planner, measure=lambda figures: measured.append(dict(figures)))

    planner.plan(always)
    planner.plan(always)

    assert measured == [{"PlanLagSeconds": 90.0}, {"PlanLagSeconds": 0.0}]
