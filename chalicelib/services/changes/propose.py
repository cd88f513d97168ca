"""From what a person wants changed to the rules as they would be (product.md §7, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict
from chalicelib.domain.integration_states import must_be_changeable
from chalicelib.domain.points_import import is_locked, latecomers
from chalicelib.domain.rules import Keep, Loyalty, Rules, Setting, Source
from chalicelib.domain.times import day_from_text, day_text, local_day
from chalicelib.domain.words import Day, MembersChoice, Platform, Uid
from chalicelib.services.integrations.settings import (
    MAY_BE_TOMORROW,
    PREVIEWED,
    TICK_FIRST,
    TRUST,
    SettingValue,
    day_faults,
    judge,
    refused,
    stored,
)
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.changes import LOYALTY, Preview, Values
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Credentials, Integration, Integrations
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rules import RuleBook

IMPORTED_ALREADY = (
    "The points were imported: this is a one-time sync, and its date cannot be changed any more."
    " Removing it keeps the points."
)
NOTHING: dict[str, object] = {
    "field": "changes",
    "reason": "give at least one change",
    "example": None,
}
PATCH_THESE = "This setting needs no preview: PATCH the settings."
STARTS_TODAY = "Points accrual start date is set to {day}, today: sales before it earn nothing."
POINTS_SETTINGS = frozenset({"points_imported_on", "points_accrual_start"})

_FIELDS: Mapping[str, str] = {
    "enroll_after": "enroll_after",
    "sms_opt_in_after": "sms_opt_in_after",
    "points_imported_on": "imported_on",
    "points_accrual_start": "accrual_start",
}
_KEPT: tuple[Setting, ...] = ("enroll_after", "sms_opt_in_after")


@dataclass(frozen=True, slots=True)
class Proposal:
    """`rules` are today's, `wanted` those after the change, at the same version. `card` is the
    integration as read; None for loyalty rules. `notes` say what was not asked for."""

    uid: Uid
    subject: str
    changes: Values
    rules: Rules
    wanted: Rules
    card: Integration | None = None
    notes: tuple[str, ...] = ()

    @property
    def platform(self) -> Platform:
        """Whose card it is, when it is no change of the account's loyalty rules."""
        return Platform(self.subject)

    @property
    def moves_points(self) -> bool:
        return self.subject == LOYALTY or not POINTS_SETTINGS.isdisjoint(self.changes)

    @property
    def before(self) -> dict[str, object]:
        """What the changed values are today."""
        if self.subject == LOYALTY:
            shown = loyalty_values(self.rules.loyalty)
        else:
            shown = source_values(self.rules.source(self.platform))
        return {name: shown[name] for name in self.changes}

    def keeping(self, members: MembersChoice) -> Rules:
        """The wanted rules; with *keep*, whoever a removed or later date made a member stays."""
        if members == "let_go" or self.subject == LOYALTY:
            return self.wanted
        before, after = (rules.source(self.platform) for rules in (self.rules, self.wanted))
        keeping = list(after.keeping)
        for setting in _KEPT:
            old, new = before.asked_after(setting), after.asked_after(setting)
            if old is not None and (new is None or new > old):
                keeping.append(Keep(setting, old))
        kept = replace(after, keeping=tuple(dict.fromkeys(keeping)))
        return replace(self.wanted, sources={**self.wanted.sources, self.platform: kept})


