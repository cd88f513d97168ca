"""*Loyalty points imported on*: taken until the first complete listing after its date (§7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, UnexpectedAnswer
from chalicelib.domain.points_import import NEVER, end_of_day
from chalicelib.domain.records import Customer
from chalicelib.domain.times import MINUTE, day_number, start_of_day
from chalicelib.domain.words import Instant
from chalicelib.services.changes.wording import sentence
from chalicelib.services.derivation.fact_commits import INDEX_SECONDS
from chalicelib.services.loyalty.points_import import ImportLocks
from chalicelib.services.ports.pos import Page
from tests.fakes.facts import Crash
from tests.worlds.backroom import CREDENTIAL, PLATFORM, SCOPE, UID, Backroom
from tests.worlds.changes import (
    ZONE,
    ago,
    apply,
    apply_loyalty,
    bought,
    members,
    points,
    preview,
    sell,
    today,
)
from tests.worlds.syncing import a_room, credential, disconnect, on_fetch, open_notices, show

LEASE_SECONDS = 200


def folk(*balances: int | None, listed: Sequence[int] | None = None) -> list[Customer]:
    """Number n has the nth balance."""
    numbers = range(len(balances)) if listed is None else listed
    return [
        Customer(str(n), first=str(n), phone=f"+1206555{n:04d}", pos_points=balances[n])
        for n in numbers
    ]


def a_shop(*balances: int | None, days: int = 0) -> Backroom:
    """Its points are imported, up to a day so many days ago; its first sync has run."""
    room = a_room(customers=folk(*balances))
    held = credential(room)
    room.credentials.rows[UID, PLATFORM, CREDENTIAL] = replace(held, created_at=0)
    room.sync()
    apply(room, points_imported_on=ago(room, days))
    return room


def to_the_next_day(room: Backroom) -> None:
    """00:05 of the account's next day."""
    at = start_of_day(today(room) + timedelta(1), ZONE) + 5 * MINUTE
    room.clock.at = at


def sync(room: Backroom) -> Any:
    run = room.sync()
    room.work_off()
    return run


def locks(room: Backroom) -> dict[str, str]:
    return dict(room.rules.get(UID).source(PLATFORM).import_locks)


def listings(room: Backroom) -> list[Instant | None]:
    """How far back each request for customers reached."""
    return [
        plan.since
        for session in room.gateway.sessions
        for plan, _ in session.plans
        if plan.stream == "customers"
    ]


def test_each_sync_until_the_lock_replaces_the_balance() -> None:
    """If a date is filled in, AIQ will pull in loyalty points from POSaBIT up to that date and stop
    afterwards."""
    room = a_shop(100, 0, None)
    before = points(room)
    show(room, customers=folk(70, 5, None))

    sync(room)

    assert before == {"0": 10_000, "1": 0, "2": 0}
    assert points(room) == {"0": 7_000, "1": 500, "2": 0}
    assert members(room) == {"0", "1"}
    assert locks(room) == {}


def test_the_first_complete_listing_after_the_date_fixes_the_balances() -> None:
    """This is a one-time sync. Once the date is set and points have been imported, this setting
    does not need to be updated again."""
    room = a_shop(100, 20)
    to_the_next_day(room)
    show(room, customers=folk(90, 20))

    run = sync(room)
    show(room, customers=folk(1, 2))
    room.clock.move(6 * 3_600)
    sync(room)

    assert points(room) == {"0": 9_000, "1": 2_000}
    assert locks(room) == {SCOPE: run.id}


def test_the_listing_is_due_five_minutes_into_the_following_day() -> None:
    room = a_shop(100)

    due = credential(room).next_sync_at
    sync(room)
    after_a_sync = credential(room).next_sync_at

    expected = end_of_day(day_number(today(room)), ZONE) + 5 * MINUTE
    assert after_a_sync is not None
    assert after_a_sync <= expected
    assert due is not None
    assert due <= expected
    to_the_next_day(room)
    room.clock.move(-600)
    sync(room)
    assert credential(room).next_sync_at == expected


def test_a_date_that_is_over_is_listed_at_once() -> None:
    room = a_shop(100, days=3)

    before_the_wait = room.clock.now() - round(INDEX_SECONDS * 1_000)
    assert credential(room).next_sync_at == before_the_wait


def test_the_listing_reads_every_customer_and_later_ones_only_what_changed() -> None:
    room = a_shop(100, 20)
    sync(room)
    to_the_next_day(room)
    sync(room)
    room.clock.move(6 * 3_600)
    sync(room)

    first, usual, locking, after = listings(room)
    assert (first, locking) == (None, None)
    assert usual is not None
    assert after is not None


