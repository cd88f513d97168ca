"""Works out who is a member, what they earned and who is asked by SMS: product.md §7 to §9, read
again and naively.

Works on what `reading.py` read; knows nothing of how AIQ stores or derives. Left out, because no
simulated retailer has them: signups, imports, adjustments, expiry, *earn only from joining*.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from simulators.oracle.personas import Key, RecordId, SourceRecord
from simulators.oracle.reading import Purchase
from simulators.retailer.zones import DAY, HOUR, RAILS_ZONES, offset

Store = tuple[str, str]
"""(platform, store key)"""

POINT = 100
"""Hundredths of a point in a point; all points here are counted in hundredths."""

BUSY = 20
_RAILS = {iana: rails for rails, (iana, _, _) in RAILS_ZONES.items()}
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Card:
    """The settings of one platform's card that decide about members and texts."""

    enroll_after: date | None = None
    sms_opt_in_after: date | None = None
    accrual_start: date | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """The retailer's decisions about members, points and texts.

    `cards`: settings by platform. `zone`: the account's, `zones`: of mapped stores, IANA names.
    `today`: on the account's calendar. `per_100`, `per_order`: hundredths of a point. `rounding`:
    up, down, nearest, none.
    """

    today: date
    cards: Mapping[str, Card] = field(default_factory=dict)
    enabled: bool = True
    accrual_start: date | None = None
    per_100: int = 0
    per_order: int = 0
    orders_a_day: int | None = None
    exclude_tax: bool = False
    rounding: str = "nearest"
    zone: str = "America/Los_Angeles"
    zones: Mapping[Store, str] = field(default_factory=dict)
    minimum_age: int = 21

    def as_dict(self) -> dict[str, Any]:
        """The rules and cards as JSON."""
        cards = {
            platform: {name: _iso(getattr(card, name)) for name in _CARD}
            for platform, card in self.cards.items()
        }
        rules = {name: getattr(self, name) for name in _RULES}
        return {**rules, "accrual_start": _iso(self.accrual_start), "cards": cards}


_CARD = ("enroll_after", "sms_opt_in_after", "accrual_start")
_RULES = ("enabled", "per_100", "per_order", "orders_a_day", "exclude_tax", "rounding")


class Receipt(NamedTuple):
    """A person's purchase at the time that AIQ should see.

    `at`: the instant; `day`: on the calendar of its shop; `sale`: the one that a return names.
    `left`: the net amount less the returns that name it.
    """

    at: int
    platform: str
    scope: str
    id: str
    customer: str
    day: date
    final: bool
    back: bool
    sale: str
    net: int
    tax: int
    left: int

    @property
    def order(self) -> tuple[int, str, str, str]:
        """By time; simultaneous ones by their names."""
        return self.at, self.platform, self.scope, self.id


@dataclass(frozen=True, slots=True)
class ExpectedLoyalty:
    """The loyalty that AIQ should derive for one persona.

    `points`: hundredths. `asked`: the platforms whose setting asks for SMS consent, `number`: the
    number that is asked, None where none is.
    """

    flags: frozenset[str]
    reasons: tuple[str, ...]
    points: int
    asked: tuple[str, ...]
    number: str | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "flags": sorted(self.flags),
            "reasons": list(self.reasons),
            "points": self.points,
            "asked": list(self.asked),
            "number": self.number,
        }


