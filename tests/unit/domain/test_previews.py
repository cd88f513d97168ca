"""What other rules would make of a person: what derivation would, told without deriving anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.acts import Acts, ImportedPoints, Join, merge_joins
from chalicelib.domain.identity import Component, SourceRecord
from chalicelib.domain.keeps import joins_to_keep, without_overruled
from chalicelib.domain.loyalty import BEFORE_ANY_DAY, earned_points, imported_points
from chalicelib.domain.personas import Persona, derive_persona
from chalicelib.domain.previews import (
    WouldBe,
    balance_under,
    earns_alike,
    would_be_of_persona,
    would_be_of_records,
)
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import KeptMembers, Loyalty, Rules, Source, Terms
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.settings import ENROLL_AFTER, SMS_OPT_IN_AFTER
from chalicelib.domain.times import DAY, day_text
from tests.unit.domain.builders import NOON
from tests.unit.domain.loyal import TODAY, a_member, bought, brought_back, terms

POSABIT, THSUITE = "posabit", "thsuite"
FORM, SAID_YES = Join("form", NOON - 3 * DAY), Join("double_opt_in:posabit", NOON - 4 * DAY)
SINCE = NOON - 5_000
KEPT = Join(f"kept:enroll_after:posabit@{day_text(TODAY - 9)}", SINCE)

days = st.integers(0, 12).map(lambda ago: TODAY - ago)
a_day = st.none() | days
keeps = st.lists(
    st.builds(KeptMembers, st.sampled_from([ENROLL_AFTER, SMS_OPT_IN_AFTER]), days, st.just(SINCE)),
    max_size=1,
).map(tuple)
wanted_sources = st.builds(
    Source,
    enroll_after=a_day,
    sms_opt_in_after=a_day,
    accrual_start=a_day,
    imported_on=st.none() | st.none() | days,
    import_locks=st.sampled_from([{}, {}, {}, {"venue-1": "run"}]),
    keeping=keeps,
    overruled=keeps,
)
sources = wanted_sources.map(lambda source: replace(source, keeping=(), overruled=()))
loyalties = st.builds(
    Loyalty,
    enabled=st.sampled_from([True, True, False]),
    accrual_start=a_day,
    points_per_100=st.sampled_from([10_000, 10_000, 5_000]),
    earn_only_from_joining=st.sampled_from([False, False, True]),
)


@st.composite
def changes(draw: st.DrawFn) -> tuple[Rules, Rules]:
    """The rules of today, and those that somebody wants: mostly one card is changed."""
    today = Rules(
        draw(loyalties), {POSABIT: draw(sources), **draw(st.just({}) | thsuite_of(sources))}
    )
    wanted = Rules(
        draw(st.just(today.loyalty) | loyalties),
        {**today.sources, POSABIT: draw(wanted_sources), **draw(st.just({}) | thsuite_of(sources))},
    )
    return today, wanted


def thsuite_of(source: st.SearchStrategy[Source]) -> st.SearchStrategy[dict[str, Source]]:
    return source.map(lambda one: {THSUITE: one})


joins = st.lists(
    st.sampled_from([FORM, SAID_YES, KEPT, Join("double_opt_in:thsuite", NOON)]),
    max_size=2,
    unique_by=lambda join: join.reason,
).map(lambda some: merge_joins(some, ()))
records = st.builds(
    SourceRecord,
    id=st.sampled_from(["r0", "r1", "r2"]),
    platform=st.sampled_from([POSABIT, POSABIT, THSUITE]),
    scope=st.just("venue-1"),
    customer=st.builds(
        Customer,
        ext_id=st.just("1"),
        phone=st.sampled_from(["+12065550100", "+12065550100", None]),
        email=st.just("ada@mail.test"),
        pos_points=st.sampled_from([None, None, 40, -30]),
        flags=st.sampled_from([frozenset()] * 5 + [frozenset({"employee"})]),
    ),
    first_seen=st.just(NOON),
    acts=st.builds(Acts, joins, st.sampled_from([None, ImportedPoints(70, "run")])),
)
purchases = st.sets(st.sampled_from([0, 1, 2, 4, 5, 7, 9]), max_size=3)


@st.composite
def people(draw: st.DrawFn) -> tuple[list[SourceRecord], list[SaleRef]]:
    """One to three records of one shopper, and the sales to them."""
    found = draw(st.lists(records, min_size=1, max_size=3, unique_by=lambda record: record.id))
    sales = [
        bought(f"{record.id}-{ago}", ago, platform=record.platform)
        for record in found
        for ago in draw(purchases)
    ]
    return found, sales


def derived(
    records: Iterable[SourceRecord], sales: Iterable[SaleRef], given_terms: Terms
) -> Persona:
    summaries = {r.id: summary_of(r, sales) for r in records}
    component = Component(tuple(records))
    persona = derive_persona(component, summaries, given_terms)
    assert persona is not None
    return persona


def summary_of(record: SourceRecord, sales: Iterable[SaleRef]) -> SalesSummary:
    return SalesSummary.rebuild(s for s in sales if s.ext_id.startswith(f"{record.id}-"))


def after_the_change(
    persona: Persona, records: list[SourceRecord], sales: list[SaleRef], changed: Terms
) -> Persona:
    """The person derived under the changed rules, once the keeps at work have written theirs."""
    left = [replace(r, acts=without_overruled(r, changed.rules)) for r in records]
    plain = derived(left, sales, changed)
    summaries = {r.id: summary_of(r, sales) for r in records}
    more = joins_to_keep(
        left, persona.reasons, plain.reasons, persona.last_days, persona.flags, summaries, changed
    )
    kept = [
        replace(r, acts=replace(r.acts, joins=merge_joins(r.acts.joins, more.get(r.id, []))))
        for r in left
    ]
    return derived(kept, sales, changed)


@settings(max_examples=300)
@given(people(), changes())
def test_what_a_person_would_be_is_what_derivation_makes_of_them(
    person: tuple[list[SourceRecord], list[SaleRef]], rules: tuple[Rules, Rules]
) -> None:
    (records, sales), (today, wanted) = person, rules
    persona, changed = derived(records, sales, Terms(NOON, today)), Terms(NOON, wanted)
    expected = after_the_change(persona, records, sales, changed)

    exact = would_be_of_records(persona, records, changed)
    quick = would_be_of_persona(persona, changed, today)

    imported = sum(imported_points(record, changed) for record in records)
    assert exact == WouldBe(expected.member, expected.asked_by, expected.earn_from, imported)
    assert quick in (None, exact._replace(imported=None))


@settings(max_examples=150)
@given(people(), changes())
def test_who_earns_alike_has_the_same_points_for_each_sale(
    person: tuple[list[SourceRecord], list[SaleRef]], rules: tuple[Rules, Rules]
) -> None:
    (records, sales), (today, wanted) = person, rules
    persona = derived(records, sales, Terms(NOON, today))
    would_be = would_be_of_records(persona, records, Terms(NOON, wanted))

    before = earned_points(sales, persona.earn_from, Terms(NOON, today))
    after = earned_points(sales, would_be.earn_from, Terms(NOON, wanted))

    assert before == after or not earns_alike(persona, would_be, wanted, today)


ENROLS = Source(enroll_after=TODAY - 5, sms_opt_in_after=TODAY - 5)


def a_persona(*joins: Join, today: Terms | None = None, **fields: object) -> Persona:
    """Who bought yesterday."""
    customer = Customer("0", phone="+12065550100", **fields)
    record = SourceRecord("r0", POSABIT, "venue-1", customer, NOON, Acts(joins))
    return derived([record], [bought("r0-1", 1)], today or terms())


@pytest.mark.parametrize(
    ("today", "wanted", "is_known"),
    [
        (terms(), terms(posabit=ENROLS), True),
        (terms(), terms(points_per_100=1), True),
        (terms(), terms(earn_only_from_joining=True), False),
        (terms(), terms(posabit=Source(imported_on=TODAY)), False),
        (terms(), terms(posabit=Source(import_locks={"venue-1": "run"})), False),
        (terms(), terms(thsuite=Source(imported_on=TODAY)), True),
        (
            terms(posabit=Source(imported_on=TODAY)),
            terms(posabit=Source(imported_on=TODAY, enroll_after=TODAY)),
            True,
        ),
    ],
)
def test_the_persona_says_enough_but_for_imports_and_the_day_of_joining(
    today: Terms, wanted: Terms, is_known: bool
) -> None:
    would_be = would_be_of_persona(a_persona(FORM, today=today), wanted, today.rules)

    assert (would_be is not None) is is_known


def test_only_the_records_know_the_day_of_a_yes_that_was_covered_by_nothing() -> None:
    joining = terms(earn_only_from_joining=True)
    covered = terms(posabit=Source(sms_opt_in_after=TODAY - 5), earn_only_from_joining=True)

    assert would_be_of_persona(a_persona(SAID_YES, today=joining), covered, joining.rules) is None
    of_old = would_be_of_persona(a_persona(SAID_YES, today=covered), covered, covered.rules)
    assert of_old == WouldBe(True, (POSABIT,), TODAY - 4)
    plain = would_be_of_persona(a_persona(SAID_YES), terms(posabit=ENROLS), terms().rules)
    assert plain == WouldBe(True, (POSABIT,), BEFORE_ANY_DAY)


def test_only_the_records_know_which_keep_wrote_a_reason_that_is_taken_back() -> None:
    taken_back = KeptMembers(ENROLL_AFTER, TODAY - 9, SINCE)
    wanted = terms(posabit=Source(overruled=(taken_back,)))

    assert would_be_of_persona(a_persona(KEPT), wanted, terms().rules) is None
    assert would_be_of_persona(a_persona(FORM), wanted, terms().rules) is not None


def test_who_cannot_be_texted_or_never_bought_is_asked_by_nobody() -> None:
    wanted = terms(posabit=ENROLS)

    def asked(persona: Persona) -> tuple[str, ...]:
        would_be = would_be_of_persona(persona, wanted, terms().rules)
        assert would_be is not None
        return would_be.asked_by

    assert asked(a_persona()) == (POSABIT,)
    assert asked(replace(a_persona(), phone=None)) == ()
    assert asked(replace(a_persona(), figures=a_persona().figures._replace(bought=()))) == ()


def test_imported_balances_add_up_and_the_highest_makes_the_member() -> None:
    wanted = terms(posabit=Source(imported_on=TODAY))
    balances = {"in debt": -90.5, "with points": 40}
    records = [
        a_member(name, email="a@b.test", pos_points=points) for name, points in balances.items()
    ]
    persona = derived(records, [], terms())

    assert would_be_of_records(persona, records, wanted) == WouldBe(
        True, (), BEFORE_ANY_DAY, -5_050
    )
    assert not would_be_of_records(persona, records[:1], wanted).member
    assert would_be_of_records(persona, [], wanted).imported == 0


def test_the_balance_is_what_sales_earn_less_what_expires_and_what_else_there_is() -> None:
    sales = [bought("old", 20), bought("new", 5), brought_back("back", 4, net=300)]

    assert balance_under(sales, TODAY - 30, 50, terms()) == 1_700 + 50
    assert balance_under(sales, TODAY - 10, 50, terms()) == 700 + 50
    assert balance_under(sales, TODAY - 30, 50, terms(expire_after_days=10)) == 700 + 50
    assert balance_under(sales, TODAY - 30, 50, terms(expire_after_days=3)) == 50
    assert balance_under(sales, None, 50, terms(expire_after_days=3)) == 50


def test_other_rules_of_earning_a_later_day_or_another_start_earn_otherwise() -> None:
    persona, today = a_persona(FORM), terms().rules
    alike = WouldBe(True, (), persona.earn_from)

    assert earns_alike(persona, alike, today, today)
    assert not earns_alike(persona, alike._replace(earn_from=TODAY), today, today)
    assert not earns_alike(persona, alike, terms(points_per_100=1).rules, today)
    starts = Source(accrual_start=TODAY)
    assert not earns_alike(persona, alike, terms(posabit=starts).rules, today)
    assert earns_alike(persona, alike, terms(thsuite=starts).rules, today)