def test_who_is_not_in_the_listing_carries_nothing() -> None:
    room = a_shop(100, 20)
    to_the_next_day(room)
    show(room, customers=folk(100, 20, listed=[0]))

    sync(room)

    assert points(room) == {"0": 10_000, "1": 0}
    assert members(room) == {"0"}


def test_a_listing_that_fails_fixes_nothing_and_the_next_does() -> None:
    room = a_shop(100, 20)
    to_the_next_day(room)
    broken = [*_pages(folk(1, 2)), UnexpectedAnswer("HTML")]
    show(room, customers=broken)
    failed = sync(room)
    between = dict(locks(room))
    show(room, customers=folk(80, 20))
    room.clock.move(3_600)

    good = sync(room)

    assert (failed.state, between) == ("failed", {})
    assert (good.state, locks(room)) == ("succeeded", {SCOPE: good.id})
    assert points(room) == {"0": 8_000, "1": 2_000}


def test_an_empty_listing_fixes_nothing() -> None:
    room = a_shop(100, 20)
    to_the_next_day(room)
    show(room, customers=[])

    sync(room)

    assert locks(room) == {}
    assert points(room) == {"0": 10_000, "1": 2_000}


def test_a_listing_begun_on_the_date_fixes_nothing_though_it_ends_after_it() -> None:
    room = a_shop(100)
    to_the_next_day(room)
    room.clock.move(-600)
    on_fetch(room, 2, lambda: room.clock.move(900))

    sync(room)

    assert locks(room) == {}
    assert credential(room).next_sync_at <= room.clock.now()


def test_a_date_moved_on_while_its_listing_runs_is_not_fixed_by_it() -> None:
    room = a_shop(100, days=3)

    def moved() -> None:
        rules = room.rules.get(UID)
        source = rules.source(PLATFORM)
        later = replace(source, imported_on=day_number(today(room)))
        room.rules.save(UID, replace(rules, sources={PLATFORM: later}))

    on_fetch(room, 2, moved)

    sync(room)

    assert locks(room) == {}


def test_a_run_that_is_stopped_fixes_nothing() -> None:
    room = a_shop(100)
    to_the_next_day(room)

    def stop() -> None:
        room.runs.request_stop(UID, PLATFORM, CREDENTIAL)
        disconnect(room)
        room.clock.move(5)

    on_fetch(room, 2, stop)

    run = sync(room)

    assert run.state == "stopped"
    assert locks(room) == {}


def test_a_credential_added_after_the_end_of_the_date_imports_nothing() -> None:
    room = a_room(customers=folk(100))
    room.sync()

    apply(room, points_imported_on=ago(room, 1))
    sync(room)

    assert locks(room) == {SCOPE: NEVER}
    assert points(room) == {"0": 0}
    assert members(room) == set()


def test_a_credential_added_to_a_card_that_imported_takes_no_points() -> None:
    room = a_shop(100, days=2)
    sync(room)
    held = credential(room)
    room.credentials.rows[UID, PLATFORM, CREDENTIAL] = replace(
        held, scope="south", created_at=room.clock.now()
    )
    show(room, customers=[Customer("9", first="9", phone="+12065559999", pos_points=50)])
    room.clock.move(3_600)

    sync(room)

    assert locks(room)["south"] == NEVER
    assert points(room)["9"] == 0


def test_after_the_lock_the_date_is_fixed_and_removing_it_keeps_the_points() -> None:
    room = a_shop(100, days=2)
    sync(room)

    with pytest.raises(Conflict, match="one-time sync"):
        preview(room, points_imported_on=ago(room, 1))
    removed = preview(room, points_imported_on=None).counts
    apply(room, points_imported_on=None)

    assert (removed.lost, removed.balances) == (0, 0)
    assert points(room) == {"0": 10_000}
    with pytest.raises(Conflict, match="one-time sync"):
        preview(room, points_imported_on=ago(room, 1))


def test_removing_the_date_does_not_let_who_joined_by_the_import_earn_from_earlier_on() -> None:
    """The balances hold what earlier sales were worth to the POS: they must not earn twice."""
    room = a_shop(100, days=5)
    sync(room)
    apply_loyalty(
        room,
        enabled=True,
        accrual_start=ago(room, 30),
        points_per_100=10_000,
        earn_only_from_joining=True,
    )
    sell(room, bought(room, "0", 10), bought(room, "0", 2))
    assert points(room) == {"0": 11_000}

    removed = preview(room, points_imported_on=None).counts
    apply(room, points_imported_on=None)

    assert (removed.balances, points(room)) == (0, {"0": 11_000})


