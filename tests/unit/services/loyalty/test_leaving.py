"""Members whom a void or a moved sale took their last reason (product.md §8, §12)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict
from chalicelib.domain.records import Customer
from chalicelib.services.job_messages.account_jobs import KeepMessage, account_job
from chalicelib.services.loyalty import members_left
from chalicelib.services.loyalty.members_left import KeepWorker, LeaverChoice
from chalicelib.services.sync import take_page
from tests.worlds.backroom import PLATFORM, UID, Backroom
from tests.worlds.changes import ANN, ago, apply, bought, members, start
from tests.worlds.syncing import a_room, later, open_notices, people, show


def a_shop(size: int = 4) -> Backroom:
    """Members by the date, each with one sale."""
    folk = [replace(c, first=c.ext_id) for c in people(size)]
    room = a_room(customers=folk)
    show(room, sales=[bought(room, who.ext_id, 1) for who in folk])
    room.sync()
    apply(room, enroll_after=ago(room, 10))
    later(room)
    return room


def void(room: Backroom, *numbers: int, kind: str = "void") -> Any:
    at = room.clock.now() - 6 * 3_600_000
    sold = [
        replace(bought(room, str(n), 1, kind=kind), ordered_at=at - 86_400_000, updated_at=at)
        for n in numbers
    ]
    show(room, sales=sold)
    return room.sync()


def choice(room: Backroom) -> LeaverChoice:
    return LeaverChoice(
        room.leavers,
        room.commits,
        room.rules,
        room.accounts,
        room.notifier,
        room.audit,
        room.jobs,
        room.clock,
    )


def test_who_leaves_by_a_void_is_counted_on_the_run_and_told_once() -> None:
    room = a_shop()

    run = void(room, 1, 2)

    assert run.members_left == 2
    assert members(room) == {"0", "3"}
    [told_of] = [n for n in room.notifications.open_for(UID) if n.kind == "members_left"]
    assert told_of.title == (
        "2 members left by what POSaBIT changed: a sale voided or moved, contacts taken away"
        " or records merged."
    )
    assert "Keep them" in told_of.what_to_do
    assert told_of.link == f"/settings/integrations/{PLATFORM}"
    letters = [title for title, _ in room.operator.letters if "members_left" in title]
    assert len(letters) == 1


def test_who_loses_the_contacts_leaves_and_is_told_until_they_come_back() -> None:
    room = a_shop()
    show(room, customers=[Customer("1", "1"), Customer("2", "2")])

    run = room.sync()

    assert run.members_left == 2
    assert "members_left" in open_notices(room)
    later(room)
    show(room, customers=[replace(c, first=c.ext_id) for c in people(4)])
    room.sync()
    assert "members_left" not in open_notices(room)


def test_who_is_merged_into_another_member_has_not_left() -> None:
    room = a_shop()
    one, two, *_ = [replace(c, first=c.ext_id) for c in people(4)]
    show(room, customers=[replace(two, phone=one.phone, email=one.email)])

    run = room.sync()

    assert run.members_left == 0
    assert "members_left" not in open_notices(room)


def test_a_member_merged_with_an_employee_seen_earlier_leaves_though_another_id_is_shown() -> None:
    room = a_shop()
    employee = Customer("e", phone="+12065559999", flags=frozenset({"employee"}))
    show(room, customers=[employee])
    room.sync()
    later(room)
    newcomer = replace(people(9)[8], first="8")
    show(room, customers=[newcomer], sales=[bought(room, "8", 1)])
    room.sync()
    later(room)
    show(room, customers=[replace(newcomer, phone=employee.phone)])

    run = room.sync()

    assert run.members_left == 1
    assert "members_left" in open_notices(room)


def test_whoever_has_just_left_is_noted_though_a_glimpse_still_shows_a_member() -> None:
    room = a_shop()
    stale = room.facts.shown(UID)
    room.preview_reads.personas = lambda *_: stale  # type: ignore[method-assign]

    void(room, 1, 2)

    assert len(room.leavers.leaver_ids(UID, PLATFORM)) == 2


def test_more_leavers_refresh_the_one_notification() -> None:
    room = a_shop()
    void(room, 1)
    later(room)

    void(room, 1, 2)

    [told_of] = [n for n in room.notifications.open_for(UID) if n.kind == "members_left"]
    assert told_of.title.startswith("2 members left")


def test_leavers_can_be_kept_and_stay_members() -> None:
    room = a_shop()
    void(room, 1, 2)

    assert choice(room).keep(UID, PLATFORM, actor=ANN) == 2

    assert members(room) == {"0", "1", "2", "3"}
    assert "members_left" not in open_notices(room)
    assert room.audit.rows[-1][1].action == "members.kept"
    later(room)
    assert room.sync().members_left == 0
    assert members(room) == {"0", "1", "2", "3"}


def test_leavers_can_be_let_go_and_are_not_told_of_again() -> None:
    room = a_shop()
    void(room, 1)

    assert choice(room).let_go(UID, PLATFORM, actor=ANN) == 1

    assert members(room) == {"0", "2", "3"}
    assert "members_left" not in open_notices(room)
    with pytest.raises(Conflict, match="Nobody waits"):
        choice(room).keep(UID, PLATFORM, actor=ANN)


def test_it_clears_itself_when_all_are_members_again() -> None:
    room = a_shop()
    void(room, 1)
    later(room)

    void(room, 1, kind="sale")

    assert members(room) == {"0", "1", "2", "3"}
    assert "members_left" not in open_notices(room)
    assert room.leavers.leaver_ids(UID, PLATFORM) == []


def test_a_run_that_nobody_leaves_says_nothing() -> None:
    room = a_shop()

    run = room.sync()

    assert run.members_left == 0
    assert "members_left" not in open_notices(room)


def test_very_many_are_kept_in_few_commits_so_that_the_request_ends_in_time() -> None:
    room = a_room(customers=people(250))
    room.sync()
    room.leavers.put(UID, PLATFORM, [rid for _, rid in room.facts.personas], instead_of=[])
    before = room.facts.fences[UID]

    assert choice(room).keep(UID, PLATFORM, actor=ANN) == 250

    assert sum(persona.member for persona in room.facts.shown(UID)) == 250
    assert room.facts.fences[UID] - before == 3


def test_of_a_run_that_very_many_leave_each_is_noted_and_can_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(take_page, "MOST_LEAVERS", 3)
    room = a_shop(20)

    run = void(room, *range(20))

    assert (run.members_left, members(room)) == (20, set())
    assert len(room.leavers.leaver_ids(UID, PLATFORM)) == 20
    [told_of] = [n for n in room.notifications.open_for(UID) if n.kind == "members_left"]
    assert told_of.title.startswith("20 members left")
    assert choice(room).keep(UID, PLATFORM, actor=ANN) == 20
    assert len(members(room)) == 20


def test_very_many_are_kept_in_the_background_and_later_leavers_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(members_left, "KEPT_IN_A_REQUEST", 3)
    monkeypatch.setattr(members_left, "KEPT_AT_ONCE", 2)
    room = a_shop(7)
    void(room, *range(5))
    room.jobs.take()

    assert choice(room).keep(UID, PLATFORM, actor=ANN) == 5
    void(room, 6)
    work_off(room)

    assert members(room) == {"0", "1", "2", "3", "4", "5"}
    assert len(room.leavers.leaver_ids(UID, PLATFORM)) == 1
    assert "members_left" in open_notices(room)
    assert choice(room).keep(UID, PLATFORM, actor=ANN) == 1
    assert "members_left" not in open_notices(room)


def work_off(room: Backroom) -> None:
    """The jobs of keeping, each of which has time for one batch."""
    worker = KeepWorker(room.leavers, room.commits, room.notifier, room.jobs, room.clock)
    while bodies := room.jobs.take():
        for body in bodies:
            if isinstance(message := account_job(body), KeepMessage):
                worker.handle(message, lambda: False)


def test_who_leaves_while_the_others_are_being_kept_still_waits() -> None:
    room = a_shop()
    void(room, 1)
    usual = room.commits.join_all

    def slowly(*given: Any) -> Any:
        room.commits.join_all = usual  # type: ignore[method-assign]
        void(room, 1, 2)
        return usual(*given)

    room.commits.join_all = slowly  # type: ignore[method-assign]

    assert choice(room).keep(UID, PLATFORM, actor=ANN) == 1

    assert members(room) == {"0", "1", "3"}
    assert "members_left" in open_notices(room)
    assert choice(room).keep(UID, PLATFORM, actor=ANN) == 1
    assert "members_left" not in open_notices(room)


def test_whom_a_setting_lets_go_is_not_said_to_have_left_by_the_pos() -> None:
    """A sync may meet them before the setting's job does."""
    room = a_shop()
    start(room, "let_go", enroll_after=None)
    show(room, customers=[replace(c, first=c.ext_id, last="New") for c in people(4)])

    run = room.sync()

    assert members(room) == set()
    assert run.members_left == 0
    assert "members_left" not in open_notices(room)


def test_a_pos_that_voids_a_whole_day_loses_nobody_who_may_be_kept() -> None:
    room = a_shop(700)

    assert void(room, *range(700)).members_left == 700

    assert choice(room).keep(UID, PLATFORM, actor=ANN) == 700
    assert len(members(room)) == 700
