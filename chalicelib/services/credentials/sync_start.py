"""What follows when the key of a credential was found good: its sync, its stores, its news."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.integration_states import may_sync
from chalicelib.services.notifications.notify import Kind, Notifier
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Credential, Credentials, Integrations
from chalicelib.services.ports.pos import CheckResult
from chalicelib.services.ports.runs import SyncControl
from chalicelib.services.ports.stores import StoreKeySighting, Stores

MENDED_BY_A_NEW_KEY: tuple[Kind, ...] = (
    "key_rejected",
    "key_unreadable",
    "login_expired",
    "permission_missing",
    "server_unreachable",
    "server_untrusted",
)

MOST_STORES_SEEN = 100
"""Of one check; each is a write."""


@dataclass(frozen=True)
class SyncStart:
    """Starts what a new or changed key makes possible."""

    integrations: Integrations
    credentials: Credentials
    stores: Stores
    sync: SyncControl
    notifier: Notifier
    clock: Clock

    def start(self, credential: Credential, result: CheckResult) -> None:
        """Sync a new credential at once if its source is connected, and show its stores."""
        self._start_if_connected(credential)
        self._see_stores(credential, result)

    def resume(self, saved: Credential, result: CheckResult) -> Credential:
        """Start a stopped schedule again and clear the notifications that a new key mends."""
        self.credentials.resume(saved.uid, saved.platform, saved.id, None)
        if result.outcome == "ok":
            for kind in MENDED_BY_A_NEW_KEY:
                self.notifier.clear(saved.uid, kind, f"{saved.platform}:{saved.id}")
        self.start(saved, result)
        return self.credentials.get(saved.uid, saved.platform, saved.id)

    def _start_if_connected(self, credential: Credential) -> None:
        """Make a sync due first, then queue it: if queueing fails, the planner finds it."""
        uid, platform = credential.uid, credential.platform
        integration = self.integrations.get(uid, platform)
        if integration and may_sync(integration.state):
            self.credentials.resume(uid, platform, credential.id, self.clock.now())
            self.sync.start(uid, platform, credential.id, "connect")

    def _see_stores(self, credential: Credential, result: CheckResult) -> None:
        """Record the first stores that the key opens, so that they can be mapped at once.

        The sync records all of them: a POS may list more than a request has time for.
        """
        now = self.clock.now()
        sightings = [
            StoreKeySighting(
                credential.platform,
                credential.scope,
                fact.key,
                fact.name,
                now,
                time_zone=fact.time_zone,
            )
            for fact in result.stores[:MOST_STORES_SEEN]
        ]
        if credential.scope and sightings:
            self.stores.see_keys(credential.uid, sightings)
