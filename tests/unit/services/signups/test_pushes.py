"""What a POS pushes: shoppers, sales, stock (partner-api.md S3, S9, S10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import SourceStandsStill
from chalicelib.domain.records import InventoryItem
from chalicelib.domain.rules import Source
from chalicelib.domain.standing import Standing
from chalicelib.domain.words import Platform
from chalicelib.pos.rows.contacts import email, phone
from chalicelib.services.ports.signups import SignUp
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.ports.stores import StoreKeySighting
from chalicelib.services.signups.pos_scopes import PosScopes
from chalicelib.services.signups.pushes import (
    PushedLine,
    PushedMember,
    PushedVisit,
    PushResult,
    PushService,
)
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.stores import MemoryInventories
from tests.worlds.shop import ANA, PLATFORM, SCOPE, UID, Shop, a_sale
from tests.worlds.tills import P1

JAR = PushedLine(name="Jar", sku="J1", price="35.0", discount="-5.00", quantity="1")
OTHER = ""


class PushingShop(Shop):
    """A shop of POSaBIT whose location *Main* is known, and where pushes come in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.inventories = MemoryInventories()
        self.stores.see_keys(
            UID, [StoreKeySighting(PLATFORM, SCOPE, "Main", "Main Street", self.clock.now())]
        )
        self.service = PushService(
            self.facts,
            self.commits,
            self.lookup,
            self.stores,
            self.inventories,
            MemoryAccounts(an_account(UID)),
            self.clock,
            lambda typed: phone(typed, "US"),
            lambda typed: email(typed, frozenset()),
            PosScopes(self.facts, self.stores, self.book),
        )

    def push(self, platform: str = PLATFORM, **visit: Any) -> PushResult:
        told: dict[str, Any] = {
            "pos_id": "s1",
            "pos_user": "1",
            "location": "Main",
            "at": "2026-05-30 12:00:00 -0700",
            "total": "100.00",
            "lines": [JAR],
            **visit,
        }
        [done] = self.service.sales(UID, Platform(platform), [PushedVisit(**told)])
        return done

    def stored(self, scope: str = SCOPE, ext_id: str = "s1", platform: str = PLATFORM) -> Any:
        return self.facts.sale_rows[UID, SaleId(platform, scope, ext_id)]


@pytest.fixture
def shop() -> PushingShop:
    made = PushingShop()
    made.tell(ANA)
    made.commits.join(UID, made.rid(), "form", 1)
    return made


def a_member(**told: Any) -> PushedMember:
    pos_id = told.pop("pos_id", "7")
    return PushedMember(pos_id=pos_id, told=SignUp(actor="", **told))


def test_a_pushed_shopper_is_a_record_of_its_own_that_merges(shop: PushingShop) -> None:
    shop.clock.move(1)

    [done] = shop.service.members(
        UID, Platform(PLATFORM), [a_member(phone=str(ANA.phone), sms=True)]
    )

    assert done.contact_id == shop.rid() != done.record
    record = shop.facts.records[UID, done.record].record
    assert (record.scope, record.customer.sms_consent) == ("pushed", "yes")


def test_a_pushed_flag_is_no_signup(shop: PushingShop) -> None:
    [done] = shop.service.members(UID, Platform(PLATFORM), [a_member(phone="2065550199")])

    assert shop.lookup.by_record(UID, done.record).persona.reasons == ()


def test_of_many_one_without_an_id_costs_that_one(shop: PushingShop) -> None:
    bad, good = shop.service.members(
        UID, Platform(PLATFORM), [a_member(pos_id="", first="Ana"), a_member(phone=P1)]
    )

    assert bad.refused is not None
    assert good.contact_id


def test_a_pushed_sale_earns_until_and_after_the_pull_brings_it_once(shop: PushingShop) -> None:
    done = shop.push()
    before = shop.points()
    shop.tell(replace(a_sale("s1", "2026-05-30"), updated_at=1))
    pulled = shop.points()
    again = shop.push(total="900.00")

    assert done.warnings == ()
    assert (before, pulled, shop.points()) == (10, 10, 10)
    assert "pushed" not in shop.stored().sale.flags
    assert [field for field, _ in again.warnings] == ["pos_id"]


def test_a_push_replaces_the_whole_sale_but_for_what_it_leaves_out(shop: PushingShop) -> None:
    shop.push()
    shop.push(total="50.00", lines=None, pos_user="")
    kept = shop.stored()
    shop.push(total="50.00", lines=[])

    assert (kept.sale.total, len(kept.sale.items), kept.record) == (5_000, 1, shop.rid())
    assert kept.sale.items[0].discount == 500
    assert shop.stored().sale.items == ()
    assert shop.points() == 5


