"""The ledger only ever adds, and a cause holds what the facts say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.acts import Join, merge_joins
from chalicelib.domain.ledger import (
    NO_POINTS,
    Posting,
    Postings,
    RecordPoints,
    expiry_cause,
    posted_total,
    settle_postings,
)

amounts = st.integers(-5_000, 5_000)
histories = st.lists(amounts, max_size=8)


def after(history: list[int]) -> Postings:
    """The entries of a cause that was worth these amounts one after the other."""
    held: Postings = ()
    for at, amount in enumerate(history):
        held = settle_postings(held, amount, at)
    return held


def test_the_first_entry_is_the_whole_amount_and_the_next_the_difference() -> None:
    assert after([1_000, 700]) == (Posting(1_000, 0), Posting(-300, 1))


def test_the_same_amount_again_posts_nothing() -> None:
    held = after([1_000])

    assert settle_postings(held, 1_000, at=9) is held
    assert settle_postings((), 0, at=9) == ()


@given(history=histories, amount=amounts)
def test_a_cause_holds_what_it_was_last_worth(history: list[int], amount: int) -> None:
    assert posted_total(after([*history, amount])) == amount


@given(history=histories, amount=amounts)
def test_earlier_entries_stay_as_they_are(history: list[int], amount: int) -> None:
    before = after(history)

    now = settle_postings(before, amount, at=99)

    assert now[: len(before)] == before
    assert len(now) - len(before) == (amount != posted_total(before))


@given(history=histories)
def test_no_entry_is_empty(history: list[int]) -> None:
    assert all(posting.amount for posting in after(history))


def test_a_records_balance_is_the_sum_of_all_its_kinds() -> None:
    assert RecordPoints(earned=5, imported=7, expired=-2, adjusted=-30).total == -20
    assert NO_POINTS.total == 0


def test_each_last_purchase_has_an_expiry_of_its_own_and_they_sort_by_time() -> None:
    causes = [
        expiry_cause(1_700_000_000_000, "north", "9"),
        expiry_cause(1_700_000_000_000, "south", "9"),
        expiry_cause(1_700_000_000_001, "north", "10"),
    ]

    assert sorted(set(causes)) == causes


def test_a_reason_given_twice_counts_from_the_first_time() -> None:
    once, again = Join("form", 5), Join("form", 9)

    assert merge_joins([again], [once]) == merge_joins([once], [again]) == (once,)
    assert [join.reason for join in merge_joins([once], [Join("a", 1)])] == ["a", "form"]
