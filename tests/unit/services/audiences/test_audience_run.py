"""An audience run on fakes (product.md §6, §10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.audiences import SnapshotFilter
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.times import DAY
from chalicelib.services.job_messages.account_jobs import AudienceRunMessage
from chalicelib.services.ports.audiences import AudienceHead
from tests.fakes.facts import Crash
from tests.worlds.audiences import NEVER, AudienceRoom
from tests.worlds.backroom import UID
from tests.worlds.changes import in_force


def shoppers(audience: AudienceRoom, amount: int = 6) -> None:
    """Number n bought n times for 10.00, last n * 20 days ago; number 0 never."""
    now = audience.clock.now()
    folk = [Customer(str(n), first=f"Shopper {n}", phone=f"+1206555{n:04d}") for n in range(amount)]
    sold = [
        Sale(f"s{n}-{i}", "1", now - n * 20 * DAY, "", "USD", 1_000, customer_ext_id=str(n))
        for n in range(amount)
        for i in range(n)
    ]
    audience.tell(*folk, *sold)


@pytest.fixture
def audience() -> AudienceRoom:
    room = AudienceRoom()
    in_force(room.room, points_per_100=10_000)
    return room


def test_a_run_lists_everybody_and_ends_done(audience: AudienceRoom) -> None:
    shoppers(audience)

    run = audience.run_now()

    assert (run.state, run.personas, run.drifted, run.actor) == ("done", 6, 0, "user:ann")
    assert [line.first for line in audience.page_all("name")] == [f"Shopper {n}" for n in range(6)]
    assert audience.rows.head(UID).latest == run.id


def test_an_account_whose_data_did_not_change_costs_no_row_of_a_persona(
    audience: AudienceRoom,
) -> None:
    shoppers(audience)
    audience.run_now()
    facts = audience.room.facts
    written, locked = facts.rows_written, dict(facts.fences)

    audience.run_now()

    assert facts.rows_written == written
    assert facts.fences == locked  # no lock was taken either


def test_what_has_drifted_is_counted_told_and_mended(audience: AudienceRoom) -> None:
    shoppers(audience)
    audience.run_now()
    facts = audience.room.facts
    place, persona = next(iter(facts.personas.items()))
    facts.personas[place] = replace(persona, first="Nobody", favourite_store=7)

    run = audience.run_now()

    assert (run.drifted, audience.drift) == (1, [0, 1])
    assert facts.personas[place] == persona
    assert [n.kind for n in audience.room.notifier.open_for(UID)] == ["drift"]
    assert "1 personas differed" in audience.room.operator.letters[0][1]
    assert "Nobody" not in {line.first for line in audience.page_all("name")}
    assert audience.run_now().drifted == 0
    assert audience.room.notifier.open_for(UID) == []


def test_a_persona_that_is_missing_where_it_should_be_shown_is_listed(
    audience: AudienceRoom,
) -> None:
    """A crash of old code left one person under two ids: the records know better."""
    audience.tell(
        Customer("1", first="Ana", phone="+12065550001"),
        Customer("2", first="Ana", email="ana@example.com"),
    )
    facts = audience.room.facts
    ana = facts.shown(UID)[0]
    other = facts.shown(UID)[1]
    facts.personas[UID, ana.id] = replace(ana, members=(*ana.members, other.id))
    del facts.personas[UID, other.id]

    run = audience.run_now()

    assert run.drifted > 0
    assert sorted(line.id for line in audience.page_all("points")) == sorted([ana.id, other.id])


def test_what_follows_a_change_of_the_rules_has_not_drifted(audience: AudienceRoom) -> None:
    shoppers(audience)
    audience.room.commits.join_all(UID, [p.id for p in audience.room.facts.shown(UID)], "form", 0)
    audience.run_now()
    in_force(audience.room, points_per_100=20_000)  # its job is still in the queue

    run = audience.run_now()

    assert run.drifted == 0
    assert run.recomputed > 0
    assert audience.room.notifier.open_for(UID) == []


def test_points_whose_day_has_come_have_not_drifted(audience: AudienceRoom) -> None:
    audience = AudienceRoom()
    in_force(audience.room, points_per_100=10_000, expire_after_days=100)
    audience.tell(
        Customer("1", phone="+12065550001"),
        Sale("s1", "1", audience.clock.now(), "", "USD", 1_000, customer_ext_id="1"),
    )
    audience.room.commits.join(UID, audience.room.facts.shown(UID)[0].id, "form", 0)
    assert audience.room.facts.shown(UID)[0].points > 0
    audience.run_now()
    audience.clock.move(101 * 86_400)

    run = audience.run_now()

    assert (run.drifted, run.recomputed) == (0, 1)
    assert audience.room.facts.shown(UID)[0].points == 0


def test_the_standing_audiences_are_counted_by_source_and_store(audience: AudienceRoom) -> None:
    shoppers(audience)
    members = audience.room.facts.shown(UID)[:2]
    audience.room.commits.join_all(UID, [p.id for p in members], "form", 0)

    counts = {count.name: count for count in audience.run_now().audiences}

    assert counts["personas"].total == 6
    assert counts["members"].total == 2
    assert counts["members"].by_source == {"posabit": 2}
    assert counts["lapsed_90"].total == 1  # the last bought 100 days ago
    assert counts["opted_in"].total == 0


def test_a_second_run_joins_the_one_under_way(audience: AudienceRoom) -> None:
    first = audience.starter.request(UID, "now")

    again = audience.starter.request(UID, "now")

    assert again.id == first.id
    assert len(audience.jobs.bodies) == 1


def test_a_first_sync_during_a_run_has_another_one_follow(audience: AudienceRoom) -> None:
    first = audience.starter.request(UID, "now")
    audience.starter.request(UID, "first_sync")
    shoppers(audience)

    audience.work_off()

    runs, _ = audience.rows.recent(UID, 10, None)
    assert [run.trigger for run in runs] == ["first_sync", "now"]
    assert audience.rows.head(UID).latest != first.id


def test_a_first_sync_that_ends_as_a_run_does_is_seen_by_another_one(
    audience: AudienceRoom,
) -> None:
    run = audience.starter.request(UID, "now")
    head_of = audience.rows.head
    reads = []

    def head(uid: str) -> AudienceHead:
        """A sync comes in between the last reading of the head and its writing."""
        found = head_of(uid)
        is_ending = "manifest" in " ".join(audience.objects.content)
        if is_ending and not reads:
            reads.append(uid)
            audience.starter.request(UID, "first_sync")
        return found

    audience.rows.head = head  # type: ignore[method-assign]
    audience.work_off()

    runs, _ = audience.rows.recent(UID, 10, None)
    assert [(each.trigger, each.state) for each in runs] == [
        ("first_sync", "done"),
        ("now", "done"),
    ]
    assert runs[1].id == run.id


def test_only_the_last_two_snapshots_are_kept(audience: AudienceRoom) -> None:
    shoppers(audience)
    runs = [audience.run_now().id for _ in range(4)]

    kept = {name.split("/")[2] for name in audience.objects.content}

    assert kept == set(runs[-2:])
    assert not [name for name in audience.objects.content if "/work/" in name]


def test_a_run_in_many_slices_lists_the_same(audience: AudienceRoom) -> None:
    shoppers(audience, 12)
    whole = audience.run_now()
    expected = audience.page_all("points")

    sliced = audience.run_now(NEVER)

    assert sliced.hop > 3
    assert audience.page_all("points") == expected
    assert sliced.audiences == whole.audiences


def test_a_message_of_a_run_that_another_worker_holds_does_nothing(
    audience: AudienceRoom,
) -> None:
    run = audience.starter.request(UID, "now")
    audience.rows.save_run(replace(run, leased_until=audience.clock.now() + 1))

    assert audience.worker.handle(AudienceRunMessage(UID, run.id), NEVER) == 0
    assert audience.rows.run(UID, run.id).state == "queued"


def test_a_worker_that_fails_lets_the_next_one_go_on(audience: AudienceRoom) -> None:
    shoppers(audience)
    run = audience.starter.request(UID, "now")
    put = audience.objects.put

    def refuse(name: str, content: bytes) -> None:
        raise OSError("the bucket does not answer")

    audience.objects.put = refuse  # type: ignore[method-assign]
    with pytest.raises(OSError, match="bucket"):
        audience.worker.handle(AudienceRunMessage(UID, run.id), lambda: True)
    audience.objects.put = put  # type: ignore[method-assign]

    audience.work_off()

    assert audience.rows.run(UID, run.id).state == "done"


def test_a_run_that_fails_at_every_try_is_given_up_and_told(audience: AudienceRoom) -> None:
    shoppers(audience)
    run = audience.starter.request(UID, "now")

    def refuse(name: str, content: bytes) -> None:
        raise OSError("the bucket does not answer")

    audience.objects.put = refuse  # type: ignore[method-assign]
    for _ in range(11):  # the first moved on: its backups were taken
        with pytest.raises(OSError, match="bucket"):
            audience.worker.handle(AudienceRunMessage(UID, run.id), lambda: True)
    audience.worker.handle(AudienceRunMessage(UID, run.id), lambda: True)

    assert audience.rows.run(UID, run.id).state == "failed"
    assert audience.rows.head(UID).live == ""
    assert [n.kind for n in audience.room.notifier.open_for(UID)] == ["audience_run_failed"]


@pytest.mark.parametrize("before_the_walk", [True, False])
def test_backups_are_taken_until_they_are_whole(before_the_walk: bool) -> None:
    taken: list[str] = []

    class Slow:
        def take(self, uid: str, run: str, time_left: object) -> bool:  # noqa: ARG002
            taken.append(run)
            return len(taken) > 2

    audience = AudienceRoom(backups=Slow())
    run = audience.run_now(NEVER if before_the_walk else (lambda: True))

    assert (run.state, taken) == ("done", [run.id] * 3)


def test_a_run_killed_at_any_call_ends_as_one_that_was_not() -> None:
    """The planner finds the run that lost its worker or its message."""

    def play(at: int | None) -> tuple[AudienceRoom, bool]:
        audience = AudienceRoom()
        in_force(audience.room, points_per_100=10_000)
        shoppers(audience, 5)
        facts = audience.room.facts
        audience.run_now(NEVER)
        place, persona = next(iter(facts.personas.items()))
        facts.personas[place] = replace(persona, first="Nobody")
        wire = audience.room.wire
        wire.calls, wire.at = 0, at
        died = False
        try:
            audience.run_now(NEVER)
        except Crash:
            died = True
            facts.crash_in = None
        wire.at = None
        for _ in range(12):  # ticks of the planner, and late messages
            audience.work_off(NEVER)
            audience.clock.move(1_000)
            audience.planner.plan(lambda: True)
        audience.work_off(NEVER)
        return audience, died

    alive, _ = play(None)
    calls = alive.room.wire.calls
    expected = alive.page_all("name")
    kills = 0
    for at in range(1, calls + 1):
        audience, died = play(at)
        kills += died
        head = audience.rows.head(UID)
        assert head.live == "", at
        runs, _ = audience.rows.recent(UID, 10, None)
        assert {run.state for run in runs} == {"done"}, at
        assert audience.page_all("name") == expected, at
        if len(runs) > 1:
            assert runs[0].drifted + sum(r.drifted for r in runs[1:]) >= 1, at
    assert kills > 50


def test_filters_narrow_a_list_and_its_total(audience: AudienceRoom) -> None:
    shoppers(audience)
    members = audience.room.facts.shown(UID)[:2]
    audience.room.commits.join_all(UID, [p.id for p in members], "form", 0)
    audience.run_now()

    nobody = audience.lists.page(UID, "name", SnapshotFilter(source="auphan"), 10, None)
    everybody = audience.lists.page(UID, "name", SnapshotFilter(source="posabit"), 4, None)

    assert (nobody.total, nobody.items, nobody.position) == (0, (), None)
    assert (everybody.total, len(everybody.items)) == (6, 4)
