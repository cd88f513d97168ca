"""Who is a member, what they have in points and who is to be asked, told the slow way.

Written from product.md §5 to §8 without the code under test, which it is compared with: everything
again from all facts, sale by sale. It shares only shapes, ids and the naive personas.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.domain.acts import Join
from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.personas import Figures, LastPurchase, Persona
from chalicelib.domain.records import Sale
from chalicelib.domain.rules import Rules, Source
from chalicelib.domain.words import Instant
from tests.unit.domain.naive import Ids, Shopper, Sold, expected_personas

EVERYTHING = -(2**31)
"""The earn-from day of a person whose sales are held back by no day."""

Cause = tuple[str, str]
Day = int

_NEVER_ENROLLED = {"employee", "test", "inactive", "busy"}
_NEVER_ASKED = _NEVER_ENROLLED | {"minor", "large_component"}


@dataclass
class GivenFacts:
    """All facts, in the order of their telling. `listed`: (record, run) → the POS's points.
    `gone`: a sale that the POS no longer shows, after so many tellings of sales.

    `key_zones` and `store_zones`: what the POS says of a store key, and the zone of a store.
    `placeholders`: contacts that the account takes for nobody's. `doubles`: what a person said of a
    sale as a suspected double.
    """

    shoppers: list[Shopper] = field(default_factory=list)
    sold: list[Sold] = field(default_factory=list)
    gone: list[tuple[int, tuple[str, str, str]]] = field(default_factory=list)
    joins: list[tuple[str, Join]] = field(default_factory=list)
    listed: dict[tuple[str, str], int] = field(default_factory=dict)
    adjusted: dict[Cause, int] = field(default_factory=dict)
    redeemed: dict[Cause, tuple[int, Instant]] = field(default_factory=dict)
    """Points and when, of redemptions that were not given back: a refunded one never was (S25)."""
    mapping: dict[str, int] = field(default_factory=dict)
    key_zones: dict[str, str] = field(default_factory=dict)
    store_zones: dict[int, str] = field(default_factory=dict)
    zone: str = "America/Los_Angeles"
    placeholders: frozenset[str] = frozenset()
    doubles: dict[tuple[str, str, str], str] = field(default_factory=dict)
    uid: str = "1000"


class Expected(NamedTuple):
    """`personas` by the ids of their members. `amounts`: (record, cause) → points, where there are
    any; the cause of a sale is `sale#<ext_id>`."""

    personas: dict[Ids, Persona]
    amounts: dict[Cause, int]


def expected(given: GivenFacts, rules: Rules, now: Instant) -> Expected:
    """What a person can see, and the points of each cause of those who are somebody."""
    return _Model(given, rules, now).expected()


def due_to_be_kept(
    at_change: GivenFacts,
    given: GivenFacts,
    before: Rules,
    after: Rules,
    platform: str,
    now: Instant,
) -> dict[Ids, set[str]]:
    """Persons → the `kept` reasons that are theirs when a platform's rules change from `before` to
    `after` with *keep them*: those whose membership or earlier earn-from day would go.

    `at_change`: the facts when the change came. Persons who became one since keep what either had,
    and nothing that neither had: the YES of one and the sales of the other made nobody a member.
    """
    when_changed = _Model(at_change, before, now)
    then, today = _Model(given, before, now), _Model(given, after, now)
    old, new = then.source(platform), today.source(platform)
    found: dict[Ids, set[str]] = {}
    for members, base in today.base.items():
        had = {
            reason: day
            for reason, day in when_changed.reasons_of_any(members).items()
            if reason in then.reasons(members, base)
        }
        left = today.reasons(members, base)
        lost: dict[str, Day | None] = {}
        if _goes(old.enroll_after, new.enroll_after) and f"enroll_after:{platform}" in had:
            lost["enroll_after"] = old.enroll_after
        yes = [day for reason, day in had.items() if reason.startswith("double_opt_in:")]
        last = today.bought(members).get(platform, EVERYTHING)
        if _goes(old.sms_opt_in_after, new.sms_opt_in_after) and yes:
            assert old.sms_opt_in_after is not None
            if last >= old.sms_opt_in_after:
                lost["sms_opt_in_after"] = _earliest(yes)
        kept = {
            f"kept:{setting}:{platform}@{_iso(day or 0)}"
            for setting, day in lost.items()
            if not left or _is_before(day, _earliest(left.values()))
        }
        if kept:
            found[members] = kept
    return found


def latest_shoppers(given: GivenFacts) -> list[Shopper]:
    """Each shopper as the newest telling has it: an older change never overwrites a newer one."""
    held: dict[tuple[str, str, str], Shopper] = {}
    for shopper in given.shoppers:
        place = (shopper.platform, shopper.scope, shopper.customer.ext_id)
        if place not in held or _overwrites(held[place].customer, shopper.customer):
            held[place] = shopper
    return list(held.values())


def _without(placeholders: frozenset[str], shopper: Shopper) -> Shopper:
    """What an account takes for nobody's is no contact of anybody."""
    customer = shopper.customer
    return shopper._replace(
        customer=replace(
            customer,
            phone=None if customer.phone in placeholders else customer.phone,
            email=None if customer.email in placeholders else customer.email,
        )
    )


