"""A year of sales: when who bought where, refunds in three shapes, and what goes wrong.

Kept as columns, because a world may hold millions: a sale's lines and amounts are drawn from a
hash of its id when the row is asked for, so they are the same every time.
"""

from __future__ import annotations

import random
from array import array
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

from . import names
from .shapes import Line, Product, Sale, Shopper, Venue, WorldSpec
from .stock import first_lot
from .tables import Table
from .zones import DAY, HOUR, offset, summer_time

FIRST_SALE = 90_210_000
HISTORY_DAYS = 350
OLD_DAYS = (740, 780)
OPENS, CLOSES = 8, 23

# What became of a sale; a small integer in the columns.
PLAIN, REFUND_ROW, REFUNDED, VOIDED, LOWERED, LATE, UNKNOWN = range(7)
BAD_DATE, BAD_MONEY, MISSING_ID, STRINGS = range(7, 11)
QUIRK = {
    BAD_DATE: "bad_date",
    BAD_MONEY: "bad_money",
    MISSING_ID: "missing_id",
    STRINGS: "strings",
}
# Share of the rows asked for.
FATES = (
    (REFUNDED, 0.007),
    (VOIDED, 0.005),
    (LOWERED, 0.006),
    (LATE, 0.020),
    (UNKNOWN, 0.004),
    (BAD_DATE, 0.001),
    (BAD_MONEY, 0.001),
    (MISSING_ID, 0.001),
    (STRINGS, 0.010),
)
REFUND_ROWS, NO_SHOPPER, SMALL_WORLD = 0.007, 0.08, 300
EDITED = {REFUNDED, VOIDED, LOWERED, LATE}
WEEKDAYS = (1.0, 0.9, 1.0, 1.1, 1.5, 1.6, 1.2)  # Thursday first: day 0 of the epoch was one
HOURS = (2, 3, 4, 5, 6, 6, 6, 7, 9, 11, 11, 9, 7, 5, 3)


@dataclass(slots=True, eq=False)
class _Visit:
    """One row in the making; `of` is the sale that a refund row takes back."""

    ordered: int
    venue: int
    shopper: int
    fate: int = PLAIN
    of: _Visit | None = None
    id: int = 0


def make_sales(
    spec: WorldSpec, venues: list[Venue], shoppers: list[list[Shopper]], products: list[Product]
) -> list[Columns]:
    """The sales of each venue, `spec.sales` in all, in id order, which is time order."""
    rng = random.Random(f"{spec.seed}:sales")
    visits = _visits(spec, venues, shoppers, rng)
    if spec.mess:
        _decide_fates(spec, visits, venues, rng)
    visits.sort(key=lambda visit: visit.ordered)
    columns = [Columns(spec, venue, products) for venue in venues]
    number = FIRST_SALE
    for visit in visits:
        number += 1 + number % 3
        visit.id = number
        columns[visit.venue].add(visit, rng)
    return columns


def _many(share: float, spec: WorldSpec) -> int:
    return max(1 if spec.sales >= SMALL_WORLD else 0, round(share * spec.mess * spec.sales))


def _visits(
    spec: WorldSpec, venues: list[Venue], shoppers: list[list[Shopper]], rng: random.Random
) -> list[_Visit]:
    """Who shops: few come often, most come rarely, always to the store of their record."""
    refunds = _many(REFUND_ROWS, spec) if spec.mess else 0
    nobody = _many(NO_SHOPPER, spec) if spec.mess else 0
    known = [
        (at, row.id, row.created)
        for at, rows in enumerate(shoppers)
        for row in rows
        if row.quirk != "no_id"
    ]
    weights = list(accumulate(min(rng.paretovariate(1.3), 40.0) for _ in known))
    buyers: list[tuple[int, int, int]] = []
    if known:
        buyers = rng.choices(known, cum_weights=weights, k=max(0, spec.sales - refunds - nobody))
    stores = [1.0 / (1 + at) ** 0.5 for at in range(len(venues))]
    missing = spec.sales - refunds - len(buyers)
    buyers += [(at, 0, 0) for at in rng.choices(range(len(venues)), stores, k=missing)]
    times = _times(spec, venues, buyers, rng)
    visits = [_Visit(time, buyer[0], buyer[1]) for time, buyer in zip(times, buyers, strict=True)]
    whole = [visit for visit in visits if visit.shopper]
    for origin in rng.sample(whole, min(refunds, len(whole))):
        later = origin.ordered + rng.randint(600, 10 * 86_400) * 1000
        time = min(later, spec.now - 60_000)
        visits.append(_Visit(time, origin.venue, origin.shopper, REFUND_ROW, origin))
    return visits


