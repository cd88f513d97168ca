"""What an account decided: its loyalty rules and the settings of each source (product.md §7, §8).

A day is an integer: days since 1970-01-01 on the local calendar. Points are integers: hundredths of
a point, so that a rounding of *none* stays exact enough and sums never drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.domain.settings import rule_fields
from chalicelib.domain.standing import Standing
from chalicelib.domain.switches import SwitchRule
from chalicelib.domain.times import (
    at_wall_clock,
    day_from_text,
    day_text,
    local_day_number,
    may_be_younger,
)
from chalicelib.domain.words import Day, Instant, Platform, Points, Rounding

_NOTHING: Mapping[str, str] = MappingProxyType({})

MOST_DAYS_AHEAD = 2
"""How far ahead a sale may be dated and count: shops are a day ahead at most, their clocks about
as much (product.md §8)."""


@dataclass(frozen=True, slots=True)
class Loyalty:
    """Settings → Loyalty. `points_per_100` is for each 100 of the currency, e.g. dollars.

    `accrual_start`: earlier sales never earn, unless a source says otherwise. `expire_after_days`
    counts from the last purchase; only earned points expire. None: no cap, no expiry.
    """

    enabled: bool = False
    accrual_start: Day | None = None
    points_per_100: Points = 0
    points_per_order: Points = 0
    max_orders_per_day: int | None = None
    exclude_tax: bool = False
    rounding: Rounding = "nearest"
    expire_after_days: int | None = None
    earn_only_from_joining: bool = False


class KeptMembers(NamedTuple):
    """A setting was removed or moved, and whoever loses membership or an earlier earn-from day by
    it is being kept.

    `setting`: its key, one of those that keep members; `day`: the one it had; `since`: when it was
    changed, no two keeps of a source at the same instant. 0 where it was stored without.
    """

    setting: str
    day: Day
    since: Instant = 0


@dataclass(frozen=True, slots=True)
class Source:
    """The rules that the card of one platform sets; `domain.settings` names the setting of each.

    `import_locks`: scope → the run whose complete listing fixed that scope's imported points for
    ever (product.md §7); `was_imported_on`: their date, once it was removed from the card;
    `keeping`: whom a change at work keeps; `overruled`: keeps that a later change took back before
    they were worked off. `standing`: it uses AIQ's last backup. `pos_wins_from`: what its POS
    edited since then wins over forms (*Sync Personas*). `to_market`: contacts of other markets than
    their scope's are left out; `markets`: the market of each scope whose credential has one.
    `pushes`: its POS has pushed shoppers by its own ids.
    """

    enroll_after: Day | None = None
    sms_opt_in_after: Day | None = None
    accrual_start: Day | None = None
    imported_on: Day | None = None
    was_imported_on: Day | None = None
    import_locks: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    trusts_opt_in_flags: bool = False
    keeping: tuple[KeptMembers, ...] = ()
    overruled: tuple[KeptMembers, ...] = ()
    standing: Standing | None = None
    pos_wins_from: Instant | None = None
    to_market: bool = False
    markets: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    pushes: bool = False

    @property
    def has_keeps(self) -> bool:
        """Whether a change at work keeps anybody, or takes back what was kept."""
        return bool(self.keeping or self.overruled)


NO_SOURCE = Source()


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force. `version` serves optimistic writes; it decides nothing. `switches`: at
    most one of them is open, the last."""

    loyalty: Loyalty = field(default_factory=Loyalty)
    sources: Mapping[Platform, Source] = field(default_factory=dict)
    version: int = 0
    switches: tuple[SwitchRule, ...] = ()

    def source(self, platform: Platform) -> Source:
        return self.sources.get(platform, NO_SOURCE)

    def accrual_start(self, platform: Platform) -> Day | None:
        """The source's own, else the account's; that of a POS which the account switched to is not
        before the day of the switch."""
        own = self.source(platform).accrual_start
        if own is not None or not self.switches:
            return self.loyalty.accrual_start if own is None else own
        days = [s.day for s in self.switches if s.starts_earning and s.new == platform]
        if self.loyalty.accrual_start is not None:
            days.append(self.loyalty.accrual_start)
        return max(days, default=None)

    def may_double(self, platform: Platform, day: Day) -> bool:
        """Whether a sale may be one that another POS tells too."""
        return any(switch.may_double(platform, day) for switch in self.switches)