def test_before_the_lock_the_date_may_be_moved_or_taken_back() -> None:
    room = a_shop(100)

    counted = preview(room, points_imported_on=None).counts
    apply(room, points_imported_on=None)

    assert (counted.lost, counted.balances, counted.points) == (1, 1, -10_000)
    assert points(room) == {"0": 0}


def test_a_preview_of_an_import_counts_balances_and_who_would_join_by_them() -> None:
    room = a_room(customers=folk(100, 0, 30))
    room.credentials.rows[UID, PLATFORM, CREDENTIAL] = replace(credential(room), created_at=0)
    room.sync()

    counted = preview(room, points_imported_on=ago(room, 0)).counts

    assert (counted.enrolled, counted.balances, counted.points) == (2, 2, 13_000)
    assert [change.after for change in counted.largest] == [10_000, 3_000]


def test_a_source_that_imports_nothing_is_read_as_ever() -> None:
    room = a_room(customers=folk(100))
    room.sync()
    room.clock.move(86_400)

    sync(room)

    assert listings(room)[1] is not None
    assert points(room) == {"0": 0}
    assert "points_import_mismatch" not in open_notices(room)


def test_a_locking_run_killed_at_any_step_fixes_the_same_balances() -> None:
    def a_day_later() -> Backroom:
        room = a_shop(100, 20, 7)
        sync(room)
        to_the_next_day(room)
        show(room, customers=folk(90, 20, 0, listed=[0, 1]))
        return room

    calm = a_day_later()
    calm.wire.calls = 0
    sync(calm)
    steps = calm.wire.calls
    assert steps > 30
    assert points(calm) == {"0": 9_000, "1": 2_000, "2": 0}

    for step in range(1, steps + 1):
        room = a_day_later()

        sync_through_crash(room, step)

        assert points(room) == points(calm), step
        assert set(locks(room)) == {SCOPE}, step
        assert members(room) == {"0", "1"}, step


def sync_through_crash(room: Backroom, step: int) -> None:
    """Both queues are delivered again and again; the process dies once."""
    room.wire.calls, room.wire.at = 0, step
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    syncs, jobs = room.queue.take(), room.jobs.take()
    for _ in range(500):
        if not (syncs or jobs):
            break
        at_sync = bool(syncs)
        body = syncs.pop(0) if at_sync else jobs.pop(0)
        room.clock.move(1)
        try:
            if at_sync:
                room.work(body)
            else:
                room.do(body, lambda: True)
        except Crash:
            room.wire.at = None
            (syncs if at_sync else jobs).append(body)
            room.clock.move(LEASE_SECONDS)
        syncs += room.queue.take()
        jobs += room.jobs.take()
    room.wire.at = None


def _pages(customers: list[Customer]) -> list[Page]:
    return [Page((customer,), (), 1, None, True) for customer in customers]


def test_a_day_in_the_future_imports_until_its_end() -> None:
    room = a_shop(100, days=-3)
    sync(room)
    before = points(room), locks(room)

    room.clock.at = start_of_day(today(room) + timedelta(4), ZONE) + 5 * MINUTE
    show(room, customers=folk(130))
    run = sync(room)

    assert before == ({"0": 10_000}, {})
    assert points(room) == {"0": 13_000}
    assert locks(room) == {SCOPE: run.id}


def test_a_debt_in_a_household_takes_no_membership_that_another_balance_gives() -> None:
    """+50 and -60: the reason stays, the wallet shows nothing."""
    room = a_room()
    household = [replace(one, phone="+12065550000") for one in folk(50, -60)]
    room.commits.commit(UID, PLATFORM, SCOPE, customers=household)

    counted = preview(room, points_imported_on=today(room)).counts
    apply(room, points_imported_on=today(room))

    [persona] = room.facts.shown(UID)
    assert ([reason.name for reason in persona.reasons], persona.points) == (["import"], -1_000)
    assert (counted.enrolled, counted.points) == (1, -1_000)


def remove_credential(room: Backroom) -> None:
    room.credentials.remove(credential(room), room.clock.now())
    ImportLocks(room.rules, room.jobs).withdraw(UID, PLATFORM, SCOPE)
    room.work_off()


