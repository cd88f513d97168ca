"""From what a person wants changed to the rules as they would be (product.md §7, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from chalicelib.domain.errors import Conflict, field_fault, invalid_fields
from chalicelib.domain.integration_states import require_changeable
from chalicelib.domain.points_import import NEVER, is_locked, latecomer_locks
from chalicelib.domain.rules import (
    KeptMembers,
    Rules,
    Source,
    Terms,
    loyalty_values,
    setting_values,
    with_loyalty,
    with_settings,
)
from chalicelib.domain.settings import (
    POINTS_IMPORTED_ON,
    SYNC_TO_MARKET,
    card_setting,
    previewed_keys,
    rule_fields,
)
from chalicelib.domain.times import day_number, local_day
from chalicelib.domain.words import Instant, MembersChoice, Platform, Uid
from chalicelib.services.integrations.changeable import require_settled
from chalicelib.services.integrations.markets import markets_of
from chalicelib.services.integrations.settings import (
    SettingValue,
    check_settings,
    day_faults,
    must_have_age_gate,
    stored_value,
)
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.changes import LOYALTY, Preview, Values
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Credentials, Integration, Integrations
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rules import RuleBook

MERGE_ON_NAME = "merge_on_name_and_birth_date"
IMPORTED_ALREADY = (
    "The points were imported: this is a one-time sync, and its date cannot be changed any more."
    " Removing it keeps the points."
)
NOTHING = field_fault("changes", "give at least one change")
PATCH_THESE = "This setting needs no preview: PATCH the settings."
STARTS_TOMORROW = (
    "Balances are taken as they are today: set Points accrual start date to {day}, tomorrow, or"
    " sales until then earn what the balances hold already."
)
STARTS_TODAY = "Points accrual start date is set to {day}, today: sales before it earn nothing."


@dataclass(frozen=True, slots=True)
class TermsChange:
    """What a change of the account or of a store makes of the terms of derivation.

    `version`: of the account or store as read. `account`: as it would be. `zones`: the zone that
    each store key would have, None for the account's; `stores`: that of each store; `states`: its
    state, empty for none.
    """

    version: int
    account: Account | None = None
    zones: Mapping[str, str | None] = field(default_factory=dict)
    stores: Mapping[int, str | None] = field(default_factory=dict)
    states: Mapping[int, str] = field(default_factory=dict)

    def under(self, terms: Terms) -> Terms:
        """Return these terms as they would be."""
        zones = {key: zone for key, zone in {**terms.zones, **self.zones}.items() if zone}
        states = {store: state for store, state in {**terms.states, **self.states}.items() if state}
        stores = {**terms.stores, **self.stores}
        changed = replace(terms, zones=zones, stores=stores, states=states)
        if self.account is None:
            return changed
        return replace(
            changed,
            zone=self.account.time_zone,
            merge_on_name_and_birth_date=self.account.merge_on_name_and_birth_date,
            minimum_age=self.account.minimum_age,
            placeholders=frozenset(self.account.placeholders),
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that somebody wants, and the rules as they would be.

    `subject`: the platform, `LOYALTY`, `ACCOUNT`, or `STORE` with its number. `rules` are today's,
    `wanted` those after the change, at the same version. `card` is the integration as read; None
    for other subjects. `notes` say what the change sets beside what was asked for. `terms`: what it
    makes of the account or store.
    """

    uid: Uid
    subject: str
    changes: Values
    rules: Rules
    wanted: Rules
    card: Integration | None = None
    notes: tuple[str, ...] = ()
    terms: TermsChange | None = None

    @property
    def settings_version(self) -> int:
        """The version of the card, account or store as read; 0 for loyalty rules."""
        if self.terms is not None:
            return self.terms.version
        return self.card.version if self.card else 0

    @property
    def joins_by_name(self) -> bool:
        """Whether people may be joined by name who are not today."""
        return bool(self.changes.get(MERGE_ON_NAME))

    @property
    def platform(self) -> Platform:
        """Whose card it is, when it is no change of the account's loyalty rules."""
        return Platform(self.subject)

    @property
    def moves_points(self) -> bool:
        """Whether balances may change, so that counting looks at them."""
        return moves_points(self.subject, self.changes)

    @property
    def moves_markets(self) -> bool:
        """Whether contacts may be left out, or taken up again, by their market."""
        return SYNC_TO_MARKET in self.changes

    @property
    def before(self) -> dict[str, object]:
        """Return the present values of what would change."""
        if self.subject == LOYALTY:
            values = loyalty_values(self.rules.loyalty)
        else:
            values = {**setting_values(self.rules.source(self.platform))}
        return {name: values[name] for name in self.changes}

    def rules_with_keeps(self, members: MembersChoice, at: Instant = 0) -> Rules:
        """Return the wanted rules with whom they keep, by a choice made at that instant.

        *Keep* is for those to whom a setting gave something whose day is removed or moved to a
        later one. *Let go* overrules the keeps still at work of the settings it changes; so does a
        date that is set back, because it gives again what was kept.
        """
        if self.subject == LOYALTY or self.terms is not None:
            return self.wanted
        before, after = (rules.source(self.platform) for rules in (self.rules, self.wanted))
        keeping, overruled = list(after.keeping), list(after.overruled)
        for name, row in rule_fields().items():
            if not row.keeps_members or row.key not in self.changes:
                continue
            old, new = getattr(before, name), getattr(after, name)
            for keep in after.keeping:
                is_set_back = new is not None and new <= keep.day
                if keep.setting == row.key and (members == "let_go" or is_set_back):
                    keeping.remove(keep)
                    overruled.append(keep)
            if members == "keep" and old is not None and (new is None or new > old):
                since = max([at, *(keep.since + 1 for keep in (*keeping, *overruled) if at)])
                keeping.append(KeptMembers(row.key, old, since))
        source = replace(after, keeping=tuple(keeping), overruled=tuple(overruled))
        return replace(self.wanted, sources={**self.wanted.sources, self.platform: source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """Makes proposals out of what a person typed, and out of stored previews."""

    pos: PosGateway
    integrations: Integrations
    credentials: Credentials
    accounts: Accounts
    rules: RuleBook
    clock: Clock

    def settings(
        self, uid: Uid, platform: Platform, changes: Mapping[str, SettingValue | None]
    ) -> Proposal:
        """Propose a change of a card's settings; None removes one.

        Raises NotFound, InvalidInput; Conflict with what to do first.
        """
        if not changes:
            raise invalid_fields(NOTHING)
        info = self.pos.platform(platform)
        zone = self.accounts.get(uid).time_zone
        check_settings(info, changes, local_day(self.clock.now(), zone))
        if not changes.keys() <= previewed_keys():
            raise Conflict(PATCH_THESE)
        card = self.integrations.get(uid, platform) or Integration(uid, platform)
        require_settled(card)
        require_changeable(card.state)
        must_have_age_gate(card, changes)
        values = {name: stored_value(value) for name, value in changes.items()}
        proposal = self._of_source(uid, platform, values, card, zone)
        return replace(proposal, notes=_import_notes(proposal, local_day(self.clock.now(), zone)))

    def loyalty(self, uid: Uid, changes: Mapping[str, Any]) -> Proposal:
        """Propose a change of the account's loyalty rules. Raises InvalidInput.

        `changes`: fields of `Loyalty`, days as dates. Points that are switched on without a start
        accrue from today.
        """
        if not changes:
            raise invalid_fields(NOTHING)
        today = local_day(self.clock.now(), self.accounts.get(uid).time_zone)
        start = changes.get("accrual_start")
        if start is not None and (
            faults := day_faults("accrual_start", start, today, days_ahead=1)
        ):
            raise invalid_fields(*faults)
        rules = self.rules.get(uid)
        values = {name: stored_value(value) for name, value in changes.items()}
        wanted = with_loyalty(rules.loyalty, values)
        notes: tuple[str, ...] = ()
        if wanted.enabled and wanted.accrual_start is None:
            values["accrual_start"] = today.isoformat()
            notes = (STARTS_TODAY.format(day=today.isoformat()),)
            wanted = with_loyalty(rules.loyalty, values)
        return Proposal(uid, LOYALTY, values, rules, replace(rules, loyalty=wanted), notes=notes)

    def again(self, preview: Preview) -> Proposal:
        """Propose once more what a preview is of, by today's rules. Raises Conflict."""
        uid, rules = preview.uid, self.rules.get(preview.uid)
        if preview.subject == LOYALTY:
            loyalty = with_loyalty(rules.loyalty, preview.changes)
            return Proposal(uid, LOYALTY, preview.changes, rules, replace(rules, loyalty=loyalty))
        platform = Platform(preview.subject)
        card = self.integrations.get(uid, platform) or Integration(uid, platform)
        zone = self.accounts.get(uid).time_zone
        return self._of_source(uid, platform, preview.changes, card, zone)

    def _of_source(
        self, uid: Uid, platform: Platform, values: Values, card: Integration, zone: str
    ) -> Proposal:
        rules = self.rules.get(uid)
        before = rules.source(platform)
        source = with_settings(before, values)
        if source.imported_on != before.imported_on:
            source = self._reimported(uid, platform, before, source, zone)
        if source.to_market:
            live = self.credentials.for_integration(uid, platform)
            source = replace(source, markets=markets_of(live, before.markets))
        wanted = replace(rules, sources={**rules.sources, platform: source})
        return Proposal(uid, platform, values, rules, wanted, card)

    def _reimported(
        self, uid: Uid, platform: Platform, before: Source, source: Source, zone: str
    ) -> Source:
        """The source with another date of the import and nothing fixed by a listing yet.

        Once a listing has fixed the balances the date can only be removed, which keeps the points.
        Raises Conflict for another date then.
        """
        if is_locked(before):
            if source.imported_on is not None:
                raise Conflict(IMPORTED_ALREADY)
            return replace(source, was_imported_on=before.imported_on)
        locks: Mapping[str, str] = {}
        if source.imported_on is not None:
            credentials = self.credentials.for_integration(uid, platform)
            live = [(c.scope, c.created_at) for c in credentials if c.removed_at is None]
            removed = self.credentials.removed_scopes(uid, platform)
            late = latecomer_locks(live, source.imported_on, zone)
            locks = {**dict.fromkeys(removed, NEVER), **late}
        return replace(source, import_locks=locks)


def _import_notes(proposal: Proposal, today: date) -> tuple[str, ...]:
    """Propose the accrual start where points of a day that is over are imported."""
    imported_on = proposal.changes.get(POINTS_IMPORTED_ON)
    tomorrow = today + timedelta(days=1)
    start = proposal.wanted.accrual_start(proposal.platform)
    if not isinstance(imported_on, str) or imported_on >= today.isoformat():
        return ()
    if start is not None and start >= day_number(tomorrow):
        return ()
    return (STARTS_TOMORROW.format(day=tomorrow.isoformat()),)


def moves_points(subject: str, changes: Values) -> bool:
    """Whether a change of this subject may change balances."""
    rows = [row for key in changes if (row := card_setting(key))]
    return subject == LOYALTY or any(row.moves_points or row.keeps_members for row in rows)