class LoyaltyOracle:
    """Works out the loyalty of each person under a retailer's programme.

    `purchases`: (platform, purchase) of all sources. `pos_zones`: of the stores whose POS tells its
    zone.
    """

    def __init__(
        self,
        programme: Programme,
        purchases: Iterable[tuple[str, Purchase]],
        records: Iterable[SourceRecord],
        pos_zones: Mapping[Store, str],
    ) -> None:
        self._programme = programme
        self._zones = {**programme.zones, **pos_zones}
        self._returned: dict[tuple[str, str], int] = defaultdict(int)
        """Cents given back, by the sale that the returns name."""
        for platform, purchase in purchases:
            if purchase.back and purchase.of:
                self._returned[platform, purchase.of] += purchase.net
        self._refusing = {each.traits.phone for each in records if each.traits.refuses_sms}
        """Numbers of which a POS says that they want no texts."""

        self._last_day = programme.today + timedelta(days=2)
        """A sale dated more than 2 days ahead counts for nothing yet."""

    def expect(
        self,
        records: list[SourceRecord],
        purchases: Iterable[tuple[RecordId, Purchase]],
        *,
        large: bool,
        shared: set[Key],
    ) -> ExpectedLoyalty:
        """The loyalty of the person with these records and purchases.

        Record ids are (platform, scope, external id). `large`: the person comes from a group of too
        many records; `shared`: the keys that too many carry.
        """
        receipts = [
            receipt
            for record_id, purchase in purchases
            if (receipt := self._receipt(record_id, purchase)).day <= self._last_day
        ]
        flags = self._flags(records)
        flags |= {"large_component"} if large else set()
        busy = _busy_records(receipts)
        flags |= {"busy"} if all(record.id in busy for record in records) else set()
        last: dict[str, date] = {}
        for receipt in receipts:
            if receipt.final:
                last[receipt.platform] = max(last.get(receipt.platform, date.min), receipt.day)
        enrolled = self._enrolled(last, flags)
        numbers = _numbers(records)
        own = [number for number in numbers if ("phone", number) not in shared]
        asked = self._asked(last, flags) if own else ()
        flags |= {"shared_key"} if any(shared & set(r.keys) for r in records) else set()
        return ExpectedLoyalty(
            flags=frozenset(flags),
            reasons=tuple(f"enroll_after:{platform}" for platform in sorted(enrolled)),
            points=self._points(receipts, min(enrolled.values(), default=None), flags),
            asked=asked,
            number=own[0] if asked and not self._refusing & set(numbers) else None,
        )

    def _receipt(self, record_id: RecordId, purchase: Purchase) -> Receipt:
        platform, scope, customer = record_id
        if purchase.wall is not None:
            # The POS does not say in which zone that clock is: AIQ takes the account's.
            at, day = _from_wall(purchase.wall, self._programme.zone), purchase.wall // DAY
        else:
            zone = self._zones.get((platform, purchase.store), self._programme.zone)
            at, day = purchase.at, (purchase.at + offset(_RAILS[zone], purchase.at)) // DAY
        return Receipt(
            at=at,
            platform=platform,
            scope=scope,
            id=purchase.id,
            customer=customer,
            day=date.fromordinal(_EPOCH + day),
            final=purchase.final,
            back=purchase.back,
            sale=purchase.of,
            net=purchase.net,
            tax=purchase.tax,
            left=max(0, purchase.net - self._returned[platform, purchase.id]),
        )

    def _flags(self, records: list[SourceRecord]) -> set[str]:
        traits = [record.traits for record in records]
        flags = set()
        if any(each.employee for each in traits):
            flags.add("employee")
        if all(each.test for each in traits):
            flags.add("test")
        if not any(each.active for each in traits):
            flags.add("inactive")
        if any(_is_minor(each.born, self._programme) for each in traits):
            flags.add("minor")
        return flags

    def _enrolled(self, last: Mapping[str, date], flags: set[str]) -> dict[str, date]:
        """By platform whose card enrols the person: the date that the card says."""
        if flags & {"employee", "test", "inactive", "busy"}:
            return {}
        return {
            platform: card.enroll_after
            for platform, card in self._programme.cards.items()
            if card.enroll_after and platform in last and last[platform] >= card.enroll_after
        }

    def _asked(self, last: Mapping[str, date], flags: set[str]) -> tuple[str, ...]:
        if flags:  # any flag keeps a person from being texted
            return ()
        dates = {name: card.sms_opt_in_after for name, card in self._programme.cards.items()}
        return tuple(sorted(p for p, day in dates.items() if day and p in last and last[p] >= day))

    def _points(self, receipts: list[Receipt], since: date | None, flags: set[str]) -> int:
        programme = self._programme
        if since is None or not programme.enabled or "employee" in flags:
            return 0
        dated = [
            each
            for each in receipts
            if each.final and each.net > 0 and each.day >= max(since, self._start(each.platform))
        ]
        for back in sorted((r for r in receipts if r.back and not r.sale), key=_order):
            dated = _take_off(back, dated)
        earning = self._first_orders_of_days(each for each in dated if each.left > 0)
        return sum(self._points_of(receipt) for receipt in earning)

    def _start(self, platform: str) -> date:
        own = self._programme.cards.get(platform, Card()).accrual_start
        return own or self._programme.accrual_start or date.min

    def _first_orders_of_days(self, receipts: Iterable[Receipt]) -> list[Receipt]:
        days: dict[date, list[Receipt]] = defaultdict(list)
        for receipt in sorted(receipts, key=_order):
            days[receipt.day].append(receipt)
        return [each for day in days.values() for each in day[: self._programme.orders_a_day]]

    def _points_of(self, receipt: Receipt) -> int:
        programme = self._programme
        base = receipt.net - receipt.tax if programme.exclude_tax else receipt.net
        if base <= 0:
            return 0
        left = Fraction(base * receipt.left, receipt.net)
        points = left * programme.per_100 / 10_000 + programme.per_order
        return round_points(points, programme.rounding)


