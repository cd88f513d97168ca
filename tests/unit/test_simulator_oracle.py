"""The oracle, against a second reading of the wire and against hand-made cases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import combining, normalize

import phonenumbers
import pytest

from simulators.oracle import SourceRecord, answer, favourite, partition, phone_key, wide_keys
from simulators.posabit import PosabitServer
from simulators.posabit.edits import Edits
from simulators.retailer.shapes import Sale, Shopper, WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import DAY, HOUR, parse_instant
from simulators.serving.probe import Probe, basic

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
WIDE_DATES = {"start_date": "2015-01-01", "end_date": "2035-01-01"}


# --- what a reader of the wire finds, by brute force ---


def read_wire(world: World) -> dict[str, dict[str, list[dict[str, Any]]]]:
    found = {}
    with PosabitServer(world) as server:
        for venue in world.venues:
            with Probe(server.url, basic(world.integrator_token, venue.token)) as probe:
                customers = probe.pages(
                    "/api/v3/venue/customers", "customers", per_page=250, **WIDE_DATES
                )
                sales = probe.pages(
                    "/api/v3/venue/sales_histories", "sales_histories", per_page=250
                )
            found[venue.code] = {
                "customers": [row["customer"] for row in customers],
                "sales": sales,
            }
    return found


def wire_keys(row: dict[str, Any]) -> Iterator[str]:
    try:
        number = phonenumbers.parse(row["telephone"] or "", "US")
        enquiries = str(number.national_number).endswith("5551212")
        if phonenumbers.is_valid_number(number) and not enquiries:
            yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        pass
    email = (row["email"] or "").lower()
    local, _, domain = email.partition("@")
    good = local and "." in domain and "@" not in domain and " " not in email
    filler = local in ("none", "test") or local.startswith("noemail")
    if good and not filler and local != domain.split(".")[0] and domain != "posabit.com":
        yield email


def wire_name(row: dict[str, Any]) -> tuple[str, str]:
    """The first initial and the last name, as different people are told apart."""
    plain = [
        "".join(c for c in normalize("NFD", row[part] or "") if not combining(c)).casefold().strip()
        for part in ("first_name", "last_name")
    ]
    return plain[0][:1], plain[1]


def brute_force_groups(
    records: dict[tuple[str, str], set[str]], names: dict[tuple[str, str], tuple[str, str]]
) -> set[frozenset[Any]]:
    """Grow each group until nothing more shares a key with it; split what grew past fifty."""
    carriers = Counter((key, record[0]) for record, keys in records.items() for key in keys)
    wide = {key for (key, _), count in carriers.items() if count > 8}
    for key in set().union(*records.values()):
        if len({names[record] for record, keys in records.items() if key in keys}) > 5:
            wide.add(key)
    groups: set[frozenset[Any]] = set()
    for record in records:
        group = grown(record, records, wide)
        if len(group) > 50:
            mails = {key for keys in records.values() for key in keys if "@" in key}
            group = grown(record, records, wide | mails)
        groups.add(frozenset(group))
    return groups


def grown(start: Any, records: dict[Any, set[str]], ignored: set[str]) -> set[Any]:
    group, keys = {start}, records[start] - ignored
    while True:
        more = {other for other, carried in records.items() if carried & keys} | group
        if more == group:
            return group
        group = more
        keys = set().union(*(records[record] for record in group)) - ignored


@pytest.mark.parametrize(("seed", "shoppers", "stores"), [(1, 350, 1), (2, 700, 2), (3, 950, 3)])
def test_the_oracle_agrees_with_a_brute_force_reading_of_the_wire(
    seed: int, shoppers: int, stores: int
) -> None:
    spec = WorldSpec(
        now=NOW, seed=seed, shoppers=shoppers, stores=stores, sales=shoppers * 3, old_lots=10
    )
    world = World(spec)
    wire = read_wire(world)

    found = answer(world)

    records = {
        (code, str(row["id"])): set(wire_keys(row))
        for code, rows in wire.items()
        for row in rows["customers"]
        if row["id"] is not None
    }
    with_contact = {record: keys for record, keys in records.items() if keys}
    names = {
        (code, str(row["id"])): wire_name(row)
        for code, rows in wire.items()
        for row in rows["customers"]
    }
    groups = {frozenset(tuple(record) for record in g["records"]) for g in found["groups"]}
    assert groups == brute_force_groups(with_contact, names)
    assert found["personas"]["count"] == len(groups)
    assert found["shoppers"]["without_contact"] == len(records) - len(with_contact)
    assert_sales_agree(found, wire)


def assert_sales_agree(found: dict[str, Any], wire: dict[str, Any]) -> None:
    kept: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    linked = aside = 0
    for code, rows in wire.items():
        for row in rows["sales"]:
            readable = parse_instant(row["ordered_at"]) is not None
            if row["id"] is None or not readable or not is_whole(row["total"]):
                aside += 1
                continue
            linked += row["customer_id"] is not None
            kept[str(row["customer_id"])].append((code, row))
    assert found["sales"]["linked"] == linked
    assert found["sales"]["kept"] == sum(map(len, kept.values()))
    assert found["set_aside"]["sales"]["count"] == aside
    for group in found["groups"]:
        rows = [sale for _, ext_id in group["records"] for sale in kept[ext_id]]
        assert group["sales"] == len(rows)
        assert group["favourite"] == most_visited(rows)


def is_whole(value: object) -> bool:
    return str(value).lstrip("-").isdecimal()


def most_visited(rows: list[tuple[str, dict[str, Any]]]) -> str | None:
    visits = [
        (code, row["ordered_at"])
        for code, row in rows
        if row["status"] in ("completed", "refunded") and int(row["total"]) >= 0
    ]
    counts = Counter(code for code, _ in visits)
    latest = {code: max(at for c, at in visits if c == code) for code in counts}
    return max(counts, key=lambda code: (counts[code], latest[code]), default=None)


# --- the rules one by one ---


def a_record(venue: str, number: int, *keys: tuple[str, str]) -> SourceRecord:
    return SourceRecord((venue, str(number)), None, keys)  # type: ignore[arg-type]


def groups_of(records: list[SourceRecord]) -> set[frozenset[str]]:
    groups, _ = partition(records, set(wide_keys(records)))
    return {frozenset(record[1] for record in group) for group in groups}


def test_a_and_c_are_one_through_b() -> None:
    records = [
        a_record("x", 1, ("phone", "+1")),
        a_record("y", 2, ("phone", "+1"), ("email", "b")),
        a_record("x", 3, ("email", "b")),
        a_record("x", 4, ("email", "other")),
    ]

    assert groups_of(records) == {frozenset("123"), frozenset("4")}


@pytest.mark.parametrize(("carriers", "groups"), [(8, 1), (9, 9)])
def test_the_ninth_carrier_in_one_venue_splits_what_a_key_had_joined(
    carriers: int, groups: int
) -> None:
    records = [a_record("x", number, ("phone", "+1")) for number in range(carriers)]

    assert len(groups_of(records)) == groups


def test_a_key_too_wide_in_one_venue_joins_nothing_in_another() -> None:
    records = [a_record("x", number, ("phone", "+1")) for number in range(9)]
    elsewhere = [a_record("y", number, ("phone", "+1")) for number in (10, 11)]

    assert len(groups_of(records + elsewhere)) == 11


def test_sixteen_carriers_over_two_venues_are_one_persona() -> None:
    records = [a_record("xy"[number % 2], number, ("phone", "+1")) for number in range(16)]

    assert len(groups_of(records)) == 1


@pytest.mark.parametrize(("people", "groups"), [(5, 1), (6, 6)])
def test_the_sixth_person_by_name_splits_what_a_key_had_joined_over_venues(
    people: int, groups: int
) -> None:
    row = Shopper(*[None] * len(Shopper._fields))._replace(first="Ana")  # type: ignore[arg-type]
    records = [
        SourceRecord((f"v{n}", str(n)), row._replace(last=f"R{n}"), (("phone", "+1"),))
        for n in range(people)
    ]

    assert len(groups_of(records)) == groups


def test_a_component_of_more_than_fifty_is_joined_by_phone_alone() -> None:
    records = [
        a_record("x", number, ("phone", str(number // 2)), ("email", str((number + 1) // 2)))
        for number in range(60)
    ]

    groups, oversized = partition(records, set())

    assert oversized == 60
    assert sorted(map(len, groups)) == [2] * 30


def test_a_record_without_contact_is_nobody() -> None:
    assert groups_of([a_record("x", 1), a_record("x", 2, ("phone", "+1"))]) == {frozenset("2")}


@pytest.mark.parametrize(
    "raw", ["", None, "000-000-0000", "12345", "1112223333", "9112223333", "2069112222", "x"]
)
def test_a_number_that_cannot_exist_is_no_key(raw: str | None) -> None:
    assert phone_key(raw) is None


def sale_at(code: str, ordered: int, status: str = "completed", total: int = 100) -> Any:
    blank = dict.fromkeys(Sale._fields)
    return code, Sale(**{**blank, "ordered": ordered, "status": status, "total": total})


def test_the_favourite_is_where_most_final_sales_were() -> None:
    sales = [sale_at("x", NOW - DAY), sale_at("y", NOW - 2 * DAY), sale_at("x", NOW - 3 * DAY)]

    assert favourite(sales) == "x"


def test_a_tie_goes_to_the_most_recent_sale() -> None:
    sales = [sale_at("x", NOW - 2 * DAY), sale_at("y", NOW - DAY)]

    assert favourite(sales) == "y"


def test_a_refunded_sale_counts_a_void_and_a_return_do_not() -> None:
    sales = [
        sale_at("x", NOW - 5 * DAY, "refunded"),
        sale_at("x", NOW - 4 * DAY),
        sale_at("y", NOW - 3 * DAY, "voided"),
        sale_at("y", NOW - 2 * DAY, total=-100),
        sale_at("y", NOW - DAY, "on_hold"),
        sale_at("y", NOW),
    ]

    assert favourite(sales) == "x"


def test_sales_more_than_twelve_months_before_the_last_do_not_count() -> None:
    sales = [sale_at("x", NOW - 400 * DAY + at) for at in range(3)] + [sale_at("y", NOW)]

    assert favourite(sales) == "y"


# --- a world that changes ---


def test_the_oracle_follows_edits() -> None:
    world = World(WorldSpec(now=NOW, shoppers=400, sales=800, old_lots=0))
    with PosabitServer(world, clock=lambda: NOW + HOUR) as server:
        before = answer(world)
        phones = {
            (shop.venue.code, str(row.id)): row.phone
            for shop in world.shops
            for row in shop.customers.rows()
        }
        alone = [tuple(g["records"][0]) for g in before["groups"] if len(g["records"]) == 1]
        one, other = [record for record in alone if phone_key(phones[record])][:2]
        edits: Edits = server.edits

        shared = {"telephone": phones[one], "email": None}
        edits.apply({"do": "update", "resource": "customers", "id": other[1], "set": shared})
        added = edits.apply({"do": "add_sales", "count": 3, "customer_id": int(one[1])})
        edits.apply({"do": "refund", "id": added[0], "shape": "R2", "status": "voided"})

        after = answer(world)
        assert after["personas"]["count"] == before["personas"]["count"] - 1
        assert after["sales"]["linked"] == before["sales"]["linked"] + 3
        assert after["sales"]["voided"] == before["sales"]["voided"] + 1


def test_history_from_leaves_older_sales_out() -> None:
    world = World(WorldSpec(now=NOW, shoppers=400, sales=1000, old_lots=0, old_sales=0.1))
    year = timedelta(days=366)
    since = int((datetime.fromtimestamp(NOW / 1000, tz=UTC) - year).timestamp() * 1000)

    assert answer(world)["sales"]["fetched"] == 1000
    assert answer(world, since)["sales"]["fetched"] == 900


def test_the_command_writes_what_the_function_answers() -> None:
    sizes = ["--now", str(NOW), "--shoppers", "50", "--sales", "60", "--old-lots", "5"]

    written = subprocess.run(
        [sys.executable, "-m", "simulators.oracle", *sizes],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    spec = WorldSpec(now=NOW, shoppers=50, sales=60, old_lots=5)
    assert json.loads(written) == answer(World(spec))
