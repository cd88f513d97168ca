"""What every field of every row should be read as, in the words of the common shape.

A second, naive reading of the world's rows, written without a look at the product's maps. Which
fields a POS sends, and how it words them, its `Platform` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulators.oracle.personas import email_key, phone_key
from simulators.oracle.reading import KNOWN, born, is_guest, is_return
from simulators.retailer.names import COUPON_NAMES
from simulators.retailer.platforms import Fields
from simulators.retailer.shapes import Line, Lot, Sale, Shopper
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import RAILS_ZONES, millis, offset

UNUSABLE = {
    "customers": ("no_id",),
    "sales": ("missing_id", "bad_date", "bad_money"),
    "inventory": ("missing_id",),
}
"""The quirks of rows that nothing can be made of: without an id, a sale's time or its total."""
NOTHING = ("", "-", "n/a")
"""What people write where there is nothing."""
AMOUNTS = ("total", "subtotal", "discount", "tax")


def fields_of(world: World, scope: str, zone: str) -> dict[str, dict[str, Fields]]:
    """By stream and id: the fields of every usable row of the shops that `scope` opens. What is
    missing among a row's fields the POS does not send.

    `zone` (IANA): where AIQ puts times that are those of a shop's clock.
    """
    found: dict[str, dict[str, Fields]] = {
        stream: {} for stream in ("stores", "customers", "sales", "inventory")
    }
    for shop in world.shops:
        if shop.scope == scope:
            teller = _Teller(world, shop, ZoneInfo(zone))
            for stream, fields in teller.rows():
                found[stream][fields["key" if stream == "stores" else "ext_id"]] = fields
    return found


