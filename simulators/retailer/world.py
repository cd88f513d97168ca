"""A retailer: venues, shoppers, products, stock and a year of sales, and the edits made to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b, sha256
from uuid import UUID

from simulators.retailer import names
from simulators.retailer.people import make_shoppers
from simulators.retailer.platforms import POSABIT, Platform
from simulators.retailer.receipts import SaleColumns, make_sales
from simulators.retailer.shapes import Coupon, Lot, Product, Sale, Shopper, Venue, WorldSpec
from simulators.retailer.stock import make_coupons, make_lots, make_products
from simulators.retailer.tables import Table, table_of


@dataclass(slots=True)
class Shop:
    """Holds one venue and its rows.

    `scope` and `key` are the POS's own names: of what a credential opens, and of the shop in the
    data. `receipts` generates its sales.
    """

    venue: Venue
    customers: Table[Shopper]
    sales: Table[Sale]
    receipts: SaleColumns
    inventories: Table[Lot]
    coupons: Table[Coupon]
    scope: str = ""
    key: str = ""

    def tables(self) -> Iterator[tuple[str, Table[Shopper] | Table[Sale] | Table[Lot]]]:
        yield "customers", self.customers
        yield "sales_histories", self.sales
        yield "inventories", self.inventories


class World:
    """Holds everything that a POS knows of one retailer. Build it with `World(WorldSpec(now=…))`.

    Worlds of several platforms with the same `town` and some `overlap` are one retailer's.
    """

    def __init__(self, spec: WorldSpec, platform: Platform = POSABIT) -> None:
        self.spec, self.platform = spec, platform
        self.integrator_token = "it_" + self.token("integrator")
        venues = [self._venue(at) for at in range(spec.stores)]
        shoppers = make_shoppers(spec, venues, platform)
        self.products: list[Product] = make_products(spec)
        self.products_by_id = {product.id: product for product in self.products}
        sales = make_sales(spec, venues, shoppers, self.products, platform)
        self.shops = [
            Shop(
                venue,
                table_of(shoppers[venue.ordinal]),
                sales[venue.ordinal].table(),
                sales[venue.ordinal],
                make_lots(spec, venue, self.products),
                table_of(make_coupons(spec)),
                platform.scope(spec, venue),
                platform.store_key(spec, venue),
            )
            for venue in venues
        ]

    @property
    def venues(self) -> list[Venue]:
        return [shop.venue for shop in self.shops]

    def shop(self, code: str) -> Shop:
        """Raises KeyError for a code no venue has."""
        for shop in self.shops:
            if shop.venue.code == code:
                return shop
        raise KeyError(code)

    def digest(self) -> str:
        """SHA-256 over every row as it is now: equal worlds have equal digests."""
        digest = sha256()
        for shop in self.shops:
            digest.update(repr(shop.venue).encode())
            for _, table in shop.tables():
                for row in table.rows():
                    digest.update(repr(tuple(row)).encode())
        return digest.hexdigest()

    def token(self, what: str) -> str:
        """A secret made from the seed; platforms of one seed have different ones."""
        return blake2b(
            f"{self.platform.salt(self.spec)}:{what}".encode(), digest_size=16
        ).hexdigest()

    def _venue(self, at: int) -> Venue:
        spec, known = self.spec, self.platform.venues
        name, street, city, state, region, zip_code = known[at % len(known)]
        zone, tax = names.STATE_ZONES[state]
        rng = self.platform.rng(spec, f"venue:{at}")
        lap = at // len(known)
        return Venue(
            ordinal=at,
            code=f"{street.lower()}-{at + 1:02d}",
            name=f"{name} {lap + 1}" if lap else name,
            license=str(rng.randrange(410_000, 420_000) + at * 10_000),
            region=region,
            state=state,
            city=city,
            street=f"{rng.randint(10, 9900)} {street} Ave",
            zip_code=zip_code,
            telephone=f"20620055{at % 100:02d}",
            rails_zone=zone,
            tax_rate=tax,
            token="vt_" + self.token(f"venue:{at}"),
            feed_key=str(UUID(self.token(f"feed:{at}"))),
        )
