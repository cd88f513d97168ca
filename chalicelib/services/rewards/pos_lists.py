"""Read which discounts the POS of an account list of their own (product.md §11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.errors import AiqError
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.credentials.tokens import CredentialTokens
from chalicelib.services.job_messages.account_jobs import DiscountListsMessage
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.pos import Permits, PosGateway
from chalicelib.services.ports.rewards import DiscountGateway, Discounts, NamesSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDiscountLists:
    """Notes the discounts that POS list, beside those that their sales show."""

    discounts: Discounts
    names: NamesSeen
    pos: PosGateway
    gateway: DiscountGateway
    credentials: Credentials
    accounts: Accounts
    permits: Permits
    key_ring: KeyRing
    clock: Clock

    def handle(self, message: DiscountListsMessage, _time_left: Callable[[], bool]) -> int:
        """Read every list of the account once, and return how many were read.

        A source that is frozen, disconnected, or does not answer is looked at the next time.
        """
        uid = message.uid
        if not self.discounts.for_account(uid):
            return 0
        account = self.accounts.get(uid)
        using = [info.platform for info in self.pos.platforms() if info.discounts != "none"]
        return sum(
            self._read(uid, platform, credential, account)
            for platform in using
            for credential in self.credentials.for_integration(uid, platform)
            if credential.stopped is None
        )

    def _read(self, uid: Uid, platform: Platform, credential: Credential, account: Account) -> bool:
        try:
            session = self.gateway.open_discounts(
                self.key_ring.access(
                    credential,
                    time_zone=account.time_zone,
                    currency=account.currency,
                    permit=self.permits.for_syncs(uid, platform),
                    tokens=CredentialTokens(
                        credential, self.credentials, self.key_ring, self.clock
                    ),
                )
            )
            if session is None:
                return False
            try:
                listed = session.discounts()
            finally:
                session.close()
        except AiqError:  # the source's own run says what is wrong with it
            return False
        self.names.see(uid, platform, listed)
        return True
