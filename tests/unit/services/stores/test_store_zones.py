"""A sale's day is that of its shop's clock, whenever AIQ hears of the zone (product.md §4)."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.ids import store_key_id
from chalicelib.domain.records import Customer, Sale, StoreFact
from chalicelib.domain.rules import Rules, Source
from chalicelib.domain.times import HOUR, day_from_text, from_text
from chalicelib.services.job_messages.account_jobs import account_job
from chalicelib.services.ports.stores import Store
from tests.fakes.pos import a_platform, pages_of
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom
from tests.worlds.syncing import a_room, on_fetch

ANA = Customer("1", phone="+12065550001", updated_at=1)
LATE = from_text("2026-01-31T23:30:00-08:00")
"""Still January in Seattle, February in New York."""


def a_sale(at: int = LATE) -> Sale:
    return Sale("s1", "north", at, "", "USD", 100, customer_ext_id="1")


def room_of(zone: str | None) -> Backroom:
    room = a_room(customers=[ANA], sales=[a_sale()])
    room.clock.at = LATE + HOUR
    room.gateway.pages["stores"] = pages_of([StoreFact("north", "North House", zone)])
    room.rules.set(
        UID, Rules(sources={"posabit": Source(enroll_after=day_from_text("2026-02-01"))})
    )
    return room


def members(room: Backroom) -> int:
    return sum(persona.member for persona in room.facts.shown(UID))


def test_the_very_first_sale_is_dated_on_its_shops_clock() -> None:
    seattle, new_york = room_of("America/Los_Angeles"), room_of("America/New_York")

    seattle.sync()
    new_york.sync()

    assert (members(seattle), members(new_york)) == (0, 1)


def test_zones_are_known_before_the_first_sale_is_asked_for() -> None:
    room = room_of("America/New_York")
    known: list[dict[str, str]] = []

    on_fetch(room, 2, lambda: known.append(dict(room.stores.lookup(UID).zones)))
    room.sync()

    assert [list(zones.values()) for zones in known] == [["America/New_York"]]


def test_a_zone_the_pos_tells_later_moves_past_sales_in_the_background() -> None:
    room = room_of(None)
    room.sync()
    assert members(room) == 0, "the account's clock is Seattle's"

    room.clock.move(86_400)
    facts = [StoreFact("north", "North House", "America/New_York")]
    room.gateway.pages["stores"] = pages_of(facts)
    room.sync()
    jobs = [account_job(body).reason for body in room.jobs.take()]
    room.commits.rederive(UID, [rid for _, rid in room.facts.records])

    assert jobs == ["zone"]
    assert members(room) == 1


def test_a_sync_without_news_of_zones_starts_no_job() -> None:
    room = room_of("America/New_York")
    room.sync()

    room.clock.move(86_400)
    room.gateway.pages["sales"] = pages_of([replace(a_sale(), total=200)])
    room.sync()

    assert room.jobs.take() == []


def sync_by_the_shops_clock(zone: str | None, **mapped: str) -> str:
    """The zone that the POS is read in; `mapped`: store keys and the zones of their stores."""
    room = a_room()
    room.gateway.infos = (a_platform(store_clock=True),)
    room.gateway.pages["stores"] = pages_of([StoreFact(key, key, zone) for key in ("north", "s")])
    room.sync()
    for key, of in mapped.items():
        store = room.stores.create(Store(UID, 0, key, time_zone=of))
        key_id = store_key_id(PLATFORM, SCOPE, key)
        room.stores.map_keys(UID, store.id, [key_id], version=store.version)
    room.sync()
    return room.gateway.opened[-1].time_zone


def test_a_pos_on_the_shops_clock_is_read_in_the_zone_of_the_mapped_store() -> None:
    """*Changed since noon* is asked of a clock that shows another noon than the account's."""
    assert sync_by_the_shops_clock(None) == "America/Los_Angeles"
    assert sync_by_the_shops_clock(None, north="America/New_York") == "America/New_York"


def test_of_shops_in_several_zones_none_speaks_for_the_server() -> None:
    zones = {"north": "America/New_York", "s": "America/Denver"}

    assert sync_by_the_shops_clock(None, **zones) == "America/Los_Angeles"
