"""How many points a person's facts are worth, per cause (product.md §8).

For each cause (a sale, an import, an expiry …) the facts and the rules decide one amount. Amounts
never depend on the order in which the facts arrived.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from chalicelib.domain.doubles import DoubledSale, doubled_sales, purchases
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.membership import Reason
from chalicelib.domain.rules import Loyalty, Rules, Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import POINT, Day, Instant, Minor, Platform, Points

BEFORE_ANY_DAY: Day = -(1 << 31)
_CENTS_IN_100 = 10_000


def earn_from(reasons: Sequence[Reason], flags: AbstractSet[str], loyalty: Loyalty) -> Day | None:
    """Return the first day whose sales may earn for a person; None when none earns.

    Employees never earn. A reason without a day of its own leaves the start to each sale's source.
    """
    if not (loyalty.enabled and reasons) or "employee" in flags:
        return None
    return min([BEFORE_ANY_DAY if r.earn_from is None else r.earn_from for r in reasons])


def first_earning_day(since: Day, platforms: Iterable[Platform], rules: Rules) -> Day:
    """Return a day before which no sale from these platforms earns: the later of `since` and the
    earliest accrual start."""
    starts = [rules.accrual_start(platform) for platform in platforms]
    known = [start for start in starts if start is not None]
    return max(since, min(known)) if known and len(known) == len(starts) else since


def imported_points(member: SourceRecord, terms: Terms) -> Points:
    """Return the points imported for a record: the POS's current balance until the scope's locking
    listing, then that listing's balance for ever (product.md §7, *Loyalty points imported on*)."""
    source = terms.rules.source(member.platform)
    lock = source.import_locks.get(member.scope)
    if lock is not None:
        imported = member.acts.imported
        return in_hundredths(imported.points) if imported and imported.run == lock else 0
    if source.imported_on is None:
        return 0
    return in_hundredths(member.customer.pos_points or 0)


def in_hundredths(balance: float) -> Points:
    """Return a balance of at most two decimals, exactly."""
    return round(balance * POINT)


def sale_points(ref: SaleRef, returned: Minor, loyalty: Loyalty) -> Points:
    """Return the points of an earning sale after `returned` of its net was given back.

    Points per order stay whole while anything of the order is left: a return in part then gives
    what the same sale with a lowered total would.
    """
    base = ref.net - ref.tax if loyalty.exclude_tax else ref.net
    left = ref.net - max(0, returned)
    if base <= 0 or left <= 0:
        return 0
    unit = _CENTS_IN_100 * ref.net
    exact = base * left * loyalty.points_per_100 + loyalty.points_per_order * unit
    return _rounded(exact, unit, loyalty)


def earned_points(
    refs: Iterable[SaleRef], since: Day | None, terms: Terms
) -> dict[SaleRef, Points]:
    """Return the points of each of a person's sales; 0 for those that earn nothing.

    `refs` must hold all sales of each local day they touch, and, where one of them is an unlinked
    return, all earning sales up to it. `since`: `earn_from` of the person.

    Returns are taken off before the daily cap: an order of which nothing is left takes no place.
    """
    known = list(refs)
    amounts = dict.fromkeys(known, 0)
    if since is None:
        return amounts
    loyalty = terms.rules.loyalty
    dated, given_back = purchases(_dated(known, since, terms), terms.rules.switches)
    returned = _unlinked_returns(dated, [ref for ref in known if ref.unlinked], given_back)
    left = {ref: day for ref, day in dated.items() if ref.returned + returned.get(ref, 0) < ref.net}
    for ref in _first_of_their_day(left, loyalty.max_orders_per_day):
        amounts[ref] = sale_points(ref, ref.returned + returned.get(ref, 0), loyalty)
    return amounts


def suspected_doubles(
    refs: Iterable[SaleRef], since: Day | None, terms: Terms
) -> list[DoubledSale]:
    """Return the pairs of a person's sales of which one alone earns, because they look like one
    that two POS tell. `since`: `earn_from` of the person."""
    if since is None or not terms.rules.switches:
        return []
    return doubled_sales(_dated(refs, since, terms), terms.rules.switches)


class Spending(NamedTuple):
    """Points that a person redeemed, and did not get back; `record`: whose redemption it is."""

    at: Instant
    points: Points
    record: str


class ExpiryResult(NamedTuple):
    """`points`: what expired, as negative amounts, by the last purchase before each expiry. `spent`
    of earned points, by record."""

    points: dict[SaleRef, Points]
    spent: dict[str, Points]


