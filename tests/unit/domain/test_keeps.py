"""Whom a change of settings keeps, from which day, and on which record it is written."""

from __future__ import annotations

from chalicelib.domain.acts import Join
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.keeps import (
    FIRST_DAY,
    joins_to_keep,
    may_be_overruled,
    reasons_to_keep,
    without_overruled,
)
from chalicelib.domain.membership import Reason
from chalicelib.domain.rules import KeptMembers, Rules, Source
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.times import DAY, day_text
from tests.unit.domain.builders import NOON
from tests.unit.domain.loyal import TODAY, a_member, bought, terms

NO_FLAGS: frozenset[str] = frozenset()
SAID_YES = Join("double_opt_in:posabit", NOON - DAY)
SINCE = NOON - 5_000


def enrolled(days_ago: int, platform: str = "posabit") -> Reason:
    return Reason(f"enroll_after:{platform}", TODAY - days_ago)


def opted_in(earn_from: int | None = None, platform: str = "posabit") -> Reason:
    return Reason(f"double_opt_in:{platform}", earn_from)


def enrolment(days_ago: int, since: int = SINCE) -> KeptMembers:
    return KeptMembers("enroll_after", TODAY - days_ago, since)


def asking(days_ago: int, since: int = SINCE) -> KeptMembers:
    return KeptMembers("sms_opt_in_after", TODAY - days_ago, since)


def kept(
    *keeps: KeptMembers,
    had: tuple[Reason, ...],
    left: tuple[Reason, ...] = (),
    last: int = 0,
    flags: frozenset[str] = NO_FLAGS,
) -> dict[str, int | None]:
    """The reasons that these keeps give who bought last so many days ago."""
    rules = Rules(sources={"posabit": Source(keeping=keeps)})
    found = reasons_to_keep(had, left, {"posabit": TODAY - last}, flags, rules)
    return dict(reason for _, _, reason in found)


def by_enrolment(days_ago: int) -> dict[str, int | None]:
    day = TODAY - days_ago
    return {f"kept:enroll_after:posabit@{day_text(day)}": day}


def summary(*refs: SaleRef) -> SalesSummary:
    return SalesSummary.rebuild(refs)


def test_whoever_loses_membership_is_kept_with_the_day_of_the_setting_that_went() -> None:
    assert kept(enrolment(30), had=(enrolled(30),)) == by_enrolment(30)


def test_whoever_stays_a_member_but_would_earn_from_a_later_day_is_kept_with_the_earlier() -> None:
    later = kept(enrolment(30), had=(enrolled(30),), left=(enrolled(5),))
    by_another_source = kept(enrolment(30), had=(enrolled(30),), left=(enrolled(9, "thsuite"),))

    assert later == by_another_source == by_enrolment(30)


def test_whoever_loses_nothing_gets_no_reason_more() -> None:
    assert kept(enrolment(30), had=(enrolled(30),), left=(Reason("form", None),)) == {}
    assert kept(enrolment(30), had=(enrolled(30),), left=(enrolled(30, "thsuite"),)) == {}
    assert kept(asking(30), had=(opted_in(),), left=(opted_in(platform="thsuite"),)) == {}


def test_whoever_had_no_reason_by_the_setting_is_not_kept_by_it() -> None:
    """As a shopper who comes in while the change is worked off."""
    assert kept(enrolment(30), had=()) == {}
    assert kept(enrolment(30), had=(Reason("form", None), enrolled(30, "thsuite"))) == {}
    assert kept(asking(30), had=(enrolled(30),)) == {}


def test_whoever_would_not_fall_under_the_setting_any_more_is_not_kept_by_it() -> None:
    """Their purchase was voided, or they turned out to be an employee."""
    assert kept(enrolment(30), had=(enrolled(30),), last=31) == {}
    assert kept(enrolment(30), had=(enrolled(30),), flags=frozenset({"employee"})) == {}
    assert kept(asking(30), had=(opted_in(),), last=31) == {}


def test_a_yes_that_no_day_held_back_is_kept_from_the_first_day_and_else_from_its_own() -> None:
    assert kept(asking(3), had=(opted_in(),), left=(enrolled(30),)) == {
        "kept:sms_opt_in_after:posabit@1970-01-01": FIRST_DAY
    }
    assert kept(asking(3), had=(opted_in(TODAY - 2),)) == {
        f"kept:sms_opt_in_after:posabit@{day_text(TODAY - 2)}": TODAY - 2
    }


def test_a_yes_to_another_source_is_kept_when_the_date_that_covered_it_goes() -> None:
    [name] = kept(asking(3), had=(opted_in(platform="thsuite"),))

    assert name == "kept:sms_opt_in_after:posabit@1970-01-01"