def round_points(hundredths: Fraction, rounding: str) -> int:
    """Hundredths rounded to whole points, or with *none* to hundredths; halves go up."""
    if rounding == "none":
        return math.floor(hundredths + Fraction(1, 2))
    points = hundredths / POINT
    if rounding == "up":
        return math.ceil(points) * POINT
    if rounding == "down":
        return math.floor(points) * POINT
    return math.floor(points + Fraction(1, 2)) * POINT


def _order(receipt: Receipt) -> tuple[int, str, str, str]:
    return receipt.order


def _take_off(back: Receipt, sales: list[Receipt]) -> list[Receipt]:
    """Take a return that names no sale off the latest sales of its scope up to its time, then off
    the latest of the platform's other scopes, as far as they reach."""
    owed, kept = back.net, []
    latest_first = sorted(sales, key=_order, reverse=True)
    for receipt in sorted(latest_first, key=lambda each: each.scope != back.scope):
        reached = receipt.platform == back.platform and receipt.at <= back.at
        taken = min(owed, receipt.left) if reached else 0
        owed -= taken
        kept.append(receipt._replace(left=receipt.left - taken))
    return kept


def _from_wall(wall: int, zone: str) -> int:
    """The instant at which the clocks of an IANA zone show `wall`; the earlier of two."""
    rails = _RAILS[zone]
    standard = RAILS_ZONES[rails][1] * HOUR
    summer = wall - standard - HOUR
    return summer if offset(rails, summer) != standard else wall - standard


def _is_minor(born: str, programme: Programme) -> bool:
    """Whether someone is too young; where the year alone is known, the birthday may be to come."""
    if not born:
        return False
    year, _, day = born.partition("-")
    age = programme.today.year - int(year)
    if not day or programme.today.isoformat()[5:] < day:
        age -= 1
    return age < programme.minimum_age


def _busy_records(receipts: list[Receipt]) -> set[RecordId]:
    """The records that have too many sales on one day of their shop's calendar."""
    days = Counter(
        (each.platform, each.scope, each.customer, each.day) for each in receipts if each.final
    )
    return {tuple(record) for (*record, _), count in days.items() if count > BUSY}


def _numbers(records: list[SourceRecord]) -> list[str]:
    """The phone numbers of the records, the most recently updated record's first."""
    traits = sorted(
        (record.traits for record in records),
        key=lambda each: (each.changed, each.created),
        reverse=True,
    )
    return list(dict.fromkeys(each.phone for each in traits if each.phone))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
