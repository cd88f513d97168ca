"""Read what derivation needs of an account beside its facts."""

from __future__ import annotations

from chalicelib.domain.rules import Terms
from chalicelib.domain.words import Uid
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.stores import Stores


class TermsReader:
    def __init__(self, accounts: Accounts, stores: Stores, rules: RuleBook, clock: Clock) -> None:
        self._accounts = accounts
        self._stores = stores
        self._rules = rules
        self._clock = clock

    def today(self, uid: Uid) -> Terms:
        """The account's terms as they are now. Raises NotFound."""
        account = self._accounts.get(uid)
        places = self._stores.places(uid)
        return Terms(
            as_of=self._clock.now(),
            rules=self._rules.get(uid),
            mapping=places.mapping,
            zone=account.time_zone,
            zones=places.zones,
            merge_on_name_and_birth_date=account.merge_on_name_and_birth_date,
            minimum_age=account.minimum_age,
        )
