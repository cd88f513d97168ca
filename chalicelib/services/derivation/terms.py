"""Read all that derivation needs of an account beside its facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib.domain.rules import Rules, Terms
from chalicelib.domain.words import Uid
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.common import Clock, SideBySide, one_after_another
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.stores import Stores

AccountAndRules = Callable[[Uid], tuple[Account, Rules]]
"""Reads both at once. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class TermsReader:
    """Reads the rules, store mapping, zones and account settings that derivation goes by.

    `together`: reads account and rules by one call, where they lie in one table.
    """

    accounts: Accounts
    stores: Stores
    rules: RuleBook
    clock: Clock
    side_by_side: SideBySide = one_after_another
    together: AccountAndRules | None = None

    def current(self, uid: Uid) -> Terms:
        """Return the account's terms as they are now. Raises NotFound."""
        return self.current_beside(uid)[0]

    def current_beside(self, uid: Uid, *reads: Callable[[], Any]) -> tuple[Terms, list[Any]]:
        """`current`, with what `reads` return, which are under way at the same time."""
        lookup, *answers = self.side_by_side(
            [partial(self.stores.lookup, uid), *reads, *self._reads_of_account(uid)]
        )
        if self.together is not None:
            account, rules = answers.pop()
        else:
            rules, account = answers.pop(), answers.pop()
        terms = Terms(
            as_of=self.clock.now(),
            rules=rules,
            mapping=lookup.mapping,
            zone=account.time_zone,
            zones=lookup.zones,
            merge_on_name_and_birth_date=account.merge_on_name_and_birth_date,
            minimum_age=account.minimum_age,
            placeholders=frozenset(account.placeholders),
            stores=lookup.stores,
            states=lookup.states,
        )
        return terms, answers

    def _reads_of_account(self, uid: Uid) -> list[Callable[[], Any]]:
        if self.together is not None:
            return [partial(self.together, uid)]
        return [partial(self.accounts.get, uid), partial(self.rules.get, uid)]
