"""Why somebody is a member, who is kept as one, and who is asked for SMS consent."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.acts import Join
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.membership import (
    Reason,
    asking_platforms,
    has_bought_since,
    is_still_given,
    last_days,
    membership_reasons,
    platforms_answered_yes,
)
from chalicelib.domain.rules import Rules, Source
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.times import DAY, day_text
from chalicelib.domain.words import Platform
from tests.unit.domain.builders import NOON
from tests.unit.domain.loyal import STORE_KEY, TODAY, a_member, bought, terms

NO_FLAGS: frozenset[str] = frozenset()
FORM = Join("form", NOON - 3 * DAY)
SAID_YES = Join("double_opt_in:posabit", NOON - DAY)


def why(
    *members: SourceRecord,
    last: dict[str, int] | None = None,
    flags: frozenset[str] = NO_FLAGS,
    imported: int = 0,
    **rules: object,
) -> dict[str, int | None]:
    found = membership_reasons(members, last or {}, flags, imported, terms(**rules))
    assert [reason.name for reason in found] == sorted(reason.name for reason in found)
    return {reason.name: reason.earn_from for reason in found}


def summary(*refs: SaleRef) -> SalesSummary:
    return SalesSummary.rebuild(refs)


def test_a_purchase_on_the_day_or_after_enrols_and_earns_from_that_day() -> None:
    enrol = Source(enroll_after=TODAY - 2)

    assert why(a_member(), last={"posabit": TODAY - 2}, posabit=enrol) == {
        "enroll_after:posabit": TODAY - 2
    }
    assert why(a_member(), last={"posabit": TODAY - 3}, posabit=enrol) == {}


def test_a_purchase_elsewhere_enrols_nobody() -> None:
    assert why(a_member(), last={"thsuite": TODAY}, posabit=Source(enroll_after=TODAY)) == {}


@pytest.mark.parametrize("flag", ["employee", "test", "inactive", "busy"])
def test_purchases_of_the_unreliable_enrol_nobody_but_a_form_does(flag: str) -> None:
    enrol = Source(enroll_after=TODAY)

    found = why(
        a_member("1", FORM), last={"posabit": TODAY}, flags=frozenset({flag}), posabit=enrol
    )

    assert found == {"form": None}


@pytest.mark.parametrize("flag", ["minor", "shared_key", "large_component"])
def test_whoever_is_merely_not_to_be_texted_is_enrolled(flag: str) -> None:
    enrol = Source(enroll_after=TODAY)

    found = why(a_member(), last={"posabit": TODAY}, flags=frozenset({flag}), posabit=enrol)

    assert found == {"enroll_after:posabit": TODAY}


def test_a_join_earns_from_the_accrual_start_or_from_its_day_where_the_account_says_so() -> None:
    assert why(a_member("1", FORM)) == {"form": None}
    assert why(a_member("1", FORM), earn_only_from_joining=True) == {"form": TODAY - 3}


def test_the_day_of_a_join_is_the_accounts() -> None:
    late = Join("form", NOON + DAY // 2 - 1)

    found = why(a_member("1", late), earn_only_from_joining=True, zone="Pacific/Auckland")

    assert found == {"form": TODAY + 1}


def test_of_two_records_with_one_reason_the_earlier_day_counts() -> None:
    one, other = a_member("1", FORM), a_member("2", Join("form", NOON))

    assert why(one, other, earn_only_from_joining=True) == {"form": TODAY - 3}
    assert why(other, one, earn_only_from_joining=True) == {"form": TODAY - 3}


def test_a_yes_by_sms_stands_while_its_setting_covers_a_purchase() -> None:
    member, asking = a_member("1", SAID_YES), Source(sms_opt_in_after=TODAY - 2)

    assert why(member, last={"posabit": TODAY - 2}, posabit=asking) == {SAID_YES.reason: None}
    assert why(member, last={"posabit": TODAY - 3}, posabit=asking) == {}
    assert why(member, last={"posabit": TODAY - 2}, posabit=Source()) == {}
    assert why(member, last={"thsuite": TODAY}, posabit=asking) == {}


def test_who_was_kept_earns_from_the_day_of_the_setting_that_went() -> None:
    kept = Join(f"kept:enroll_after:posabit@{day_text(TODAY - 40)}", NOON)

    assert why(a_member("1", kept)) == {kept.reason: TODAY - 40}
    assert why(a_member("1", kept), earn_only_from_joining=True) == {kept.reason: TODAY - 40}


def test_every_reason_of_every_record_is_told() -> None:
    found = why(
        a_member("1", FORM, Join("partner_api", NOON)),
        a_member("2", Join("pos_signup:posabit", NOON)),
        last={"posabit": TODAY},
        posabit=Source(enroll_after=TODAY),
        imported=1,
    )

    assert list(found) == [
        "enroll_after:posabit",
        "form",
        "import",
        "partner_api",
        "pos_signup:posabit",
    ]


def test_imported_points_make_a_member_and_none_or_a_debt_does_not() -> None:
    assert why(a_member(), imported=1) == {"import": None}
    assert why(a_member(), imported=0) == {}
    assert why(a_member(), imported=-100) == {}


def test_whoever_came_with_points_joined_on_the_earliest_day_of_import() -> None:
    members = (a_member("1"), a_member("2", platform="thsuite"))

    found = why(
        *members,
        imported=100,
        earn_only_from_joining=True,
        posabit=Source(imported_on=TODAY - 1),
        thsuite=Source(imported_on=TODAY - 9),
    )

    assert found == {"import": TODAY - 9}
    assert why(*members, imported=100, earn_only_from_joining=True) == {"import": None}


def test_a_yes_makes_a_member_while_the_date_of_any_source_covers_the_person() -> None:
    asking = Source(sms_opt_in_after=TODAY - 2)
    said_yes = a_member("1", SAID_YES)

    by_another = why(said_yes, last={"thsuite": TODAY}, thsuite=asking)
    by_none = why(said_yes, last={"posabit": TODAY, "thsuite": TODAY - 3}, thsuite=asking)

    assert by_another == {SAID_YES.reason: None}
    assert by_none == {}


def test_a_setting_covers_the_day_itself_and_without_a_day_nobody() -> None:
    assert has_bought_since({"posabit": TODAY}, "posabit", TODAY)
    assert not has_bought_since({"posabit": TODAY - 1}, "posabit", TODAY)
    assert not has_bought_since({"posabit": TODAY}, "posabit", None)
    assert not has_bought_since({"posabit": TODAY}, "thsuite", TODAY)


def rules(**sources: Source) -> Rules:
    return Rules(sources=sources)


def test_the_platforms_whose_setting_covers_a_purchase_ask() -> None:
    asking = rules(
        thsuite=Source(sms_opt_in_after=TODAY),
        posabit=Source(sms_opt_in_after=TODAY - 1),
        auphan=Source(enroll_after=TODAY),
    )
    last = {"posabit": TODAY - 1, "auphan": TODAY, "thsuite": TODAY}

    assert asking_platforms(last, NO_FLAGS, asking) == ("posabit", "thsuite")
    assert asking_platforms({"posabit": TODAY - 2}, NO_FLAGS, asking) == ()


@pytest.mark.parametrize(
    "flag", ["employee", "test", "minor", "inactive", "busy", "large_component"]
)
def test_nobody_asks_a_flagged_shopper(flag: str) -> None:
    asking = rules(posabit=Source(sms_opt_in_after=TODAY))

    assert asking_platforms({"posabit": TODAY}, frozenset({flag}), asking) == ()


def test_the_last_day_per_platform_is_told_on_the_clocks_of_the_shops() -> None:
    sales = {
        "1": summary(bought("a", 2), bought("late", -0.4)),
        "2": summary(bought("b", 1, platform="thsuite")),
        "3": SalesSummary.EMPTY,
    }
    members = [a_member("1"), a_member("2", platform="thsuite"), a_member("3", platform="auphan")]

    found = last_days(members, sales, terms(zones={STORE_KEY: "Pacific/Auckland"}))

    assert found == {"posabit": TODAY + 1, "thsuite": TODAY}


joins = st.lists(
    st.builds(
        Join,
        st.sampled_from(["form", SAID_YES.reason, "kept:enroll_after:posabit@2026-01-02"]),
        st.integers(-5, 0).map(lambda days: NOON + days * DAY),
    ),
    max_size=3,
    unique_by=lambda join: join.reason,
)


@given(acts=st.lists(joins, min_size=1, max_size=3), only_from_joining=st.booleans())
def test_the_order_of_a_persons_records_decides_nothing(
    acts: list[list[Join]], only_from_joining: bool
) -> None:
    members = [a_member(str(n), *given_by) for n, given_by in enumerate(acts)]
    found = [
        why(
            *order,
            last={"posabit": TODAY},
            posabit=Source(sms_opt_in_after=TODAY),
            earn_only_from_joining=only_from_joining,
        )
        for order in permutations(members)
    ]

    assert all(one == found[0] for one in found)


def test_a_form_or_a_kept_reason_goes_with_no_setting() -> None:
    kept = "kept:enroll_after:posabit@2026-01-05"

    for name in ("form", "partner_api", "pos_signup:posabit", kept):
        assert is_still_given(Reason(name, None), {}, frozenset({"employee"}), (), Rules())


def test_a_reason_of_a_setting_is_given_while_the_setting_covers_the_facts() -> None:
    posabit, thsuite = Platform("posabit"), Platform("thsuite")
    covers = Source(enroll_after=TODAY, sms_opt_in_after=TODAY)
    rules = Rules(sources={posabit: covers})

    def given(name: str, last: int, flags: frozenset[str] = NO_FLAGS, by: Rules = rules) -> bool:
        return is_still_given(Reason(name, None), {posabit: last}, flags, (posabit,), by)

    assert given("enroll_after:posabit", TODAY)
    assert not given("enroll_after:posabit", TODAY - 1)
    assert not given("enroll_after:posabit", TODAY, frozenset({"busy"}))
    assert given("enroll_after:posabit", TODAY, frozenset({"minor"}))
    assert not given("enroll_after:thsuite", TODAY)
    assert given("double_opt_in:thsuite", TODAY)
    assert not given("double_opt_in:posabit", TODAY - 1)
    assert not given("import", TODAY)
    for imports in (Source(imported_on=TODAY), Source(import_locks={"venue-1": "run_1"})):
        assert given("import", TODAY, by=Rules(sources={posabit: imports}))
        assert not given("import", TODAY, by=Rules(sources={thsuite: imports}))


def test_every_platform_whose_request_was_answered_with_yes_is_told_once() -> None:
    members = (
        a_member("1", FORM, Join("double_opt_in:thsuite", NOON)),
        a_member("2"),
        a_member("3", SAID_YES, Join("double_opt_in:thsuite", NOON - DAY)),
        a_member("4", Join("pos_signup:auphan", NOON)),
    )

    assert platforms_answered_yes(members) == ("posabit", "thsuite")
    assert platforms_answered_yes(members[1:2]) == ()
