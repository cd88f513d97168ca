"""The generated retailer: reproducible, realistic, and messy in known proportions."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulators.oracle import email_key, phone_key
from simulators.retailer.shapes import Sale, Shopper, WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import DAY, HOUR, offset, parse_instant

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
SPEC = WorldSpec(now=NOW, shoppers=2000, sales=4000, old_lots=50)


@pytest.fixture(scope="module")
def world() -> World:
    return World(SPEC)


def shoppers(world: World) -> Iterator[Shopper]:
    return (row for shop in world.shops for row in shop.customers.rows())


def sales(world: World) -> Iterator[Sale]:
    return (row for shop in world.shops for row in shop.sales.rows())


def test_the_same_spec_gives_the_same_bytes(world: World) -> None:
    assert World(SPEC).digest() == world.digest()


def test_another_seed_or_day_gives_another_world(world: World) -> None:
    assert World(replace(SPEC, seed=8)).digest() != world.digest()
    assert World(replace(SPEC, now=NOW + DAY)).digest() != world.digest()


def test_the_bytes_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    code = (
        "from simulators.retailer.world import World;"
        "from simulators.retailer.shapes import WorldSpec;"
        f"print(World(WorldSpec(now={NOW}, shoppers=400, sales=500, old_lots=5)).digest())"
    )

    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(digests) == 1


@settings(max_examples=15, deadline=None)
@example(wanted_shoppers=0, wanted_sales=72, stores=1, mess=1.0)
@given(
    wanted_shoppers=st.integers(0, 700),
    wanted_sales=st.integers(0, 700),
    stores=st.integers(1, 8),
    mess=st.sampled_from((0.0, 1.0)),
)
def test_a_world_has_exactly_the_rows_asked_for(
    wanted_shoppers: int, wanted_sales: int, stores: int, mess: float
) -> None:
    spec = WorldSpec(
        now=NOW, shoppers=wanted_shoppers, sales=wanted_sales, stores=stores, mess=mess, old_lots=0
    )

    world = World(spec)

    assert sum(len(shop.customers) for shop in world.shops) == wanted_shoppers
    assert sum(len(shop.sales) for shop in world.shops) == wanted_sales
    assert len({shop.venue.code for shop in world.shops}) == stores


def test_ids_are_unique_over_all_venues_and_rise_with_time(world: World) -> None:
    ids = [row.id for row in shoppers(world)] + [row.id for row in sales(world)]
    in_order = sorted(sales(world), key=lambda sale: sale.id)

    assert len(ids) == len(set(ids))
    assert [sale.ordered for sale in in_order] == sorted(sale.ordered for sale in in_order)


def test_nobody_buys_before_being_created_nor_after_now(world: World) -> None:
    created = {row.id: row.created for row in shoppers(world)}

    for sale in sales(world):
        assert sale.shopper is None or created[sale.shopper] < sale.ordered
        assert sale.ordered <= sale.created <= sale.updated < NOW


def test_few_shoppers_make_many_visits_and_nobody_more_than_a_hundred() -> None:
    # The reference shopper of the budgets has at most 100 sales.
    world = World(replace(SPEC, sales=8000))

    visits = sorted(Counter(s.shopper for s in sales(world) if s.shopper).values(), reverse=True)

    assert sum(visits[: len(visits) // 10]) > 0.3 * sum(visits)
    assert visits[0] <= 100


def test_weekends_and_evenings_are_busier(world: World) -> None:
    shop = world.shops[0]
    zone = shop.venue.rails_zone
    walls = [sale.ordered + offset(zone, sale.ordered) for sale in shop.sales.rows()]
    by_weekday = Counter((wall // DAY + 3) % 7 for wall in walls)  # 0 = Monday
    by_hour = Counter(wall % DAY // HOUR for wall in walls)

    assert by_weekday[4] + by_weekday[5] > 1.2 * (by_weekday[0] + by_weekday[1])
    assert by_hour[17] > by_hour[9]


def test_a_phone_is_a_key_where_a_phone_library_calls_it_valid_and_it_is_no_enquiry_line() -> None:
    world = World(replace(SPEC, shoppers=5000, sales=0))

    for row in shoppers(world):
        try:
            number = phonenumbers.parse(row.phone or "", "US")
        except phonenumbers.NumberParseException:
            assert phone_key(row.phone) is None
            continue
        enquiries = str(number.national_number).endswith("5551212")
        valid = phonenumbers.is_valid_number(number) and not enquiries
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert phone_key(row.phone) == (("phone", e164) if valid else None)


def test_every_kind_of_messy_shopper_is_there(world: World) -> None:
    rows = list(shoppers(world))
    phones = Counter(key for row in rows if (key := phone_key(row.phone)))
    mails = Counter(key for row in rows if (key := email_key(row.email)))

    assert any(row.phone is None and row.email is None for row in rows)
    assert any(row.phone and not row.phone.isdecimal() and phone_key(row.phone) for row in rows)
    assert any(row.phone in ("0000000000", "000-000-0000") for row in rows)
    assert any(row.phone and not phone_key(row.phone) and row.phone[0] != "0" for row in rows)
    assert any(row.email and row.email.lower().startswith("noemail@") for row in rows)
    assert any(row.email and row.email.endswith("@posabit.com") for row in rows)
    assert any(row.email and "@" in row.email and not email_key(row.email) for row in rows)
    assert any(row.email and row.email != row.email.lower() for row in rows)
    assert any(not row.first.isascii() for row in rows)
    assert any(row.birthday is None and row.birth_year for row in rows)
    assert any(row.kind == "medical" and row.phone is None for row in rows)
    assert {row.kind for row in rows} == {"recreational", "medical", "employee"}
    assert {row.quirk for row in rows} == {"", "no_id", "strings"}
    assert any(not row.active for row in rows)
    assert any(row.first == "Test" for row in rows)
    assert max(phones.values()) > 8
    assert 8 in phones.values()
    assert max(mails.values()) > 8


def test_the_same_human_being_is_at_both_venues(world: World) -> None:
    keys = [
        {key for row in shop.customers.rows() for key in (phone_key(row.phone),) if key}
        for shop in world.shops
    ]
    mails = [
        {key for row in shop.customers.rows() for key in (email_key(row.email),) if key}
        for shop in world.shops
    ]

    assert len(keys[0] & keys[1]) >= 30
    assert len(mails[0] & mails[1]) >= 30


def test_a_bulk_import_gave_many_shoppers_one_updated_at(world: World) -> None:
    stamps = Counter(row.updated for row in world.shops[0].customers.rows())

    assert stamps.most_common(1)[0][1] > 100


def test_refunds_come_in_all_three_shapes(world: World) -> None:
    rows = list(sales(world))
    returns = [sale for sale in rows if sale.total < 0]
    reissued = [sale for sale in rows if sale.status in ("refunded", "voided")]
    lowered = [
        sale
        for sale in rows
        if sale.status == "completed" and 0 < sale.total < sum(line.total for line in sale.lines)
    ]

    assert returns
    assert all(line.quantity < 0 for sale in returns for line in sale.lines)
    assert {sale.status for sale in reissued} == {"refunded", "voided"}
    assert lowered
    assert all(sale.updated > sale.created for sale in reissued + lowered)


def test_amounts_of_a_sale_add_up(world: World) -> None:
    for sale in sales(world):
        assert sale.sub_total - sale.discount + sale.tax == sale.total
        assert sale.total != 0


def test_sales_have_every_kind_of_mess(world: World) -> None:
    rows = list(sales(world))

    assert {sale.quirk for sale in rows} == {"", "bad_date", "bad_money", "missing_id", "strings"}
    assert {sale.status for sale in rows} > {"completed", "refunded", "voided"}
    assert 0.05 < sum(1 for sale in rows if sale.shopper is None) / len(rows) < 0.12
    assert any(
        sale.updated > sale.created and sale.status == "completed" and not sale.quirk
        for sale in rows
    )


def test_two_sales_share_a_wall_clock_hour_that_happened_twice(world: World) -> None:
    for shop in world.shops:
        zone = shop.venue.rails_zone
        night = [
            (sale.ordered, sale.ordered + offset(zone, sale.ordered))
            for sale in shop.sales.rows()
            if (sale.ordered + offset(zone, sale.ordered)) % DAY // HOUR == 1
        ]

        (first, first_wall), (second, second_wall) = night

        assert second - first == HOUR
        assert first_wall == second_wall


def test_a_clean_world_has_only_reference_shoppers() -> None:
    world = World(replace(SPEC, mess=0.0))

    assert all(phone_key(row.phone) and email_key(row.email) for row in shoppers(world))
    assert all(
        len(sale.lines) == 3 and sale.shopper and sale.status == "completed" and not sale.quirk
        for sale in sales(world)
    )
    assert len({phone_key(row.phone) for row in shoppers(world)}) == SPEC.shoppers


def test_old_sales_are_more_than_two_years_old_and_the_rest_within_one() -> None:
    world = World(replace(SPEC, old_sales=0.05))

    ages = [(NOW - sale.ordered) / DAY for sale in sales(world)]

    assert sum(1 for age in ages if age > 730) == 200
    assert not [age for age in ages if 351 < age <= 730]


def test_most_inventory_rows_are_sold_out_lots(world: World) -> None:
    rows = list(World(replace(SPEC, old_lots=2000)).shops[0].inventories.rows())

    in_stock = [row for row in rows if float(row.quantity) > 0]

    assert len(rows) - len(in_stock) == 2000
    assert len({row.product for row in in_stock}) < len(in_stock)


def test_the_simulators_know_nothing_of_the_product() -> None:
    for path in Path("simulators").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert not [name for name in names if name.split(".")[0] == "chalicelib"], path


@pytest.mark.full
def test_a_hundred_thousand_shoppers_are_made_in_seconds() -> None:
    begin = time.process_time()

    world = World(replace(SPEC, shoppers=100_000, sales=400_000))

    assert time.process_time() - begin < 20
    assert sum(len(shop.sales) for shop in world.shops) == 400_000
