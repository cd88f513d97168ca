"""Several platforms of one retailer: the people they share, and the oracle of all of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from typing import Any

import pytest

from simulators.oracle import answer, answer_all, email_key, phone_key
from simulators.oracle.personas import most_visited
from simulators.oracle.reading import Reading, read
from simulators.registry import platform_names, platform_of, server_of
from simulators.retailer.platforms import POSABIT, Platform
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.town import make_neighbour
from simulators.retailer.world import World
from simulators.retailer.zones import parse_instant
from simulators.serving.probe import Probe
from simulators.thsuite import PLATFORM as THSUITE
from simulators.thsuite import ThsuiteServer
from simulators.webjoint import PLATFORM as WEBJOINT

NOW = parse_instant("2026-11-22T00:00:00Z") or 0


def world(platform: Platform, **changes: Any) -> World:
    sizes = {"shoppers": 300, "sales": 700, "products": 30, "old_lots": 5, "overlap": 0.3}
    return World(WorldSpec(now=NOW, **{**sizes, **changes}), platform)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [world(POSABIT), world(THSUITE, stores=1), world(WEBJOINT, stores=3)]


def records(worlds: list[World]) -> dict[tuple[str, str, str], set[Any]]:
    """The keys of every record with contact, by (platform, scope, external id)."""
    found = {}
    for each in worlds:
        mail = each.platform.vendor_mail
        for shop in each.shops:
            for row in shop.customers.rows():
                keys = {phone_key(row.phone), email_key(row.email, mail)} - {None}
                if keys and row.quirk != "no_id":
                    record = (each.platform.name, shop.scope, each.platform.customer_id(row))
                    found[record] = keys
    return found


# --- the town ---


def test_a_neighbour_is_the_same_human_being_everywhere() -> None:
    assert make_neighbour(1, 5) == make_neighbour(1, 5)
    assert make_neighbour(1, 5) != make_neighbour(2, 5)
    phones = {make_neighbour(1, number).phone for number in range(5000)}
    assert len(phones) == 5000
    assert all(phone_key(phone) for phone in phones)


def test_worlds_of_one_town_share_people_and_of_two_towns_nobody() -> None:
    def contacts(of: World) -> set[Any]:
        rows = [row for shop in of.shops for row in shop.customers.rows()]
        return {key for row in rows for key in (phone_key(row.phone), email_key(row.email)) if key}

    here, there = world(POSABIT), world(THSUITE)
    elsewhere, alone = world(THSUITE, town=2), world(THSUITE, overlap=0.0)

    desk = {("email", "frontdesk7@example.com")}  # on too many records to join any
    assert len(contacts(here) & contacts(there)) > 20
    assert contacts(here) & contacts(elsewhere) - desk == set()
    assert contacts(here) & contacts(alone) - desk == set()


def test_without_overlap_the_town_does_not_matter() -> None:
    one, other = world(POSABIT, overlap=0.0, town=1), world(POSABIT, overlap=0.0, town=9)

    assert one.digest() == other.digest()


def test_a_clean_world_knows_its_neighbours_by_phone_and_email() -> None:
    rows = [r for s in world(THSUITE, mess=0.0).shops for r in s.customers.rows()]

    assert all(row.phone and row.email for row in rows)


# --- the oracle of all ---


def test_the_partition_over_all_platforms_is_the_brute_force_one(worlds: list[World]) -> None:
    keys = records(worlds)
    carriers = Counter((key, record[:2]) for record, found in keys.items() for key in found)
    wide = {key for (key, _), count in carriers.items() if count > 8}

    found = answer_all(worlds)

    groups = {frozenset(map(tuple, group["records"])) for group in found["groups"]}
    assert groups == {frozenset(grown(record, keys, wide)) for record in keys}
    assert found["personas"]["count"] == len(groups)
    several = sum(len({record[0] for record in group}) > 1 for group in groups)
    assert found["personas"]["of_several_platforms"] == several > 40
    assert sum(found["personas"]["by_sources"].values()) == len(groups)
    assert "posabit,thsuite,webjoint" in found["personas"]["by_sources"]


def grown(start: Any, keys: dict[Any, set[Any]], ignored: set[Any]) -> set[Any]:
    group, carried = {start}, keys[start] - ignored
    while True:
        more = {other for other, found in keys.items() if found & carried} | group
        if more == group:
            return group
        group = more
        carried = set().union(*(keys[record] for record in group)) - ignored


def test_the_sources_of_a_persona_are_those_of_its_records(worlds: list[World]) -> None:
    for group in answer_all(worlds)["groups"]:
        assert group["sources"] == sorted({record[0] for record in group["records"]})


def test_sales_and_favourites_are_counted_over_all_platforms(worlds: list[World]) -> None:
    bought = defaultdict(list)
    for each in worlds:
        for sale in read(each).purchases:
            bought[each.platform.name, sale.customer].append(
                ((each.platform.name, sale.store), sale)
            )

    for group in answer_all(worlds)["groups"]:
        sales = [sale for p, _, ext_id in group["records"] for sale in bought[p, ext_id]]
        final = [(store, sale.at) for store, sale in sales if sale.final]
        favourite = most_visited(final)
        assert (group["sales"], group["final_sales"]) == (len(sales), len(final))
        assert group["favourite"] == (None if favourite is None else list(favourite))


def test_keys_of_two_platforms_can_be_one_store(worlds: list[World]) -> None:
    keys = [(w.platform.name, shop.key) for w in worlds for shop in w.shops]
    mapping = {key: 1 + at % 2 for at, key in enumerate(keys[:-1])}

    found = answer_all(worlds, mapping)

    assert {group["favourite"] for group in found["groups"]} == {1, 2, None}
    assert set(found["personas"]["by_favourite"]) == {"1", "2", "none"}


def test_every_platform_keeps_its_own_answer(worlds: list[World]) -> None:
    found = answer_all(worlds)

    for each in worlds:
        alone, together = answer(each), found["platforms"][each.platform.name]
        for section in ("shoppers", "sales", "store_keys", "set_aside", "inventory"):
            assert together[section] == alone[section]
    for count in ("linked", "unlinked", "kept"):
        parts = [answer(each)["sales"][count] for each in worlds]
        assert found["sales"][count] == sum(parts)


def test_one_world_alone_is_partitioned_as_ever(worlds: list[World]) -> None:
    together, alone = answer_all(worlds[:1])["groups"], answer(worlds[0])["groups"]

    assert [[r[1:] for r in g["records"]] for g in together] == [g["records"] for g in alone]


def test_two_worlds_of_a_platform_are_refused(worlds: list[World]) -> None:
    with pytest.raises(ValueError, match="one world for each platform"):
        answer_all([worlds[0], worlds[0]])


def test_a_reading_survives_the_way_through_json(worlds: list[World]) -> None:
    readings = [Reading.of_dict(json.loads(json.dumps(read(each).as_dict()))) for each in worlds]

    assert answer_all(readings) == answer_all(worlds)


def test_a_running_simulator_tells_its_reading(worlds: list[World]) -> None:
    with ThsuiteServer(worlds[1]) as server, Probe(server.url) as probe:
        reading = Reading.of_dict(probe.get("/_sim/reading").json())

    assert answer_all([worlds[0], reading, worlds[2]]) == answer_all(worlds)


# --- the command ---


@pytest.mark.parametrize("platform", ["thsuite", "webjoint"])
def test_the_command_starts_a_platform_and_says_what_opens_it(platform: str) -> None:
    sizes = ["--now", str(NOW), "--shoppers", "60", "--sales", "90", "--overlap", "0.5"]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators", platform, "--warm", *sizes],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        facts = json.loads(process.stdout.readline())
        with Probe(facts["url"]) as probe:
            answered = probe.get("/_sim/oracle").json()
    finally:
        process.send_signal(signal.SIGTERM)
        ended = process.wait(10)
        process.stdout.close()

    assert (ended, facts["platform"]) == (0, platform)
    spec = WorldSpec(now=NOW, shoppers=60, sales=90, overlap=0.5)
    assert facts["spec"] == spec.as_dict()
    with server_of(platform)(World(spec, platform_of(platform))) as same:
        here = same.describe()
    changing = ("port", "url", "base_url")
    assert {k: v for k, v in facts.items() if k not in changing} == {
        k: v for k, v in here.items() if k not in changing
    }
    assert answered == json.loads(json.dumps(answer(same.world)))


def test_every_package_is_a_platform_of_its_name() -> None:
    assert {"posabit", "thsuite", "webjoint"} <= set(platform_names())
    for name in platform_names():
        assert platform_of(name).name == name
