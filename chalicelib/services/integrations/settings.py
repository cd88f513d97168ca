"""Show a card's settings and change those that need no preview: versioned, audited (§7).

Settings that can enrol, message or remove people, or move points, are only changed by what was
previewed (`services/changes`); *Use AIQ's last backup* has calls of its own (`services/freezing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from chalicelib.domain.errors import Conflict, StaleVersion, field_fault, invalid_fields
from chalicelib.domain.points_import import accrual_mismatch
from chalicelib.domain.rules import Rules, setting_values
from chalicelib.domain.settings import (
    LEAVE_THE_REST_ALONE,
    POINTS_IMPORTED_ON,
    SYNC_PERSONAS,
    CardSetting,
    any_sends_sms,
    card_setting,
    card_settings,
    previewed_keys,
)
from chalicelib.domain.times import day_text, local_day, start_of_day
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.integrations.changeable import require_settled
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry, changed_fields
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Integration, Integrations
from chalicelib.services.ports.pos import PlatformInfo, PosGateway
from chalicelib.services.ports.rules import RuleBook

SettingValue = date | bool
TICK_FIRST = "Tick the age-gate box first"
ACCRUAL_HINT = (
    "Set Points accrual start date to {day}, the day after the import, so that no sale earns twice"
    " and none is left out."
)
IN_EFFECT = "In effect."
OUT_OF_STEP = "Saved, not yet in effect: preview and apply it."
PREVIEW_FIRST = (
    "This setting can enrol, message or remove people, or move points. Preview the change, look at"
    " its counts, and apply it with the preview's token."
)
SWITCH_IT = (
    "This setting is turned on by POST …/freeze, after its preview, and off by POST …/unfreeze."
)
RULE_TRIES = 5
EARLIEST = date(1990, 1, 1)


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting with its texts; `value` is an ISO day, a bool, or None when it was never set."""

    key: str
    label: str
    kind: str
    help: str
    warning: str | None
    note: str | None
    value: str | bool | None
    hint: str | None
    applied: bool
    status: str


@dataclass(frozen=True, slots=True)
class SettingsView:
    """The settings of a card, with the warning above them.

    `sms_from`: when double opt-in requests may begin to go out; `sms_stopped`: they are stopped.
    """

    warning: str | None
    settings: tuple[SettingView, ...]
    version: int
    sms_from: Instant | None = None
    sms_stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsService:
    """Shows a card's settings, and changes those that need no preview."""

    pos: PosGateway
    integrations: Integrations
    accounts: Accounts
    rules: RuleBook
    audit: Audit
    clock: Clock

    def get(self, uid: Uid, platform: Platform) -> SettingsView:
        """Read the settings of a card. Raises NotFound for an unknown platform."""
        info = self.pos.platform(platform)
        card = self.integrations.get(uid, platform) or Integration(uid, platform)
        return settings_view(info, card, self.rules.get(uid))

    def change(
        self,
        uid: Uid,
        platform: Platform,
        version: int,
        changes: Mapping[str, SettingValue | None],
        *,
        actor: str,
    ) -> SettingsView:
        """Set the given settings, remove those given as None, keep the others.

        Raises NotFound, InvalidInput, StaleVersion; Conflict for a setting that is previewed or has
        calls of its own, and while *Use AIQ's last backup* is at work.
        """
        info = self.pos.platform(platform)
        card = self.integrations.get(uid, platform) or Integration(uid, platform)
        check_settings(info, changes, local_day(self.clock.now(), self.accounts.get(uid).time_zone))
        must_have_age_gate(card, changes)
        if any(row.switched for key in changes if (row := card_setting(key)) is not None):
            raise Conflict(SWITCH_IT)
        require_settled(card)
        after = settings_after(card, {key: stored_value(value) for key, value in changes.items()})
        synced_from = self._synced_from(card, after)
        previewed = previewed_keys() & changes.keys()
        if any(after.get(key) != card.settings.get(key) for key in previewed):
            raise Conflict(PREVIEW_FIRST)
        wanted = replace(card, settings=after, personas_synced_from=synced_from, version=version)
        saved = self.integrations.save(wanted)
        self._let_pos_win(uid, platform, synced_from)
        self._record(actor, card, saved, changes)
        return settings_view(info, saved, self.rules.get(uid))

    def _let_pos_win(self, uid: Uid, platform: Platform, since: Instant | None) -> None:
        """Keep in the rules from when edits of the POS win over forms. Where that fails, the same
        change again mends it. Raises Conflict when the rules are changed all the time."""
        for _ in range(RULE_TRIES):
            rules = self.rules.get(uid)
            source = rules.source(platform)
            if source.pos_wins_from == since:
                return
            sources = {**rules.sources, platform: replace(source, pos_wins_from=since)}
            try:
                self.rules.save(uid, replace(rules, sources=sources))
            except StaleVersion:
                continue
            return
        raise Conflict("The rules were changed at the same moment: try again.")

    def _synced_from(self, card: Integration, settings: Mapping[str, object]) -> Instant | None:
        """From when on *Sync Personas* holds: the beginning of the day on which it was turned on
        (product.md §7)."""
        if settings.get(SYNC_PERSONAS) is not True:
            return None
        if card.personas_synced_from is not None:
            return card.personas_synced_from
        zone = self.accounts.get(card.uid).time_zone
        return start_of_day(local_day(self.clock.now(), zone), zone)

    def _record(
        self, actor: str, before: Integration, after: Integration, keys: Iterable[str]
    ) -> None:
        was, now = changed_fields(before.settings, after.settings, keys)
        if now:
            at, subject = self.clock.now(), after.platform
            entry = AuditEntry(at, actor, "settings.changed", subject, was, now)
            self.audit.record(after.uid, entry)


