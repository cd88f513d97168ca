"""What a person is told of their membership, their points, and the question by SMS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.rules import Source
from chalicelib.domain.why import why_member
from tests.worlds.shop import ANA, TEN_PER_100, UID, Shop, a_sale, day, rid

TITLES = {"posabit": "POSaBIT"}
ENROLLED = Source(enroll_after=day("2026-02-01"))


def sentences(shop: Shop) -> list[str]:
    held = shop.held()
    return [said.sentence for said in why_member(held.persona, held.records, held.terms, TITLES)]


def test_a_member_by_a_setting_is_told_which_purchase_and_which_day() -> None:
    shop = Shop(sources={"posabit": ENROLLED})

    shop.tell(ANA, a_sale("s1", "2026-03-02"))

    assert sentences(shop) == [
        (
            "Bought from POSaBIT on 2026-03-02, on or after 2026-02-01, the day of"
            " *Enroll Personas in loyalty program who purchased after*."
        )
    ]


def test_who_used_two_forms_before_a_merge_is_told_of_the_first() -> None:
    shop = Shop()
    shop.tell(ANA, replace(ANA, ext_id="2"))
    shop.form("2", at="2026-02-07")
    shop.form("1", at="2026-01-05")
    first = sentences(shop)
    shop.form("2", at="2026-01-02")

    assert first == ["Used a signup form on 2026-01-05."]
    assert sentences(shop) == ["Used a signup form on 2026-01-02."]


def test_each_sale_says_what_it_earned_and_from_what() -> None:
    shop = Shop(sources={"posabit": ENROLLED})

    shop.tell(ANA, a_sale("s1", "2026-03-02", 12_345, tip=345, tax=1_000))

    earned = shop.entries()["s1"]
    assert earned.amount == 1_200
    assert earned.why.sentence == (
        "12 points for the purchase of 2026-03-02: 120.00 without tip and fees; 10 points per 100."
    )


def test_where_tax_earns_nothing_it_is_said_how_much_it_was() -> None:
    loyalty = replace(TEN_PER_100, exclude_tax=True)
    shop = Shop(loyalty=loyalty, sources={"posabit": ENROLLED})

    shop.tell(ANA, a_sale("s1", "2026-03-02", 12_000, tax=2_000))

    assert shop.entries()["s1"].why.sentence == (
        "10 points for the purchase of 2026-03-02: 120.00 without tip and fees, 20.00 of it tax;"
        " 10 points per 100."
    )


def test_what_was_given_back_is_said_with_the_correction() -> None:
    shop = Shop(sources={"posabit": ENROLLED})
    shop.tell(ANA, a_sale("s1", "2026-03-02"))

    shop.tell(a_sale("r1", "2026-03-03", -4_000, kind="return", original_ext_id="s1"))

    earned = shop.entries()["s1"]
    assert [posting.amount for posting in earned.postings] == [1_000, -400]
    assert earned.why.sentence == (
        "6 points for the purchase of 2026-03-02: 100.00 without tip and fees,"
        " 40.00 of it given back; 10 points per 100."
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "void"}, "no_final_sale"),
        ({"gone": True}, "gone_from_the_pos"),
        ({"at": "2026-01-31"}, "before_joining"),
        ({"at": "2025-12-31"}, "before_accrual"),
        ({"total": 0}, "nothing_paid"),
        ({"total": 1}, "none_left"),
    ],
)
def test_a_sale_that_earned_nothing_says_why(changes: dict[str, object], code: str) -> None:
    shop = Shop(sources={"posabit": ENROLLED})

    told = {"at": "2026-03-05", **changes}
    shop.tell(ANA, a_sale("s0", "2026-03-02"), a_sale("s1", **told))  # type: ignore[arg-type]

    entry = shop.entries()["s1"]
    assert (entry.amount, entry.why.code) == (0, code)


def test_points_that_expired_say_after_which_purchase() -> None:
    shop = Shop(loyalty=replace(TEN_PER_100, expire_after_days=60), sources={"posabit": ENROLLED})
    shop.tell(ANA, a_sale("s1", "2026-03-02"))

    expiry = shop.entries("expiry")["s1"]

    assert shop.points() == 0
    assert expiry.why.sentence == ("10 points expired: no purchase within 60 days of 2026-03-02.")


def test_an_adjustment_says_who_and_why() -> None:
    shop = Shop()
    shop.tell(ANA)

    for _ in range(2):
        shop.commits.adjust(
            UID, rid("1"), "adj_1", 500, note="Sorry for the wait", actor="mo@example.com"
        )

    entry = shop.entries("adjustment")["adj_1"]
    assert (shop.points(), entry.actor) == (5, "mo@example.com")
    assert entry.why.sentence == "Adjusted by hand on 2026-06-01: Sorry for the wait"
