"""What a person is told of membership, the question by SMS and points, and the data of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.acts import ImportedPoints, Join
from chalicelib.domain.identity import Component, MergeKey, SourceRecord
from chalicelib.domain.personas import Persona, derive_persona
from chalicelib.domain.rules import Source, Terms
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.times import DAY, HOUR
from chalicelib.domain.why import (
    Explanation,
    money_text,
    points_text,
    why_asked,
    why_member,
    why_points,
)
from tests.unit.domain.builders import NOON
from tests.unit.domain.loyal import STORE_KEY, TODAY, a_member, bought, terms

TITLES = {"posabit": "POSaBIT", "thsuite": "THSuite API"}
PHONE = "+12065550100"
ENROLS = "*Enroll Personas in loyalty program who purchased after*"
ASKS = "*Send SMS double opt-ins to Personas who purchased after*"
FORM = Join("form", NOON - 4 * DAY)
ENROLLING = terms(posabit=Source(enroll_after=TODAY - 2))
ASKING = terms(posabit=Source(sms_opt_in_after=TODAY - 2))


def person(
    *records: SourceRecord,
    sales: tuple[SaleRef, ...] = (),
    by: Terms,
    shared: frozenset[MergeKey] = frozenset(),
) -> Persona:
    """Who has these records; the first of them bought."""
    bought_by = {records[0].id: SalesSummary.rebuild(sales)}
    persona = derive_persona(Component(records, shared_keys=shared), bought_by, by)
    assert persona is not None
    return persona


def member(*records: SourceRecord, by: Terms, sales: tuple[SaleRef, ...] = ()) -> list[Explanation]:
    return why_member(person(*records, sales=sales, by=by), records, by, TITLES)


def asked(*records: SourceRecord, by: Terms, sales: tuple[SaleRef, ...] = ()) -> list[Explanation]:
    return why_asked(person(*records, sales=sales, by=by), by, TITLES)


def ana(*joins: Join, ext_id: str = "1", **fields: object) -> SourceRecord:
    return a_member(ext_id, *joins, **{"phone": PHONE, **fields})  # type: ignore[arg-type]


def test_a_member_by_a_setting_is_told_which_purchase_and_which_day() -> None:
    assert member(ana(), sales=(bought("s", 1),), by=ENROLLING) == [
        Explanation(
            "enroll_after:posabit",
            f"Bought from POSaBIT on 2026-01-08, on or after 2026-01-07, the day of {ENROLS}.",
            {
                "platform": "posabit",
                "last_purchase": "2026-01-08",
                "since": "2026-01-07",
                "reason": "enroll_after:posabit",
                "earn_from": "2026-01-07",
            },
        )
    ]


@pytest.mark.parametrize(
    ("reason", "sentence", "earn_from"),
    [
        ("form", "Used a signup form on 2026-01-05.", None),
        ("partner_api", "Was signed up by a partner on 2026-01-05.", None),
        ("pos_signup:posabit", "Signed up at the checkout of POSaBIT on 2026-01-05.", None),
        ("pos_signup:clover", "Signed up at the checkout of clover on 2026-01-05.", None),
        (
            "double_opt_in:posabit",
            "Answered the SMS double opt-in of POSaBIT with YES on 2026-01-05.",
            None,
        ),
        (
            "kept:enroll_after:posabit@2026-01-02",
            f"Was kept on 2026-01-05 when {ENROLS} (POSaBIT, 2026-01-02) was removed or moved.",
            "2026-01-02",
        ),
        (
            "kept:sms_opt_in_after:thsuite@1970-01-01",
            f"Was kept on 2026-01-05 when {ASKS} (THSuite API) was removed or moved.",
            "1970-01-01",
        ),
        ("of a later release", "Joined on 2026-01-05.", None),
    ],
)
def test_a_member_by_an_act_is_told_what_it_was_and_when(
    reason: str, sentence: str, earn_from: str | None
) -> None:
    data = {"reason": reason, "on": "2026-01-05"}
    if earn_from:
        data["earn_from"] = earn_from

    joined = ana(Join(reason, NOON - 4 * DAY))

    assert member(joined, sales=(bought("s", 1),), by=ASKING) == [
        Explanation(reason, sentence, data)
    ]


def test_who_came_with_points_is_told_of_no_day_and_may_have_more_reasons() -> None:
    imports = terms(posabit=Source(import_locks={"venue-1": "run"}), earn_only_from_joining=True)
    with_points = a_member("1", FORM, phone=PHONE, imported=ImportedPoints(40, "run"))

    assert member(with_points, by=imports) == [
        Explanation(
            "form",
            "Used a signup form on 2026-01-05.",
            {"reason": "form", "earn_from": "2026-01-05", "on": "2026-01-05"},
        ),
        Explanation(
            "import",
            "Has loyalty points that were imported from the POS.",
            {"reason": "import"},
        ),
    ]


def test_of_two_forms_the_first_is_told_with_the_accounts_day() -> None:
    records = ana(FORM), ana(Join("form", NOON - 9 * DAY + 11 * HOUR), ext_id="2")

    [in_seattle] = member(*records, by=terms(zone="America/Los_Angeles"))
    [in_auckland] = member(*records, by=terms(zone="Pacific/Auckland"))

    assert in_seattle.sentence == "Used a signup form on 2025-12-31."
    assert in_auckland.sentence == "Used a signup form on 2026-01-01."


def test_who_is_no_member_is_told_of_each_source_what_stands_in_the_way() -> None:
    records = ana(), ana(ext_id="2", platform="thsuite"), ana(ext_id="3", platform="auphan")
    rules = terms(posabit=Source(enroll_after=TODAY), thsuite=Source(enroll_after=TODAY - 9))

    assert member(*records, sales=(bought("s", 1),), by=rules) == [
        Explanation("not_set", f"{ENROLS} is not set for auphan.", {"platform": "auphan"}),
        Explanation(
            "not_covered",
            f"{ENROLS} is 2026-01-09 for POSaBIT; the last purchase was on 2026-01-08.",
            {"platform": "posabit", "since": "2026-01-09", "last_purchase": "2026-01-08"},
        ),
        Explanation(
            "not_covered",
            f"{ENROLS} is 2025-12-31 for THSuite API; no purchase is known.",
            {"platform": "thsuite", "since": "2025-12-31"},
        ),
    ]


FLAGS = {
    "employee": "is an employee",
    "test": "is a test or guest shopper",
    "inactive": "is inactive in the POS",
    "busy": "has more than 20 sales on a day",
    "minor": "is under the minimum age",
    "shared_key": "has a phone or e-mail that too many shoppers share",
    "large_component": "hangs together with too many other records",
}


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flagged_shopper_is_told_which_flag_keeps_them_out(flag: str) -> None:
    flagged = replace(person(ana(), by=ENROLLING), flags=frozenset({flag}))

    [of_membership] = why_member(flagged, [ana()], ENROLLING, TITLES)
    [of_texts] = why_asked(flagged, ASKING, TITLES)

    if flag in ("employee", "test", "inactive", "busy"):
        said = f"This shopper {FLAGS[flag]}: kept, but not enrolled."
        assert of_membership == Explanation("flagged", said, {"flags": [flag]})
    else:
        assert of_membership.code == "not_covered"
    therefore = "not messaged at that number" if flag == "shared_key" else "never messaged"
    said = f"This shopper {FLAGS[flag]}: {therefore}."
    assert of_texts == Explanation("flagged", said, {"flags": [flag]})


def test_a_platform_without_a_title_is_called_by_its_name() -> None:
    [of_membership] = why_member(
        person(ana(), sales=(bought("s", 1),), by=ENROLLING), [ana()], ENROLLING, {}
    )

    assert of_membership.sentence.startswith("Bought from posabit on 2026-01-08, ")


def test_several_flags_are_told_in_one_sentence() -> None:
    flagged = replace(person(ana(), by=ASKING), flags=frozenset({"test", "minor", "employee"}))

    [of_texts] = why_asked(flagged, ASKING, TITLES)
    [of_membership] = why_member(flagged, [ana()], ASKING, TITLES)

    assert of_texts == Explanation(
        "flagged",
        "This shopper is an employee and is under the minimum age and is a test or guest shopper:"
        " never messaged.",
        {"flags": ["employee", "minor", "test"]},
    )
    assert of_membership.data == {"flags": ["employee", "test"]}


def test_who_is_to_be_asked_is_told_by_whose_setting() -> None:
    assert asked(ana(), sales=(bought("s", 1),), by=ASKING) == [
        Explanation(
            "sms_opt_in_after:posabit",
            f"Bought from POSaBIT on 2026-01-08, on or after 2026-01-07, the day of {ASKS}.",
            {"platform": "posabit", "last_purchase": "2026-01-08", "since": "2026-01-07"},
        )
    ]


def test_who_is_not_to_be_asked_is_told_why() -> None:
    no_phone = Explanation("no_phone", "There is no valid phone number to ask.", {})

    assert asked(ana(phone=None, email="ana@mail.test"), by=ASKING) == [no_phone]
    assert asked(ana(), by=ASKING) == [
        Explanation(
            "not_covered",
            f"{ASKS} is 2026-01-07 for POSaBIT; no purchase is known.",
            {"platform": "posabit", "since": "2026-01-07"},
        )
    ]


def test_who_has_another_number_than_the_shared_one_is_told_of_the_setting() -> None:
    records = ana(updated_at=2), ana(ext_id="2", phone="+12065550199", updated_at=1)
    shared = frozenset({MergeKey("phone", PHONE)})

    both = person(*records, by=ASKING, shared=shared)
    only = person(records[0], by=ASKING, shared=shared)

    assert both.texted_at == "+12065550199"
    assert [said.code for said in why_asked(both, ASKING, TITLES)] == ["not_covered"]
    assert [said.data for said in why_asked(only, ASKING, TITLES)] == [{"flags": ["shared_key"]}]


def why(ref: SaleRef, amount: int = 0, by: Terms | None = None, **fields: object) -> Explanation:
    """Why a sale earned so much for a member who earns from the 1st of January."""
    rules = by or terms()
    persona = replace(person(ana(FORM), by=rules), **{"earn_from": TODAY - 8, **fields})
    return why_points(ref, amount, persona, rules)


def test_a_sale_that_earned_says_what_and_from_what() -> None:
    assert why(bought("s", 2, net=12_345, returned=40), 12_300) == Explanation(
        "earned",
        "123 points for the purchase of 2026-01-07: 123.45 without tip and fees, 0.40 of it given"
        " back; 100 points per 100.",
        {"day": "2026-01-07", "net": 12_345, "returned": 40},
    )


@pytest.mark.parametrize(
    ("rules", "ending"),
    [
        ({"exclude_tax": True}, "10.00 without tip and fees, 2.50 of it tax; 100 points per 100."),
        ({}, "10.00 without tip and fees; 100 points per 100."),
        (
            {"points_per_order": 550},
            "10.00 without tip and fees; 100 points per 100 and 5.5 points per order.",
        ),
        (
            {"points_per_100": 0, "points_per_order": 500},
            "10.00 without tip and fees; 5 points per order.",
        ),
        ({"points_per_100": 0}, "10.00 without tip and fees; by earlier rules."),
    ],
)
def test_the_rate_and_the_tax_left_out_are_told(rules: dict[str, object], ending: str) -> None:
    said = why(bought("s", 2, tax=250), 1_000, terms(**rules))

    assert said.sentence == f"10 points for the purchase of 2026-01-07: {ending}"


def test_no_tax_is_told_where_the_sale_has_none() -> None:
    said = why(bought("s", 2), 1_000, terms(exclude_tax=True))

    assert said.sentence.endswith(": 10.00 without tip and fees; 100 points per 100.")


NO_SALE = {"counts": False}
STARTS = terms(accrual_start=TODAY - 5, posabit=Source(accrual_start=TODAY - 2))


@pytest.mark.parametrize(
    ("ref", "by", "persona", "code", "sentence"),
    [
        (
            {**NO_SALE, "ahead": True},
            terms(),
            {},
            "dated_ahead",
            "Dated 2026-01-06: it counts for nothing until then.",
        ),
        (
            {**NO_SALE, "gone": True},
            terms(),
            {},
            "gone_from_the_pos",
            "Gone from the POS: it counts as void.",
        ),
        (NO_SALE, terms(), {}, "no_final_sale", "Not a final sale: it earns nothing."),
        ({}, terms(enabled=False), {}, "loyalty_off", "The loyalty programme is off."),
        ({}, terms(), {"reasons": ()}, "not_a_member", "The shopper is no member."),
        ({}, terms(), {"earn_from": None}, "employee", "Employees never earn."),
        (
            {},
            STARTS,
            {},
            "before_accrual",
            "Before 2026-01-07, the points accrual start date.",
        ),
        (
            {},
            terms(),
            {"earn_from": TODAY - 2},
            "before_joining",
            "Before 2026-01-07, from when this member earns.",
        ),
        ({"net": 0}, terms(), {}, "nothing_paid", "Nothing was paid that earns points."),
        (
            {"tax": 1_000},
            terms(exclude_tax=True),
            {},
            "nothing_paid",
            "Nothing was paid that earns points.",
        ),
        ({"returned": 1_000}, terms(), {}, "given_back", "All of it was given back."),
        ({"returned": 1_001}, terms(), {}, "given_back", "All of it was given back."),
        (
            {"returned": 999},
            terms(max_orders_per_day=2),
            {},
            "none_left",
            "Given back, or not among the first 2 orders of its day.",
        ),
        (
            {"tax": 999},
            terms(exclude_tax=True),
            {},
            "none_left",
            "It came to no points after returns and rounding.",
        ),
        (
            {"tax": 1_000, "net": 1},
            terms(accrual_start=TODAY - 3),
            {"earn_from": TODAY - 3},
            "none_left",
            "It came to no points after returns and rounding.",
        ),
    ],
)
def test_a_sale_that_earned_nothing_says_the_first_thing_in_its_way(
    ref: dict[str, object], by: Terms, persona: dict[str, object], code: str, sentence: str
) -> None:
    at = NOON - 3 * DAY
    values = {"counts": True, "net": 1_000, **ref}
    sale = SaleRef("posabit", "venue-1", "s", STORE_KEY, at, **values)  # type: ignore[arg-type]

    said = why(sale, by=by, **persona)

    assert (said.code, said.sentence) == (code, sentence)
    assert said.data == {"day": "2026-01-06", "net": sale.net, "returned": sale.returned}


def test_points_and_money_are_written_as_people_write_them() -> None:
    written = {amount: points_text(amount) for amount in (0, 1_000, 120_050, 1, -40, 10, -100)}

    assert list(written.values()) == ["0", "10", "1200.5", "0.01", "-0.4", "0.1", "-1"]
    assert [money_text(minor) for minor in (0, 5, 123_456, -250)] == [
        *("0.00", "0.05", "1234.56", "-2.50")
    ]
