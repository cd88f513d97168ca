"""Products and inventory rows: a few lots in stock, thousands sold out long ago."""

from __future__ import annotations

import random

from simulators.retailer import names
from simulators.retailer.shapes import Coupon, Lot, Product, Venue, WorldSpec
from simulators.retailer.tables import Table, table_of
from simulators.retailer.zones import DAY

FIRST_PRODUCT = 900_000
FIRST_LOT = 61_000


def make_products(spec: WorldSpec) -> list[Product]:
    rng = random.Random(f"{spec.seed}:products")
    products = []
    for at in range(spec.products):
        category, weight, low, high = names.CATEGORIES[at % len(names.CATEGORIES)]
        brand, strain = rng.choice(names.BRANDS), rng.choice(names.STRAINS)
        grown = weight > 0
        price = rng.randrange(low, high, 50)
        products.append(
            Product(
                id=FIRST_PRODUCT + at * 3,
                sku=f"{category[:3].upper()}-{at:04d}",
                name=f"{brand} {strain if grown else 'Accessory'} {category} {at}",
                brand=brand,
                category=category,
                strain=strain if grown else None,
                lineage=rng.choice(names.LINEAGES) if grown else None,
                price=price,
                cost=price * 42 // 100,
                unit_weight=weight,
            )
        )
    return products


def make_coupons(spec: WorldSpec) -> list[Coupon]:
    made = spec.now - 200 * DAY
    return [Coupon(*coupon, made, made) for coupon in names.COUPONS]


def first_lot(venue: Venue) -> int:
    return FIRST_LOT + venue.ordinal * 10_000_000


def make_lots(spec: WorldSpec, venue: Venue, products: list[Product]) -> Table[Lot]:
    """The lots of a venue: first the sold-out ones, which are older, then those in stock."""
    rng = random.Random(f"{spec.seed}:lots:{venue.ordinal}")
    start = first_lot(venue)
    old = [_sold_out(spec, start + at, products) for at in range(spec.old_lots)]
    lots = list(old)
    for product in products:
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            lots.append(_in_stock(spec, start + len(lots), product, rng))
    fresh = range(len(old), len(lots))
    if spec.mess and len(fresh) >= 50:
        broken = rng.sample(fresh, 3)
        for at, quirk in zip(broken, ("missing_id", "bad_money", "bad_money"), strict=True):
            lots[at] = lots[at]._replace(quirk=quirk)
    return table_of(lots)


def _sold_out(spec: WorldSpec, number: int, products: list[Product]) -> Lot:
    product = products[number * 7919 % len(products)]
    created = spec.now - (900 - number % 500) * DAY
    quantity = "-1.0" if spec.mess and number % 211 == 0 else "0.0"
    updated = created + (20 + number % 60) * DAY
    return Lot(number, product.id, quantity, product.price, False, None, created, updated, "")  # noqa: FBT003


def _in_stock(spec: WorldSpec, number: int, product: Product, rng: random.Random) -> Lot:
    created = spec.now - rng.randint(2, 90) * DAY
    updated = rng.randrange(created, spec.now - DAY // 2)
    by_weight = product.category == "Flower" and rng.random() < 0.3
    quantity = f"{rng.uniform(5, 900):.1f}" if by_weight else f"{rng.randint(1, 120)}.0"
    room = rng.choice(("Sales floor", "Vault", None))
    return Lot(number, product.id, quantity, product.price, True, room, created, updated, "")  # noqa: FBT003
