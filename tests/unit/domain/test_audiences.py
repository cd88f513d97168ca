"""What a list of personas says of each, how it is sorted, filtered and counted (product.md §10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.audiences import (
    AUDIENCE_NAMES,
    AudienceCount,
    ListedPersona,
    SnapshotFilter,
    TagCounts,
    list_persona,
    sort_key,
    tags_of,
)
from chalicelib.domain.membership import Reason
from chalicelib.domain.personas import Figures, LastPurchase, Persona

TODAY = 20_000
ANA = Persona(
    id="a" * 32,
    members=("a" * 32,),
    first="Ana",
    last="Ruiz",
    phone="+12065550100",
    email="ana@mail.test",
    birth_date="1990-07-23",
    sources=("posabit", "thsuite"),
    favourite_store=3,
    inserted_at=5,
    updated_at=9,
    flags=frozenset({"minor", "busy"}),
    reasons=(Reason("form", None),),
    figures=Figures(
        points=120, bought=(LastPurchase("posabit", TODAY - 7), LastPurchase("thsuite", TODAY - 9))
    ),
)
PLAIN = replace(
    ANA, sources=(), favourite_store=None, flags=frozenset(), reasons=(), figures=Figures()
)


def line(persona: Persona = ANA, **changes: Any) -> ListedPersona:
    return list_persona(persona, "opted_in", TODAY)._replace(**changes)


def test_a_line_says_what_the_list_shows_of_a_persona() -> None:
    assert list_persona(ANA, "opted_in", TODAY) == ListedPersona(
        id="a" * 32,
        first="Ana",
        last="Ruiz",
        phone="+12065550100",
        email="ana@mail.test",
        sources=("posabit", "thsuite"),
        favourite_store=3,
        member=True,
        points=120,
        flags=("busy", "minor"),
        inserted_at=5,
        updated_at=9,
        consent="opted_in",
        last_purchase=TODAY - 7,
        lapsed=False,
    )


@pytest.mark.parametrize(("days_ago", "lapsed"), [(89, False), (90, False), (91, True)])
def test_who_bought_last_over_ninety_days_ago_has_lapsed(days_ago: int, lapsed: bool) -> None:
    figures = Figures(bought=(LastPurchase("posabit", TODAY - days_ago),))

    assert list_persona(replace(ANA, figures=figures), "unknown", TODAY).lapsed is lapsed


def test_who_never_bought_has_no_last_purchase_and_has_not_lapsed() -> None:
    never = list_persona(PLAIN, "unknown", TODAY)

    assert (never.last_purchase, never.lapsed, never.member) == (None, False, False)


def test_a_line_carries_a_tag_for_all_that_lists_are_narrowed_by() -> None:
    assert tags_of(line(lapsed=True)) == {
        *("consent=opted_in", "source=posabit", "source=thsuite", "flag=busy", "flag=minor"),
        *("store=3", "audience=members", "audience=opted_in", "audience=lapsed_90"),
    }
    assert tags_of(line(PLAIN, consent="opted_out")) == {"consent=opted_out"}


def test_a_filter_wants_the_tags_of_all_it_names() -> None:
    everything = SnapshotFilter(store=0, consent="unknown", flag="minor", source="posabit")

    assert SnapshotFilter().tags() == frozenset()
    assert everything.tags("members") == {
        *("audience=members", "store=0", "consent=unknown", "flag=minor", "source=posabit")
    }


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("points", ["poor", "unnamed", "never", "rich"]),
        ("last_purchase", ["never", "poor", "rich", "unnamed"]),
        ("name", ["never", "rich", "poor", "unnamed"]),
    ],
)
def test_lists_ascend_and_equal_lines_stand_by_their_id(by: Any, order: list[str]) -> None:
    lines = [
        line(id="rich", points=900, last_purchase=5),
        line(id="poor", points=-5, last_purchase=5, first="Bo"),
        line(id="never", points=8, last_purchase=None),
        line(id="unnamed", points=7, last_purchase=6, first="", last=" "),
    ]

    assert [one.id for one in sorted(lines, key=lambda one: sort_key(one, by))] == order


def test_each_audience_is_counted_in_all_by_source_and_by_store() -> None:
    counts = TagCounts()
    for each in (line(), line(), line(lapsed=True, favourite_store=11), line(PLAIN)):
        counts.add(tags_of(each))

    found = {count.name: count for count in counts.audiences()}

    both = {"posabit": 3, "thsuite": 3}
    assert list(found) == list(AUDIENCE_NAMES)
    assert found["personas"] == AudienceCount("personas", 4, both, {3: 2, 11: 1})
    assert found["opted_in"] == AudienceCount("opted_in", 4, both, {3: 2, 11: 1})
    assert found["members"] == AudienceCount("members", 3, both, {3: 2, 11: 1})
    lapsed = {"posabit": 1, "thsuite": 1}
    assert found["lapsed_90"] == AudienceCount("lapsed_90", 1, lapsed, {11: 1})
    assert list(found["personas"].by_store) == [3, 11]
    assert TagCounts(counts.counts).audiences() == counts.audiences()


@given(
    st.lists(
        st.builds(
            line,
            sources=st.sampled_from([(), ("posabit",), ("posabit", "auphan")]),
            favourite_store=st.sampled_from([None, 3, 11]),
            member=st.booleans(),
            consent=st.sampled_from(["unknown", "opted_in"]),
        ),
        max_size=12,
    ),
    st.builds(
        SnapshotFilter,
        store=st.sampled_from([None, 3]),
        consent=st.sampled_from([None, "unknown"]),
        source=st.sampled_from([None, "auphan"]),
    ),
)
def test_a_total_is_the_number_of_lines_that_the_filter_leaves(
    lines: list[ListedPersona], chosen: SnapshotFilter
) -> None:
    counts = TagCounts()
    for each in lines:
        counts.add(tags_of(each))

    left = [
        each
        for each in lines
        if chosen.store in (None, each.favourite_store)
        and chosen.consent in (None, each.consent)
        and (chosen.source is None or chosen.source in each.sources)
    ]
    assert counts.total(chosen.tags()) == len(left)
    assert counts.total(chosen.tags("members")) == sum(each.member for each in left)
