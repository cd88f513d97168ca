"""Begin, follow and end a switch from one POS to another (product.md §10).

Freezing, connecting and dates are steps that a person takes on the cards; where a switch stands is
read off the cards, so that two people, or an act on the card itself, never contradict it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.domain.errors import Conflict, InvalidInput, StaleVersion
from chalicelib.domain.rules import MOST_DAYS_AHEAD, Rules
from chalicelib.domain.settings import ACCRUAL_START, ENROLL_AFTER
from chalicelib.domain.switches import SwitchRule
from chalicelib.domain.times import day_text, local_day_number
from chalicelib.domain.words import Day, Platform, Uid
from chalicelib.services.integrations.connect import DeriveAgain
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.common import Clock, Ids
from chalicelib.services.ports.integrations import Credentials, Integration, Integrations
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.switching import (
    PosSwitch,
    PosSwitches,
    SwitchChange,
    SwitchCheck,
    SwitchState,
)

Step = Literal["freeze", "connect", "dates", "sync", "check", "finished", "abandoned"]
"""What is to be done next; the last two: nothing."""

MOST_DAYS_AGO, DAYS_AHEAD = 366, 1
"""As far as an accrual start date may lie ahead."""
TRIES = 4


@dataclass(frozen=True, slots=True)
class SwitchView:
    """A switch with what is to be done next. `accrual_start` and `enroll_after`: the new source's
    own, which are proposed as the day of the switch. `check`: the last that ended, `checking`: the
    one under way."""

    switch: PosSwitch
    step: Step
    accrual_start: Day | None
    enroll_after: Day | None
    check: SwitchCheck | None
    checking: SwitchCheck | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchService:
    """Remembers switches. One is open in an account at a time."""

    pos: PosGateway
    integrations: Integrations
    credentials: Credentials
    accounts: Accounts
    rules: RuleBook
    switches: PosSwitches
    derive_again: DeriveAgain
    clock: Clock
    ids: Ids

    def begin(
        self, uid: Uid, old: Platform, new: Platform, day: Day | None, *, actor: str
    ) -> PosSwitch:
        """Begin a switch on a local day, or today.

        From now on a purchase that both POS tell earns once. Where nothing of the new POS was
        pulled yet, its sales earn from the day on until its own accrual start is set. Raises
        InvalidInput, Conflict while another one is open.
        """
        today = self._today(uid)
        day = today if day is None else day
        self._must_be_possible(uid, old, new, day - today)
        new_card = self._card(uid, new)
        for tries_left in reversed(range(TRIES)):
            rules = self.rules.get(uid)
            self._must_be_the_only_one(uid, rules)
            now = self.clock.now()
            switch = PosSwitch(self.ids.new("swt"), uid, old, new, day, actor, now)
            rule = SwitchRule(old, new, day, starts_earning=new_card.state == "draft")
            after: dict[str, object] = {"from": old, "to": new, "day": day_text(day)}
            entry = AuditEntry(now, actor, "switch.begun", switch.id, after=after)
            if new_card.state != "draft":  # what it told already may be doubled
                self.derive_again(uid, "switch")
            try:
                return self.switches.apply(SwitchChange(_with_rule(rules, rule), switch, entry))
            except StaleVersion:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def finish(self, uid: Uid, switch: str, *, actor: str) -> PosSwitch:
        """End a switch that was gone through. Ended already: as it is.

        Raises NotFound; Conflict, which says what is still to be done.
        """
        return self._end(uid, switch, "finished", actor, self._must_be_done)

    def abandon(self, uid: Uid, switch: str, *, actor: str) -> PosSwitch:
        """End a switch wherever it stands; both sources stay as they are, and what looks doubled
        still earns once. Ended already: as it is. Raises NotFound."""
        return self._end(uid, switch, "abandoned", actor, lambda _view, _rules: None)

    def view(self, uid: Uid, switch: str) -> SwitchView:
        """Raises NotFound."""
        return self._view(self.switches.get(uid, switch))

    def all(self, uid: Uid) -> list[SwitchView]:
        """Every switch of the account, newest first."""
        return [self._view(switch) for switch in self.switches.all(uid)]

    def _end(
        self,
        uid: Uid,
        name: str,
        state: SwitchState,
        actor: str,
        check: Callable[[SwitchView, Rules], None],
    ) -> PosSwitch:
        for tries_left in reversed(range(TRIES)):
            switch = self.switches.get(uid, name)
            if switch.state != "open":
                return switch
            rules = self.rules.get(uid)
            check(self._view(switch), rules)
            now = self.clock.now()
            ended = replace(switch, state=state, ended_at=now, ended_by=actor)
            entry = AuditEntry(now, actor, f"switch.{state}", switch.id)
            until = self._today(uid) + MOST_DAYS_AHEAD
            is_needed = self._card(uid, switch.new).state != "draft"
            try:
                return self.switches.apply(
                    SwitchChange(_ended(rules, until, keep=is_needed), ended, entry)
                )
            except StaleVersion:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _view(self, switch: PosSwitch) -> SwitchView:
        uid = switch.uid
        source = self.rules.get(uid).source(switch.new)
        return SwitchView(
            switch,
            self._step(switch, source.accrual_start),
            source.accrual_start,
            source.enroll_after,
            self.switches.check(uid, switch.id, switch.checked) if switch.checked else None,
            self.switches.check(uid, switch.id, switch.checking) if switch.checking else None,
        )

    def _step(self, switch: PosSwitch, accrual_start: Day | None) -> Step:
        if switch.state != "open":
            return switch.state
        old, new = self._card(switch.uid, switch.old), self._card(switch.uid, switch.new)
        if old.state != "frozen" or (old.frozen is not None and old.frozen.rolling is not None):
            return "freeze"
        if new.state != "connected":
            return "connect"
        if accrual_start is None:
            return "dates"
        live = self.credentials.for_integration(switch.uid, switch.new)
        if not live or any(credential.last_good_run_at is None for credential in live):
            return "sync"
        return "check"

    def _must_be_done(self, view: SwitchView, rules: Rules) -> None:
        what = _STILL_TO_DO.get(view.step)
        if what is not None:
            raise Conflict(what, step=view.step)
        check = view.check
        if check is None or view.checking is not None:
            raise Conflict(
                "The check of the switch has not ended: start it, or wait.", step=view.step
            )
        if check.rules_version != rules.version:
            raise Conflict(
                "Settings changed since the check: check once more, then finish.", step=view.step
            )
        if check.undecided:
            raise Conflict(
                f"{check.undecided} sales look doubled: say of each whether it is one sale or two.",
                step=view.step,
            )

    def _must_be_possible(self, uid: Uid, old: Platform, new: Platform, days_off: int) -> None:
        """Raise InvalidInput, Conflict for an old one that was never connected."""
        known = {info.platform for info in self.pos.platforms()}
        errors = [
            {"field": field, "reason": "This is no POS that AIQ knows.", "example": min(known)}
            for field, platform in (("from", old), ("to", new))
            if platform not in known
        ]
        if not errors and old == new:
            reason = "Choose another POS than the one you switch from."
            errors = [{"field": "to", "reason": reason, "example": min(known - {old})}]
        if not -MOST_DAYS_AGO <= days_off <= DAYS_AHEAD:
            reason = "Choose a day of the last year, today or tomorrow."
            errors.append({"field": "day", "reason": reason, "example": "2026-05-01"})
        if errors:
            raise InvalidInput("This switch cannot be begun.", errors=errors)
        if self._card(uid, old).state == "draft":
            raise Conflict(f"{self._title(old)} was never connected: there is nothing to switch.")

    def _must_be_the_only_one(self, uid: Uid, rules: Rules) -> None:
        if any(rule.is_open for rule in rules.switches):
            found = next((s for s in self.switches.all(uid) if s.state == "open"), None)
            if found is None:
                raise Conflict("A switch was just begun: read it first.")
            which = f"{self._title(found.old)} to {self._title(found.new)}"
            raise Conflict(
                f"{found.by} switches from {which} already: finish or abandon that first.",
                switch=found.id,
            )

    def _card(self, uid: Uid, platform: Platform) -> Integration:
        return self.integrations.get(uid, platform) or Integration(uid, platform)

    def _title(self, platform: Platform) -> str:
        return self.pos.platform(platform).title

    def _today(self, uid: Uid) -> Day:
        return local_day_number(self.clock.now(), self.accounts.get(uid).time_zone)


_STILL_TO_DO: dict[str, str] = {
    "freeze": "Turn *Use AIQ's last backup* on for the POS that you switch from first.",
    "connect": "Connect the POS that you switch to first.",
    "dates": "Set the points accrual start date of the POS that you switch to first.",
    "sync": "Wait until the first sync of the POS that you switch to has ended.",
}


def proposed_settings(view: SwitchView) -> dict[str, str]:
    """The settings that are proposed for the new source, by key."""
    own = {ACCRUAL_START: view.accrual_start, ENROLL_AFTER: view.enroll_after}
    return {key: day_text(view.switch.day) for key, value in own.items() if value is None}


def _with_rule(rules: Rules, rule: SwitchRule) -> Rules:
    """An earlier switch between the same two is taken up by the new one."""
    kept = [
        each
        for each in rules.switches
        if (each.old, each.new) != (rule.old, rule.new) or each.starts_earning
    ]
    return replace(rules, switches=(*kept, rule))


def _ended(rules: Rules, until: Day, *, keep: bool) -> Rules:
    """The rules after the open switch has ended. `keep`: what was pulled of both may be doubled.

    `until` is so late that no sale earns otherwise by it.
    """
    ended = [
        replace(rule, until=until) if rule.is_open else rule
        for rule in rules.switches
        if keep or not rule.is_open
    ]
    return replace(rules, switches=tuple(ended))
