"""Open the POS for a run, and plan what the run reads (product.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.integration_states import may_sync
from chalicelib.domain.words import Uid
from chalicelib.services.credentials.check import learn_scope
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.credentials.tokens import CredentialTokens
from chalicelib.services.integrations.markets import Markets
from chalicelib.services.loyalty.points_import import ImportLocks
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import (
    Credential,
    Credentials,
    Integration,
)
from chalicelib.services.ports.pos import Permit, Permits, PosGateway
from chalicelib.services.ports.runs import Sources
from chalicelib.services.ports.stores import StoreLookup
from chalicelib.services.sync.run_in_progress import RunInProgress, Stopped


@dataclass(frozen=True, slots=True)
class OpenRun:
    """Opens runs. `store_lookup`: gives an account's `StoreLookup`."""

    sources: Sources
    credentials: Credentials
    gateway: PosGateway
    permits: Permits
    key_ring: KeyRing
    imports: ImportLocks
    markets: Markets
    store_lookup: Callable[[Uid], StoreLookup]
    clock: Clock

    def open(self, run: RunInProgress) -> None:
        """Open the POS and, in the run's first process, plan the run.

        Raises Stopped when the run was asked to stop or the source is not connected, CallsStopped
        when it is so no longer.
        """
        permit_from = self.clock.monotonic()
        credential, integration, account = self._connected(run)
        permit = self.permits.for_syncs(run.lease.uid, run.lease.platform, read_at=permit_from)
        run.is_own_server = credential.own_server
        run.intake.permit = permit
        credential = self._open_session(run, credential, account, permit)
        if not run.progress.streams:
            self._plan(run, credential, integration, account)
        if run.progress.importing:
            run.intake.import_run = run.lease.run

    def _connected(self, run: RunInProgress) -> tuple[Credential, Integration, Account]:
        lease = run.lease
        if lease.stopping:
            raise Stopped
        source = self.sources.read(lease.uid, lease.platform, lease.credential)
        credential, integration = source.credential, source.integration
        if credential is None or integration is None or not may_sync(integration.state):
            raise Stopped
        if source.account is None:
            raise NotFound("There is no such account.")
        return credential, integration, source.account

    def _open_session(
        self, run: RunInProgress, credential: Credential, account: Account, permit: Permit
    ) -> Credential:
        """Returns the credential with the scope that the POS tells of it."""
        access = self.key_ring.access(
            credential,
            time_zone=account.time_zone,
            currency=account.currency,
            permit=permit,
            tokens=CredentialTokens(credential, self.credentials, self.key_ring, self.clock),
        )
        had_scope = bool(credential.scope)
        credential = learn_scope(self.gateway, self.credentials, credential, access)
        if not had_scope:
            self.markets.refresh(credential.uid, credential.platform)
        access = replace(access, scope=credential.scope, trust=credential.trust)
        platform = self.gateway.platform(credential.platform)
        if platform.store_clock:
            lookup = self.store_lookup(credential.uid)
            zone = lookup.zone_of_scope(credential.platform, credential.scope)
            access = replace(access, time_zone=zone or account.time_zone)
        run.open(account, credential.scope, self.gateway.open(access), platform)
        return credential

    def _plan(
        self,
        run: RunInProgress,
        credential: Credential,
        integration: Integration,
        account: Account,
    ) -> None:
        # Rules are read only where the card says that points are imported.
        run.progress.imports = integration.settings.get("points_imported_on") is not None
        if run.progress.imports:
            run.progress.importing = self.imports.needs_listing(
                credential.uid,
                credential.platform,
                credential.scope,
                run=run.lease.run,
                added=credential.created_at,
                began=run.progress.began,
                zone=account.time_zone,
            )
        run.plan(self.gateway.platform(credential.platform), credential.history_from, account)