def settings_after(card: Integration, values: Mapping[str, object]) -> dict[str, object]:
    """Return what the card holds after these settings are set, or removed where None."""
    return {k: v for k, v in {**card.settings, **values}.items() if v is not None}


def settings_view(info: PlatformInfo, card: Integration, rules: Rules) -> SettingsView:
    """Return the settings of a card as they are shown."""
    return SettingsView(
        warning=LEAVE_THE_REST_ALONE if info.pushes_signups else None,
        settings=tuple(_view(row, info, _value(row, card), rules) for row in settings_of(info)),
        version=card.version,
        sms_from=card.sms_from,
        sms_stopped=card.sms_stopped,
    )


def _value(row: CardSetting, card: Integration) -> object:
    """Return a setting's value. *Sync personas* counts only from when it had an effect
    (freezing.md, rule 14)."""
    if row.key == SYNC_PERSONAS and card.personas_synced_from is None:
        return False if card.settings.get(row.key) is not None else None
    return card.is_frozen if row.switched else card.settings.get(row.key)


def settings_of(info: PlatformInfo) -> tuple[CardSetting, ...]:
    """The settings the platform's column of the grid allows, in the order of the card."""
    return tuple(row for row in card_settings() if _has(info, row))


def _has(info: PlatformInfo, row: CardSetting) -> bool:
    return row.needs is None or bool(getattr(info, row.needs))


def _view(row: CardSetting, info: PlatformInfo, value: object, rules: Rules) -> SettingView:
    applied, status = _effect(row, info, value, rules)
    return SettingView(
        key=row.key,
        label=row.label,
        kind=row.kind,
        help=_named(row.help, info) or "",
        warning=_named(row.warning, info),
        note=_named(row.note, info),
        value=value if isinstance(value, str | bool) else None,
        hint=_accrual_hint(info, rules) if row.key == POINTS_IMPORTED_ON else None,
        applied=applied,
        status=status,
    )


def _named(text: str | None, info: PlatformInfo) -> str | None:
    """A text of a setting with the platform's name; the title "THSuite API" names THSuite."""
    return None if text is None else text.format(name=info.title.removesuffix(" API"))


def _effect(row: CardSetting, info: PlatformInfo, value: object, rules: Rules) -> tuple[bool, str]:
    """Whether the stored value is in force, in a word for programs and in one for people."""
    if row.switched or not row.previewed:
        return True, IN_EFFECT
    in_force = setting_values(rules.source(info.platform))[row.key]
    applied = (value or None) == (in_force or None)
    return applied, IN_EFFECT if applied else OUT_OF_STEP


def _accrual_hint(info: PlatformInfo, rules: Rules) -> str | None:
    """Warns unless points start to accrue the day after they are imported."""
    following = accrual_mismatch(rules.source(info.platform), rules.accrual_start(info.platform))
    return None if following is None else ACCRUAL_HINT.format(day=day_text(following))


def check_settings(
    info: PlatformInfo, changes: Mapping[str, SettingValue | None], today: date
) -> None:
    """Raises InvalidInput with every fault. `today`: on the account's calendar."""
    faults: list[dict[str, object]] = []
    for key, value in changes.items():
        row = card_setting(key)
        if row is None or not _has(info, row):
            known = ", ".join(listed.key for listed in settings_of(info))
            faults.append(field_fault(key, f"{info.title} has no such setting", known))
        elif value is not None:
            faults += _faults(row, value, today)
    if faults:
        raise invalid_fields(*faults)


def must_have_age_gate(card: Integration, changes: Mapping[str, object]) -> None:
    """Raises Conflict where a setting that sends SMS is set on a card without the age-gate box."""
    if card.age_gate is None and any_sends_sms(changes):
        raise Conflict(TICK_FIRST)


def _faults(row: CardSetting, value: SettingValue, today: date) -> list[dict[str, object]]:
    if row.kind == "date":
        return day_faults(row.key, value, today, days_ahead=row.days_ahead)
    if isinstance(value, bool):
        return []
    return [field_fault(row.key, "on or off", example=True)]


def day_faults(field: str, value: Any, today: date, *, days_ahead: int) -> list[dict[str, object]]:
    """Return what is wrong with the day, if anything: no day, before 1990, or more than
    `days_ahead` days after today."""
    latest = today + timedelta(days=days_ahead)
    if isinstance(value, date) and EARLIEST <= value <= latest:
        return []
    word = {0: "today", 1: "tomorrow"}.get(days_ahead)
    end = f"{word} ({latest})" if word else f"{latest}"
    reason = f"a day from {EARLIEST} to {end} on the account's calendar"
    return [field_fault(field, reason, today.isoformat())]


def stored_value(value: SettingValue | None) -> str | bool | None:
    """Return the value as a card keeps it."""
    return value.isoformat() if isinstance(value, date) else value
