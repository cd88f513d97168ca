"""Sales stored under an id that two shops gave out are taken over, never doubled (ADR 20)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.ids import id_in_shop
from chalicelib.domain.records import Customer, Sale
from tests.fakes.facts import Crash
from tests.worlds.shop import ANA, TEN_PER_100, UID, Shop, a_sale

BEN = Customer("2", first="Ben", phone="+12065550002")


def a_shop() -> Shop:
    shop = Shop()
    shop.tell(ANA, BEN)
    shop.form("1")
    shop.form("2")
    return shop


def bare(shop: str, number: str = "1001", total: int = 10_000, **fields: object) -> Sale:
    """As AIQ stored it while numbers were taken for unique in the scope."""
    at = str(fields.pop("at", "2026-05-01"))
    return replace(a_sale(number, at, total, **fields), store_key=shop)


def composed(sale: Sale) -> Sale:
    ext_id = id_in_shop(sale.store_key, sale.ext_id)
    return replace(sale, ext_id=ext_id, former_ext_id=sale.ext_id)


def sales_of(shop: Shop) -> dict[str, bool]:
    """By id: whether the sale is somebody's."""
    return {sid.ext_id: row.record is not None for (_, sid), row in shop.facts.sale_rows.items()}


def test_a_sale_under_the_old_id_of_its_shop_moves_to_the_new_one_with_its_ledger() -> None:
    shop = a_shop()
    shop.tell(bare("Harbour"))
    before = shop.entries()["1001"]

    shop.tell(composed(bare("Harbour")))

    assert shop.points() == 10
    assert sales_of(shop) == {"1001": False, "Harbour:1001": True}
    [(name, entry)] = shop.entries().items()
    assert (name, entry.amount, entry.at) == ("Harbour:1001", before.amount, before.at)


def test_what_changed_with_the_id_is_posted_as_the_difference() -> None:
    shop = a_shop()
    shop.tell(bare("Harbour"))

    shop.tell(composed(bare("Harbour", total=4_000)))
    assert shop.points() == 4

    shop.tell(composed(bare("Harbour", total=0, customer_ext_id="2")))
    assert (shop.points("1"), shop.points("2")) == (0, 0)


def test_the_same_number_of_another_shop_is_another_sale() -> None:
    shop = a_shop()
    shop.tell(bare("Harbour"))

    shop.tell(composed(bare("Main St", total=5_000, customer_ext_id="2")))

    assert (shop.points("1"), shop.points("2")) == (10, 5)
    assert sales_of(shop) == {"1001": True, "Main St:1001": True}


def test_taking_over_twice_changes_nothing() -> None:
    shop = a_shop()
    shop.tell(bare("Harbour"))
    shop.tell(composed(bare("Harbour")))
    written = shop.facts.rows_written

    shop.tell(composed(bare("Harbour")))

    assert shop.facts.rows_written == written


def test_a_sale_that_code_of_before_stored_once_more_goes_when_it_is_told_again() -> None:
    shop = a_shop()
    shop.tell(composed(bare("Harbour")))
    shop.tell(bare("Harbour"))
    assert shop.points() == 20

    shop.tell(composed(bare("Harbour")))

    assert shop.points() == 10
    assert sales_of(shop) == {"1001": False, "Harbour:1001": True}


def test_an_older_version_takes_nothing_over() -> None:
    shop = a_shop()
    shop.tell(bare("Harbour", updated_at=2_000))

    shop.tell(composed(bare("Harbour", total=1, updated_at=1_000)))
    assert (shop.points(), sales_of(shop)) == (10, {"1001": True})

    shop.tell(composed(bare("Harbour", total=7_000, updated_at=3_000)))
    assert (shop.points(), sales_of(shop)) == (7, {"1001": False, "Harbour:1001": True})


def test_a_sale_of_nobody_is_taken_over_too() -> None:
    shop = a_shop()
    shop.tell(bare("Harbour", customer_ext_id=None))

    shop.tell(composed(bare("Harbour", customer_ext_id="1")))

    assert (shop.points(), sales_of(shop)) == (10, {"1001": False, "Harbour:1001": True})


SALES = st.lists(
    st.builds(
        bare,
        st.sampled_from(["Main St", "Harbour"]),
        st.sampled_from(["1", "2"]),
        st.integers(1, 9).map(lambda hundreds: hundreds * 100),
        customer_ext_id=st.sampled_from(["1", "2", None]),
        at=st.sampled_from(["2026-05-01", "2026-05-02"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(before=SALES, now=SALES, crash_in=st.integers(0, 40) | st.none(), capped=st.booleans())
def test_after_every_sale_was_told_anew_everything_is_as_if_it_always_had_been(
    before: list[Sale], now: list[Sale], crash_in: int | None, capped: bool
) -> None:
    rule = replace(TEN_PER_100, max_orders_per_day=1) if capped else TEN_PER_100
    shop, fresh = a_shop(), a_shop()
    shop.rule(rule)
    fresh.rule(rule)
    told = [composed(sale) for sale in [*before, *now]]
    for sale in before:
        shop.tell(sale)
    shop.facts.crash_in = crash_in
    try:
        shop.tell(*told)
    except Crash:
        shop.facts.crash_in = None
        shop.tell(ANA)
        shop.tell(*told)
    shop.facts.crash_in = None

    fresh.tell(*told)

    for who in ("1", "2"):
        assert shop.points(who) == fresh.points(who)
        assert shop.held(who).persona == replace(
            fresh.held(who).persona, inserted_at=shop.held(who).persona.inserted_at
        )
    assert {name for name, held in sales_of(shop).items() if ":" not in name and held} == set()
    assert {n: h for n, h in sales_of(shop).items() if ":" in n} == sales_of(fresh)
    pointers = [
        (ref.ext_id, held)
        for (uid, _), found in shop.facts.pointer_rows.items()
        if uid == UID
        for ref, held in found.values()
    ]
    assert all(":" in ext_id for ext_id, _ in pointers)
