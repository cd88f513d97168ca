"""Whom a change of settings keeps: *keep them* and *let them go* (product.md §7).

*Keep* gives a reason of their own to all whose membership, or whose earlier earn-from day, a
setting takes along that is removed or moved; whoever had neither gets none. Reasons that a keep has
written so far are taken back where a later change overrules it while it is still at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from chalicelib.domain.acts import DOUBLE_OPT_IN, KEPT, Acts, Join
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.membership import UNRELIABLE, LastDays, Reason, has_bought_since
from chalicelib.domain.rules import KeptMembers, Rules, Terms
from chalicelib.domain.sales_summary import SalesSummary
from chalicelib.domain.settings import ENROLL_AFTER, SMS_OPT_IN_AFTER
from chalicelib.domain.times import day_text
from chalicelib.domain.words import Day, Platform

FIRST_DAY: Day = 0
"""The day of a kept reason whose sales no day held back: 1970-01-01."""

_NEVER: Day = 1 << 31


class KeptReason(NamedTuple):
    """A reason that a keep gives to a person of the platform."""

    platform: Platform
    keep: KeptMembers
    reason: Reason


def kept_reason(setting: str, platform: Platform, day: Day) -> str:
    """`kept:<setting>:<platform>@<ISO day>`."""
    return f"{_prefix(setting, platform)}{day_text(day)}"


def reasons_to_keep(
    had: Sequence[Reason],
    left: Sequence[Reason],
    bought: LastDays,
    flags: AbstractSet[str],
    rules: Rules,
) -> list[KeptReason]:
    """Return the reasons that the keeps at work give to a person, at most one per setting.

    `had`: the person's reasons by the rules before; `left`: those by the rules of today.
    """
    since = min([FIRST_DAY if r.earn_from is None else r.earn_from for r in left], default=_NEVER)
    found = []
    for platform, source in rules.sources.items():
        for setting in dict.fromkeys(keep.setting for keep in source.keeping):
            keeps = [keep for keep in source.keeping if keep.setting == setting]
            kept = [(_kept_day(keep, platform, had, bought, flags), keep) for keep in keeps]
            days = [(day, -keep.day, -keep.since, keep) for day, keep in kept if day is not None]
            if days and min(days)[0] < since:
                day, *_, keep = min(days)
                reason = Reason(kept_reason(setting, platform, day), day)
                found.append(KeptReason(platform, keep, reason))
    return found


def joins_to_keep(
    members: Sequence[SourceRecord],
    had: Sequence[Reason],
    left: Sequence[Reason],
    bought: LastDays,
    flags: AbstractSet[str],
    sales: Mapping[str, SalesSummary],
    terms: Terms,
) -> dict[str, list[Join]]:
    """Return `reasons_to_keep` as joins, by the record to write them on."""
    found: dict[str, list[Join]] = {}
    for platform, keep, reason in reasons_to_keep(had, left, bought, flags, terms.rules):
        record = _record_to_write(members, platform, keep, sales)
        join = Join(reason.name, keep.since or terms.as_of)
        if record is not None:
            found.setdefault(record, []).append(join)
    return found


def without_overruled(record: SourceRecord, rules: Rules) -> Acts:
    """Return the record's acts without the reasons that overruled keeps wrote."""
    taken_back = {
        (_prefix(keep.setting, platform), keep.since)
        for platform, source in rules.sources.items()
        for keep in source.overruled
    }
    joins = tuple(j for j in record.acts.joins if (_stem(j.reason), j.at) not in taken_back)
    return record.acts if joins == record.acts.joins else replace(record.acts, joins=joins)


def may_be_overruled(reasons: Iterable[Reason], rules: Rules) -> bool:
    """Whether an overruled keep may have written one of the reasons; only the records tell."""
    stems = {_stem(reason.name) for reason in reasons}
    return any(
        _prefix(keep.setting, platform) in stems
        for platform, source in rules.sources.items()
        for keep in source.overruled
    )


def _kept_day(
    keep: KeptMembers,
    platform: Platform,
    had: Sequence[Reason],
    bought: LastDays,
    flags: AbstractSet[str],
) -> Day | None:
    """Return the earn-from day that the setting gave the person and that is kept, or None.

    A date may have been moved before the person was derived by it, so that they had a later day, or
    an earlier one that another choice took from them since.
    """
    days = [
        FIRST_DAY if reason.earn_from is None else reason.earn_from
        for reason in had
        if _is_of_setting(reason, keep.setting, platform)
    ]
    if not days:
        return None
    if keep.setting == SMS_OPT_IN_AFTER:
        return min(days) if has_bought_since(bought, platform, keep.day) else None
    day = max(keep.day, min(days))
    if flags & UNRELIABLE or not has_bought_since(bought, platform, day):
        return None
    return day


def _is_of_setting(reason: Reason, setting: str, platform: Platform) -> bool:
    """Whether the setting of this platform gave the reason. A YES counts under every source's."""
    if _stem(reason.name) == _prefix(setting, platform):
        return True
    if setting == SMS_OPT_IN_AFTER:
        return reason.name.startswith(f"{DOUBLE_OPT_IN}:")
    return setting == ENROLL_AFTER and reason.name == f"{ENROLL_AFTER}:{platform}"


def _record_to_write(
    members: Sequence[SourceRecord],
    platform: Platform,
    keep: KeptMembers,
    sales: Mapping[str, SalesSummary],
) -> str | None:
    """Return the record to write the join on: the one that answered YES, or that bought last."""
    if keep.setting == SMS_OPT_IN_AFTER and (answered := sorted(_records_with_a_yes(members))):
        return answered[0]
    buyers = [
        (summary.last_at, m.id)
        for m in members
        if m.platform == platform
        and (summary := sales.get(m.id)) is not None
        and summary.last_at is not None
    ]
    return max(buyers)[1] if buyers else None


def _records_with_a_yes(members: Iterable[SourceRecord]) -> Iterator[str]:
    for member in members:
        if any(join.reason.startswith(f"{DOUBLE_OPT_IN}:") for join in member.acts.joins):
            yield member.id


def _prefix(setting: str, platform: Platform) -> str:
    return f"{KEPT}:{setting}:{platform}@"


def _stem(reason: str) -> str:
    """Return the name of a kept reason without its day, "" and more for others."""
    stem, at, _ = reason.rpartition("@")
    return stem + at