class Proposals:
    def __init__(
        self,
        *,
        pos: PosGateway,
        integrations: Integrations,
        credentials: Credentials,
        accounts: Accounts,
        rules: RuleBook,
        clock: Clock,
    ) -> None:
        self._pos = pos
        self._integrations = integrations
        self._credentials = credentials
        self._accounts = accounts
        self._rules = rules
        self._clock = clock

    def settings(
        self, uid: Uid, platform: Platform, changes: Mapping[str, SettingValue | None]
    ) -> Proposal:
        """Raises NotFound, InvalidInput; Conflict with what to do first."""
        if not changes:
            raise refused(NOTHING)
        info = self._pos.platform(platform)
        zone = self._accounts.get(uid).time_zone
        judge(info, changes, local_day(self._clock.now(), zone), trust=True)
        if any(name not in PREVIEWED for name in changes):
            raise Conflict(PATCH_THESE)
        card = self._integrations.get(uid, platform) or Integration(uid, platform)
        must_be_changeable(card.state)
        if changes.get("sms_opt_in_after") is not None and card.age_gate is None:
            raise Conflict(TICK_FIRST)
        values = {name: stored(value) for name, value in changes.items()}
        return self._of_source(uid, platform, values, card, zone)

    def loyalty(self, uid: Uid, changes: Mapping[str, Any]) -> Proposal:
        """`changes`: fields of `Loyalty`, days as dates. Raises InvalidInput.

        Points that are switched on without a start accrue from today.
        """
        if not changes:
            raise refused(NOTHING)
        today = local_day(self._clock.now(), self._accounts.get(uid).time_zone)
        start = changes.get("accrual_start")
        if start is not None and (faults := day_faults(MAY_BE_TOMORROW, start, today)):
            raise refused(*({**fault, "field": "accrual_start"} for fault in faults))
        rules = self._rules.get(uid)
        values = {name: stored(value) for name, value in changes.items()}
        wanted = with_loyalty(rules.loyalty, values)
        notes: tuple[str, ...] = ()
        if wanted.enabled and wanted.accrual_start is None:
            values["accrual_start"] = today.isoformat()
            notes = (STARTS_TODAY.format(day=today.isoformat()),)
            wanted = with_loyalty(rules.loyalty, values)
        return Proposal(uid, LOYALTY, values, rules, replace(rules, loyalty=wanted), notes=notes)

    def again(self, preview: Preview) -> Proposal:
        """What a preview is of, by today's rules."""
        uid, rules = preview.uid, self._rules.get(preview.uid)
        if preview.subject == LOYALTY:
            loyalty = with_loyalty(rules.loyalty, preview.changes)
            return Proposal(uid, LOYALTY, preview.changes, rules, replace(rules, loyalty=loyalty))
        platform = Platform(preview.subject)
        card = self._integrations.get(uid, platform) or Integration(uid, platform)
        zone = self._accounts.get(uid).time_zone
        return self._of_source(uid, platform, preview.changes, card, zone)

    def _of_source(
        self, uid: Uid, platform: Platform, values: Values, card: Integration, zone: str
    ) -> Proposal:
        rules = self._rules.get(uid)
        before = rules.source(platform)
        source = with_settings(before, values)
        if source.imported_on != before.imported_on:
            source = self._reimported(uid, platform, before, source, zone)
        wanted = replace(rules, sources={**rules.sources, platform: source})
        return Proposal(uid, platform, values, rules, wanted, card)

    def _reimported(
        self, uid: Uid, platform: Platform, before: Source, source: Source, zone: str
    ) -> Source:
        """Another date of the import. Raises Conflict once a listing has fixed the balances."""
        if is_locked(before):
            if source.imported_on is not None:
                raise Conflict(IMPORTED_ALREADY)
            return replace(source, was_imported_on=before.imported_on)
        locks: Mapping[str, str] = {}
        if source.imported_on is not None:
            found = self._credentials.for_integration(uid, platform)
            live = [(c.scope, c.created_at) for c in found if c.removed_at is None]
            locks = latecomers(live, source.imported_on, zone)
        return replace(source, import_locks=locks)


def with_settings(source: Source, values: Values) -> Source:
    """The source with the card's settings as stored."""
    changed: dict[str, Any] = {
        _FIELDS[name]: _day(value) for name, value in values.items() if name in _FIELDS
    }
    if TRUST in values:
        changed[TRUST] = bool(values[TRUST])
    return replace(source, **changed)


def source_values(source: Source) -> dict[str, object]:
    """The inverse of `with_settings`."""
    shown: dict[str, object] = {
        name: _text(getattr(source, field)) for name, field in _FIELDS.items()
    }
    return {**shown, TRUST: source.trusts_opt_in_flags}


def with_loyalty(loyalty: Loyalty, values: Values) -> Loyalty:
    """The loyalty rules with these fields changed; a day as ISO text."""
    changed: dict[str, Any] = dict(values)
    if "accrual_start" in changed:
        changed["accrual_start"] = _day(changed["accrual_start"])
    return replace(loyalty, **changed)


def loyalty_values(loyalty: Loyalty) -> dict[str, object]:
    """The inverse of `with_loyalty`."""
    return {
        "enabled": loyalty.enabled,
        "accrual_start": _text(loyalty.accrual_start),
        "points_per_100": loyalty.points_per_100,
        "points_per_order": loyalty.points_per_order,
        "max_orders_per_day": loyalty.max_orders_per_day,
        "exclude_tax": loyalty.exclude_tax,
        "rounding": loyalty.rounding,
        "expire_after_days": loyalty.expire_after_days,
        "earn_only_from_joining": loyalty.earn_only_from_joining,
    }


def _day(value: object) -> Day | None:
    return day_from_text(value) if isinstance(value, str) else None


def _text(day: Day | None) -> str | None:
    return None if day is None else day_text(day)
