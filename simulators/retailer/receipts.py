"""Sales rows: lines, amounts and refunds in three shapes.

Kept as columns, because a world may hold millions: a sale's lines and amounts are drawn from a
hash of its id when the row is asked for, so they are the same every time.
"""

from __future__ import annotations

import random
from array import array
from hashlib import blake2b

from simulators.retailer import names
from simulators.retailer.platforms import (
    LOWERED,
    OPEN,
    PLAIN,
    REFUND_ROW,
    REFUNDED,
    UNKNOWN,
    VOIDED,
    Platform,
)
from simulators.retailer.shapes import Line, Product, Sale, Shopper, Venue, WorldSpec
from simulators.retailer.stock import first_lot
from simulators.retailer.tables import Table
from simulators.retailer.visits import EDITED, QUIRK, Visit, decide_fates, make_visits

FIRST_SALE = 90_210_000


def make_sales(
    spec: WorldSpec,
    venues: list[Venue],
    shoppers: list[list[Shopper]],
    products: list[Product],
    platform: Platform,
) -> list[SaleColumns]:
    """The sales of each venue, `spec.sales` in all, in id order, which is time order. Ids are
    unique over all venues, or in each."""
    rng = platform.rng(spec, "sales")
    visits = make_visits(spec, venues, shoppers, platform, rng)
    if spec.mess:
        decide_fates(spec, visits, venues, platform, rng)
    visits.sort(key=lambda visit: visit.ordered)
    columns = [SaleColumns(spec, venue, products, platform) for venue in venues]
    numbers = dict.fromkeys(range(len(venues)), FIRST_SALE)
    for visit in visits:
        counter = visit.venue if platform.numbers_in_shop else 0
        numbers[counter] += 1 + numbers[counter] % 3
        visit.id = numbers[counter]
        columns[visit.venue].add(visit, rng)
    return columns


class SaleColumns:
    """The generated sales of one venue, by position. Builds a row when it is asked for."""

    def __init__(
        self, spec: WorldSpec, venue: Venue, products: list[Product], platform: Platform
    ) -> None:
        self.spec, self.venue, self.products = spec, venue, products
        own = f":{venue.ordinal}" if platform.numbers_in_shop else ""
        self._salt = platform.salt(spec) + own
        self.tax = round(float(venue.tax_rate) * 100)
        self.ids = array("q")
        self.shoppers = array("q")
        self.ordered = array("q")
        self.created = array("q")
        self.updated = array("q")
        self.fates = array("B")
        self.origins = array("q")

    def add(self, visit: Visit, rng: random.Random) -> None:
        created = visit.ordered + 1000
        updated = created
        if visit.fate in EDITED:
            updated = min(created + rng.randint(3600, 20 * 86_400) * 1000, self.spec.now - 1000)
        self.ids.append(visit.id)
        self.shoppers.append(visit.shopper)
        self.ordered.append(visit.ordered)
        self.created.append(created)
        self.updated.append(updated)
        self.fates.append(visit.fate)
        self.origins.append(visit.origin.id if visit.origin else 0)

    def table(self) -> Table[Sale]:
        # Tables own their id and time columns: edits must not change how rows were generated.
        created, updated = self.created[:], self.updated[:]
        return Table[Sale](self.ids[:], created, updated).made_by(self.sale)

    def sale(self, at: int) -> Sale:
        number, fate = self.ids[at], self.fates[at]
        return self.build(
            number,
            self.shoppers[at] or None,
            self.ordered[at],
            (self.created[at], self.updated[at]),
            fate,
            self.origins[at],
        )

    def build(
        self,
        number: int,
        shopper: int | None,
        ordered: int,
        stamps: tuple[int, int],
        fate: int = PLAIN,
        origin: int = 0,
    ) -> Sale:
        """The row of one sale; all that is not given is drawn from the hash of its number."""
        dice = _dice(self._salt, origin or number)
        lines = self._lines(dice, number)
        sign = -1 if fate == REFUND_ROW else 1
        if sign < 0:
            lines = tuple(_taken_back(line) for line in lines[: 1 + dice % 2])
        sub, off, tax, total, cost = _sums(lines)
        if fate == LOWERED:
            last = lines[-1]
            sub, off = sub - last.sub_total // 2, off - last.discount // 2
            tax = (sub - off) * self.tax // 10_000
            total = sub - off + tax
        terminal = 80 + dice % 5
        status = {REFUNDED: "refunded", VOIDED: "voided", OPEN: "open"}.get(fate, "completed")
        return Sale(
            id=number,
            shopper=shopper,
            ordered=ordered,
            created=stamps[0],
            updated=stamps[1],
            status=names.UNKNOWN_STATUSES[dice % 2] if fate == UNKNOWN else status,
            sale_type="refund" if sign < 0 else "sale",
            source=names.SOURCES[dice % len(names.SOURCES)],
            medical=dice % 11 == 0,
            till=5100 + dice % 40,
            terminal=terminal,
            user=700 + dice % 25,
            number=f"{terminal}-{number % 1_000_000}",
            sub_total=sub,
            discount=off,
            tax=tax,
            total=total,
            cost=cost,
            lines=lines,
            tender=names.TENDERS[dice % len(names.TENDERS)],
            quirk=QUIRK.get(fate, ""),
            origin=origin,
        )

    def _lines(self, dice: int, number: int) -> tuple[Line, ...]:
        count = 3 if not self.spec.mess else 1 + (dice >> 8) % 4
        coupon = names.COUPONS[(dice >> 12) % 4] if (dice >> 16) % 5 == 0 else None
        lines = []
        for at in range(count):
            bits = dice >> (24 + 32 * at)
            lines.append(self._line(bits, number, coupon if at == 0 else None))
        return tuple(lines)

    def _line(
        self, bits: int, number: int, coupon: tuple[int, str, int, bool, bool] | None
    ) -> Line:
        index = bits % len(self.products)
        product = self.products[index]
        quantity = 1 + (bits >> 16) % 10 // 8
        sub = product.price * quantity
        off = 0
        if coupon:
            # Never free: a total of 0 would be neither a sale nor a return.
            off = min(sub // 2, sub * coupon[2] // 100 if coupon[3] else coupon[2])
        tax = (sub - off) * self.tax // 10_000
        lot = first_lot(self.venue) + self.spec.old_lots + (bits + number) % len(self.products)
        return Line(
            product=index,
            lot=lot,
            quantity=quantity,
            sub_total=sub,
            discount=off,
            tax=tax,
            total=sub - off + tax,
            cost=product.cost * quantity,
            coupon=coupon[0] if coupon and off else None,
        )


def _dice(salt: str, number: int) -> int:
    return int.from_bytes(blake2b(f"{salt}:{number}".encode(), digest_size=24).digest(), "big")


def _taken_back(line: Line) -> Line:
    return line._replace(
        quantity=-line.quantity,
        sub_total=-line.sub_total,
        discount=-line.discount,
        tax=-line.tax,
        total=-line.total,
        cost=-line.cost,
    )


def _sums(lines: tuple[Line, ...]) -> tuple[int, int, int, int, int]:
    sub = off = tax = total = cost = 0
    for line in lines:
        sub += line.sub_total
        off += line.discount
        tax += line.tax
        total += line.total
        cost += line.cost
    return sub, off, tax, total, cost
