"""Reads from one source what the oracle needs: out of a world, or from `GET /_sim/reading` of a
simulator in another process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Self

from simulators.oracle.personas import SourceRecord, Traits, email_key, phone_key, wide_keys
from simulators.retailer import names
from simulators.retailer.platforms import Platform
from simulators.retailer.shapes import Lot, Sale, Shopper
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import RAILS_ZONES, offset

ADULT = 18
_GUESTS = {(first.lower(), last.lower()) for first, last in names.GUESTS}
FINAL = ("completed", "refunded")
OPEN = ("open", "pending", "accepted", "preparing", "out_for_delivery")
KNOWN = ("completed", "refunded", "voided", *OPEN)


class Purchase(NamedTuple):
    """A sale with a customer, or a return that names its sale; then `customer` may be "".

    `final`: it happened, and is no return; `back`: a return that happened. `net` (without tip and
    fees) and `tax` are cents, of a return the cents given back; 0 of a sale marked as refunded.
    `of`: the sale that a return names. `wall`: the time on the shop's clock, in ms as if it were
    UTC, where the POS sends no more than that.
    """

    customer: str
    store: str
    at: int
    final: bool
    id: str = ""
    net: int = 0
    tax: int = 0
    back: bool = False
    of: str = ""
    wall: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Holds what the oracle reads from one source.

    `records` are the usable customer rows, `purchases` their sales. `summary`: the section of the
    oracle's answer that depends on this source alone. `zones`: IANA names by shop, where the POS
    tells them.
    """

    platform: str
    records: list[SourceRecord]
    purchases: list[Purchase]
    summary: dict[str, Any]
    zones: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        return {
            "platform": self.platform,
            "members": [[each.id, each.keys, each.traits] for each in self.records],
            "bought": self.purchases,
            "summary": self.summary,
            "zones": self.zones,
        }

    @classmethod
    def of_dict(cls, json: dict[str, Any]) -> Self:
        """The reading that `as_dict` turned into JSON."""
        return cls(
            json["platform"],
            [
                SourceRecord(
                    tuple(id_),
                    None,
                    tuple((kind, value) for kind, value in keys),
                    Traits(*traits),
                )
                for id_, keys, traits in json["members"]
            ],
            [Purchase(*each) for each in json["bought"]],
            json["summary"],
            json["zones"],
        )


def read(
    world: World,
    history_from: int | None = None,
    stores: Collection[str] | None = None,
    customers: Collection[str] | None = None,
) -> Reading:
    """Read a world as AIQ should know it.

    `history_from` leaves out sales whose `Platform.history_time` is at or before that instant, as
    a first sync does.
    `stores` are the store keys whose sales and stock are pulled, `customers` those whose customer
    rows are; None: all.
    """
    reader = _Reader(world, history_from)
    for shop in world.shops:
        if customers is None or shop.key in customers:
            reader.read_customers(shop)
        if stores is None or shop.key in stores:
            reader.read_sales(shop)
            reader.read_stock(shop)
    return reader.reading()


def is_final(sale: Sale, final: tuple[str, ...] = FINAL) -> bool:
    """Whether a sale happened, later refunded or not: no void, no return, no unknown status."""
    return sale.status in final and not is_return(sale)


def is_return(sale: Sale) -> bool:
    """Whether the row takes a sale back (refund shape R1)."""
    return sale.sale_type == "refund" or sale.total < 0


