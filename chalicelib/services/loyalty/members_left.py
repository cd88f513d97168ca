"""Members whom a pull made none (voids, moved sales, blanked contacts, merges): one notification,
and the choice to keep them (product.md §8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.keeps import kept_reason
from chalicelib.domain.times import local_day_number
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.job_messages.account_jobs import KeepMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.loyalty import Leavers
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rules import RuleBook

MOST_NOTED = 100_000
"""Per platform: what one transaction stores, 4 MB."""

READ_AT_ONCE = 1_000

KEPT_AT_ONCE = 100
"""In one commit: one for each would take longer than a request may."""

TAKEN_OFF_AT_ONCE = 1_000
"""Of the list, which is written as a whole."""

KEPT_IN_A_REQUEST = 2_000
"""More are kept in the background."""

NOBODY_LEFT = "Nobody waits to be kept."


@dataclass(frozen=True, slots=True)
class LeaverNotes:
    """Notes who left with a run, for as long as they are no members.

    It reads consistently what the run has just written: cheaper reads might show them as members
    still.
    """

    leavers: Leavers
    facts: FactStore
    lookup: PersonaLookup
    gateway: PosGateway
    notifier: Notifier

    def add(self, uid: Uid, platform: Platform, left: Iterable[str]) -> None:
        """Note who left, and raise or refresh the notification: for the middle of a run, since it
        does not look again at who was noted before."""
        new = list(left)
        members = self._members(uid, new)
        gone = [rid for rid in new if rid not in members]
        while gone:
            noted = self.leavers.leaver_ids(uid, platform)
            ids = list(dict.fromkeys([*noted, *gone]))[:MOST_NOTED]
            if ids == noted or self.leavers.put(uid, platform, ids, instead_of=noted):
                self._tell(uid, platform, len(ids))
                return

    def note(self, uid: Uid, platform: Platform, left: Iterable[str]) -> None:
        """Note who left, and raise, refresh or clear the notification.

        It is cleared when all whom it speaks of are members again.
        """
        left = list(left)
        while True:
            noted = self.leavers.leaver_ids(uid, platform)
            ids = list(dict.fromkeys([*noted, *left]))[:MOST_NOTED]
            remaining = self._members(uid, ids)
            gone = [rid for rid in ids if rid not in remaining]
            if gone == noted or self.leavers.put(uid, platform, gone, instead_of=noted):
                break
        if gone:
            self._tell(uid, platform, len(gone))
        elif noted:
            self.notifier.clear(uid, "members_left", platform)

    def _tell(self, uid: Uid, platform: Platform, members: int) -> None:
        title = self.gateway.platform(platform).title
        self.notifier.raise_(uid, "members_left", platform, title=title, members=members)

    def _members(self, uid: Uid, ids: Sequence[str]) -> set[str]:
        """Return those of the records that belong to a member today, under whatever id."""
        found: set[str] = set()
        for start in range(0, len(ids), READ_AT_ONCE):
            found |= self._members_among(uid, ids[start : start + READ_AT_ONCE])
        return found

    def _members_among(self, uid: Uid, ids: Sequence[str]) -> set[str]:
        rows = self.facts.rows(uid, ids)
        personas = {rid: row.persona for rid, row in rows.items()}
        elsewhere = [rid for rid, persona in personas.items() if persona is None]
        members = {rid for rid, persona in personas.items() if persona and persona.member}
        for persona in self.lookup.personas_of(uid, elsewhere) if elsewhere else ():
            if persona.member:
                members.update(persona.members)
        return members


@dataclass(frozen=True, slots=True)
class LeaverChoice:
    """Carries out what a person decides about who left."""

    leavers: Leavers
    commits: FactCommits
    rules: RuleBook
    accounts: Accounts
    notifier: Notifier
    audit: Audit
    jobs: JobQueue
    clock: Clock

    def decide(self, uid: Uid, platform: Platform, choice: str, *, actor: str) -> int:
        """Keep them (`keep`) or dismiss them (`let-go`), and return how many there were.

        Raises NotFound for another choice, Conflict if none are pending.
        """
        if choice == "keep":
            return self.keep(uid, platform, actor=actor)
        if choice == "let-go":
            return self.let_go(uid, platform, actor=actor)
        raise NotFound("There is nothing here.")

    def keep(self, uid: Uid, platform: Platform, *, actor: str) -> int:
        """Give each pending leaver a `kept` reason, and return how many there were.

        Very many are kept in the background. Raises Conflict if none are pending.
        """
        ids = self._pending(uid, platform)
        day = self.rules.get(uid).source(platform).enroll_after
        if day is None:
            day = local_day_number(self.clock.now(), self.accounts.get(uid).time_zone)
        reason = kept_reason("enroll_after", platform, day)
        if len(ids) > KEPT_IN_A_REQUEST:
            self.jobs.send(KeepMessage(uid, platform, reason, last=ids[-1]).body())
            self._record(uid, platform, "members.kept", len(ids), actor)
            return len(ids)
        for start in range(0, len(ids), KEPT_AT_ONCE):
            batch = ids[start : start + KEPT_AT_ONCE]
            self.commits.join_all(uid, batch, reason, self.clock.now())
        self._close(uid, platform, "members.kept", ids, actor)
        return len(ids)

    def let_go(self, uid: Uid, platform: Platform, *, actor: str) -> int:
        """Dismiss the pending leavers, and return how many there were.

        Raises Conflict if none are pending.
        """
        ids = self._pending(uid, platform)
        self._close(uid, platform, "members.let_go", ids, actor)
        return len(ids)

    def _pending(self, uid: Uid, platform: Platform) -> list[str]:
        ids = self.leavers.leaver_ids(uid, platform)
        if not ids:
            raise Conflict(NOBODY_LEFT)
        return ids

    def _close(
        self, uid: Uid, platform: Platform, action: str, ids: Sequence[str], actor: str
    ) -> None:
        """Take these off the list and record the decision; who left meanwhile stays on it."""
        if not _without(self.leavers, uid, platform, ids):
            self.notifier.clear(uid, "members_left", platform)
        self._record(uid, platform, action, len(ids), actor)

    def _record(self, uid: Uid, platform: Platform, action: str, members: int, actor: str) -> None:
        after: dict[str, object] = {"members": members}
        self.audit.record(uid, AuditEntry(self.clock.now(), actor, action, platform, after=after))


@dataclass(frozen=True, slots=True)
class KeepWorker:
    """Keeps, in the background, the leavers whom a person decided to keep."""

    leavers: Leavers
    commits: FactCommits
    notifier: Notifier
    jobs: JobQueue
    clock: Clock

    def handle(self, message: KeepMessage, time_left: Callable[[], bool]) -> int:
        """Keep who was noted when the person decided, up to `last`, and return how many.

        They are taken off the list a thousand at a time: repeated, the job goes on from there.
        Where `last` is a member again, the others wait for another decision.
        """
        uid, platform, total = message.uid, message.platform, 0
        while True:
            noted = self.leavers.leaver_ids(uid, platform)
            if message.last not in noted:
                return total
            decided = noted[: noted.index(message.last) + 1][:TAKEN_OFF_AT_ONCE]
            kept = self._keep(message, decided, time_left)
            total += len(kept)
            if not _without(self.leavers, uid, platform, kept):
                self.notifier.clear(uid, "members_left", platform)
            if not time_left():
                self.jobs.send(replace(message, hop=next_hop(message.hop)).body())
                return total

    def _keep(
        self, message: KeepMessage, ids: Sequence[str], time_left: Callable[[], bool]
    ) -> Sequence[str]:
        """Keep these while there is time, and return whom."""
        for start in range(0, len(ids), KEPT_AT_ONCE):
            batch = ids[start : start + KEPT_AT_ONCE]
            self.commits.join_all(message.uid, batch, message.reason, self.clock.now())
            if not time_left():
                return ids[: start + len(batch)]
        return ids


def _without(leavers: Leavers, uid: Uid, platform: Platform, ids: Iterable[str]) -> list[str]:
    """Take these off the list, and return who stays on it."""
    decided = set(ids)
    while True:
        noted = leavers.leaver_ids(uid, platform)
        pending = [rid for rid in noted if rid not in decided]
        if leavers.put(uid, platform, pending, instead_of=noted):
            return pending
