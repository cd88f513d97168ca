"""The same signups give the same personas, in any order and however often they are told."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.worlds.shop import UID
from tests.worlds.tills import Tills

NOON = 1_780_000_000_000
PHONES = ("", "+12065550101", "+12065550102", "12345")
EMAILS = ("", "ana@example.com", "ben@example.com", "no address")
NAMES = ("", "Ana", "Ben")

told = st.tuples(
    st.sampled_from(PHONES), st.sampled_from(EMAILS), st.sampled_from(NAMES), st.booleans()
).filter(lambda one: one[0] or one[1])


def people(signups: list[tuple[int, Any]]) -> set[tuple[object, ...]]:
    """Who is there after these signups, each told at its minute."""
    tills = Tills()
    for minute, (phone, email, first, joins) in signups:
        at = NOON + minute * 60_000
        tills.sign_up(phone, email=email, first=first, joins=joins, at=at, id=str(minute))
    shown = tills.shop.facts.shown(UID)
    return {
        (frozenset(p.members), p.first, p.phone, p.email, tuple(r.name for r in p.reasons))
        for p in shown
    }


@given(signups=st.lists(told, min_size=1, max_size=6), chance=st.randoms())
def test_signups_in_any_order_and_told_twice_make_the_same_people(
    signups: list[Any], chance: Any
) -> None:
    in_turn = list(enumerate(signups))
    shuffled = [*in_turn, *in_turn]
    chance.shuffle(shuffled)

    assert people(shuffled) == people(in_turn)
