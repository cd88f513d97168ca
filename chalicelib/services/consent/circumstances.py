"""What a request for consent depends on, as it is now: read anew for every one (product.md §9)."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.asking import Cause, Circumstances, Mobile
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.errors import NotFound
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import local_day
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Integration, Integrations
from chalicelib.services.ports.stores import Stores
from chalicelib.services.ports.texting import (
    ContactStates,
    HeldPersona,
    HeldPersonas,
    KillSwitch,
    TextingSettings,
)

LIVE = frozenset({"connected", "freezing", "frozen"})
"""A frozen source keeps its shoppers; a disconnected one asks nobody."""


class CircumstancesReader:
    """Reads the circumstances of a head. Only the kill switch may be a minute old."""

    def __init__(
        self,
        *,
        held_personas: HeldPersonas,
        accounts: Accounts,
        stores: Stores,
        integrations: Integrations,
        settings: TextingSettings,
        contact_states: ContactStates,
        switch: KillSwitch,
        clock: Clock,
        mobile: Mobile,
    ) -> None:
        self._held_personas = held_personas
        self._accounts = accounts
        self._stores = stores
        self._integrations = integrations
        self._settings = settings
        self._contact_states = contact_states
        self._switch = switch
        self._clock = clock
        self._mobile = mobile

    def of(self, uid: Uid, head: ContactState) -> Circumstances:
        """All that `judge_request` wants to know of this number, right now.

        Raises NotFound for an unknown account.
        """
        account = self._accounts.get(uid)
        standing = self._standing(uid, head)
        now = self._clock.now()
        common = Circumstances(
            now=now,
            day=local_day(now, account.time_zone).isoformat(),
            rules=branded(self._settings.get(uid), account),
            zone=account.time_zone,
            mobile=self._mobile(head.contact),
            off=self._switch.read().off,
        )
        if standing is None:
            return replace(common, persona_found=False)
        others = [number for number in standing.numbers if number != head.contact]
        return replace(
            common,
            zone=self._zone(uid, standing, account),
            record=_record(head, standing),
            causes=self._causes(uid, standing),
            flags=standing.persona.flags,
            current=standing.numbers[:1] == (head.contact,),
            others=tuple(self._contact_states.states(uid, others).values()),
        )

    def today(self, uid: Uid) -> str:
        """The account's local day, under which texts are kept and counted."""
        zone = self._accounts.get(uid).time_zone
        return local_day(self._clock.now(), zone).isoformat()

    def rules(self, uid: Uid) -> TextingRules:
        return branded(self._settings.get(uid), self._accounts.get(uid))

    def mobile(self, number: str) -> bool:
        """Whether it can be a mobile of the US or Canada."""
        return self._mobile(number)

    def off(self) -> bool:
        """Whether the operator has stopped all texts."""
        return self._switch.read().off

    def _standing(self, uid: Uid, head: ContactState) -> HeldPersona | None:
        """The persona the request was wanted for while it holds the number, else one that does."""
        if head.wanted is not None:
            held = self._held_personas.of_record(uid, head.wanted.record)
            if held is not None and head.contact in held.numbers:
                return held
        return next(iter(self._held_personas.of_number(uid, head.contact)), None)

    def _causes(self, uid: Uid, standing: HeldPersona) -> tuple[Cause, ...]:
        if not standing.asked_by:
            return ()
        rows = {row.platform: row for row in self._integrations.for_account(uid)}
        return tuple(_cause(platform, rows.get(platform)) for platform in standing.asked_by)

    def _zone(self, uid: Uid, standing: HeldPersona, account: Account) -> str:
        favourite = standing.persona.favourite_store
        if favourite is None:
            return account.time_zone
        try:
            store = self._stores.get(uid, favourite)
        except NotFound:
            return account.time_zone
        return store.time_zone or account.time_zone


def branded(rules: TextingRules, account: Account) -> TextingRules:
    """Texts begin with the account's name where no brand was set."""
    return rules if rules.brand else replace(rules, brand=account.name)


def _record(head: ContactState, standing: HeldPersona) -> str:
    wanted = head.wanted.record if head.wanted is not None else ""
    return wanted if wanted in standing.persona.members else standing.persona.id


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
