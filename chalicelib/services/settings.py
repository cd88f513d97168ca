"""The settings on a card: stored, versioned, audited (product.md §7).

Nothing acts on them yet: enrolment, texting, points, contact sync and freezing come with their own
work, and until then every answer says `applied: false`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from chalicelib.domain.errors import Conflict, InvalidInput
from chalicelib.services.ports.accounts import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Integration, Integrations
from chalicelib.services.ports.pos import PlatformInfo, PosGateway
from chalicelib.services.source_settings import SettingSpec, card_warning, settings_of, worded

SettingValue = date | bool
NOT_APPLIED = "Saved, not yet in effect: AIQ does not act on this setting yet."
TICK_FIRST = "Tick the age-gate box first"
ACCRUAL_HINT = (
    "Set Points accrual start date to {day}, the day after the import, so that no sale earns twice"
    " and none is left out."
)
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


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


class SettingsService:
    def __init__(
        self, pos: PosGateway, integrations: Integrations, audit: Audit, clock: Clock
    ) -> None:
        self._pos = pos
        self._integrations = integrations
        self._audit = audit
        self._clock = clock

    def get(self, uid: str, platform: str) -> SettingsView:
        """Raises NotFound for an unknown platform."""
        info = self._pos.platform(platform)
        return view(info, self._integrations.get(uid, platform) or Integration(uid, platform))

    def change(
        self,
        uid: str,
        platform: str,
        version: int,
        changes: Mapping[str, SettingValue | None],
        *,
        actor: str,
    ) -> SettingsView:
        """Set the given settings, remove those given as None, keep the others.

        Raises NotFound, InvalidInput, StaleVersion; Conflict for texting before the box is ticked.
        """
        info = self._pos.platform(platform)
        held = self._integrations.get(uid, platform) or Integration(uid, platform)
        _validate(info, changes)
        if changes.get("sms_opt_in_after") is not None and held.age_gate is None:
            raise Conflict(TICK_FIRST)
        settings = {**held.settings, **{key: _stored(value) for key, value in changes.items()}}
        wanted = {key: value for key, value in settings.items() if value is not None}
        saved = self._integrations.save(replace(held, settings=wanted, version=version))
        self._record(actor, held, saved, changes)
        return view(info, saved)

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


def view(info: PlatformInfo, integration: Integration) -> SettingsView:
    """The settings of a card as they are shown."""
    shown = tuple(_view(spec, info, integration.settings) for spec in settings_of(info))
    return SettingsView(card_warning(info), shown, integration.version)


def _view(spec: SettingSpec, info: PlatformInfo, settings: Mapping[str, object]) -> SettingView:
    value = settings.get(spec.key)
    return SettingView(
        key=spec.key,
        label=spec.label,
        kind=spec.kind,
        help=worded(spec.help, info) or "",
        warning=worded(spec.warning, info),
        note=worded(spec.note, info),
        value=value if isinstance(value, str | bool) else None,
        hint=_accrual_hint(settings) if spec.key == "points_imported_on" else None,
    )


def _accrual_hint(settings: Mapping[str, object]) -> str | None:
    """Warns unless points start to accrue the day after they are imported."""
    imported = settings.get("points_imported_on")
    if not isinstance(imported, str):
        return None
    following = (date.fromisoformat(imported) + timedelta(days=1)).isoformat()
    if settings.get("points_accrual_start") == following:
        return None
    return ACCRUAL_HINT.format(day=following)


def _validate(info: PlatformInfo, changes: Mapping[str, SettingValue | None]) -> None:
    specs = {spec.key: spec for spec in settings_of(info)}
    faults: list[dict[str, object]] = []
    for key, value in changes.items():
        if key not in specs:
            known = ", ".join(specs)
            faults.append(
                {"field": key, "reason": f"{info.title} has no such setting", "example": known}
            )
        elif value is not None and not _fits(specs[key], value):
            example: object = True if specs[key].kind == "switch" else "2026-01-31"
            reason = "on or off" if specs[key].kind == "switch" else f"a day from {EARLIEST} on"
            faults.append({"field": key, "reason": reason, "example": example})
    if faults:
        raise InvalidInput("Some fields cannot be taken; nothing was stored.", errors=faults)


def _fits(spec: SettingSpec, value: SettingValue) -> bool:
    if spec.kind == "switch":
        return isinstance(value, bool)
    return isinstance(value, date) and EARLIEST <= value <= LATEST


def _stored(value: SettingValue | None) -> str | bool | None:
    return value.isoformat() if isinstance(value, date) else value
