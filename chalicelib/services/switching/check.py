"""Check a switch: look at everybody, count whom both POS know, and list the sales that look
doubled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.personas import Persona
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.account_jobs import SwitchCheckMessage
from chalicelib.services.job_messages.base import next_hop, next_position
from chalicelib.services.ports.changes import PreviewReads
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.persona_list import PersonaList
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.switching import DoubledPair, PosSwitch, PosSwitches, SwitchCheck
from chalicelib.services.switching.pairs import FindPairs

PAGE = 250
SAVE_EVERY_SECONDS = 2.0
SILENT_FOR = 30 * MINUTE
"""A check that was not heard of for so long is begun anew: its message is lost."""
INDEX_SECONDS = 10
"""The index of personas shows what a sync wrote last by then."""
TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSwitchCheck:
    """Starts checks, one of a switch at a time."""

    switches: PosSwitches
    rules: RuleBook
    jobs: JobQueue
    clock: Clock

    def start(self, uid: Uid, name: str) -> SwitchCheck:
        """Start a check, or return the one under way, unless settings have changed since it began.
        Raises NotFound."""
        for tries_left in reversed(range(TRIES)):
            switch = self.switches.get(uid, name)
            if switch.checking:
                check = self.switches.check(uid, name, switch.checking)
                heard_at = check.heartbeat_at or check.requested_at
                is_current = check.rules_version == self.rules.get(uid).version
                if is_current and self.clock.now() - heard_at < SILENT_FOR:
                    return check
            try:
                return self._start(switch)
            except StaleVersion:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def after_first_sync(self, uid: Uid) -> None:
        """Check the switch that is open, if one is: its new POS may have been read."""
        if any(rule.is_open for rule in self.rules.get(uid).switches):
            for switch in self.switches.all(uid):
                if switch.state == "open":
                    self.start(uid, switch.id)

    def _start(self, switch: PosSwitch) -> SwitchCheck:
        """The check's row goes first, so that none is named that is not there; a number that a
        crash left behind is taken over."""
        number = max(switch.checking, switch.checked) + 1
        now, version = self.clock.now(), self.rules.get(switch.uid).version
        check = SwitchCheck(switch.uid, switch.id, number, now, version)
        try:
            check = self.switches.save_check(check)
        except StaleVersion:
            found = self.switches.check(switch.uid, switch.id, number)
            check = self.switches.save_check(replace(check, seq=found.seq))
        message = SwitchCheckMessage(switch.uid, switch.id, number)
        self.jobs.send(message.body(), delay_seconds=INDEX_SECONDS)
        self.switches.save(replace(switch, checking=number))
        return check


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchCheckWorker:
    """Works a check off, page by page. A page that is done twice changes nothing, and a worker
    that was overtaken by another stops."""

    switches: PosSwitches
    commits: FactCommits
    terms: TermsReader
    personas: PersonaList
    reads: PreviewReads
    jobs: JobQueue
    clock: Clock

    def handle(self, message: SwitchCheckMessage, time_left: Callable[[], bool]) -> int:
        """Go on with the check; returns how many personas were looked at."""
        uid = message.uid
        try:
            switch = self.switches.get(uid, message.switch)
            check = self.switches.check(uid, message.switch, message.number)
        except NotFound:
            return 0
        if check.ended_at is not None:
            self._end(switch, check)
            return 0
        if switch.checking != message.number:
            return 0
        if check.after is None:
            self.commits.catch_up(uid)
        before = check.personas
        try:
            check = self._walk(switch, check, time_left)
        except StaleVersion:  # another worker goes on with it
            return 0
        if check.ended_at is None:
            onward = replace(message, hop=next_hop(message.hop))
            self.jobs.send(onward.body())
        else:
            self._end(switch, check)
        return check.personas - before

    def _walk(
        self, switch: PosSwitch, check: SwitchCheck, time_left: Callable[[], bool]
    ) -> SwitchCheck:
        terms = self.terms.current(switch.uid)
        saved_at = self.clock.monotonic()
        while True:
            ids, following = self.personas.in_turn(switch.uid, PAGE, check.after)
            after = next_position(check.after, following)
            people = self.reads.personas(switch.uid, ids) if ids else []
            pairs = FindPairs(self.reads).of(switch, people, terms)
            if pairs:
                self.switches.put_pairs(check, pairs)
            check = replace(_with(check, switch, people, pairs), after=after)
            now = self.clock.now()
            if after is None:
                return self.switches.save_check(replace(check, heartbeat_at=now, ended_at=now))
            is_time_up = not time_left()
            if is_time_up or self.clock.monotonic() - saved_at >= SAVE_EVERY_SECONDS:
                saved_at = self.clock.monotonic()
                check = self.switches.save_check(replace(check, heartbeat_at=now))
            if is_time_up:
                return check

    def _end(self, switch: PosSwitch, check: SwitchCheck) -> None:
        """Let the switch show this check."""
        for _ in range(TRIES):
            if switch.checking != check.number:
                return
            try:
                self.switches.save(replace(switch, checking=0, checked=check.number))
            except StaleVersion:
                switch = self.switches.get(switch.uid, switch.id)
            else:
                return
        raise Conflict("The switch is being changed all the while.")


def _with(
    check: SwitchCheck,
    switch: PosSwitch,
    people: Sequence[Persona],
    pairs: Sequence[DoubledPair],
) -> SwitchCheck:
    """The check with a page of people more."""
    known = [(switch.old in p.sources, switch.new in p.sources) for p in people]
    return replace(
        check,
        personas=check.personas + len(people),
        joined=check.joined + known.count((True, True)),
        only_old=check.only_old + known.count((True, False)),
        only_new=check.only_new + known.count((False, True)),
        doubled=check.doubled + len(pairs),
        undecided=check.undecided + sum(not pair.is_decided for pair in pairs),
    )
