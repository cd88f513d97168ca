"""Changes of an account or a store that decide who is one person, a member, or earns: previewed as
settings are (product.md §4, §7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict, StaleVersion, field_fault, invalid_fields
from chalicelib.domain.markets import filters_markets
from chalicelib.domain.words import Uid
from chalicelib.services.accounts.accounts import DECIDING, AccountService
from chalicelib.services.accounts.time_zones import check_time_zone
from chalicelib.services.changes.apply import ApplyChange
from chalicelib.services.changes.propose import Proposal, TermsChange
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.changes import ACCOUNT, STORE, Preview
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.stores import Store, Stores
from chalicelib.services.stores.stores import StoreService

ZONE, STATE = "time_zone", "state"
NOTHING = field_fault("changes", "nothing would change")
PREVIEW_FIRST = (
    "This change can join, enrol or remove people, or move points. Preview it, look at its counts,"
    " and send it with the preview's token."
)


@dataclass(frozen=True, slots=True)
class TermsProposals:
    """Makes proposals of what a person wants an account or a store to be."""

    accounts: AccountService
    stores: Stores
    rules: RuleBook

    def account(self, uid: Uid, changes: Mapping[str, Any]) -> Proposal:
        """Propose a change of the account, of which only what is `DECIDING` and differs counts.

        Raises InvalidInput.
        """
        before, wanted = self.accounts.with_changes(uid, changes)
        differing = {
            name: _as_json(getattr(wanted, name))
            for name in DECIDING
            if getattr(wanted, name) != getattr(before, name)
        }
        rules = self.rules.get(uid)
        terms = TermsChange(before.version, wanted)
        return Proposal(uid, ACCOUNT, differing, rules, rules, terms=terms)

    def store(self, uid: Uid, store: int, changes: Mapping[str, Any]) -> Proposal:
        """Propose a change of a store, of which another zone counts, and another state where a
        source is synced to its market.

        Raises NotFound, InvalidInput.
        """
        before, rules = self.stores.get(uid, store), self.rules.get(uid)
        wanted = replace(
            before, **{name: changes[name] for name in (ZONE, STATE) if name in changes}
        )
        if wanted.time_zone is not None:
            check_time_zone(wanted.time_zone)
        deciding = (ZONE, STATE) if filters_markets(rules) else (ZONE,)
        differing = {
            name: getattr(wanted, name)
            for name in deciding
            if getattr(wanted, name) != getattr(before, name)
        }
        keys = self.stores.keys_of(uid, store) if ZONE in differing else []
        terms = TermsChange(
            before.version,
            zones={key.id: wanted.time_zone for key in keys if key.time_zone is None},
            stores={store: wanted.time_zone},
            states={store: wanted.state},
        )
        return Proposal(uid, f"{STORE}{store}", differing, rules, rules, terms=terms)

    def again(self, preview: Preview) -> Proposal:
        """Propose once more what a preview is of. Raises Conflict where it cannot be had."""
        if preview.subject == ACCOUNT:
            proposal = self.account(preview.uid, preview.changes)
        else:
            number = int(preview.subject.removeprefix(STORE))
            proposal = self.store(preview.uid, number, preview.changes)
        if proposal.changes != preview.changes:
            raise Conflict("It was changed meanwhile.")
        return proposal

    def preview_of_account(self, uid: Uid, changes: Mapping[str, Any]) -> Proposal:
        """`account`, of a change that a preview can count. Raises InvalidInput."""
        return _of_something(self.account(uid, changes))

    def preview_of_store(self, uid: Uid, store: int, changes: Mapping[str, Any]) -> Proposal:
        """`store`, of a change that a preview can count. Raises NotFound, InvalidInput."""
        return _of_something(self.store(uid, store, changes))


@dataclass(frozen=True, slots=True)
class TermsChanges:
    """Changes accounts and stores; what needs a preview only with its token."""

    proposals: TermsProposals
    changing: ApplyChange
    accounts: AccountService
    stores: StoreService

    def account(
        self, uid: Uid, version: int, changes: Mapping[str, Any], token: str | None, *, actor: str
    ) -> Account:
        """`AccountService.change`; Conflict where the token is not good for this change now."""
        self._check(self.proposals.account(uid, changes), version, token)
        return self.accounts.change(uid, version, changes, actor=actor)

    def store(
        self,
        uid: Uid,
        store: int,
        version: int,
        changes: Mapping[str, Any],
        token: str | None,
        *,
        actor: str,
    ) -> Store:
        """`StoreService.change`; Conflict where the token is not good for this change now."""
        self._check(self.proposals.store(uid, store, changes), version, token)
        return self.stores.change(uid, store, version, changes, actor=actor)

    def _check(self, proposal: Proposal, version: int, token: str | None) -> None:
        if version != proposal.settings_version:
            raise StaleVersion("It was changed meanwhile: read it again.")
        if not proposal.changes:
            return
        if token is None:
            raise Conflict(PREVIEW_FIRST)
        self.changing.require_token(proposal, token)


def _of_something(proposal: Proposal) -> Proposal:
    if not proposal.changes:
        raise invalid_fields(NOTHING)
    return proposal


def _as_json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
