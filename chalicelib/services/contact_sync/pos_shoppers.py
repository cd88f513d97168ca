"""Opens the POS of a source for single shoppers, one conversation per credential."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from chalicelib.domain.contact_sync import ScopeToWrite
from chalicelib.domain.ids import store_key_id
from chalicelib.domain.records import Customer
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.credentials.tokens import CredentialTokens
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.contact_sync import NewShopper, ShopperGateway, ShopperSession
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.pos import Permits
from chalicelib.services.ports.stores import Stores


@dataclass(slots=True)
class PosShoppers:
    """The shoppers of one POS in all scopes of a source, as its live credentials open them."""

    scopes: tuple[ScopeToWrite, ...]
    _sessions: dict[ScopeId, ShopperSession] = field(default_factory=dict)

    def find(
        self, phone: str | None, email: str | None, scope: ScopeId | None = None
    ) -> dict[ScopeId, tuple[Customer, ...]]:
        """Return who carries one of the contacts, by scope; in one scope only where it is given."""
        asked = [s for s in self._sessions if scope is None or s == scope]
        found = {each: self._sessions[each].find(phone, email) for each in asked}
        return {each: customers for each, customers in found.items() if customers}

    def create(self, scope: ScopeId, shopper: NewShopper) -> str | None:
        """See `ShopperSession.create`."""
        return self._sessions[scope].create(shopper)

    def can_write(self, scope: ScopeId) -> bool:
        """Whether the key of the scope was not rejected for good."""
        return scope in self._sessions

    def add(self, scope: ScopeId, session: ShopperSession) -> None:
        self._sessions[scope] = session

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosShoppers:
    """Opens the POS of sources."""

    credentials: Credentials
    accounts: Accounts
    stores: Stores
    gateway: ShopperGateway
    permits: Permits
    key_ring: KeyRing
    clock: Clock

    @contextmanager
    def opened(self, uid: Uid, platform: Platform) -> Iterator[PosShoppers]:
        """Hold the POS open; nothing is asked yet. What a credential whose key was rejected opens
        is known and not asked. Raises HostRefused, SecretUnreadable."""
        live = [
            credential
            for credential in self.credentials.for_integration(uid, platform)
            if credential.removed_at is None and credential.scope
        ]
        mapping = self.stores.mapping(uid)
        scopes = tuple(_scope(credential, mapping) for credential in live)
        shoppers = PosShoppers(scopes)
        account = self.accounts.get(uid)
        permit = self.permits.for_syncs(uid, platform)
        try:
            for credential in live:
                if credential.stopped is None:
                    access = self.key_ring.access(
                        credential,
                        time_zone=account.time_zone,
                        currency=account.currency,
                        permit=permit,
                        tokens=CredentialTokens(
                            credential, self.credentials, self.key_ring, self.clock
                        ),
                    )
                    shoppers.add(credential.scope, self.gateway.open_shoppers(access))
            yield shoppers
        finally:
            shoppers.close()


def _scope(credential: Credential, mapping: Mapping[str, int]) -> ScopeToWrite:
    key = store_key_id(credential.platform, credential.scope, credential.scope)
    return ScopeToWrite(
        credential.id, credential.scope, credential.market, mapping.get(key), credential.created_at
    )
