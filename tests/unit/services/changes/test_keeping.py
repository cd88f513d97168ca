"""*Keep them* keeps all that they have, *let them go* is the last word (product.md §7)."""

from __future__ import annotations

import pytest

from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Source
from chalicelib.services.changes import work_off as jobs
from chalicelib.services.changes.wording import sentence
from chalicelib.services.derivation.holder import PersonaLookup
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom
from tests.worlds.changes import (
    ago,
    apply,
    bought,
    in_force,
    members,
    never,
    points,
    preview,
    sell,
    start,
    tick,
)

ANA = Customer("new", first="New", phone="+12065550199")


def a_shop_with_points(**loyalty: object) -> Backroom:
    """A bought 100 days ago, C 5 days ago, B both times: 10 points a time."""
    room = Backroom()
    in_force(room, points_per_100=1_000, **loyalty)
    people = [Customer(who, first=who, phone=f"+1206555010{n}") for n, who in enumerate("ABC")]
    room.commits.commit(UID, PLATFORM, SCOPE, customers=people)
    for who, days in (("A", 100), ("B", 100), ("B", 5), ("C", 5)):
        sell(room, bought(room, who, days, total=10_000))
    return room


def says_yes(room: Backroom, who: str) -> None:
    rid = record_id(UID, PLATFORM, SCOPE, who)
    room.commits.join(UID, rid, f"double_opt_in:{PLATFORM}", room.clock.now())


def joins(room: Backroom) -> set[str]:
    return {
        join.reason for stored in room.facts.records.values() for join in stored.record.acts.joins
    }


