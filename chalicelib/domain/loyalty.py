"""How many points a person's facts are worth, per cause (product.md §8).

For each cause (a sale, an import, an expiry …) the facts and the rules decide one amount. Amounts
never depend on the order in which the facts arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.membership import Reason
from chalicelib.domain.rules import Loyalty, Rules, Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import POINT, Day, Minor, Platform, Points

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
        return imported.points * POINT if imported is not None and imported.run == lock else 0
    if source.imported_on is None:
        return 0
    return (member.customer.pos_points or 0) * POINT


def sale_points(ref: SaleRef, returned: Minor, loyalty: Loyalty) -> Points:
    """Return the points of an earning sale after `returned` of its net was given back."""
    base = ref.net - ref.tax if loyalty.exclude_tax else ref.net
    if base <= 0 or ref.net <= 0:
        return 0
    left = max(0, ref.net - returned)
    exact = base * loyalty.points_per_100 + loyalty.points_per_order * _CENTS_IN_100
    return _rounded(exact * left, _CENTS_IN_100 * ref.net, loyalty)


def earned_points(
    refs: Iterable[SaleRef], since: Day | None, terms: Terms
) -> dict[SaleRef, Points]:
    """Return the points of each of a person's sales; 0 for those that earn nothing.

    `refs` must hold all sales of each local day they touch, and, where one of them is an unlinked
    return, all earning sales up to it. `since`: `earn_from` of the person.
    """
    known = list(refs)
    amounts = dict.fromkeys(known, 0)
    if since is None:
        return amounts
    loyalty = terms.rules.loyalty
    earning = _earning(known, since, terms)
    returned = _unlinked_returns(earning, [ref for ref in known if ref.unlinked])
    for ref in earning:
        amounts[ref] = sale_points(ref, ref.returned + returned.get(ref, 0), loyalty)
    return amounts


def expired_points(amounts: Mapping[SaleRef, Points], terms: Terms) -> dict[SaleRef, Points]:
    """Return the points that expired, as negative amounts, by the last purchase before each expiry.

    `amounts`: all of a person's sales with their points. Sales are ordered by local day, not by
    instant, because clocks differ.
    """
    after = terms.rules.loyalty.expire_after_days
    if after is None:
        return {}
    day = {ref: terms.day(ref.ordered_at, ref.store_key) for ref in amounts if ref.counts}
    bought = sorted(day, key=lambda ref: (day[ref], _order(ref)))
    days = [*(day[ref] for ref in bought), terms.today]
    found: dict[SaleRef, Points] = {}
    outstanding = 0
    for ref, following in zip(bought, days[1:], strict=True):
        outstanding += amounts[ref]
        if following - day[ref] > after and outstanding > 0:
            found[ref] = -outstanding
            outstanding = 0
    return found


def expiry_day(
    bought: Mapping[Platform, Day], earned_points: Points, loyalty: Loyalty
) -> Day | None:
    """Return the first day on which the rest of the earned points is expired, unless there is a
    purchase before. `bought`: the day of the last purchase per platform."""
    if loyalty.expire_after_days is None or earned_points <= 0 or not bought:
        return None
    return max(bought.values()) + loyalty.expire_after_days + 1


def _earning(refs: Iterable[SaleRef], since: Day, terms: Terms) -> list[SaleRef]:
    """Return the sales that count, are on or after every start, and are within the daily cap."""
    rules = terms.rules
    cap = rules.loyalty.max_orders_per_day
    per_day: dict[Day, list[SaleRef]] = {}
    for ref in refs:
        if not ref.counts or ref.net <= 0:
            continue
        day = terms.day(ref.ordered_at, ref.store_key)
        start = rules.accrual_start(ref.platform)
        if day >= since and (start is None or day >= start):
            per_day.setdefault(day, []).append(ref)
    if cap is None:
        return [ref for day in per_day.values() for ref in day]
    return [ref for day in per_day.values() for ref in sorted(day, key=_order)[:cap]]


def _unlinked_returns(
    earning: Sequence[SaleRef], unlinked: Sequence[SaleRef]
) -> dict[SaleRef, Minor]:
    """Return, per sale, the amount of unlinked returns taken off it: each return is taken off the
    latest earning sales of its scope before it."""
    found: dict[SaleRef, Minor] = {}
    if not unlinked:
        return found
    latest_first = sorted(earning, key=_order, reverse=True)
    for back in sorted(unlinked, key=_order):
        owed = back.net
        for ref in latest_first:
            if owed <= 0:
                break
            if (ref.platform, ref.scope) != (back.platform, back.scope):
                continue
            if _order(ref) > _order(back):
                continue
            left = ref.net - ref.returned - found.get(ref, 0)
            taken = min(owed, max(0, left))
            if taken:
                found[ref] = found.get(ref, 0) + taken
                owed -= taken
    return found


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
