"""The same facts in any order and portions give the same shoppers, members and points."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.acts import Join
from chalicelib.domain.ledger import posted_total
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import NOON, FakeClock
from tests.fakes.facts import MemoryFacts
from tests.fakes.rules import MemoryRuleBook, memory_commits
from tests.fakes.stores import MemoryStores
from tests.worlds.history_facts import (
    DAY,
    Place,
    beginnings,
    customers,
    days,
    loyalties,
    places,
    sales,
)

UID = "1000"

Fact = tuple[Place, Customer | Sale, str | None]
"""From where, what, and a reason of membership that comes with a customer."""

reasons = st.sampled_from([None, None, "form", "pos_signup:posabit", "double_opt_in:thsuite"])
sources = st.builds(
    Source, enroll_after=days, sms_opt_in_after=days, accrual_start=days, imported_on=days
)
told = st.tuples(
    st.lists(st.tuples(places, customers, reasons), max_size=8),
    st.lists(st.tuples(places, beginnings, reasons), max_size=3),
    st.lists(st.tuples(places, sales), min_size=4, max_size=24),
)


@settings(max_examples=600, deadline=None)
@given(
    facts=told,
    loyalty=loyalties,
    posabit=sources,
    thsuite=sources,
    order=st.randoms(use_true_random=False),
)
def test_order_and_portions_never_matter(
    facts: Any, loyalty: Loyalty, posabit: Source, thsuite: Source, order: random.Random
) -> None:
    rules = Rules(loyalty, {"posabit": posabit, "thsuite": thsuite})
    one = versions(facts)
    other = list(one)
    order.shuffle(other)

    assert outcome(one, rules, order) == outcome(other, rules, order)


def versions(facts: Any) -> list[Fact]:
    """Every telling has a time of change of its own: else the later fetch stands, by design. All
    tellings of a customer come with one reason."""
    singly, together, bought = facts
    people = [*singly, *((place, who, why) for place, some, why in together for who in some)]
    found = [*people, *((place, sale, None) for place, sale in bought)]
    why_of: dict[tuple[Place, str], str | None] = {}
    return [
        (
            place,
            replace(fact, updated_at=NOON - DAY + n),
            why_of.setdefault((place, fact.ext_id), why),
        )
        for n, (place, fact, why) in enumerate(found)
    ]


def outcome(facts: Sequence[Fact], rules: Rules, order: random.Random) -> tuple[Any, Any]:
    """What everybody is and has in the end, whichever id is shown; and every cause's points."""
    stored = MemoryFacts()
    book = MemoryRuleBook(rules)
    accounts = MemoryAccounts(an_account(UID))
    commits = memory_commits(stored, MemoryStores(), accounts, FakeClock(), rules=book)
    for place, some in groupby(facts, key=lambda fact: fact[0]):
        left = list(some)
        while left:
            size = order.choice([1, 2, 5, 50])
            page, left = left[:size], left[size:]
            commits.commit(
                UID,
                *place,
                customers=[fact for _, fact, _ in page if isinstance(fact, Customer)],
                sales=[fact for _, fact, _ in page if isinstance(fact, Sale)],
                joins={fact.ext_id: Join(why, NOON) for _, fact, why in page if why},
            )
    shown = {
        frozenset(p.members): replace(
            p, id="", members=(), inserted_at=0, figures=p.figures._replace(counts_on=None)
        )  # when to look again is no matter of the facts alone
        for p in stored.shown(UID)
    }
    return shown, amounts(stored)


def amounts(stored: MemoryFacts) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for (_, record), pointers in stored.pointer_rows.items():
        for ref, postings in pointers.values():
            found[record, ref.ext_id] = posted_total(postings)
    for (_, record), rows in stored.ledger_rows.items():
        found.update({(record, cause): posted_total(row.postings) for cause, row in rows.items()})
    return {place: amount for place, amount in found.items() if amount}