class _Reader:
    """Goes through the rows of a world and counts and collects what `Reading` has."""

    def __init__(self, world: World, history_from: int | None) -> None:
        self.world, self.history_from = world, history_from
        self.platform = world.platform
        self.set_aside: dict[str, Counter[tuple[str, str]]] = {}
        self.fetched: Counter[str] = Counter()
        self.records: list[SourceRecord] = []
        self.rows: list[Shopper] = []
        self.sales: list[tuple[str, Sale]] = []
        self.linked: list[tuple[Shop, Sale]] = []
        self.keys: list[str] = []
        self.stock: dict[str, dict[str, int]] = {}

    def read_customers(self, shop: Shop) -> None:
        for row in shop.customers.rows():
            self.fetched["customers"] += 1
            if row.quirk == "no_id":
                self._count_set_aside("customers", shop, "missing_id")
                continue
            keys = (phone_key(row.phone), email_key(row.email, self.platform.vendor_mail))
            record_id = (shop.scope, self.platform.customer_id(row))
            usable = tuple(key for key in keys if key)
            self.records.append(SourceRecord(record_id, row, usable, self._traits(row)))
            self.rows.append(row)

    def _traits(self, row: Shopper) -> Traits:
        phone = phone_key(row.phone)
        return Traits(
            employee=row.kind == "employee",
            test=is_guest(row),
            active=row.active,
            born=born(row, self.platform) or "",
            phone=phone[1] if phone else None,
            changed=row.updated if self.platform.tells_changes else row.created,
            created=row.created,
            refuses_sms=row.sms_out and self.platform.tells_sms,
        )

    def read_sales(self, shop: Shop) -> None:
        self.keys.append(shop.key)
        for row in shop.sales.rows():
            since = self.history_from
            if since is not None and self.platform.history_time(row) <= since:
                continue
            self.fetched["sales"] += 1
            if row.quirk in ("missing_id", "bad_date", "bad_money"):
                self._count_set_aside("sales", shop, row.quirk)
            else:
                self.sales.append((shop.key, row))
                if row.shopper is not None or (self.platform.links_returns and row.origin):
                    self.linked.append((shop, row))

    def read_stock(self, shop: Shop) -> None:
        rows = self.platform.stock(self.world.products, shop.inventories.rows())
        on_hand = [row for row in rows if float(row.quantity) > 0]
        for row in on_hand:
            if _is_set_aside(row):
                self._count_set_aside("inventory", shop, row.quirk)
        self.stock[shop.key] = {
            "in_stock_fetched": len(on_hand),
            "in_stock": sum(
                1 for row in on_hand if not _is_set_aside(row) and self._is_for_sale(row)
            ),
            "all_fetched": len(rows),
            "all": sum(1 for row in rows if not _is_set_aside(row)),
        }

    def _is_for_sale(self, row: Lot) -> bool:
        return row.active or "active" in self.platform.unsent_fields.get("inventory", "").split()

    def _count_set_aside(self, stream: str, shop: Shop, reason: str) -> None:
        self.set_aside.setdefault(stream, Counter())[shop.key, reason] += 1

    def reading(self) -> Reading:
        ids = {row.id: self.platform.customer_id(row) for row in self.rows}
        purchases = [self._purchase(shop, sale, ids) for shop, sale in self.linked]
        shops = self.world.shops if self.platform.tells_zone else ()
        zones = {shop.key: RAILS_ZONES[shop.venue.rails_zone][0] for shop in shops}
        return Reading(self.platform.name, self.records, purchases, self._summary(), zones)

    def _purchase(self, shop: Shop, sale: Sale, ids: dict[int, str]) -> Purchase:
        platform, spec = self.platform, self.world.spec
        who = "" if sale.shopper is None else ids.get(sale.shopper, str(sale.shopper))
        back = is_return(sale) and sale.status in platform.final
        undone = sale.status == "refunded" and not is_return(sale)
        origin = sale._replace(id=sale.origin)
        return Purchase(
            customer=who,
            store=shop.key,
            at=sale.ordered,
            final=self._final(sale),
            id=platform.sale_id(spec, shop.venue, sale),
            net=0 if undone else abs(sale.total),
            tax=0 if undone else abs(sale.tax),
            back=back,
            of=platform.sale_id(spec, shop.venue, origin)
            if back and sale.origin and platform.links_returns
            else "",
            wall=sale.ordered + offset(shop.venue.rails_zone, sale.ordered)
            if platform.wall_clock
            else None,
        )

    def _final(self, sale: Sale) -> bool:
        return is_final(sale, self.platform.final)

    def _summary(self) -> dict[str, Any]:
        return {
            "platform": self.platform.name,
            "spec": self.world.spec.as_dict(),
            "venues": [
                {
                    "code": shop.venue.code,
                    "name": shop.venue.name,
                    "license": shop.venue.license,
                    "timezone": shop.venue.rails_zone,
                    "scope": shop.scope,
                    "key": shop.key,
                }
                for shop in self.world.shops
            ],
            "shoppers": {
                "fetched": self.fetched["customers"],
                "kept": len(self.records),
                "without_contact": sum(1 for record in self.records if not record.keys),
                "flags": self._flags(),
            },
            "sales": self._sales_summary(),
            "store_keys": self._store_keys(),
            "set_aside": {
                stream: {
                    "count": sum(counts.values()),
                    "by_reason": _sums_by(1, counts),
                    "by_venue": _sums_by(0, counts),
                }
                for stream, counts in sorted(self.set_aside.items())
            },
            "inventory": self.stock,
        }

    def _sales_summary(self) -> dict[str, Any]:
        rows = [sale for _, sale in self.sales]
        contact = {
            row.id for row, record in zip(self.rows, self.records, strict=True) if record.keys
        }
        linked = [row for row in rows if row.shopper is not None]
        return {
            "fetched": self.fetched["sales"],
            "kept": len(rows),
            "linked": len(linked),
            "unlinked": len(rows) - len(linked),
            "linked_to_personas": sum(1 for row in linked if row.shopper in contact),
            "final": sum(1 for row in rows if self._final(row)),
            "return_rows": sum(1 for row in rows if is_return(row)),
            "refunded": sum(1 for row in rows if row.status == "refunded"),
            "voided": sum(1 for row in rows if row.status == "voided"),
            "open": sum(1 for row in rows if row.status in OPEN),
            "unknown_status": sum(1 for row in rows if row.status not in KNOWN),
            "total_of_final": sum(row.total for row in rows if self._final(row)),
        }

    def _store_keys(self) -> list[dict[str, Any]]:
        keys = []
        for key in self.keys:
            rows = [sale for store, sale in self.sales if store == key]
            final = sum(1 for row in rows if self._final(row))
            keys.append({"key": key, "sales": len(rows), "final_sales": final})
        return keys

    def _flags(self) -> dict[str, int]:
        rows, vendor = self.rows, self.platform.vendor_mail
        today = datetime.fromtimestamp(self.world.spec.now / 1000, tz=UTC).date()
        wide = set(wide_keys(self.records))
        return {
            "employee": sum(1 for row in rows if row.kind == "employee"),
            "inactive": sum(1 for row in rows if not row.active),
            "test": sum(1 for row in rows if is_guest(row)),
            "minor": sum(1 for row in rows if _age(row, today) < ADULT),
            "phone_unusable": sum(1 for row in rows if row.phone and not phone_key(row.phone)),
            "email_unusable": sum(
                1 for row in rows if row.email and not email_key(row.email, vendor)
            ),
            "shared_keys": len(wide),
            "shared_key_records": sum(1 for each in self.records if wide & set(each.keys)),
        }


def born(row: Shopper, platform: Platform) -> str | None:
    """The date of birth, or the year alone where the POS tells no more."""
    year = row.birth_year if platform.tells_birth_year else None
    return row.birthday or (str(year) if year else None)


def is_guest(row: Shopper) -> bool:
    return (row.first.lower(), row.last.lower()) in _GUESTS


def _is_set_aside(row: Lot) -> bool:
    """Only an item without an id is: of a price that cannot be read nothing is said."""
    return row.quirk == "missing_id"


def _sums_by(index: int, counts: Counter[tuple[str, str]]) -> dict[str, int]:
    """The counts summed by that element of their keys."""
    sums: Counter[str] = Counter()
    for key, count in counts.items():
        sums[key[index]] += count
    return dict(sorted(sums.items()))


def _age(row: Shopper, today: date) -> int:
    if row.birthday is None:
        return 999 if row.birth_year is None else today.year - row.birth_year
    born = date.fromisoformat(row.birthday)
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