def with_standing(rules: Rules, platform: Platform, standing: Standing | None) -> Rules:
    """The rules with where the facts of a source stand; None where it moves."""
    source = replace(rules.source(platform), standing=standing)
    return replace(rules, sources={**rules.sources, platform: source})


def setting_values(source: Source) -> dict[str, str | bool | None]:
    """Key of each setting → its value as JSON has it: an ISO day, a bool, or None."""
    values: dict[str, str | bool | None] = {}
    for name, row in rule_fields().items():
        value = getattr(source, name)
        values[row.key] = day_as_text(value) if row.kind == "date" else value
    return values


def with_settings(source: Source, values: Mapping[str, object]) -> Source:
    """The source after these settings are set, or removed where None: `setting_values` undone.

    Settings that no rule holds are passed over.
    """
    changed: dict[str, Any] = {}
    for name, row in rule_fields().items():
        if row.key in values:
            value = values[row.key]
            changed[name] = text_as_day(value) if row.kind == "date" else bool(value)
    return replace(source, **changed)


def loyalty_values(loyalty: Loyalty) -> dict[str, object]:
    """Field of `Loyalty` → its value as JSON has it; the day as ISO text."""
    return {**asdict(loyalty), "accrual_start": day_as_text(loyalty.accrual_start)}


def with_loyalty(loyalty: Loyalty, values: Mapping[str, object]) -> Loyalty:
    """The loyalty rules after these fields are changed: `loyalty_values` undone.

    Fields that only newer code knows are passed over.
    """
    changed: dict[str, Any] = {
        each.name: values[each.name] for each in fields(Loyalty) if each.name in values
    }
    if "accrual_start" in changed:
        changed["accrual_start"] = text_as_day(changed["accrual_start"])
    return replace(loyalty, **changed)


def day_as_text(day: Day | None) -> str | None:
    """A day that may be unset, as ISO text."""
    return None if day is None else day_text(day)


def text_as_day(text: object) -> Day | None:
    """`day_as_text` undone; None for anything but a text."""
    return day_from_text(text) if isinstance(text, str) else None


@dataclass(frozen=True, slots=True)
class Terms:
    """All that derivation needs beside the facts. For equal facts and terms it gives equal state.

    `mapping`: store key id → store. `zone`: the account's IANA zone; `zones`: store key id → the
    zone of the shop where one is known. `minimum_age`: the account's, in years; younger shoppers
    are minors. `placeholders`: phones and e-mails that the account takes for nobody's. `stores`:
    those of the account, each with the zone that is set for it. `states`: those of them whose
    state or province is known, with it.
    """

    as_of: Instant
    rules: Rules = field(default_factory=Rules)
    mapping: Mapping[str, int] = field(default_factory=dict)
    zone: str = "UTC"
    zones: Mapping[str, str] = field(default_factory=dict)
    merge_on_name_and_birth_date: bool = False
    minimum_age: int = 0
    placeholders: frozenset[str] = frozenset()
    stores: Mapping[int, str | None] = field(default_factory=dict)
    states: Mapping[int, str] = field(default_factory=dict)

    def day(self, at: Instant, store_key: str) -> Day:
        """Return the local day of a sale: on the shop's clock, else on the account's (product.md
        §4)."""
        return local_day_number(at, self.zones.get(store_key, self.zone))

    def at(self, wall_clock: Instant, store_key: str) -> Instant:
        """Return when the shop's clock showed this, as `Sale.wall_clock` says it (product.md
        §4)."""
        return at_wall_clock(wall_clock, self.zones.get(store_key, self.zone))

    def own_day(self, at: Instant) -> Day:
        """Return the local day of anything that happened in no shop."""
        return local_day_number(at, self.zone)

    def counts_on(self, at: Instant, store_key: str) -> Day | None:
        """The account's day from which a sale dated ahead counts; None for one that counts now."""
        if at <= self.as_of:
            return None
        first = self.day(at, store_key) - MOST_DAYS_AHEAD
        return first if first > self.today else None

    @property
    def clock_zones(self) -> tuple[str, ...]:
        """The zones of all clocks of the account, each once."""
        return tuple(dict.fromkeys((self.zone, *self.zones.values())))

    @property
    def today(self) -> Day:
        return self.own_day(self.as_of)

    def is_minor(self, birth_date: str | None) -> bool:
        """Whether somebody born then (ISO text, or the year alone) may be under the minimum age.

        Who told no birth date is not: POS without that field would have nobody to text.
        """
        return birth_date is not None and may_be_younger(birth_date, self.minimum_age, self.today)