def _times(
    spec: WorldSpec, venues: list[Venue], buyers: list[tuple[int, int, int]], rng: random.Random
) -> list[int]:
    today = spec.now // DAY
    days = list(range(today - HISTORY_DAYS, today))
    by_weekday = list(accumulate(WEEKDAYS[day % 7] for day in days))
    drawn = rng.choices(days, cum_weights=by_weekday, k=len(buyers))
    hours = rng.choices(range(OPENS, CLOSES), HOURS, k=len(buyers))
    shift = [{day: offset(v.rails_zone, day * DAY + DAY // 2) for day in days} for v in venues]
    latest = spec.now - 60_000
    times = []
    for (venue, _, created), day, hour in zip(buyers, drawn, hours, strict=True):
        wall = day * DAY + hour * HOUR + int(rng.random() * 3600) * 1000
        time = wall - shift[venue][day]
        earliest = created + 60_000
        if time < earliest or time > latest:
            low = max(earliest, spec.now - HISTORY_DAYS * DAY)
            time = low + int(rng.random() * max(0, latest - low)) // 1000 * 1000
        times.append(min(time, latest))
    return times


def _decide_fates(
    spec: WorldSpec, visits: list[_Visit], venues: list[Venue], rng: random.Random
) -> None:
    taken = {visit.of for visit in visits if visit.of}
    plain = [visit for visit in visits if visit.fate == PLAIN and visit not in taken]
    rng.shuffle(plain)
    for fate, share in FATES:
        for _ in range(min(_many(share, spec), len(plain))):
            plain.pop().fate = fate
    for _ in range(min(round(spec.old_sales * spec.sales), len(plain))):
        plain.pop().ordered = spec.now - rng.randint(*OLD_DAYS) * DAY + rng.randrange(DAY)
    if spec.sales >= SMALL_WORLD:
        for venue in venues:
            _open_at_night(spec, venue, plain)


def _open_at_night(spec: WorldSpec, venue: Venue, plain: list[_Visit]) -> None:
    """Two sales in the hour that the end of summer time repeats, one in each of its passes."""
    year = 1970 + spec.now // (365 * DAY + DAY // 4)
    for back in (year, year - 1):
        end = summer_time(venue.rails_zone, back)[1]
        if not spec.now - HISTORY_DAYS * DAY < end < spec.now - DAY:
            continue
        chosen = [
            at for at, visit in enumerate(plain) if visit.venue == venue.index and not visit.shopper
        ][:2]
        for at, time in zip(reversed(chosen), (end - HOUR // 2, end + HOUR // 2), strict=False):
            plain.pop(at).ordered = time
        return


class Columns:
    """The sales of one venue by position."""

    def __init__(self, spec: WorldSpec, venue: Venue, products: list[Product]) -> None:
        self.spec, self.venue, self.products = spec, venue, products
        self.tax = round(float(venue.tax_rate) * 100)
        self.ids = array("q")
        self.shoppers = array("q")
        self.ordered = array("q")
        self.created = array("q")
        self.updated = array("q")
        self.fates = array("B")
        self.origins = array("q")

    def add(self, visit: _Visit, rng: random.Random) -> None:
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
        self.origins.append(visit.of.id if visit.of else 0)

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
        """The row of one sale; everything not given is drawn from the hash of its number."""
        dice = _dice(self.spec.seed, origin or number)
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
        status = {REFUNDED: "refunded", VOIDED: "voided"}.get(fate, "completed")
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
            off = min(sub, sub * coupon[2] // 100 if coupon[3] else coupon[2])
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


def _dice(seed: int, number: int) -> int:
    return int.from_bytes(blake2b(f"{seed}:{number}".encode(), digest_size=24).digest(), "big")


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
