"""What a persona shows: examples of product.md §6, then everything against the naive model."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.domain.identity import Component, MergeKey, connected_components
from chalicelib.domain.personas import Figures, Persona, derive_persona, favourite_store
from chalicelib.domain.rules import Rules, Source, Terms
from chalicelib.domain.sales_summary import SalesSummary
from chalicelib.domain.times import from_text
from tests.unit.domain import naive, strategies
from tests.unit.domain.builders import (
    days_before,
    sale_ref,
    shared_keys,
    shopper,
    sold,
    source_record,
    source_records,
    summaries,
)
from tests.unit.domain.naive import Shopper, Sold

PHONE = "+12065550100"
MAIN, HARBOUR, DEPOT = (f"posabit:venue-1:{name}" for name in ("Main St", "Harbour", "Depot"))


def personas(
    shoppers: Iterable[Shopper],
    sales: Iterable[Sold] = (),
    mapping: Mapping[str, int] | None = None,
    *,
    name_and_birth_date: bool = False,
) -> list[Persona]:
    shoppers = list(shoppers)
    shared = shared_keys(shoppers, name_and_birth_date=name_and_birth_date)
    components = connected_components(
        source_records(shoppers), shared, name_and_birth_date=name_and_birth_date
    )
    sold_to = summaries(sales)
    terms = Terms(as_of=0, mapping=mapping or {})
    derived = [derive_persona(c, sold_to, terms) for c in components]
    return [persona for persona in derived if persona is not None]


def persona_of(shoppers: Iterable[Shopper], sales: Iterable[Sold] = ()) -> Persona:
    (only,) = personas(shoppers, sales)
    return only


def favourite(sales: list[Sold], mapping: Mapping[str, int]) -> int | None:
    return favourite_store([SalesSummary.rebuild(map(sale_ref, sales))], mapping)


# Who becomes a persona


def test_a_record_without_valid_phone_or_email_is_a_shopper_without_contact() -> None:
    assert personas([shopper("1", first="Ada", phone_raw="000-000-0000")]) == []


def test_a_persona_shows_the_id_of_the_record_that_was_seen_first() -> None:
    later = shopper("1", phone=PHONE, first_seen=200)
    first = shopper("2", phone=PHONE, first_seen=100)

    persona = persona_of([later, first])

    assert persona.id == source_record(first).id
    assert persona.members == (source_record(first).id, source_record(later).id)
    assert persona.inserted_at == 100


def test_of_records_seen_at_once_the_lower_id_leads() -> None:
    both = [shopper(str(n), phone=PHONE, first_seen=5) for n in range(2)]

    assert persona_of(both).id == min(record.id for record in source_records(both))


# Profile


def test_the_most_recently_updated_record_wins_and_others_fill_its_gaps() -> None:
    old = shopper("1", first="Ada", last="Lee", phone=PHONE, birth_date="1990-02-03", updated_at=10)
    new = shopper("2", first="Adela", phone=PHONE, email="ada@mail.test", updated_at=20)

    persona = persona_of([old, new])

    assert (persona.first, persona.last) == ("Adela", "Lee")
    assert (persona.phone, persona.email) == (PHONE, "ada@mail.test")
    assert persona.birth_date == "1990-02-03"
    assert persona.updated_at == 20


def test_a_record_with_no_time_of_change_is_as_recent_as_its_making() -> None:
    changed = shopper("1", first="Changed", phone=PHONE, created_at=1, updated_at=50)
    made = shopper("2", first="Made", phone=PHONE, created_at=60)
    timeless = shopper("3", first="Timeless", phone=PHONE)

    persona = persona_of([changed, made, timeless])

    assert persona.first == "Made"
    assert persona.updated_at == 50


def test_a_persona_is_sourced_from_every_platform_once() -> None:
    records = [
        shopper("1", platform="thsuite", phone=PHONE),
        shopper("2", phone=PHONE),
        shopper("3", phone=PHONE, scope="venue-2"),
    ]

    assert persona_of(records).sources == ("posabit", "thsuite")


# Flags


@pytest.mark.parametrize(
    ("born", "minor"),
    [
        ("2005-05-02", False),
        ("2005-05-03", True),
        ("2004", False),
        ("2005", True),  # the birthday may be yet to come
        (None, False),
    ],
)
def test_who_may_be_under_the_minimum_age_is_a_minor(born: str | None, minor: bool) -> None:
    terms = Terms(as_of=from_text("2026-05-03T05:30:00Z"), zone="America/Denver", minimum_age=21)
    [component] = connected_components(
        source_records([shopper("1", phone=PHONE, birth_date=born)]),
        set(),
        name_and_birth_date=False,
    )

    found = derive_persona(component, {}, terms)

    assert found is not None
    assert ("minor" in found.flags) is minor


def test_of_one_shopper_the_youngest_record_decides() -> None:
    terms = Terms(as_of=from_text("2026-05-03T06:30:00Z"), minimum_age=21)
    born = [shopper(n, phone=PHONE, birth_date=b) for n, b in (("1", "1990"), ("2", "2010-01-01"))]
    [component] = connected_components(source_records(born), set(), name_and_birth_date=False)

    found = derive_persona(component, {}, terms)

    assert found is not None
    assert found.flags == {"minor"}


def test_born_on_a_leap_day_one_is_of_age_on_the_first_of_march() -> None:
    ages = {
        day: Terms(as_of=from_text(f"{day}T12:00:00Z"), minimum_age=21).is_minor("2004-02-29")
        for day in ("2025-02-28", "2025-03-01")
    }

    assert ages == {"2025-02-28": True, "2025-03-01": False}


def test_one_employee_or_minor_record_flags_the_persona() -> None:
    flagged = shopper("1", phone=PHONE, flags=frozenset({"employee", "minor", "bad_email"}))

    assert persona_of([flagged, shopper("2", phone=PHONE)]).flags == {"employee", "minor"}


def test_a_guest_record_flags_a_persona_only_when_all_its_records_are_guests() -> None:
    guests = [shopper(str(n), phone=PHONE, flags=frozenset({"test"})) for n in range(2)]

    assert persona_of(guests).flags == {"test"}
    assert persona_of([*guests, shopper("3", phone=PHONE)]).flags == frozenset()


def test_a_persona_is_inactive_only_when_all_its_records_are() -> None:
    inactive = [
        shopper("1", phone=PHONE, active=False),
        shopper("2", phone=PHONE, flags=frozenset({"inactive"})),
    ]

    assert persona_of(inactive).flags == {"inactive"}
    assert persona_of([*inactive, shopper("3", phone=PHONE)]).flags == frozenset()


def test_a_key_shared_too_widely_flags_everyone_who_carries_it() -> None:
    derived = personas(shopper(str(n), phone=PHONE) for n in range(9))

    assert [persona.flags for persona in derived] == [frozenset({"shared_key"})] * 9


def test_the_parts_of_a_large_component_are_flagged() -> None:
    crowd = [shopper(str(n), scope=f"v{n // 8}", email="one@mail.test") for n in range(51)]

    derived = personas(crowd)

    assert len(derived) == 51
    assert {persona.flags for persona in derived} == {frozenset({"large_component"})}


def test_who_shares_a_phone_with_too_many_is_texted_at_another_of_their_own() -> None:
    crowd = [shopper(str(n), phone=PHONE, email=f"{n}@mail.test") for n in range(9)]
    older = shopper("own", phone="+12065550199", email="0@mail.test", updated_at=1)
    newer = shopper("too", phone="+12065550198", email="0@mail.test", updated_at=2)

    derived = {persona.email: persona for persona in personas([*crowd, older, newer])}

    assert derived["0@mail.test"].own_phones == ("+12065550198", "+12065550199")
    assert derived["0@mail.test"].texted_at == "+12065550198"
    assert (derived["1@mail.test"].own_phones, derived["1@mail.test"].texted_at) == ((), None)
    assert persona_of([older]).own_phones is None
    assert persona_of([older]).texted_at == "+12065550199"


def test_only_who_has_a_number_of_their_own_is_asked_and_the_busy_are_flagged() -> None:
    asking = Terms(0, Rules(sources={"posabit": Source(sms_opt_in_after=0)}))
    phones = [PHONE, "+12065550199"]
    shared = frozenset({MergeKey("phone", PHONE)})
    found = []
    for known in (phones, phones[:1]):
        told = [shopper(str(n), phone=phone, email="a@mail.test") for n, phone in enumerate(known)]
        of_one = Component(tuple(source_records(told)), shared_keys=shared)
        sales = summaries([sold("s", "0")])
        persona = derive_persona(of_one, sales, asking)
        busy = derive_persona(of_one, sales, asking, busy=True)
        assert persona is not None
        assert busy is not None
        found.append((persona.asked_by, busy.asked_by, busy.flags - persona.flags))

    assert found == [(("posabit",), (), {"busy"}), ((), (), {"busy"})]


def test_a_persona_stored_before_own_phones_were_told_is_not_texted_at_a_shared_one() -> None:
    plain = persona_of([shopper("1", phone=PHONE)])

    assert replace(plain, flags=frozenset({"shared_key"})).texted_at is None
    assert replace(plain, flags=frozenset({"busy"})).texted_at == PHONE


def test_personas_that_differ_in_figures_alone_are_told_from_those_that_differ_in_more() -> None:
    plain = persona_of([shopper("1", phone=PHONE)])
    richer = replace(plain, figures=Figures(points=100))

    assert plain.equals_but_figures(richer)
    assert plain != richer
    assert not plain.equals_but_figures(replace(richer, last="Lee"))


# Favourite store


def test_the_favourite_store_is_the_mapped_one_with_most_sales() -> None:
    sales = [
        sold("1", "7", store_key="Harbour", at=days_before(3)),
        sold("2", "7", store_key="Harbour", at=days_before(2)),
        sold("3", "7", at=days_before(1)),
        *(sold(f"d{n}", "7", store_key="Depot") for n in range(5)),
    ]

    assert favourite(sales, {MAIN: 1, HARBOUR: 2}) == 2


def test_several_keys_of_one_store_add_up() -> None:
    sales = [
        sold("1", "7", store_key="Harbour", at=days_before(3)),
        sold("2", "7", store_key="Depot", at=days_before(2)),
        sold("3", "7", at=days_before(1)),
    ]

    assert favourite(sales, {MAIN: 1, HARBOUR: 2, DEPOT: 2}) == 2


def test_a_tie_goes_to_the_most_recent_sale_then_to_the_lower_store() -> None:
    harbour, main = sold("1", "7", store_key="Harbour", at=days_before(1)), sold("2", "7")
    at_once = [sold("3", "7", store_key="Harbour"), main]

    assert favourite([harbour, main], {MAIN: 9, HARBOUR: 2}) == 9
    assert favourite(at_once, {MAIN: 9, HARBOUR: 2}) == 2


def test_sales_over_a_year_before_the_last_purchase_do_not_count_for_the_favourite() -> None:
    long_ago = [sold(str(n), "7", store_key="Harbour", at=days_before(366)) for n in range(3)]
    a_year_ago = [sold(str(n), "7", store_key="Harbour", at=days_before(365)) for n in range(3)]
    last = sold("last", "7")

    assert favourite([*long_ago, last], {MAIN: 1, HARBOUR: 2}) == 1
    assert favourite([*a_year_ago, last], {MAIN: 1, HARBOUR: 2}) == 2


def test_the_last_purchase_counts_for_the_window_though_its_key_is_not_mapped() -> None:
    sales = [sold("1", "7", store_key="Harbour", at=days_before(400)), sold("2", "7")]

    assert favourite(sales, {HARBOUR: 2}) is None
    assert favourite(sales[:1], {HARBOUR: 2}) == 2


def test_the_last_purchase_of_one_record_moves_the_window_of_all() -> None:
    buyers = [shopper("1", phone=PHONE), shopper("2", phone=PHONE)]
    old = [sold(str(n), "1", store_key="Harbour", at=days_before(400)) for n in range(3)]
    new = [sold("new", "2")]

    (together,) = personas(buyers, old + new, {MAIN: 1, HARBOUR: 2})
    (alone,) = personas(buyers[:1], old, {MAIN: 1, HARBOUR: 2})

    assert together.favourite_store == 1
    assert alone.favourite_store == 2


def test_of_a_store_only_the_sales_in_the_window_of_all_records_count() -> None:
    buyers = [shopper("1", phone=PHONE), shopper("2", phone=PHONE)]
    mostly_old = [
        sold(str(days), "1", store_key="Harbour", at=days_before(days))
        for days in (368, 367, 366, 300)
    ]
    recent = [sold("a", "1", at=days_before(299)), sold("b", "1", at=days_before(298))]
    mapping = {MAIN: 1, HARBOUR: 2}

    (alone,) = personas(buyers[:1], mostly_old + recent, mapping)
    (together,) = personas(
        buyers, [*mostly_old, *recent, sold("last", "2", store_key="Depot")], mapping
    )

    assert alone.favourite_store == 2
    assert together.favourite_store == 1


def test_without_a_mapped_sale_there_is_no_favourite_store() -> None:
    assert favourite([sold("1", "7")], {}) is None
    assert favourite([], {MAIN: 1}) is None
    assert favourite([sold("1", "7", kind="void")], {MAIN: 1}) is None


# Against the naive model


@st.composite
def accounts(draw: st.DrawFn) -> tuple[list[Shopper], list[Sold], dict[str, int]]:
    shoppers = draw(strategies.shoppers())
    sales = draw(strategies.sales_of(shoppers))
    keys = sorted({sale_ref(one).store_key for one in sales})
    mapped = draw(st.lists(st.sampled_from([None, 1, 2]), min_size=len(keys), max_size=len(keys)))
    return shoppers, sales, {k: s for k, s in zip(keys, mapped, strict=True) if s is not None}


@settings(max_examples=150)
@given(accounts(), st.booleans(), st.randoms(use_true_random=False))
def test_personas_are_the_naive_models_in_any_order_and_repetition(
    account: tuple[list[Shopper], list[Sold], dict[str, int]],
    by_name: bool,
    chance: random.Random,
) -> None:
    shoppers, sales, mapping = account
    expected = naive.expected_personas(shoppers, sales, mapping, name_and_birth_date=by_name)
    told = shoppers + chance.sample(shoppers, len(shoppers) // 2)
    chance.shuffle(told)
    rung_up = chance.sample(sales, len(sales))

    derived = personas(told, rung_up, mapping, name_and_birth_date=by_name)

    assert {frozenset(persona.members): persona for persona in derived} == expected


@given(st.data())
def test_one_more_sale_never_takes_the_lead_from_the_store_it_was_made_at(
    data: st.DataObject,
) -> None:
    buyer = shopper("1", scope="a", phone=PHONE)
    sales = data.draw(strategies.sales_of([buyer]))
    mapping = {f"posabit:a:{key}": n for n, key in enumerate(strategies.STORE_KEYS)}
    (summary,) = summaries(sales).values() or [SalesSummary.EMPTY]
    before = favourite_store([summary], mapping)
    assume(before is not None)

    more = sold("more", "1", scope="a", store_key=strategies.STORE_KEYS[before], at=summary.last_at)
    after = favourite_store(summaries([*sales, more]).values(), mapping)

    assert after == before