@pytest.fixture
def single_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job does one persona before it runs out of time."""
    monkeypatch.setattr(jobs, "PAGE", 1)


@pytest.mark.parametrize("from_joining", [False, True])
def test_keeping_members_whose_date_moves_or_goes_takes_no_point(from_joining: bool) -> None:
    room = a_shop_with_points(earn_only_from_joining=from_joining)
    apply(room, enroll_after=ago(room, 120))
    before = points(room)

    apply(room, "keep", enroll_after=ago(room, 30))
    moved = points(room)
    apply(room, "keep", enroll_after=None)

    assert before == {"A": 1_000, "B": 2_000, "C": 1_000}
    assert moved == points(room) == before


def test_keeping_who_said_yes_takes_no_point_when_the_date_to_ask_goes() -> None:
    room = a_shop_with_points()
    tick(room)
    apply(room, sms_opt_in_after=ago(room, 30))
    says_yes(room, "B")

    apply(room, "keep", sms_opt_in_after=None)

    assert points(room) == {"A": 0, "B": 2_000, "C": 0}


def test_who_said_yes_earns_on_from_the_day_of_it_where_only_joining_lets_earn() -> None:
    room = a_shop_with_points(earn_only_from_joining=True)
    tick(room)
    apply(room, sms_opt_in_after=ago(room, 30))
    says_yes(room, "B")
    sell(room, bought(room, "B", 0, total=10_000))

    apply(room, "keep", sms_opt_in_after=None)

    assert points(room)["B"] == 1_000


def test_a_preview_counts_the_points_that_letting_them_go_takes_and_an_earlier_date_brings() -> (
    None
):
    room = a_shop_with_points()

    coming = preview(room, enroll_after=ago(room, 120))
    apply(room, enroll_after=ago(room, 120))
    later, going = preview(room, enroll_after=ago(room, 30)), preview(room, enroll_after=None)

    assert (coming.counts.balances, coming.counts.points) == (3, 4_000)
    assert (later.counts.lost, later.counts.balances, later.counts.points) == (1, 2, -2_000)
    assert (going.counts.lost, going.counts.balances, going.counts.points) == (3, 3, -4_000)
    assert sentence(going).endswith("; 3 balances would change, by -40 points in total")


def test_letting_them_go_is_the_last_word_over_a_keep_that_still_runs() -> None:
    room = a_shop_with_points()
    apply(room, enroll_after=ago(room, 120))
    start(room, "keep", enroll_after=None)
    start(room, "keep", enroll_after=ago(room, 120))

    start(room, "let_go", enroll_after=None)
    room.work_off()

    assert members(room) == set()
    assert room.rules.get(UID).source(PLATFORM) == Source()


@pytest.mark.parametrize("worked", [0, 1, 2, 3])
def test_how_far_an_overruled_keep_came_decides_nothing(single_pages: None, worked: int) -> None:
    room = a_shop_with_points()
    apply(room, enroll_after=ago(room, 120))
    start(room, "keep", enroll_after=ago(room, 30))
    work(room, worked)

    start(room, "let_go", enroll_after=ago(room, 10))
    room.work_off(never)

    assert members(room) == {"B", "C"}
    assert points(room) == {"A": 0, "B": 1_000, "C": 1_000}
    assert joins(room) == set()


@pytest.mark.parametrize("worked", [0, 1, 2, 3])
def test_a_date_that_is_set_back_takes_back_the_keep_that_still_runs(
    single_pages: None, worked: int
) -> None:
    room = a_shop_with_points()
    apply(room, enroll_after=ago(room, 120))
    start(room, "keep", enroll_after=None)
    work(room, worked)

    start(room, "keep", enroll_after=ago(room, 120))
    room.work_off(never)
    apply(room, "let_go", enroll_after=None)

    assert members(room) == set()


@pytest.mark.parametrize("worked", [0, 1, 2, 3])
def test_keeping_twice_while_the_first_still_runs_keeps_all_that_they_had(
    single_pages: None, worked: int
) -> None:
    room = a_shop_with_points()
    apply(room, enroll_after=ago(room, 120))
    before = points(room)
    start(room, "keep", enroll_after=ago(room, 30))
    work(room, worked)

    start(room, "keep", enroll_after=None)
    room.work_off(never)

    assert points(room) == before
    assert joins(room) == {f"kept:enroll_after:{PLATFORM}@{ago(room, 120)}"}


def test_letting_them_go_leaves_whom_a_finished_keep_kept() -> None:
    room = a_shop_with_points()
    apply(room, enroll_after=ago(room, 120))
    apply(room, "keep", enroll_after=ago(room, 30))

    room.clock.move(1)
    apply(room, "let_go", enroll_after=None)

    assert members(room) == {"A", "B", "C"}


@pytest.mark.parametrize("days", [0, 1, 110])
def test_who_buys_while_the_job_runs_and_was_no_member_is_not_kept(days: int) -> None:
    room = a_shop_with_points()
    apply(room, enroll_after=ago(room, 120))
    start(room, "keep", enroll_after=None)

    room.commits.commit(UID, PLATFORM, SCOPE, customers=[ANA], sales=[bought(room, "new", days)])
    room.work_off()

    assert members(room) == {"A", "B", "C"}


def test_who_buys_again_while_the_job_runs_is_kept_with_all_they_had(single_pages: None) -> None:
    room = a_shop_with_points()
    apply(room, enroll_after=ago(room, 120))
    start(room, "keep", enroll_after=None)

    sell(room, *[bought(room, who, 0, total=10_000) for who in "ABC"])
    room.work_off(never)

    assert points(room) == {"A": 2_000, "B": 3_000, "C": 2_000}


def test_who_is_looked_up_while_the_job_runs_is_a_member_still() -> None:
    room = a_shop_with_points()
    apply(room, enroll_after=ago(room, 120))
    start(room, "keep", enroll_after=None)
    written = room.facts.rows_written

    lookup = PersonaLookup(room.facts, room.commits.terms)
    found = lookup.by_record(UID, record_id(UID, PLATFORM, SCOPE, "A"))

    assert found.persona.member
    assert room.facts.rows_written == written


def work(room: Backroom, hops: int) -> None:
    """So many pages of the job at work."""
    for _ in range(hops):
        for body in room.jobs.take():
            room.do(body, never)
