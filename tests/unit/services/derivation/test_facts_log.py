"""The facts log says what each commit stored of what was pulled, also after a crash."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.acts import ImportedPoints
from chalicelib.domain.errors import SourceStandsStill
from chalicelib.domain.pulled_facts import PulledCustomer
from chalicelib.domain.rules import Source
from chalicelib.domain.standing import Standing
from tests.fakes.facts import Crash
from tests.worlds.facts_log import last_logged, log_parts, pulled_facts
from tests.worlds.shop import ANA, PLATFORM, SCOPE, UID, Shop, a_sale, on

BEN = replace(ANA, ext_id="2", first="Ben", phone="+12065550002", email="ben@example.com")
STANDING = Source(standing=Standing("stand", "000000000009", 9, on("2026-05-02")))


def test_a_commit_logs_the_shoppers_and_sales_that_it_stores() -> None:
    shop = Shop()

    shop.tell(ANA, a_sale("s1", "2026-05-01"))

    [part] = log_parts(shop.facts, UID).values()
    assert {fact.place for fact in part} == {("customer", SCOPE, "1"), ("sale", SCOPE, "s1")}


def test_what_changed_nothing_pulled_is_not_logged() -> None:
    shop = Shop()
    shop.tell(ANA, a_sale("s1", "2026-05-01"))
    before = log_parts(shop.facts, UID)

    shop.tell(ANA, a_sale("s1", "2026-05-01"))
    shop.form()
    shop.commits.adjust(UID, shop.rid(), "a1", 500, note="", actor="me")
    shop.again()

    assert log_parts(shop.facts, UID) == before


def test_a_balance_that_a_listing_imports_is_logged_with_its_shopper() -> None:
    shop = Shop(sources={PLATFORM: Source(imported_on=on("2026-05-31"))})

    shop.tell(replace(ANA, pos_points=120.5), import_run="run_1")

    [ana] = last_logged(shop.facts, UID).values()
    assert isinstance(ana, PulledCustomer)
    assert ana.imported == ImportedPoints(120.5, "run_1")


def test_a_telling_that_waits_is_logged_beside_what_it_would_replace() -> None:
    shop = Shop()
    shop.tell(ANA)

    shop.tell(replace(ANA, phone=None), withhold=True)

    [ana] = last_logged(shop.facts, UID).values()
    assert isinstance(ana, PulledCustomer)
    assert (ana.customer.phone, ana.withheld and ana.withheld.phone) == (ANA.phone, None)


@pytest.mark.parametrize("rows", range(25))
def test_a_crash_between_a_fact_and_its_log_is_logged_by_the_next_commit(rows: int) -> None:
    shop = Shop()
    shop.tell(ANA, a_sale("s1", "2026-05-01"))
    shop.facts.crash_in = rows
    with suppress(Crash):
        shop.tell(replace(ANA, first="Anna"), BEN, a_sale("s1", "2026-05-01", total=7))
    shop.facts.crash_in = None

    shop.commits.catch_up(UID)

    assert last_logged(shop.facts, UID) == pulled_facts(shop.facts, UID)


@given(
    pages=st.lists(
        st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    ),
    crash_in=st.integers(0, 60),
)
def test_the_last_version_in_the_log_is_the_one_that_is_stored(
    pages: list[list[tuple[int, int]]], crash_in: int
) -> None:
    shop = Shop()
    for number, page in enumerate(pages):
        shop.facts.crash_in = crash_in if number == len(pages) // 2 else None
        people = [replace(ANA, ext_id=str(n), first=f"A{v}", phone=None) for n, v in page]
        sales = [a_sale(f"s{n}", "2026-05-01", total=v, customer_ext_id=str(v)) for n, v in page]
        with suppress(Crash):
            shop.tell(*people, *sales)
    shop.facts.crash_in = None

    shop.commits.catch_up(UID)

    assert last_logged(shop.facts, UID) == pulled_facts(shop.facts, UID)


def test_nothing_pulled_is_stored_of_a_source_that_uses_its_last_backup() -> None:
    shop = Shop()
    shop.tell(ANA)
    shop.rule(**{PLATFORM: STANDING})

    with pytest.raises(SourceStandsStill):
        shop.tell(BEN, a_sale("s1", "2026-05-01"))

    assert set(pulled_facts(shop.facts, UID)) == {("customer", SCOPE, "1")}


def test_what_a_person_does_for_a_shopper_of_such_a_source_is_stored() -> None:
    shop = Shop()
    shop.tell(ANA)
    shop.rule(**{PLATFORM: STANDING})

    shop.form()
    shop.commits.adjust(UID, shop.rid(), "a1", 500, note="", actor="me")

    assert (shop.member(), shop.points()) == (True, 5.0)


def test_a_telling_that_waits_stays_where_it_is_while_its_source_uses_the_last_backup() -> None:
    shop = Shop()
    shop.tell(ANA)
    shop.tell(replace(ANA, phone=None), withhold=True)
    shop.rule(**{PLATFORM: STANDING})

    shop.commits.take_over(UID, [shop.rid()])

    assert shop.held().persona.phone == ANA.phone
