"""The oracle of acts at the counter counts each act once."""

from __future__ import annotations

from simulators.oracle.counter import Act, expected


def test_each_act_counts_once_and_only_who_was_unknown_is_created() -> None:
    acts = [
        Act("till_signup", "+1"),
        Act("till_signup", "+1"),
        Act("form_signup", "+1"),
        Act("form_signup", "+2"),
        Act("form_signup", "+3"),
        Act("redeem", "r1"),
        Act("redeem", "r1"),
        Act("refund", "r1"),
        Act("refund", "r2"),
    ]

    assert expected(acts, {"+3"}) == {
        "signups": 3,
        "redeemed": 1,
        "refunded": 1,
        "created_in_pos": 1,
    }
