"""Who is a member, what they earned, and who is asked by SMS: product.md §7 to §9, read a second
time and naively, from worlds alone.

Reads whatever `reading.py` read; knows nothing of how AIQ stores or derives. Left out, because no
simulated retailer has them: signups, imports, adjustments, expiry, *earn only from joining*.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from simulators.oracle.personas import Member, Record
from simulators.oracle.reading import Bought
from simulators.retailer.zones import DAY, HOUR, RAILS_ZONES, offset

Store = tuple[str, str]
"""(platform, store key)"""

POINT = 100
"""Points are told in hundredths."""

BUSY = 20
_RAILS = {iana: rails for rails, (iana, _, _) in RAILS_ZONES.items()}
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Card:
    """The settings of one platform's card."""

    enroll_after: date | None = None
    sms_opt_in_after: date | None = None
    accrual_start: date | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """What the retailer decided. `cards`: by platform. `zone`: the account's, `zones`: of mapped
    stores, IANA names. `today`: on the account's calendar. `per_100`, `per_order`: hundredths of a
    point. `rounding`: up, down, nearest, none."""

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
        """As JSON has it."""
        cards = {
            platform: {name: _iso(getattr(card, name)) for name in _CARD}
            for platform, card in self.cards.items()
        }
        rules = {name: getattr(self, name) for name in _RULES}
        return {**rules, "accrual_start": _iso(self.accrual_start), "cards": cards}


_CARD = ("enroll_after", "sms_opt_in_after", "accrual_start")
_RULES = ("enabled", "per_100", "per_order", "orders_a_day", "exclude_tax", "rounding")


class Receipt(NamedTuple):
    """A sale of a person. `at`: the instant AIQ takes it for; `day`: on the calendar of its shop.
    `left`: its net less what returns took back of it."""

    at: int
    platform: str
    scope: str
    id: str
    customer: str
    day: date
    final: bool
    back: bool
    names: str
    net: int
    tax: int
    left: int

    @property
    def place(self) -> tuple[int, str, str, str]:
        return self.at, self.platform, self.scope, self.id


@dataclass(frozen=True, slots=True)
class Standing:
    """How AIQ should see one persona. `number`: who is texted there, None for nobody."""

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


