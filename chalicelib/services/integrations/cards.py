"""What the integrations page and a card show (product.md §3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.rules import Rules
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.integrations.connect import ADD_A_CREDENTIAL, TICK_THE_BOX
from chalicelib.services.integrations.settings import SettingsView, settings_view
from chalicelib.services.ports.integrations import (
    Credential,
    Credentials,
    Integration,
    Integrations,
)
from chalicelib.services.ports.pos import PlatformInfo, PosGateway
from chalicelib.services.ports.rules import RuleBook


@dataclass(frozen=True, slots=True)
class Card:
    """One platform in one account. `to_do`: what stands between it and *Connect*."""

    info: PlatformInfo
    integration: Integration
    credentials: tuple[Credential, ...]
    settings: SettingsView
    to_do: tuple[str, ...]

    @property
    def last_sync_at(self) -> Instant | None:
        """The end of the latest good run of any credential."""
        return max(
            (c.last_good_run_at for c in self.credentials if c.last_good_run_at), default=None
        )

    @property
    def next_sync_at(self) -> Instant | None:
        times = (credential.next_sync_at for credential in self.credentials)
        return min((at for at in times if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Cards:
    """Reads what the integrations page and its cards show."""

    pos: PosGateway
    integrations: Integrations
    credentials: Credentials
    rules: RuleBook

    def all(self, uid: Uid) -> list[Card]:
        """The card of every platform, connected or not, by title."""
        integrations = {row.platform: row for row in self.integrations.for_account(uid)}
        rules = self.rules.get(uid)
        infos = sorted(self.pos.platforms(), key=lambda info: info.title.lower())
        return [self._card(uid, info, integrations.get(info.platform), rules) for info in infos]

    def get(self, uid: Uid, platform: Platform) -> Card:
        """The card of a platform. Raises NotFound for an unknown one."""
        info = self.pos.platform(platform)
        stored = self.integrations.get(uid, platform)
        return self._card(uid, info, stored, self.rules.get(uid))

    def _card(self, uid: Uid, info: PlatformInfo, stored: Integration | None, rules: Rules) -> Card:
        integration = stored or Integration(uid, info.platform)
        live = tuple(self.credentials.for_integration(uid, info.platform))
        to_do = []
        if not live:
            to_do.append(ADD_A_CREDENTIAL)
        if info.age_gate_to_connect and integration.age_gate is None:
            to_do.append(TICK_THE_BOX)
        return Card(info, integration, live, settings_view(info, integration, rules), tuple(to_do))
