"""The settings on a card: stored, versioned, audited (product.md §7).

Those that can enrol, message or remove people, or move points, are only changed by what was
previewed (`services/changing.py`). Nothing acts yet on contact sync, markets and freezing: their
answers say `applied: false`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from chalicelib.domain.errors import Conflict, InvalidInput
from chalicelib.domain.points_import import accrual_mismatch
from chalicelib.domain.rules import Rules
from chalicelib.domain.times import day_text, local_day
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.integrations.setting_specs import (
    SettingSpec,
    card_warning,
    settings_of,
    worded,
)
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Integration, Integrations
from chalicelib.services.ports.pos import PlatformInfo, PosGateway
from chalicelib.services.ports.rules import RuleBook

SettingValue = date | bool
NOT_APPLIED = "Saved, not yet in effect: AIQ does not act on this setting yet."
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
EARLIEST = date(1990, 1, 1)
TRUST = "trusts_opt_in_flags"
"""*Trust opt-in flags of this source*: no row of the card's settings, but previewed like one."""

PREVIEWED = frozenset(
    {"enroll_after", "sms_opt_in_after", "points_imported_on", "points_accrual_start", TRUST}
)
MAY_BE_TOMORROW = "points_accrual_start"
"""Points that are imported today accrue from tomorrow."""


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
    applied: bool = False
    status: str = NOT_APPLIED


@dataclass(frozen=True, slots=True)
class SettingsView:
    warning: str | None
    settings: tuple[SettingView, ...]
    version: int
    sms_from: Instant | None = None
    sms_stopped: bool = False


class SettingsService:
    def __init__(
        self,
        *,
        pos: PosGateway,
        integrations: Integrations,
        accounts: Accounts,
        rules: RuleBook,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._pos = pos
        self._integrations = integrations
        self._accounts = accounts
        self._rules = rules
        self._audit = audit
        self._clock = clock

    def get(self, uid: Uid, platform: Platform) -> SettingsView:
        """Raises NotFound for an unknown platform."""
        info = self._pos.platform(platform)
        card = self._integrations.get(uid, platform) or Integration(uid, platform)
        return view(info, card, self._rules.get(uid))

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

        Raises NotFound, InvalidInput, StaleVersion; Conflict for a setting that is previewed.
        """
        info = self._pos.platform(platform)
        held = self._integrations.get(uid, platform) or Integration(uid, platform)
        judge(info, changes, local_day(self._clock.now(), self._accounts.get(uid).time_zone))
        if changes.get("sms_opt_in_after") is not None and held.age_gate is None:
            raise Conflict(TICK_FIRST)
        wanted = settings_after(held, {key: stored(value) for key, value in changes.items()})
        if any(wanted.get(key) != held.settings.get(key) for key in PREVIEWED & changes.keys()):
            raise Conflict(PREVIEW_FIRST)
        saved = self._integrations.save(replace(held, settings=wanted, version=version))
        self._record(actor, held, saved, changes)
        return view(info, saved, self._rules.get(uid))

    def _record(
        self, actor: str, held: Integration, saved: Integration, changes: Mapping[str, object]
    ) -> None:
        changed = [key for key in changes if held.settings.get(key) != saved.settings.get(key)]
        if not changed:
            return
        entry = AuditEntry(
            at=self._clock.now(),
            actor=actor,
            action="settings.changed",
            subject=saved.platform,
            before={key: held.settings.get(key) for key in changed},
            after={key: saved.settings.get(key) for key in changed},
        )
        self._audit.record(saved.uid, entry)


def settings_after(card: Integration, values: Mapping[str, object]) -> dict[str, object]:
    """What the card holds after these settings are set, or removed where None."""
    return {k: v for k, v in {**card.settings, **values}.items() if v is not None}


def view(info: PlatformInfo, integration: Integration, rules: Rules) -> SettingsView:
    """The settings of a card as they are shown."""
    shown = tuple(_view(spec, info, integration.settings, rules) for spec in settings_of(info))
    return SettingsView(
        warning=card_warning(info),
        settings=shown,
        version=integration.version,
        sms_from=integration.sms_from,
        sms_stopped=integration.sms_stopped,
    )


def _view(
    spec: SettingSpec, info: PlatformInfo, settings: Mapping[str, object], rules: Rules
) -> SettingView:
    value = settings.get(spec.key)
    applied, status = _effect(spec, info, value, rules)
    return SettingView(
        key=spec.key,
        label=spec.label,
        kind=spec.kind,
        help=worded(spec.help, info) or "",
        warning=worded(spec.warning, info),
        note=worded(spec.note, info),
        value=value if isinstance(value, str | bool) else None,
        hint=_accrual_hint(info, rules) if spec.key == "points_imported_on" else None,
        applied=applied,
        status=status,
    )


def _effect(spec: SettingSpec, info: PlatformInfo, value: object, rules: Rules) -> tuple[bool, str]:
    if spec.key not in PREVIEWED:
        return False, NOT_APPLIED
    source = rules.source(info.platform)
    in_force = {
        "enroll_after": source.enroll_after,
        "sms_opt_in_after": source.sms_opt_in_after,
        "points_imported_on": source.imported_on,
        "points_accrual_start": source.accrual_start,
    }[spec.key]
    applied = value == (None if in_force is None else day_text(in_force))
    return applied, IN_EFFECT if applied else OUT_OF_STEP


def _accrual_hint(info: PlatformInfo, rules: Rules) -> str | None:
    """Warns unless points start to accrue the day after they are imported."""
    following = accrual_mismatch(rules.source(info.platform), rules.accrual_start(info.platform))
    return None if following is None else ACCRUAL_HINT.format(day=day_text(following))


def judge(
    info: PlatformInfo,
    changes: Mapping[str, SettingValue | None],
    today: date,
    *,
    trust: bool = False,
) -> None:
    """Raises InvalidInput with every fault. `today`: on the account's calendar; `trust`: whether
    the tick of *Trust opt-in flags* may be among the changes."""
    specs = {spec.key: spec for spec in settings_of(info)}
    faults: list[dict[str, object]] = []
    for key, value in changes.items():
        if key == TRUST and trust and isinstance(value, bool):
            continue
        if key not in specs:
            known = ", ".join(specs)
            faults.append(
                {"field": key, "reason": f"{info.title} has no such setting", "example": known}
            )
        elif value is not None:
            faults += _faults(specs[key], value, today)
    if faults:
        raise refused(*faults)


def refused(*faults: dict[str, object]) -> InvalidInput:
    """The answer to fields that cannot be taken."""
    return InvalidInput("Some fields cannot be taken; nothing was stored.", errors=list(faults))


def _faults(spec: SettingSpec, value: SettingValue, today: date) -> list[dict[str, object]]:
    if spec.kind == "date":
        return day_faults(spec.key, value, today)
    if isinstance(value, bool):
        return []
    return [{"field": spec.key, "reason": "on or off", "example": True}]


def day_faults(field: str, value: Any, today: date) -> list[dict[str, object]]:
    """What is wrong with the day, if anything: no day, before 1990, or in the future."""
    latest = today + timedelta(days=field == MAY_BE_TOMORROW)
    if isinstance(value, date) and EARLIEST <= value <= latest:
        return []
    end = "tomorrow" if field == MAY_BE_TOMORROW else "today"
    reason = f"a day from {EARLIEST} to {end} ({latest}) on the account's calendar"
    return [{"field": field, "reason": reason, "example": today.isoformat()}]


def stored(value: SettingValue | None) -> str | bool | None:
    """The value as a card keeps it."""
    return value.isoformat() if isinstance(value, date) else value