def test_of_two_pushes_the_later_change_wins(shop: PushingShop) -> None:
    shop.push(total="50.00", updated_at="2026-05-31 12:00:00 +0000")
    shop.push(total="90.00", updated_at="2026-05-31 11:00:00 +0000")

    assert shop.points() == 5


@pytest.mark.parametrize(
    ("told", "points"),
    [
        ({"status": "Voided"}, 0),
        ({"total": "0"}, 0),
        ({"total": "$1,000.00"}, 100),
        ({"total": "-20.00", "pos_id": "r1"}, 0),
    ],
)
def test_voids_zeros_and_texts_are_what_they_say(
    shop: PushingShop, told: dict[str, str], points: int
) -> None:
    shop.push(**told)

    assert shop.points() == points


def test_a_date_without_an_offset_is_on_the_locations_clock(shop: PushingShop) -> None:
    shop.push(at="2026-05-30 23:30:00")

    from chalicelib.domain.times import to_text

    assert to_text(shop.stored().sale.ordered_at) == "2026-05-31T06:30:00Z"


def test_a_location_that_no_source_has_earns_nothing_and_is_kept(shop: PushingShop) -> None:
    done = shop.push(location="Elsewhere")

    assert [field for field, _ in done.warnings] == ["location"]
    kept = shop.stored("pushed")
    assert (kept.record, "unknown_location" in kept.sale.flags) == (None, True)
    assert shop.points() == 0


@pytest.mark.parametrize(
    "told", [{"pos_id": ""}, {"total": "a lot"}, {"at": "yesterday"}, {"total": "NaN"}]
)
def test_a_sale_that_cannot_be_read_is_refused_by_its_field(
    shop: PushingShop, told: dict[str, str]
) -> None:
    done = shop.push(**told)

    assert done.refused is not None
    assert (UID, SaleId(PLATFORM, SCOPE, "s1")) not in shop.facts.sale_rows


def test_sales_of_a_key_of_no_platform_stand_by_themselves(shop: PushingShop) -> None:
    member = PushedMember(pos_id="u1", told=SignUp(actor="", phone=P1))

    shop.push(OTHER, pos_user="u1", member=member, location="Web")

    kept = shop.stored("api", platform="api")
    persona = shop.lookup.by_record(UID, kept.record).persona
    assert (persona.phone, persona.sources) == (P1, ("api",))
    assert any(key.name == "Web" for key in shop.stores.keys(UID)), "to be mapped to a store"


def test_a_roll_back_sees_no_pushed_sale(shop: PushingShop) -> None:
    logged = sum(map(len, shop.facts.log_rows[UID, PLATFORM].values()))

    shop.push()

    assert sum(map(len, shop.facts.log_rows[UID, PLATFORM].values())) == logged


def test_stock_is_stored_by_location(shop: PushingShop) -> None:
    places = {"J1": "Main", "P1": "?"}
    items = [InventoryItem(sku, place, sku, "7", "") for sku, place in places.items()]

    shop.service.inventory(UID, Platform(PLATFORM), items)

    shelves = {key: list(shelf) for (_, key), shelf in shop.inventories.items.items()}
    assert shelves == {"posabit:north:Main": ["J1"], "posabit:pushed:?": ["P1"]}
    assert shop.inventories.items[UID, "posabit:north:Main"]["J1"].currency == "USD"


def test_a_frozen_source_takes_no_push_and_all_of_it_when_it_moves_again(
    shop: PushingShop,
) -> None:
    """In-checkout signups are accepted while frozen; pushes are told to come again (product.md
    §10), and change nothing by then."""
    shop.rule(**{PLATFORM: Source(standing=Standing("stand", "b1", cut=0, since=0))})
    member = a_member(phone=P1)
    before = shop.facts.rows_written

    for _ in range(2):
        with pytest.raises(SourceStandsStill):
            shop.push(member=member, pos_user="7")
        with pytest.raises(SourceStandsStill):
            shop.service.members(UID, Platform(PLATFORM), [member])
    assert shop.facts.rows_written == before
    shop.rule(**{PLATFORM: Source(pushes=True)})
    for _ in range(2):
        shop.push(member=member)

    assert shop.points() == 10
    assert [p.phone for p in shop.facts.shown(UID) if p.phone == P1] == [P1]
