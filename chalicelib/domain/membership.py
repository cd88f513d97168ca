"""Membership of the loyalty programme, and who is to be asked for SMS consent.

Membership is a set of reasons; a person with a reason is a member (product.md §8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from chalicelib.domain.acts import DOUBLE_OPT_IN, KEPT, Join
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.rules import Rules, Terms
from chalicelib.domain.sales_summary import SalesSummary
from chalicelib.domain.settings import ENROLL_AFTER
from chalicelib.domain.times import day_from_text
from chalicelib.domain.words import Day, Platform, Points

IMPORT = "import"
UNRELIABLE = frozenset({"employee", "test", "inactive", "busy"})
"""Flags of personas that are kept, but neither enrolled nor texted (product.md §6)."""

NEVER_TEXTED = UNRELIABLE | {"minor", "large_component"}
"""Flags of personas that are never texted (product.md §6, §9). A number that too many share is not
texted either; the person's other, own number may be."""

LastDays = Mapping[Platform, Day]
"""The local day of the last counting sale, by platform."""


class Reason(NamedTuple):
    """A reason of membership.

    `earn_from`: the first day whose sales earn for it; None: from the accrual start date.
    """

    name: str
    earn_from: Day | None


def last_days(
    members: Iterable[SourceRecord], sales: Mapping[str, SalesSummary], terms: Terms
) -> dict[Platform, Day]:
    """Return the day of the last counting sale per platform: by day, because clocks differ."""
    found: dict[Platform, Day] = {}
    for member in members:
        summary = sales.get(member.id)
        if summary is not None and summary.stores:
            day = last_day(summary, terms)
            found[member.platform] = max(found.get(member.platform, day), day)
    return found


def last_day(summary: SalesSummary, terms: Terms) -> Day:
    """Return the latest local day of a record's counting sales; it must have some."""
    return max([terms.day(store.last_at, store.store_key) for store in summary.stores])


def membership_reasons(
    members: Sequence[SourceRecord],
    bought: LastDays,
    flags: AbstractSet[str],
    imported: Points,
    terms: Terms,
) -> tuple[Reason, ...]:
    """Return why the person of these records is a member, ordered by name; empty for no member.

    `imported`: the highest balance imported for one of the records: a debt of another record of the
    household takes nobody's membership.
    """
    found = dict(_enrolled(bought, flags, terms.rules))
    for member in members:
        for join in member.acts.joins:
            reason = _reason(join, bought, terms)
            if reason is not None:
                found[reason.name] = _earlier(found.get(reason.name), reason)
    if imported > 0:
        found[IMPORT] = Reason(IMPORT, _import_day(members, terms))
    return tuple([found[name] for name in sorted(found)]) if found else ()


def is_still_given(
    reason: Reason,
    bought: LastDays,
    flags: AbstractSet[str],
    platforms: Iterable[Platform],
    rules: Rules,
) -> bool:
    """Whether the rules would still give this reason for the same facts. `platforms`: where the
    person is known."""
    kind, _, place = reason.name.partition(":")
    platform = Platform(place)
    source = rules.source(platform)
    if kind == ENROLL_AFTER:
        return not flags & UNRELIABLE and has_bought_since(bought, platform, source.enroll_after)
    if kind == DOUBLE_OPT_IN:
        return is_yes_covered(bought, rules)
    if kind == IMPORT:
        sources = [rules.source(known) for known in platforms]
        return any(s.imported_on is not None or s.import_locks for s in sources)
    return True


def platforms_answered_yes(members: Iterable[SourceRecord]) -> tuple[Platform, ...]:
    """Return the platforms whose double opt-in this person answered with YES, sorted."""
    found = {
        Platform(join.reason.partition(":")[2])
        for member in members
        if member.acts.joins
        for join in member.acts.joins
        if join.reason.startswith(f"{DOUBLE_OPT_IN}:")
    }
    return tuple(sorted(found)) if found else ()


def asking_platforms(
    bought: LastDays, flags: AbstractSet[str], rules: Rules
) -> tuple[Platform, ...]:
    """Return the platforms whose setting asks this person for SMS consent, sorted."""
    if flags & NEVER_TEXTED:
        return ()
    return tuple(
        sorted(
            platform
            for platform, source in rules.sources.items()
            if has_bought_since(bought, platform, source.sms_opt_in_after)
        )
    )


def has_bought_since(bought: LastDays, platform: Platform, day: Day | None) -> bool:
    """Whether there was a counting sale of the platform on or after the day of a setting; False for
    a setting without a day."""
    last = bought.get(platform)
    return day is not None and last is not None and last >= day


def is_yes_covered(bought: LastDays, rules: Rules) -> bool:
    """Whether a YES to a double opt-in makes a member: while the date of any source covers the
    person, because a YES to one request answers those of all."""
    return any(
        has_bought_since(bought, platform, source.sms_opt_in_after)
        for platform, source in rules.sources.items()
    )


def _enrolled(
    bought: LastDays, flags: AbstractSet[str], rules: Rules
) -> Iterable[tuple[str, Reason]]:
    if flags & UNRELIABLE:
        return
    for platform, source in rules.sources.items():
        if has_bought_since(bought, platform, source.enroll_after):
            name = f"{ENROLL_AFTER}:{platform}"
            yield name, Reason(name, source.enroll_after)


def _reason(join: Join, bought: LastDays, terms: Terms) -> Reason | None:
    """Return the reason that a join gives today; an opt-in by request counts only while a setting
    that asks covers the person."""
    kind, _, rest = join.reason.partition(":")
    if kind == KEPT:
        return Reason(join.reason, day_from_text(rest.rpartition("@")[2]))
    if kind == DOUBLE_OPT_IN and not is_yes_covered(bought, terms.rules):
        return None
    return Reason(join.reason, _joining_day(join, terms))


def _joining_day(join: Join, terms: Terms) -> Day | None:
    return terms.own_day(join.at) if terms.rules.loyalty.earn_only_from_joining else None


def _import_day(members: Sequence[SourceRecord], terms: Terms) -> Day | None:
    """Return the day of joining for imported points: the day on which they are imported."""
    if not terms.rules.loyalty.earn_only_from_joining:
        return None
    sources = [terms.rules.source(member.platform) for member in members]
    days = [day for s in sources for day in (s.imported_on, s.was_imported_on) if day is not None]
    return min(days, default=None)


def _earlier(one: Reason | None, other: Reason) -> Reason:
    """Return which of two reasons with one name earns from the earlier day."""
    if one is None or other.earn_from is None:
        return other
    if one.earn_from is None or one.earn_from <= other.earn_from:
        return one
    return other