def test_two_settings_that_go_each_keep_what_they_gave() -> None:
    found = kept(enrolment(30), asking(3), had=(enrolled(30), opted_in(TODAY - 2)))

    assert set(found.values()) == {TODAY - 30, TODAY - 2}


def test_of_two_keeps_of_a_setting_the_earlier_day_counts_that_the_person_had() -> None:
    both = enrolment(30), enrolment(5, SINCE + 1)

    assert kept(*both, had=(enrolled(30),)) == by_enrolment(30)
    assert kept(*both, had=(enrolled(5),)) == by_enrolment(5)
    assert kept(*both, had=(enrolled(30),), last=9) == by_enrolment(30)


def test_what_was_let_go_before_is_not_kept() -> None:
    """From 30 days ago to 5 *let go*, then removed, *keep*; nobody was derived in between."""
    assert kept(enrolment(5), had=(enrolled(30),)) == by_enrolment(5)
    assert kept(enrolment(5), had=(enrolled(30),), last=9) == {}


def test_whoever_was_kept_by_a_change_before_is_kept_on() -> None:
    had = Reason(f"kept:enroll_after:posabit@{day_text(TODAY - 30)}", TODAY - 30)

    assert kept(enrolment(30), had=(had,)) == by_enrolment(30)


def joins(
    members: tuple[SourceRecord, ...],
    had: Reason,
    sales: dict[str, SalesSummary],
    *keeps: KeptMembers,
) -> dict[str, list[Join]]:
    going = terms(posabit=Source(keeping=keeps))
    return joins_to_keep(members, (had,), (), {"posabit": TODAY}, NO_FLAGS, sales, going)


def test_the_reason_is_written_on_the_record_that_bought_last_at_the_time_of_the_change() -> None:
    sales = {"1": summary(bought("a", 4)), "2": summary(bought("b", 2))}
    members = (a_member("1"), a_member("2"))
    reason = f"kept:enroll_after:posabit@{day_text(TODAY - 5)}"

    found = joins(members, enrolled(5), sales, enrolment(5))
    of_old = joins(members, enrolled(5), sales, enrolment(5, since=0))

    assert found == {"2": [Join(reason, SINCE)]}
    assert of_old == {"2": [Join(reason, NOON)]}


def test_the_reason_of_a_yes_is_written_on_the_record_that_gave_it() -> None:
    sales = {"1": summary(bought("a", 4)), "2": summary(bought("b", 2))}

    found = joins((a_member("1", SAID_YES), a_member("2")), opted_in(), sales, asking(5))

    assert list(found) == ["1"]


def test_an_overruled_keep_takes_back_what_it_wrote_and_nothing_else() -> None:
    name = f"kept:enroll_after:posabit@{day_text(TODAY - 5)}"
    others = Join("form", SINCE), Join(f"{name[:-10]}{day_text(TODAY - 9)}", SINCE - 1)
    rules = Rules(sources={"posabit": Source(overruled=(enrolment(5),))})

    left = without_overruled(a_member("1", *others, Join(name, SINCE)), rules)

    assert left.joins == others
    untouched = a_member("1", *others)
    assert without_overruled(untouched, rules) is untouched.acts


def test_only_reasons_of_the_overruled_setting_may_be_taken_back() -> None:
    rules = Rules(sources={"posabit": Source(overruled=(enrolment(5),))})

    assert may_be_overruled([Reason("kept:enroll_after:posabit@2026-01-02", 1)], rules)
    assert not may_be_overruled([Reason("kept:enroll_after:thsuite@2026-01-02", 1)], rules)
    assert not may_be_overruled([enrolled(5), Reason("form", None)], rules)


def test_of_keeps_that_give_one_day_the_later_setting_and_the_later_change_writes() -> None:
    sales = {"1": summary(bought("a", 0))}
    older, newer = enrolment(30), enrolment(9, SINCE - 1)
    again = enrolment(9, SINCE - 2)

    for keeps in ((older, newer, again), (again, newer, older)):
        [join] = joins((a_member("1"),), enrolled(5), sales, *keeps)["1"]
        assert join.at == SINCE - 1


def test_who_bought_by_no_record_of_the_source_is_written_on_none() -> None:
    elsewhere = {"2": summary(bought("b", 2, platform="thsuite"))}
    members = a_member("1"), a_member("2", platform="thsuite")

    assert joins(members, enrolled(5), elsewhere, enrolment(5)) == {}
    assert joins(members, enrolled(5), {"1": SalesSummary.EMPTY}, enrolment(5)) == {}
