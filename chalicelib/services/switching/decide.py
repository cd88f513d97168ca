"""Say of sales that look doubled whether they are one sale or two."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.words import Double, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.account_jobs import SwitchDecideMessage
from chalicelib.services.job_messages.base import next_hop, next_position
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.changes import PreviewReads
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.ports.switching import (
    DoubledPair,
    PosSwitch,
    PosSwitches,
    SwitchCheck,
)
from chalicelib.services.switching.check import StartSwitchCheck
from chalicelib.services.switching.pairs import FindPairs

Side = Literal["a", "b"]
"""Of a pair: `a` is the sale that earns as long as nobody said anything."""
NO_CHECK = "The switch was not checked yet: there is no list of sales that look doubled."
TRIES = 6
PAGE = 50
"""Pairs that one commit and one transaction take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDoubled:
    """Takes what a person says of a pair. It can be said again, otherwise, or taken back."""

    switches: PosSwitches
    commits: FactCommits
    terms: TermsReader
    reads: PreviewReads
    audit: Audit
    clock: Clock

    def pairs(
        self, uid: Uid, switch: str, limit: int, after: str | None
    ) -> tuple[list[DoubledPair], str | None]:
        """A page of the pairs of the last check that ended. Raises NotFound."""
        held = self.switches.get(uid, switch)
        if not held.checked:
            return [], None
        return self.switches.pairs(self._check(held), limit, after)

    def decide(
        self, uid: Uid, switch: str, n: str, *, same: bool | None, left_out: Side, actor: str
    ) -> DoubledPair:
        """`same`: it is one sale, and `left_out` of the two is left out of points; False: two
        sales; None: nobody knows yet. Points follow at once. Raises NotFound, CommitBusy.
        """
        held = self.switches.get(uid, switch)
        said = _said(self.switches.pair(self._check(held), n), same=same, left_out=left_out)
        words = _words([said])
        if self.commits.say_doubles(uid, words, [_sales(said)], urgent=True) != words.keys():
            raise NotFound("AIQ does not know this sale any more.")
        self._note(held, n, said)
        after: dict[str, object] = {"pair": n, "same": same}
        if same:
            after["left_out"] = left_out
        self.audit.record(
            uid, AuditEntry(self.clock.now(), actor, "switch.decided", switch, after=after)
        )
        return said

    def decide_page(
        self, uid: Uid, switch: str, number: int, after: str | None, *, same: bool
    ) -> tuple[int, str | None]:
        """Say it of those of a page of the check's pairs of whom nobody said anything; returns how
        many, and the position to go on after. A page that is done twice changes nothing."""
        check = self.switches.check(uid, switch, number)
        pairs, position = self.switches.pairs(check, PAGE, after)
        said = [_said(p, same=same, left_out="b") for p in pairs if not p.is_decided]
        if said:
            known = self.commits.say_doubles(uid, _words(said), map(_sales, said))
            said = [pair for pair in said if known.issuperset(_sales(pair))]
            counted = replace(check, undecided=max(0, check.undecided - len(said)))
            self.switches.decide(counted, said)
        return len(said), position

    def _note(self, switch: PosSwitch, n: str, said: DoubledPair) -> None:
        """Store the pair as it is now, and any that came to light by it."""
        others = [pair for pair in self._pairs_of_person(switch, said) if pair.n != n]
        for tries_left in reversed(range(TRIES)):
            check = self._check(switch)
            before = self._known(check, [said, *others])
            more = [pair for pair in others if before.get(pair.n) != pair]
            changed = [said, *more]
            known = [before[pair.n] for pair in changed if pair.n in before]
            undecided = sum(not p.is_decided for p in changed) - sum(
                not p.is_decided for p in known
            )
            counted = replace(
                check,
                doubled=check.doubled + len(changed) - len(known),
                undecided=check.undecided + undecided,
            )
            try:
                self.switches.decide(counted, changed)
            except StaleVersion:
                if not tries_left:
                    raise
            else:
                return

    def _pairs_of_person(self, switch: PosSwitch, said: DoubledPair) -> list[DoubledPair]:
        people = self.reads.personas(switch.uid, [said.persona])
        return FindPairs(self.reads).of(switch, people, self.terms.current(switch.uid))[:20]

    def _known(self, check: SwitchCheck, pairs: Sequence[DoubledPair]) -> dict[str, DoubledPair]:
        known = {}
        for pair in pairs:
            try:
                known[pair.n] = self.switches.pair(check, pair.n)
            except NotFound:
                continue
        return known

    def _check(self, switch: PosSwitch) -> SwitchCheck:
        if not switch.checked:
            raise NotFound(NO_CHECK)
        return self.switches.check(switch.uid, switch.id, switch.checked)


def _said(pair: DoubledPair, *, same: bool | None, left_out: Side) -> DoubledPair:
    old: Double = "left_out" if same and left_out == "a" else ""
    new: Double = "own" if same is False else "left_out" if same and not old else ""
    return replace(pair, old=replace(pair.old, double=old), new=replace(pair.new, double=new))


def _sales(pair: DoubledPair) -> tuple[SaleId, SaleId]:
    old, new = pair.old, pair.new
    return (
        SaleId(old.platform, old.scope, old.ext_id),
        SaleId(new.platform, new.scope, new.ext_id),
    )


def _words(pairs: Iterable[DoubledPair]) -> dict[SaleId, Double]:
    """Return what a person said of each sale.

    An old sale may be in pairs of two switches: *left out* wins.
    """
    words: dict[SaleId, Double] = {}
    for pair in pairs:
        for sid, sale in zip(_sales(pair), (pair.old, pair.new), strict=True):
            words[sid] = sale.double or words.get(sid, "")
    return words


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideAllWorker:
    """Says the same of all pairs of a check of which nobody said anything. At its end the switch is
    checked once more: a decision may bring others to light."""

    deciding: DecideDoubled
    checks: StartSwitchCheck
    jobs: JobQueue

    def request(self, uid: Uid, switch: str, *, same: bool, actor: str) -> None:
        """Queue the job. Raises NotFound before the first check."""
        held = self.deciding.switches.get(uid, switch)
        if not held.checked:
            raise NotFound(NO_CHECK)
        now = self.deciding.clock.now()
        after: dict[str, object] = {"pair": "all", "same": same}
        entry = AuditEntry(now, actor, "switch.decided", switch, after=after)
        self.deciding.audit.record(uid, entry)
        self.jobs.send(SwitchDecideMessage(uid, switch, held.checked, same).body())

    def handle(self, message: SwitchDecideMessage, time_left: Callable[[], bool]) -> int:
        """Go on with the pairs; returns how many were decided."""
        uid, name, decided, after = message.uid, message.switch, 0, message.after
        while True:
            try:
                if self.deciding.switches.get(uid, name).checked != message.number:
                    return decided
                count, following = self.deciding.decide_page(
                    uid, name, message.number, after, same=message.same
                )
            except NotFound:
                return decided
            decided += count
            after = next_position(after, following)
            if after is None:
                self.checks.start(uid, name)
                return decided
            if not time_left():
                onward = replace(message, after=after, hop=next_hop(message.hop))
                self.jobs.send(onward.body())
                return decided
