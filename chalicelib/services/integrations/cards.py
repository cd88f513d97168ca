"""What the integrations page and a card show (product.md §3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.rules import Rules
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.integrations.connect import ADD_A_CREDENTIAL, TICK_THE_BOX
from chalicelib.services.integrations.health import (
    SourceHealth,
    last_shopper,
    oldest_good_sync,
    source_health,
)
from chalicelib.services.integrations.settings import SettingsView, settings_view
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import (
    Credential,
    Credentials,
    Integration,
    Integrations,
)
from chalicelib.services.ports.pos import PlatformInfo, PosGateway
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.runs import LiveRuns, RunView


@dataclass(frozen=True, slots=True)
class Card:
    """One platform in one account. `to_do`: what stands between it and *Connect*.

    `oldest_good_sync_at`: how old its data may be; None while a credential has none yet.
    `last_shopper_at`: when a shopper came last that AIQ did not have.
    """

    info: PlatformInfo
    integration: Integration
    credentials: tuple[Credential, ...]
    settings: SettingsView
    to_do: tuple[str, ...]
    health: SourceHealth
    oldest_good_sync_at: Instant | None
    last_shopper_at: Instant | None

    @property
    def last_sync_at(self) -> Instant | None:
        """Return when the latest good run of any credential began."""
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
    runs: LiveRuns
    clock: Clock

    def all(self, uid: Uid) -> list[Card]:
        """The card of every platform, connected or not, by title."""
        integrations = {row.platform: row for row in self.integrations.for_account(uid)}
        rules = self.rules.get(uid)
        infos = sorted(self.pos.platforms(), key=lambda info: info.title.lower())
        held = {
            info.platform: self.credentials.for_integration(uid, info.platform) for info in infos
        }
        live = self._live(uid, [each for credentials in held.values() for each in credentials])
        return [
            self._card(uid, info, integrations.get(info.platform), rules, held[info.platform], live)
            for info in infos
        ]

    def get(self, uid: Uid, platform: Platform) -> Card:
        """The card of a platform. Raises NotFound for an unknown one."""
        info = self.pos.platform(platform)
        stored = self.integrations.get(uid, platform)
        held = self.credentials.for_integration(uid, platform)
        return self._card(uid, info, stored, self.rules.get(uid), held, self._live(uid, held))

    def live_runs(self, uid: Uid) -> list[RunView]:
        """The syncs of the account that are under way."""
        return self._live(
            uid,
            [
                credential
                for info in self.pos.platforms()
                for credential in self.credentials.for_integration(uid, info.platform)
            ],
        )

    def _live(self, uid: Uid, credentials: Sequence[Credential]) -> list[RunView]:
        return self.runs.live_among(uid, [credential.id for credential in credentials])

    def _card(
        self,
        uid: Uid,
        info: PlatformInfo,
        stored: Integration | None,
        rules: Rules,
        held: Sequence[Credential],
        live: Sequence[RunView],
    ) -> Card:
        integration = stored or Integration(uid, info.platform)
        running = [run for run in live if run.platform == info.platform]
        to_do = []
        if not held:
            to_do.append(ADD_A_CREDENTIAL)
        if info.age_gate_to_connect and integration.age_gate is None:
            to_do.append(TICK_THE_BOX)
        return Card(
            info=info,
            integration=integration,
            credentials=tuple(held),
            settings=settings_view(info, integration, rules),
            to_do=tuple(to_do),
            health=source_health(integration, held, running, self.clock.now()),
            oldest_good_sync_at=oldest_good_sync(held),
            last_shopper_at=last_shopper(held, running),
        )
