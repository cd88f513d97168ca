"""Read all that derivation needs of an account beside its facts."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.rules import Terms
from chalicelib.domain.words import Uid
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.stores import Stores


@dataclass(frozen=True, slots=True)
class TermsReader:
    """Reads the rules, store mapping, zones and account settings that derivation goes by."""

    accounts: Accounts
    stores: Stores
    rules: RuleBook
    clock: Clock

    def current(self, uid: Uid) -> Terms:
        """Return the account's terms as they are now. Raises NotFound."""
        account = self.accounts.get(uid)
        lookup = self.stores.lookup(uid)
        return Terms(
            as_of=self.clock.now(),
            rules=self.rules.get(uid),
            mapping=lookup.mapping,
            zone=account.time_zone,
            zones=lookup.zones,
            merge_on_name_and_birth_date=account.merge_on_name_and_birth_date,
            minimum_age=account.minimum_age,
            placeholders=frozenset(account.placeholders),
        )