def test_a_scope_whose_credential_is_removed_before_the_lock_imports_nothing() -> None:
    room = a_shop(100)

    remove_credential(room)

    assert (points(room), members(room), locks(room)) == ({"0": 0}, set(), {SCOPE: NEVER})


def test_a_scope_whose_credential_is_removed_after_the_lock_keeps_its_points() -> None:
    room = a_shop(100, days=2)
    run = sync(room)

    remove_credential(room)

    assert (points(room), locks(room)) == ({"0": 10_000}, {SCOPE: run.id})


def test_a_scope_that_has_no_credential_any_more_when_the_date_is_set_imports_nothing() -> None:
    room = a_room(customers=folk(100))
    room.sync()
    room.credentials.remove(credential(room), room.clock.now())

    counted = preview(room, points_imported_on=today(room)).counts
    apply(room, points_imported_on=today(room))

    assert (counted.enrolled, counted.points) == (0, 0)
    assert (points(room), members(room)) == ({"0": 0}, set())


def test_a_credential_that_comes_back_before_the_end_of_the_date_imports_again() -> None:
    room = a_shop(100, days=-3)
    imports = ImportLocks(room.rules, room.jobs)
    imports.withdraw(UID, PLATFORM, SCOPE)
    now = room.clock.now()

    def begin(added: Instant) -> dict[str, str]:
        imports.needs_listing(UID, PLATFORM, SCOPE, run="r", added=added, began=now, zone=ZONE)
        return locks(room)

    late = begin(end_of_day(day_number(ago(room, -3)), ZONE))
    in_time = begin(now)

    assert (late, in_time) == ({SCOPE: NEVER}, {})


def test_a_preview_of_a_day_that_is_over_counts_what_earns_twice_and_proposes_a_start() -> None:
    """The listing is read today: its balances hold the points of the days since."""
    room = a_room(customers=folk(100, 20))
    room.credentials.rows[UID, PLATFORM, CREDENTIAL] = replace(credential(room), created_at=0)
    room.sync()
    apply_loyalty(room, enabled=True, accrual_start=ago(room, 4), points_per_100=10_000)
    sell(room, bought(room, "0", 9), bought(room, "0", 3), bought(room, "1", 1))
    tomorrow = ago(room, -1)

    over = room.proposals.settings(UID, PLATFORM, {"points_imported_on": ago(room, 5)})
    mended = {"points_imported_on": ago(room, 5), "points_accrual_start": tomorrow}
    with_start = room.proposals.settings(UID, PLATFORM, mended)
    of_today = room.proposals.settings(UID, PLATFORM, {"points_imported_on": today(room)})

    made, [note] = room.changing.preview(over)
    assert made.counts.earned_twice == 2
    assert "2 sales would earn twice" in sentence(made)
    assert f"set Points accrual start date to {tomorrow}" in note
    for proposal in (with_start, of_today):
        other, notes = room.changing.preview(proposal)
        assert (other.counts.earned_twice, notes) == (0, ())


def test_sales_of_whoever_the_pos_tells_no_balance_of_do_not_earn_twice() -> None:
    room = a_room(customers=folk(100, None))
    room.credentials.rows[UID, PLATFORM, CREDENTIAL] = replace(credential(room), created_at=0)
    room.sync()
    apply_loyalty(room, enabled=True, accrual_start=ago(room, 4), points_per_100=10_000)
    apply(room, enroll_after=ago(room, 9))
    sell(room, bought(room, "0", 3), bought(room, "1", 1))

    made, _ = room.changing.preview(
        room.proposals.settings(UID, PLATFORM, {"points_imported_on": ago(room, 5)})
    )

    assert made.counts.earned_twice == 1


def test_a_balance_that_cannot_be_read_is_named_and_holds_the_lock() -> None:
    room = a_shop(100, 120.5, days=0)
    unread = Customer("1", first="1", phone="+12065550001", flags=frozenset(["bad_pos_points"]))
    show(room, customers=[*folk(100), unread])
    to_the_next_day(room)

    sync(room)

    assert locks(room) == {}
    assert "unread_balances" in open_notices(room)
    [notice] = [n for n in room.notifications.open_for(UID) if n.kind == "unread_balances"]
    assert notice.data["shoppers"] == ["1"]

    show(room, customers=folk(100, 120.5))
    room.clock.move(6 * 3_600)
    run = sync(room)

    assert locks(room) == {SCOPE: run.id}
    assert points(room) == {"0": 10_000, "1": 12_050}
    assert "unread_balances" not in open_notices(room)