def expire(
    amounts: Mapping[SaleRef, Points], spendings: Iterable[Spending], terms: Terms
) -> ExpiryResult:
    """Return the points that expired, and how many of the earned ones were spent before.

    `amounts`: all of a person's sales with their points; `spendings`: all that they redeemed, which
    takes the earned points first. Sales are ordered by local day, not by instant, because clocks
    differ.
    """
    after = terms.rules.loyalty.expire_after_days
    if after is None:
        return ExpiryResult({}, {})
    day = {ref: terms.day(ref.ordered_at, ref.store_key) for ref in amounts if ref.counts}
    bought = sorted(day, key=lambda ref: (day[ref], _order(ref)))
    days = [*(day[ref] for ref in bought), terms.today]
    spent: dict[str, Points] = {}
    waiting = deque(sorted((terms.own_day(each.at), each) for each in spendings))
    found: dict[SaleRef, Points] = {}
    outstanding = 0
    for place, (ref, following) in enumerate(zip(bought, days[1:], strict=True)):
        while waiting and (waiting[0][0], waiting[0][1].at) < (day[ref], ref.ordered_at):
            waiting.popleft()  # before anything was earned, or after it had expired
        outstanding += amounts[ref]
        until = _place(bought[place + 1], day) if place + 1 < len(bought) else None
        while waiting and waiting[0][0] - day[ref] <= after:
            if until is not None and (waiting[0][0], waiting[0][1].at) >= until:
                break
            _, spending = waiting.popleft()
            used = min(max(0, outstanding), spending.points)
            spent[spending.record] = spent.get(spending.record, 0) + used
            outstanding -= used
        if following - day[ref] > after and outstanding > 0:
            found[ref] = -outstanding
            outstanding = 0
    return ExpiryResult(found, spent)


def _place(ref: SaleRef, day: Mapping[SaleRef, Day]) -> tuple[Day, Instant]:
    return day[ref], ref.ordered_at


def expiry_day(
    bought: Mapping[Platform, Day], earned_points: Points, loyalty: Loyalty
) -> Day | None:
    """Return the first day on which the rest of the earned points is expired, unless there is a
    purchase before. `bought`: the day of the last purchase per platform."""
    if loyalty.expire_after_days is None or earned_points <= 0 or not bought:
        return None
    return max(bought.values()) + loyalty.expire_after_days + 1


def _dated(refs: Iterable[SaleRef], since: Day, terms: Terms) -> dict[SaleRef, Day]:
    """Return the counting sales on or after every start, with their local days."""
    rules = terms.rules
    found: dict[SaleRef, Day] = {}
    for ref in refs:
        if not ref.counts or ref.net <= 0:
            continue
        day = terms.day(ref.ordered_at, ref.store_key)
        start = rules.accrual_start(ref.platform)
        if day >= since and (start is None or day >= start):
            found[ref] = day
    return found


def _first_of_their_day(days: Mapping[SaleRef, Day], cap: int | None) -> Iterable[SaleRef]:
    """Return the earliest orders of each day, as many as the daily cap allows."""
    if cap is None:
        return days
    per_day: dict[Day, list[SaleRef]] = {}
    for ref, day in days.items():
        per_day.setdefault(day, []).append(ref)
    return [ref for day in per_day.values() for ref in sorted(day, key=_order)[:cap]]


def _unlinked_returns(
    dated: Iterable[SaleRef], unlinked: Sequence[SaleRef], given_back: dict[SaleRef, Minor]
) -> dict[SaleRef, Minor]:
    """Return, per sale, the amount of unlinked returns taken off it, and `given_back` besides.

    Each return is taken off the latest sales up to its time: those of its scope first, then those
    of the platform's other scopes.
    """
    found = given_back
    if not unlinked:
        return found
    latest_first = sorted(dated, key=_order, reverse=True)
    for back in sorted(unlinked, key=_order):
        owed = back.net
        for ref in _candidates(latest_first, back):
            taken = min(owed, max(0, ref.net - ref.returned - found.get(ref, 0)))
            if taken:
                found[ref] = found.get(ref, 0) + taken
                owed -= taken
            if owed <= 0:
                break
    return found


def _candidates(latest_first: Iterable[SaleRef], back: SaleRef) -> list[SaleRef]:
    """Return the sales that a return may be taken off, the first to be taken first."""
    before = [
        ref
        for ref in latest_first
        if ref.platform == back.platform and ref.ordered_at <= back.ordered_at
    ]
    return sorted(before, key=lambda ref: ref.scope != back.scope)


def _order(ref: SaleRef) -> tuple[int, str, str, str]:
    """Order sales by time, then by id."""
    return ref.ordered_at, ref.platform, ref.scope, ref.ext_id


def _rounded(numerator: int, denominator: int, loyalty: Loyalty) -> Points:
    """Return `numerator / denominator` hundredths of a point, rounded by the account's setting."""
    unit = 1 if loyalty.rounding == "none" else POINT
    denominator *= unit
    if loyalty.rounding == "up":
        whole = -(-numerator // denominator)
    elif loyalty.rounding == "down":
        whole = numerator // denominator
    else:
        whole = (2 * numerator + denominator) // (2 * denominator)
    return whole * unit