def latest_sales(given: GivenFacts) -> list[Sold]:
    """Each sale as the newest telling has it, those that are gone too; what comes back after it was
    gone is as it comes."""
    held: dict[tuple[str, str, str], Sold] = {}
    for number, sold in enumerate(given.sold):
        place = (sold.platform, sold.scope, sold.sale.ext_id)
        comes_back = place in _gone_after(given, number)
        if place not in held or comes_back or _overwrites(held[place].sale, sold.sale):
            held[place] = sold
    return list(held.values())


def gone_sales(given: GivenFacts) -> set[tuple[str, str, str]]:
    """The sales that the POS does not show at the end."""
    return _gone_after(given, len(given.sold))


def _gone_after(given: GivenFacts, tellings: int) -> set[tuple[str, str, str]]:
    return {
        place
        for number, place in given.gone
        if number <= tellings
        and all((*s[:2], s.sale.ext_id) != place for s in given.sold[number:tellings])
    }


def _overwrites(held: object, given: object) -> bool:
    before, after = held.updated_at, given.updated_at  # type: ignore[attr-defined]
    return before is None or after is None or after >= before


def day_of(at: Instant, zone: str) -> Day:
    local = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
    return local.date().toordinal() - date(1970, 1, 1).toordinal()


class _Model:
    def __init__(self, given: GivenFacts, rules: Rules, now: Instant) -> None:
        self.given, self.rules, self.loyalty = given, rules, rules.loyalty
        self.today = day_of(now, given.zone)
        self.shoppers = {
            record_id(given.uid, s.platform, s.scope, s.customer.ext_id): _without(
                given.placeholders, s
            )
            for s in latest_shoppers(given)
        }
        self.every_sale = latest_sales(given)
        self.gone = gone_sales(given)
        placed = [self.placed(self.void_if_gone(sold)) for sold in latest_sales(given)]
        self.sales = [sold for sold in placed if not self.is_of_the_future(sold)]
        self.sales_of: dict[str, list[Sold]] = defaultdict(list)
        self.days: dict[int, Day] = {}
        for sold in self.sales:
            if sold.sale.customer_ext_id is not None:
                self.sales_of[self.record_of(sold)].append(sold)
                self.days[id(sold)] = day_of(sold.sale.ordered_at, self.zone_of(sold))
        self.base = expected_personas(
            self.shoppers.values(), self.sales, given.mapping, uid=given.uid, zone=given.zone
        )

    def expected(self) -> Expected:
        personas: dict[Ids, Persona] = {}
        amounts: dict[Cause, int] = {}
        for members, base in self.base.items():
            reasons = self.reasons(members, base)
            start = self.earn_from(reasons, base)
            own = self.earned(members, start)
            expired, expires_on = self.expired(members, own)
            causes = {**self.by_cause(own), **expired, **self.given_by_hand(members)}
            amounts.update({cause: amount for cause, amount in causes.items() if amount})
            bought = tuple(LastPurchase(*pair) for pair in sorted(self.bought(members).items()))
            personas[members] = replace(
                base,
                reasons=tuple(sorted(reasons.items())),
                asked_by=self.asked_by(members, base),
                said_yes=self.said_yes(members),
                earn_from=start,
                figures=Figures(sum(causes.values()), bought, expires_on),
            )
        return Expected(personas, amounts)

    def record_of(self, sold: Sold) -> str:
        buyer = str(sold.sale.customer_ext_id)
        return record_id(self.given.uid, sold.platform, sold.scope, buyer)

    def void_if_gone(self, sold: Sold) -> Sold:
        """A sale that is gone from the POS counts as void."""
        if (*sold[:2], sold.sale.ext_id) not in self.gone:
            return sold
        return sold._replace(sale=replace(sold.sale, kind="void"))

    def placed(self, sold: Sold) -> Sold:
        """Where a POS told no zone, the clock of the shop decides."""
        shown = sold.sale.wall_clock
        if shown is None:
            return sold
        clock = datetime.fromtimestamp(shown / 1000, UTC)
        at = clock.replace(tzinfo=ZoneInfo(self.zone_of(sold))).timestamp()
        return sold._replace(sale=replace(sold.sale, ordered_at=round(at * 1000)))

    def is_of_the_future(self, sold: Sold) -> bool:
        """A sale dated more than 2 days ahead counts for nothing until its time comes."""
        return day_of(sold.sale.ordered_at, self.zone_of(sold)) > self.today + 2

    def zone_of(self, sold: Sold) -> str:
        key = store_key_id(sold.platform, sold.scope, sold.sale.store_key)
        store = self.given.mapping.get(key)
        of_store = None if store is None else self.given.store_zones.get(store)
        return self.given.key_zones.get(key) or of_store or self.given.zone

    def source(self, platform: str) -> Source:
        return self.rules.sources.get(platform, Source())

    def counting(self, members: Ids) -> list[Sold]:
        """The person's sales that happened, in order."""
        sales = [s for m in members for s in self.sales_of[m] if _counts(s.sale)]
        return sorted(sales, key=_order)

    def bought(self, members: Ids) -> dict[str, Day]:
        days: dict[str, Day] = {}
        for sold in self.counting(members):
            days[sold.platform] = max(days.get(sold.platform, EVERYTHING), self.days[id(sold)])
        return days

    def joins_of(self, members: Ids) -> list[Join]:
        return [join for record, join in self.given.joins if record in members]

    def reasons(self, members: Ids, base: Persona) -> dict[str, Day | None]:
        bought = self.bought(members)
        found: dict[str, list[Day | None]] = defaultdict(list)
        for platform, source in self.rules.sources.items():
            enroll = source.enroll_after
            since = bought.get(platform)
            reliable = not base.flags & _NEVER_ENROLLED
            if enroll is not None and since is not None and since >= enroll and reliable:
                found[f"enroll_after:{platform}"].append(enroll)
        for join in self.joins_of(members):
            if self.stands(join, bought):
                found[join.reason].append(self.joining_day(join))
        if any(self.imported(m) > 0 for m in members):
            found["import"].append(self.import_day(members))
        return {reason: _earliest(days) for reason, days in found.items()}

    def reasons_of_any(self, records: Ids) -> dict[str, Day | None]:
        """The reasons of all persons to whom some of the records belong."""
        found: dict[str, list[Day | None]] = defaultdict(list)
        for members, base in self.base.items():
            if members & records:
                for reason, day in self.reasons(members, base).items():
                    found[reason].append(day)
        return {reason: _earliest(days) for reason, days in found.items()}

    def stands(self, join: Join, bought: Mapping[str, Day]) -> bool:
        """A YES to one POS stands while any POS's date covers the person."""
        if not join.reason.startswith("double_opt_in:"):
            return True
        return any(
            source.sms_opt_in_after is not None
            and bought.get(platform, EVERYTHING) >= source.sms_opt_in_after
            for platform, source in self.rules.sources.items()
        )

    def joining_day(self, join: Join) -> Day | None:
        if join.reason.startswith("kept:"):
            return _from_iso(join.reason.split("@")[1])
        return day_of(join.at, self.given.zone) if self.loyalty.earn_only_from_joining else None

    def import_day(self, members: Ids) -> Day | None:
        if not self.loyalty.earn_only_from_joining:
            return None
        days = [self.source(self.shoppers[m].platform).imported_on for m in members]
        return min([day for day in days if day is not None], default=None)

    def said_yes(self, members: Ids) -> tuple[str, ...]:
        prefix = "double_opt_in:"
        reasons = {join.reason for join in self.joins_of(members)}
        return tuple(sorted(r.removeprefix(prefix) for r in reasons if r.startswith(prefix)))

    def asked_by(self, members: Ids, base: Persona) -> tuple[str, ...]:
        if not (base.own_phones if "shared_key" in base.flags else base.phone):
            return ()
        if base.flags & _NEVER_ASKED:
            return ()
        bought = self.bought(members)
        return tuple(
            platform
            for platform, source in sorted(self.rules.sources.items())
            if source.sms_opt_in_after is not None
            and bought.get(platform, EVERYTHING) >= source.sms_opt_in_after
        )

    def earn_from(self, reasons: Mapping[str, Day | None], base: Persona) -> Day | None:
        if not self.loyalty.enabled or not reasons or "employee" in base.flags:
            return None
        return min(EVERYTHING if day is None else day for day in reasons.values())

    def earned(self, members: Ids, start: Day | None) -> dict[int, int]:
        """The worth of the person's sales, by the identity of the telling."""
        if start is None:
            return {}
        dated, given_back = self.told_once(self.on_time(members, start))
        left = {id(s): max(0, _net(s.sale) - given_back[id(s)]) for s in dated}
        unlinked = [s for m in members for s in self.sales_of[m] if _is_unlinked(s.sale)]
        for back in sorted(unlinked, key=_order):
            take = abs(_net(back.sale))
            before = [s for s in dated if s.sale.ordered_at <= back.sale.ordered_at]
            here = [s for s in before if s[:2] == back[:2]]
            elsewhere = [s for s in before if s.platform == back.platform and s not in here]
            for sold in [*reversed(here), *reversed(elsewhere)]:
                taken = min(take, left[id(sold)])
                left[id(sold)] -= taken
                take -= taken
        per_day: dict[Day, int] = defaultdict(int)
        cap = self.loyalty.max_orders_per_day
        worth = {}
        for sold in dated:
            if left[id(sold)] == 0:
                continue
            per_day[self.days[id(sold)]] += 1
            if cap is None or per_day[self.days[id(sold)]] <= cap:
                worth[id(sold)] = self.worth(sold.sale, left[id(sold)])
        return worth

    def on_time(self, members: Ids, start: Day) -> list[Sold]:
        """The sales of an amount that no date keeps from earning, in order."""
        found = []
        for sold in self.counting(members):
            day, accrual = self.days[id(sold)], self.accrual_start(sold.platform)
            if day >= start and (accrual is None or day >= accrual) and _net(sold.sale) > 0:
                found.append(sold)
        return found

    def told_once(self, dated: list[Sold]) -> tuple[list[Sold], dict[int, int]]:
        """Each purchase once, and what was given back of it in either POS: while the account
        switches, one of the new POS that the old one tells too, on that day and of that amount,
        waits for a person."""
        said = {id(s): self.given.doubles.get((*s[:2], s.sale.ext_id), "") for s in dated}
        given_back = {id(s): self.returned(s) for s in dated}
        waiting: set[int] = set()
        for switch in self.rules.switches:
            taken: set[int] = set()
            may = [
                s
                for s in dated
                if said[id(s)] != "own"
                and id(s) not in waiting
                and (switch.until is None or self.days[id(s)] <= switch.until)
            ]
            news = [s for s in may if s.platform == switch.new]
            olds = [s for s in may if s.platform == switch.old and said[id(s)] != "left_out"]
            for new in sorted(news, key=lambda s: said[id(s)] != "left_out"):
                like = [
                    s
                    for s in olds
                    if id(s) not in taken
                    and self.days[id(s)] == self.days[id(new)]
                    and _net(s.sale) == _net(new.sale)
                ]
                if like:
                    taken.add(id(like[0]))
                    waiting.add(id(new))
                    back = max(given_back[id(like[0])], self.returned(new))
                    given_back[id(like[0])] = back
        once = [s for s in dated if id(s) not in waiting and said[id(s)] != "left_out"]
        return once, given_back

    def accrual_start(self, platform: str) -> Day | None:
        own = self.source(platform).accrual_start
        if own is not None:
            return own
        days = [s.day for s in self.rules.switches if s.starts_earning and s.new == platform]
        if self.loyalty.accrual_start is not None:
            days.append(self.loyalty.accrual_start)
        return max(days, default=None)

    def returned(self, sold: Sold) -> int:
        return sum(
            abs(_net(back.sale))
            for back in self.sales
            if back.sale.kind == "return"
            and back.sale.is_final
            and self.meant_by(back) == sold[:2]
            and back.sale.original_ext_id == sold.sale.ext_id
        )

    def meant_by(self, back: Sold) -> tuple[str, str] | None:
        """Where the sale is that a return names: in its own scope, else in any of the platform."""
        scopes = [
            scope
            for platform, scope, sale in self.every_sale
            if platform == back.platform and sale.ext_id == back.sale.original_ext_id
        ]
        if not scopes:
            return None
        return back.platform, back.scope if back.scope in scopes else min(scopes)

    def worth(self, sale: Sale, left: int) -> int:
        base = _net(sale) - (sale.tax if self.loyalty.exclude_tax else 0)
        if base <= 0:
            return 0
        left_of_base = Fraction(base * left, _net(sale))
        for_dollars = left_of_base * self.loyalty.points_per_100 / 10_000
        return _rounded(for_dollars + self.loyalty.points_per_order, self.loyalty.rounding)

    def expired(self, members: Ids, own: Mapping[int, int]) -> tuple[dict[Cause, int], Day | None]:
        after = self.loyalty.expire_after_days
        if after is None:
            return {}, None
        expired: dict[Cause, int] = {}
        pending, last, sold = 0, None, None
        bought = [(self.days[id(s)], s.sale.ordered_at, s) for s in self.counting(members)]
        taken = [
            (day_of(at, self.given.zone), at, points)
            for (record, _), (points, at) in self.given.redeemed.items()
            if record in members
        ]
        for day, _, what in [*sorted([*bought, *taken], key=lambda e: e[:2]), (self.today, 0, 0)]:
            if last is not None and sold is not None and day - last > after:
                expired[self.record_of(sold), _expiry(sold)] = -pending
                last, pending = None, 0
            if isinstance(what, int):
                pending -= min(pending, what)  # what may expire is spent first
            else:
                pending += own.get(id(what), 0)
                last, sold = day, what
        return expired, last + after + 1 if pending and last is not None else None

    def imported(self, record: str) -> int:
        shopper = self.shoppers[record]
        source = self.source(shopper.platform)
        lock = source.import_locks.get(shopper.scope)
        if lock is not None:
            return round(100 * self.given.listed.get((record, lock), 0))
        shown = shopper.customer.pos_points or 0
        return round(100 * shown) if source.imported_on is not None else 0

    def by_cause(self, own: Mapping[int, int]) -> dict[Cause, int]:
        return {
            (self.record_of(s), f"sale#{s.sale.ext_id}"): own[id(s)]
            for s in self.sales
            if id(s) in own
        }

    def given_by_hand(self, members: Ids) -> dict[Cause, int]:
        """What comes from no sale."""
        imported = {(m, "import"): self.imported(m) for m in members}
        by_hand = {cause: n for cause, n in self.given.adjusted.items() if cause[0] in members}
        redeemed = {c: -n for c, (n, _) in self.given.redeemed.items() if c[0] in members}
        return {**imported, **by_hand, **redeemed}


