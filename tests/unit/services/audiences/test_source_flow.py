"""Where the shoppers and sales of a source went, by counts and without a persona read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.signups import SIGNUP_SCOPE
from chalicelib.services.audiences.source_flow import Funnel, SourceFlows, Stock
from chalicelib.services.ports.api_keys import KeyCall
from tests.fakes.common import NOON
from tests.fakes.pos import pages_of
from tests.worlds.audiences import NEVER, AudienceRoom
from tests.worlds.backroom import PLATFORM, UID
from tests.worlds.syncing import a_room, products, show


@dataclass(frozen=True)
class Key:
    id: str
    platform: str


@dataclass
class Keys:
    """The `ApiKeys` and `KeyUses` that matter here."""

    kept: dict[str, list[KeyCall]] = field(default_factory=dict)

    def for_account(self, _uid: str) -> list[Any]:
        return [Key(name, name.partition("-")[0]) for name in self.kept]

    def calls(self, _uid: str, key: str) -> list[KeyCall]:
        return self.kept[key]


def people(*ids: str, **more: Any) -> list[Customer]:
    return [Customer(each, phone=f"+1206555000{each}", updated_at=1, **more) for each in ids]


def a_place(*customers: Customer, sales: Any = ()) -> AudienceRoom:
    return AudienceRoom(room=a_room(customers=list(customers), sales=list(sales)))


def flows(place: AudienceRoom, keys: Keys | None = None) -> SourceFlows:
    held: Any = keys or Keys()
    return SourceFlows(
        pos=place.room.gateway,
        runs=place.rows,
        objects=place.objects,
        credentials=place.room.credentials,
        states=place.room.states,
        keys=held,
        uses=held,
    )


def call(at: int, route: str = "/api/v2/loyalty", status: int = 200) -> KeyCall:
    return KeyCall(at, "POST", route, status)


def test_nothing_is_said_before_anything_was_counted() -> None:
    flow = flows(a_place()).of(UID, PLATFORM)

    assert (flow.funnel, flow.unlinked, flow.stock, flow.last_signup_at) == (None,) * 4


def test_every_shopper_sent_is_a_persona_merged_or_without_contact() -> None:
    twin = Customer("9", phone="+12065550001", updated_at=1)
    place = a_place(*people("1", "2"), twin, Customer("3", first="Nobody", updated_at=1))
    place.room.sync()
    form = Customer("f", phone="+12065550002", updated_at=2)
    place.room.commits.commit(UID, PLATFORM, SIGNUP_SCOPE, customers=[form])

    place.run_now()
    funnel = flows(place).of(UID, PLATFORM).funnel

    assert funnel == Funnel(
        as_of=funnel.as_of if funnel else 0,
        sent=4,
        personas=2,
        merged=1,
        without_contact=1,
        set_aside=0,
        out_of_market=0,
    )


def test_a_worker_that_dies_on_the_way_counts_nobody_twice() -> None:
    place = a_place(*people("1", "2", "3"))
    place.room.sync()

    place.run_now(NEVER)

    funnel = flows(place).of(UID, PLATFORM).funnel
    assert funnel is not None
    assert (funnel.sent, funnel.personas, funnel.merged) == (3, 3, 0)


def test_who_is_out_of_market_is_no_persona_and_counted() -> None:
    place = a_place(*people("1", state="WA"), *people("2", state="OR"))
    rules = place.room.rules.get(UID)
    source = replace(rules.source(PLATFORM), to_market=True, markets={"north": "WA"})
    place.room.rules.set(UID, replace(rules, sources={PLATFORM: source}, version=1))
    place.room.sync()

    place.run_now()

    funnel = flows(place).of(UID, PLATFORM).funnel
    assert funnel is not None
    assert (funnel.sent, funnel.personas, funnel.out_of_market, funnel.without_contact) == (
        2,
        1,
        1,
        0,
    )


def test_sales_that_name_no_shopper_are_counted_of_the_fullest_sync() -> None:
    sold = [
        Sale(f"s{n}", "north", NOON, "", "USD", 100, customer_ext_id="1" if n else None)
        for n in range(3)
    ]
    place = a_place(*people("1"), sales=sold)
    place.room.sync()
    place.room.clock.move(3_600)
    place.room.gateway.pages["sales"] = pages_of([replace(sold[1], total=200)])
    place.room.sync()

    unlinked = flows(place).of(UID, PLATFORM).unlinked

    assert unlinked is not None
    assert (unlinked.sales, unlinked.of) == (1, 3)


def test_stock_is_what_the_last_complete_catalogue_had() -> None:
    place = a_place()
    show(place.room, inventory=products(1, 2, 3))
    place.room.sync()

    stock = flows(place).of(UID, PLATFORM).stock

    assert isinstance(stock, Stock)
    assert stock.items == 3
    assert stock.as_of is not None


def test_the_last_signup_is_the_last_good_one_of_the_platforms_keys() -> None:
    keys = Keys(
        {
            "posabit-1": [call(NOON), call(NOON + 9, status=400)],
            "posabit-2": [call(NOON + 5), call(NOON + 8, route="/api/v1.1/piis/{uid}")],
            "webjoint-3": [call(NOON + 7)],
        }
    )

    assert flows(a_place(), keys).of(UID, PLATFORM).last_signup_at == NOON + 5