class _Teller:
    """Tells the rows of one shop."""

    def __init__(self, world: World, shop: Shop, zone: ZoneInfo) -> None:
        self.world, self.shop, self.platform = world, shop, world.platform
        self.zone = zone
        self.shoppers = {
            row.id: row for each in (*world.shops, shop) for row in each.customers.rows()
        }

    def rows(self) -> Iterator[tuple[str, Fields]]:
        shop = self.shop
        yield "stores", self._said("stores", shop, self._store())
        for shopper in shop.customers.rows():
            if shopper.quirk not in UNUSABLE["customers"]:
                yield "customers", self._said("customers", shopper, self._customer(shopper))
        for sale in shop.sales.rows():
            if sale.quirk not in UNUSABLE["sales"]:
                yield "sales", self._said("sales", sale, self._sale(sale))
        for lot in self.platform.stock(self.world.products, shop.inventories.rows()):
            if lot.quirk not in UNUSABLE["inventory"] and float(lot.quantity) > 0:
                yield "inventory", self._said("inventory", lot, self._item(lot))

    def _said(self, kind: str, row: Any, fields: Fields) -> Fields:
        """The fields that this POS sends, in its words."""
        unsent = self.platform.unsent_fields.get(kind, "").split()
        as_sent = fields | self.platform.other_words(kind, row, fields, self.world.spec)
        return {name: value for name, value in as_sent.items() if name not in unsent}

    def _time(self, instant: int) -> int:
        """The instant as AIQ can know it: of a shop's clock no more than what it showed."""
        if not self.platform.wall_clock:
            return instant
        shown = datetime.fromtimestamp(self._wall(instant) // 1000, UTC)
        return millis(shown.replace(tzinfo=self.zone))

    def _wall(self, instant: int) -> int:
        return instant + offset(self.shop.venue.rails_zone, instant)

    def _store(self) -> Fields:
        venue = self.shop.venue
        return {
            "key": self.shop.key,
            "name": venue.name,
            "time_zone": RAILS_ZONES[venue.rails_zone][0],
            "market": venue.region,
            "license": venue.license,
            "address": f"{venue.street}, {venue.city}, {venue.state} {venue.zip_code}",
            "phone": venue.telephone,
        }

    def _customer(self, row: Shopper) -> Fields:
        phone, email = phone_key(row.phone), email_key(row.email, self.platform.vendor_mail)
        flags = {"employee": row.kind == "employee", "test": is_guest(row)}
        return {
            "ext_id": self.platform.customer_id(row),
            "first": row.first,
            "last": row.last,
            "phone_raw": _said(row.phone),
            "phone": phone and phone[1],
            "email_raw": _said(row.email),
            "email": email and email[1],
            "birth_date": born(row, self.platform),
            "gender": row.gender,
            "type": row.kind,
            "state": row.state,
            "address": row.address,
            "pos_loyalty_member": row.loyalty,
            "pos_points": row.points,
            "sms_consent": "no" if row.sms_out else "yes" if row.sms_in else "unknown",
            "email_consent": "yes" if row.marketing else "unknown",
            "terms_agreed": row.terms,
            "active": row.active,
            "created_at": self._time(row.created),
            "updated_at": self._time(row.updated),
            "flags": {name for name, is_so in flags.items() if is_so}
            | (set() if row.active else {"inactive"}),
        }

    def _sale(self, row: Sale) -> Fields:
        platform, spec, venue = self.platform, self.world.spec, self.shop.venue
        back, void = is_return(row), row.status == "voided"
        undone = row.status == "refunded" and not back
        origin = row._replace(id=row.origin)
        amounts = {
            "total": row.total,
            "subtotal": row.sub_total,
            "discount": abs(row.discount),
            "tax": row.tax,
        }
        return {
            "ext_id": platform.sale_id(spec, venue, row),
            "former_ext_id": str(row.id) if platform.numbers_in_shop else None,
            "store_key": self.shop.key,
            "ordered_at": self._time(row.ordered),
            "wall_clock": self._wall(row.ordered) if platform.wall_clock else None,
            "kind": "void" if void else "return" if back else "sale",
            "status": row.status,
            "is_status_known": row.status in KNOWN,
            "is_final": row.status in platform.final,
            "number": row.number,
            "customer_ext_id": None
            if row.shopper is None
            else platform.customer_id(self.shoppers[row.shopper]),
            "original_ext_id": platform.sale_id(spec, venue, origin) if row.origin else None,
            "channel": row.source,
            "employee_id": str(row.user),
            "medical": row.medical,
            **(dict.fromkeys(AMOUNTS, 0) if undone else amounts),
            "cost": row.cost,
            "updated_at": self._time(row.updated),
            "tenders": [{"name": row.tender, "amount": row.total}],
            "items": [
                self._said("items", line, self._line(row, at, line, returned=back or undone))
                for at, line in enumerate(platform.lines(row))
            ],
        }

    def _line(self, row: Sale, at: int, line: Line, *, returned: bool) -> Fields:
        product = self.world.products[line.product]
        return {
            "ext_id": str(row.id * 8 + at),
            "name": product.name,
            "quantity": line.quantity,
            "product_ext_id": str(product.id),
            "sku": product.sku,
            "brand": product.brand,
            "category": product.category,
            "unit_price": product.price,
            "subtotal": line.sub_total,
            "discount": abs(line.discount),
            "tax": line.tax,
            "total": line.total,
            "cost": line.cost,
            "discounts": (COUPON_NAMES[line.coupon],) if line.coupon else (),
            "discount_ids": (str(line.coupon),) if line.coupon else (),
            "returned": returned or line.quantity < 0,
        }

    def _item(self, lot: Lot) -> Fields:
        product = self.world.products_by_id[lot.product]
        return {
            "ext_id": str(lot.id),
            "store_key": self.shop.key,
            "name": product.name,
            "quantity": lot.quantity,
            "product_ext_id": str(product.id),
            "sku": product.sku,
            "brand": product.brand,
            "category": product.category,
            "strain": product.strain,
            "price": None if lot.quirk == "bad_money" else lot.price,
            "cost": product.cost,
            "unit": product.unit,
            "active": lot.active,
            "updated_at": self._time(lot.updated),
        }


def _said(text: str | None) -> str | None:
    return None if text is None or text.strip().lower() in NOTHING else text
