"""What a request for consent depends on, as it is now: read anew for every one (product.md §9)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.consent_requests import Cause, Circumstances, Mobile
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.errors import NotFound
from chalicelib.domain.integration_states import FROZEN
from chalicelib.domain.signups import OWN_TITLES
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import local_day
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ContactStates, HeldPersona, HeldPersonas
from chalicelib.services.ports.integrations import Integration, Integrations
from chalicelib.services.ports.stores import Stores
from chalicelib.services.ports.texting import KillSwitch, TextingSettings

LIVE = frozenset({"connected", *FROZEN})
"""A frozen source keeps its shoppers; a disconnected one asks nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircumstancesReader:
    """Reads the circumstances of a request. Only the kill switch may be a minute old.

    `mobile`: whether a number can be a mobile of the US or Canada.
    """

    held_personas: HeldPersonas
    accounts: Accounts
    stores: Stores
    integrations: Integrations
    settings: TextingSettings
    contact_states: ContactStates
    switch: KillSwitch
    clock: Clock
    mobile: Mobile

    def read(self, uid: Uid, state: ContactState) -> Circumstances:
        """Return the circumstances of a request to this number, as they are now.

        Raises NotFound for an account that is not there.
        """
        account = self.accounts.get(uid)
        holder = self._holder(uid, state)
        now = self.clock.now()
        common = Circumstances(
            now=now,
            day=local_day(now, account.time_zone).isoformat(),
            rules=with_brand(self.settings.get(uid), account),
            zone=account.time_zone,
            mobile=self.mobile(state.contact),
            off=self.switch.read().off,
        )
        if holder is None:
            return replace(common, persona_found=False)
        others = [number for number in holder.numbers if number != state.contact]
        return replace(
            common,
            zone=self._zone(uid, holder, account),
            record=_record(state, holder),
            causes=self._causes(uid, holder, state),
            flags=holder.persona.flags,
            shared=holder.shares(state.contact),
            refused=state.contact in holder.refused,
            current=holder.numbers[:1] == (state.contact,),
            others=tuple(self.contact_states.states(uid, others).values()),
        )

    def today(self, uid: Uid) -> str:
        """Return the account's local day, under which texts are kept and counted."""
        zone = self.accounts.get(uid).time_zone
        return local_day(self.clock.now(), zone).isoformat()

    def rules(self, uid: Uid) -> TextingRules:
        """Return the account's rules for texts, with a brand."""
        return with_brand(self.settings.get(uid), self.accounts.get(uid))

    def texts_stopped(self) -> bool:
        """Whether the operator has stopped all texts."""
        return self.switch.read().off

    def _holder(self, uid: Uid, state: ContactState) -> HeldPersona | None:
        """Return the persona the request was wanted for while it holds the number, else one that
        does."""
        if state.wanted is not None:
            first = self.held_personas.of_record(uid, state.wanted.record)
            if first is not None and state.contact in first.numbers:
                return first
        return next(iter(self.held_personas.of_number(uid, state.contact)), None)

    def _causes(self, uid: Uid, holder: HeldPersona, state: ContactState) -> tuple[Cause, ...]:
        wanted = state.wanted
        signed_up = wanted if wanted is not None and wanted.cause == "signup" else None
        if not holder.asked_by and signed_up is None:
            return ()
        rows = {row.platform: row for row in self.integrations.for_account(uid)}
        causes = [_cause(platform, rows.get(platform)) for platform in holder.asked_by]
        if signed_up is not None:
            causes.insert(0, _signup_cause(signed_up.platform, rows.get(signed_up.platform)))
        return tuple(causes)

    def _zone(self, uid: Uid, holder: HeldPersona, account: Account) -> str:
        """Return the zone of the persona's favourite store, else the account's."""
        favourite = holder.persona.favourite_store
        if favourite is None:
            return account.time_zone
        try:
            store = self.stores.get(uid, favourite)
        except NotFound:
            return account.time_zone
        return store.time_zone or account.time_zone


def with_brand(rules: TextingRules, account: Account) -> TextingRules:
    """Return the rules with the account's name for a brand where none was set."""
    return rules if rules.brand else replace(rules, brand=account.name)


def _record(state: ContactState, holder: HeldPersona) -> str:
    """Return the record that a YES makes a member: the one wanted while the persona has it."""
    wanted = state.wanted.record if state.wanted is not None else ""
    return wanted if wanted in holder.persona.members else holder.persona.id


def _signup_cause(platform: Platform, row: Integration | None) -> Cause:
    """The shopper's own wish: no setting's date holds it back, nor a POS that stands still. A form
    has an age gate of its own, as a partner's key has none."""
    if platform in OWN_TITLES:
        return Cause(platform, age_gate=True, connected=True)
    return Cause(platform, age_gate=row is not None and row.age_gate is not None, connected=True)


def _cause(platform: Platform, row: Integration | None) -> Cause:
    if row is None:
        return Cause(platform, age_gate=False, connected=False)
    return Cause(
        platform=platform,
        age_gate=row.age_gate is not None,
        connected=row.state in LIVE,
        starts_at=row.sms_from or 0,
        stopped=row.sms_stopped,
    )
