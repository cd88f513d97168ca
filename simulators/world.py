"""A retailer: venues, shoppers, products, stock and a year of sales, and the edits made to them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b, sha256
from uuid import UUID

from . import names
from .people import make_shoppers
from .receipts import Columns, make_sales
from .shapes import Coupon, Lot, Product, Sale, Shopper, Venue, WorldSpec
from .stock import make_coupons, make_lots, make_products
from .tables import Table, table_of


@dataclass(slots=True)
class Shop:
    """One venue and its rows."""

    venue: Venue
    customers: Table[Shopper]
    sales: Table[Sale]
    receipts: Columns
    inventories: Table[Lot]
    coupons: Table[Coupon]

    def tables(self) -> Iterator[tuple[str, Table[Shopper] | Table[Sale] | Table[Lot]]]:
        yield "customers", self.customers
        yield "sales_histories", self.sales
        yield "inventories", self.inventories


class World:
    """Everything a POS knows of one retailer. Build it with `World(WorldSpec(now=…))`."""

    def __init__(self, spec: WorldSpec) -> None:
        self.spec = spec
        self.integrator_token = "it_" + _token(spec.seed, "integrator")
        venues = [_venue(spec, at) for at in range(spec.stores)]
        shoppers = make_shoppers(spec, venues)
        self.products: list[Product] = make_products(spec)
        self.products_by_id = {product.id: product for product in self.products}
        sales = make_sales(spec, venues, shoppers, self.products)
        self.shops = [
            Shop(
                venue,
                table_of(shoppers[venue.ordinal]),
                sales[venue.ordinal].table(),
                sales[venue.ordinal],
                make_lots(spec, venue, self.products),
                table_of(make_coupons(spec)),
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
        """SHA-256 over every row as it stands: equal worlds have equal digests."""
        seen = sha256()
        for shop in self.shops:
            seen.update(repr(shop.venue).encode())
            for _, table in shop.tables():
                for row in table.rows():
                    seen.update(repr(tuple(row)).encode())
        return seen.hexdigest()


def _token(seed: int, what: str) -> str:
    return blake2b(f"{seed}:{what}".encode(), digest_size=16).hexdigest()


def _venue(spec: WorldSpec, at: int) -> Venue:
    name, street, city, state, region, zip_code = names.VENUES[at % len(names.VENUES)]
    zone, tax = names.STATE_ZONES[state]
    rng = random.Random(f"{spec.seed}:venue:{at}")
    lap = at // len(names.VENUES)
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
        token="vt_" + _token(spec.seed, f"venue:{at}"),
        feed_key=str(
            UUID(bytes=blake2b(f"{spec.seed}:feed:{at}".encode(), digest_size=16).digest())
        ),
    )