def _counts(sale: Sale) -> bool:
    return sale.is_final and sale.kind == "sale"


def _is_unlinked(sale: Sale) -> bool:
    return sale.is_final and sale.kind == "return" and not sale.original_ext_id


def _net(sale: Sale) -> int:
    return sale.total - sale.tip - sale.fees


def _order(sold: Sold) -> tuple[Instant, str, str, str]:
    return sold.sale.ordered_at, sold.platform, sold.scope, sold.sale.ext_id


def _goes(old: Day | None, new: Day | None) -> bool:
    """Whether a date is removed or moved later."""
    return old is not None and (new is None or new > old)


def _is_before(day: Day | None, other: Day | None) -> bool:
    """None is before any day."""
    return other is not None and (day is None or day < other)


def _earliest(days: Iterable[Day | None]) -> Day | None:
    """None is before any day."""
    known = list(days)
    return None if None in known else min(day for day in known if day is not None)


def _rounded(points: Fraction, how: str) -> int:
    """Hundredths of a point, `points` likewise."""
    if how == "none":
        return floor(points + Fraction(1, 2))
    in_whole = points / 100
    if how == "up":
        return 100 * ceil(in_whole)
    if how == "down":
        return 100 * floor(in_whole)
    return 100 * floor(in_whole + Fraction(1, 2))


def _expiry(sold: Sold) -> str:
    return f"expiry#{sold.sale.ordered_at:015d}#{sold.scope}#{sold.sale.ext_id}"


def _iso(day: Day) -> str:
    return date.fromordinal(day + date(1970, 1, 1).toordinal()).isoformat()


def _from_iso(text: str) -> Day:
    return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
