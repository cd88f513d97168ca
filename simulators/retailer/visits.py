"""Draws who bought where and when in a year, and what became of each sale."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate

from simulators.retailer.platforms import (
    BAD_DATE,
    BAD_MONEY,
    LATE,
    LOWERED,
    MISSING_ID,
    OPEN,
    PLAIN,
    REFUND_ROW,
    REFUNDED,
    STRINGS,
    VOIDED,
    Platform,
)
from simulators.retailer.shapes import SMALL_WORLD, Shopper, Venue, WorldSpec
from simulators.retailer.zones import DAY, HOUR, offset, summer_time

HISTORY_DAYS = 350
OLD_DAYS = (740, 780)
OPENS, CLOSES = 8, 23

QUIRK = {
    BAD_DATE: "bad_date",
    BAD_MONEY: "bad_money",
    MISSING_ID: "missing_id",
    STRINGS: "strings",
}
EDITED = {REFUNDED, VOIDED, LOWERED, LATE, OPEN}
WEEKDAYS = (1.1, 1.5, 1.6, 1.2, 1.0, 0.9, 1.0)  # Thursday first: day 0 of the epoch was one
HOURS = (2, 3, 4, 5, 6, 6, 6, 7, 9, 11, 11, 9, 7, 5, 3)


@dataclass(slots=True, eq=False)
class Visit:
    """A sale in the making. `origin` is the sale that a refund row takes back."""

    ordered: int
    venue: int
    shopper: int
    fate: int = PLAIN
    origin: Visit | None = None
    id: int = 0


def make_visits(
    spec: WorldSpec,
    venues: list[Venue],
    shoppers: list[list[Shopper]],
    platform: Platform,
    rng: random.Random,
) -> list[Visit]:
    """Draw who shops where and when.

    Few shoppers come often, most rarely, and to the store of their record unless the platform's
    customers roam.
    """
    known = [
        (at, row.id, row.created)
        for at, rows in enumerate(shoppers)
        for row in rows
        if row.quirk != "no_id"
    ]
    refunds = spec.messy(platform.refund_rows, spec.sales) if known else 0
    nobody = spec.messy(platform.no_shopper, spec.sales)
    weights = list(accumulate(min(rng.paretovariate(1.3), 40.0) for _ in known))
    buyers: list[tuple[int, int, int]] = []
    if known:
        buyers = rng.choices(known, cum_weights=weights, k=max(0, spec.sales - refunds - nobody))
    if platform.roaming:
        buyers = [_roam(buyer, len(venues), platform.roaming, rng) for buyer in buyers]
    stores = [1.0 / (1 + at) ** 0.5 for at in range(len(venues))]
    missing = spec.sales - refunds - len(buyers)
    buyers += [(at, 0, 0) for at in rng.choices(range(len(venues)), stores, k=missing)]
    times = _times(spec, venues, buyers, rng)
    visits = [Visit(time, buyer[0], buyer[1]) for time, buyer in zip(times, buyers, strict=True)]
    whole = [visit for visit in visits if visit.shopper]
    for origin in rng.sample(whole, min(refunds, len(whole))):
        later = origin.ordered + rng.randint(600, 10 * 86_400) * 1000
        time = min(_when_open(later, venues[origin.venue]), spec.now - 60_000)
        visits.append(Visit(time, origin.venue, origin.shopper, REFUND_ROW, origin))
    return visits


def _roam(
    buyer: tuple[int, int, int], stores: int, share: float, rng: random.Random
) -> tuple[int, int, int]:
    return (rng.randrange(stores), *buyer[1:]) if rng.random() < share else buyer


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
            time = _when_open(time, venues[venue])
        times.append(min(time, latest))
    return times


def _when_open(time: int, venue: Venue) -> int:
    """`time`, or some hours later where the store would be closed."""
    hour = (time + offset(venue.rails_zone, time)) % DAY // HOUR
    if OPENS <= hour < CLOSES:
        return time
    return time + 10 * HOUR


def decide_fates(
    spec: WorldSpec,
    visits: list[Visit],
    venues: list[Venue],
    platform: Platform,
    rng: random.Random,
) -> None:
    taken = {visit.origin for visit in visits if visit.origin}
    plain = [visit for visit in visits if visit.fate == PLAIN and visit not in taken]
    rng.shuffle(plain)
    for fate, share in platform.fates:
        if fate == OPEN:  # whatever is still under way began last
            plain.sort(key=lambda visit: visit.ordered)
        for _ in range(min(spec.messy(share, spec.sales), len(plain))):
            plain.pop().fate = fate
    for _ in range(min(round(spec.old_sales * spec.sales), len(plain))):
        plain.pop().ordered = spec.now - rng.randint(*OLD_DAYS) * DAY + rng.randrange(DAY)
    if spec.sales >= SMALL_WORLD:
        for venue in venues:
            _open_at_night(spec, venue, plain)


def _open_at_night(spec: WorldSpec, venue: Venue, plain: list[Visit]) -> None:
    """Move two sales into the hour that the end of summer time repeats, one into each pass."""
    year = 1970 + spec.now // (365 * DAY + DAY // 4)
    for back in (year, year - 1):
        end = summer_time(venue.rails_zone, back)[1]
        if not spec.now - HISTORY_DAYS * DAY < end < spec.now - DAY:
            continue
        chosen = [
            at
            for at, visit in enumerate(plain)
            if visit.venue == venue.ordinal and not visit.shopper
        ][:2]
        for at, time in zip(reversed(chosen), (end - HOUR // 2, end + HOUR // 2), strict=False):
            plain.pop(at).ordered = time
        return