class Judge:
    """Says of each person how they stand. `returned`: cents given back by the sale that the returns
    name, over all platforms; `refusing`: numbers that a POS says want no texts."""

    def __init__(
        self,
        programme: Programme,
        bought: Iterable[tuple[str, Bought]],
        members: Iterable[Member],
        told_zones: Mapping[Store, str],
    ) -> None:
        self._programme = programme
        self._zones = {**programme.zones, **told_zones}
        self._returned: dict[tuple[str, str], int] = defaultdict(int)
        for platform, sale in bought:
            if sale.back and sale.of:
                self._returned[platform, sale.of] += sale.net
        self._refusing = {each.remarks.phone for each in members if each.remarks.refuses_sms}

    def standing(
        self,
        members: list[Member],
        sales: Iterable[tuple[Record, Bought]],
        *,
        large: bool,
        shared: bool,
    ) -> Standing:
        """Records are (platform, scope, external id); `sales` come with that of the shopper.
        `shared`: whether a member carries a key of too many records."""
        receipts = [self._receipt(record, sale) for record, sale in sales]
        flags = self._flags(members)
        flags |= {name for name, so in (("large_component", large), ("shared_key", shared)) if so}
        flags |= {"busy"} if _is_busy(receipts) else set()
        last: dict[str, date] = {}
        for receipt in receipts:
            if receipt.final:
                last[receipt.platform] = max(last.get(receipt.platform, date.min), receipt.day)
        enrolled = self._enrolled(last, flags)
        numbers = _numbers(members)
        asked = self._asked(last, flags) if numbers else ()
        return Standing(
            flags=frozenset(flags),
            reasons=tuple(f"enroll_after:{platform}" for platform in sorted(enrolled)),
            points=self._points(receipts, min(enrolled.values(), default=None), flags),
            asked=asked,
            number=numbers[0] if asked and not self._refusing & set(numbers) else None,
        )

    def _receipt(self, record: Record, sale: Bought) -> Receipt:
        platform, scope, customer = record
        if sale.wall is not None:
            # Nobody says of which zone that clock is: AIQ takes it for the account's.
            at, day = _from_wall(sale.wall, self._programme.zone), sale.wall // DAY
        else:
            zone = self._zones.get((platform, sale.store), self._programme.zone)
            at, day = sale.at, (sale.at + offset(_RAILS[zone], sale.at)) // DAY
        return Receipt(
            at=at,
            platform=platform,
            scope=scope,
            id=sale.id,
            customer=customer,
            day=date.fromordinal(_EPOCH + day),
            final=sale.final,
            back=sale.back,
            names=sale.of,
            net=sale.net,
            tax=sale.tax,
            left=max(0, sale.net - self._returned[platform, sale.id]),
        )

    def _flags(self, members: list[Member]) -> set[str]:
        told = [member.remarks for member in members]
        flags = set()
        if any(each.employee for each in told):
            flags.add("employee")
        if any(each.test for each in told):
            flags.add("test")
        if not any(each.active for each in told):
            flags.add("inactive")
        if any(_is_minor(each.born, self._programme) for each in told):
            flags.add("minor")
        return flags

    def _enrolled(self, last: Mapping[str, date], flags: set[str]) -> dict[str, date]:
        """The platforms whose card enrols the person, with the date."""
        if flags & {"employee", "test", "inactive", "busy"}:
            return {}
        return {
            platform: card.enroll_after
            for platform, card in self._programme.cards.items()
            if card.enroll_after and platform in last and last[platform] >= card.enroll_after
        }

    def _asked(self, last: Mapping[str, date], flags: set[str]) -> tuple[str, ...]:
        if flags:  # every one of them keeps a person from being texted
            return ()
        dates = {name: card.sms_opt_in_after for name, card in self._programme.cards.items()}
        return tuple(sorted(p for p, day in dates.items() if day and p in last and last[p] >= day))

    def _points(self, receipts: list[Receipt], since: date | None, flags: set[str]) -> int:
        programme = self._programme
        if since is None or not programme.enabled or "employee" in flags:
            return 0
        earning = self._first_of_their_day(
            each
            for each in receipts
            if each.final and each.net > 0 and each.day >= max(since, self._start(each.platform))
        )
        for back in sorted((r for r in receipts if r.back and not r.names), key=_place):
            earning = _taken_off(back, earning)
        return sum(self._worth(receipt) for receipt in earning)

    def _start(self, platform: str) -> date:
        own = self._programme.cards.get(platform, Card()).accrual_start
        return own or self._programme.accrual_start or date.min

    def _first_of_their_day(self, receipts: Iterable[Receipt]) -> list[Receipt]:
        days: dict[date, list[Receipt]] = defaultdict(list)
        for receipt in sorted(receipts, key=_place):
            days[receipt.day].append(receipt)
        return [each for day in days.values() for each in day[: self._programme.orders_a_day]]

    def _worth(self, receipt: Receipt) -> int:
        programme = self._programme
        base = receipt.net - receipt.tax if programme.exclude_tax else receipt.net
        if base <= 0:
            return 0
        whole = Fraction(base * programme.per_100, 10_000) + programme.per_order
        return rounded(whole * receipt.left / receipt.net, programme.rounding)


def rounded(hundredths: Fraction, rounding: str) -> int:
    """To whole points, or of *none* to hundredths; halves go up."""
    if rounding == "none":
        return math.floor(hundredths + Fraction(1, 2))
    points = hundredths / POINT
    if rounding == "up":
        return math.ceil(points) * POINT
    if rounding == "down":
        return math.floor(points) * POINT
    return math.floor(points + Fraction(1, 2)) * POINT


def _place(receipt: Receipt) -> tuple[int, str, str, str]:
    return receipt.place


def _taken_off(back: Receipt, earning: list[Receipt]) -> list[Receipt]:
    """A return that names no sale: off the latest of its scope before it, as far as they reach."""
    owed, kept = back.net, []
    for receipt in sorted(earning, key=_place, reverse=True):
        same = (receipt.platform, receipt.scope) == (back.platform, back.scope)
        taken = min(owed, receipt.left) if same and receipt.place <= back.place else 0
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
    """Someone whose year alone is known may have a birthday yet to come."""
    if not born:
        return False
    year, _, day = born.partition("-")
    age = programme.today.year - int(year)
    if not day or programme.today.isoformat()[5:] < day:
        age -= 1
    return age < programme.minimum_age


def _is_busy(receipts: list[Receipt]) -> bool:
    """Whether one record has too many sales on one UTC day."""
    days = Counter(
        (each.platform, each.scope, each.customer, each.at // DAY)
        for each in receipts
        if each.final
    )
    return max(days.values(), default=0) > BUSY


def _numbers(members: list[Member]) -> list[str]:
    """The most recently updated member's first."""
    newest = sorted(
        members, key=lambda each: (each.remarks.changed, each.remarks.created), reverse=True
    )
    return list(dict.fromkeys(each.remarks.phone for each in newest if each.remarks.phone))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
