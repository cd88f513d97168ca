"""Members whom a pull made none (voids, moved sales, blanked contacts, merges): one notification,
and the choice to keep them (product.md §8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.keeps import kept_reason
from chalicelib.domain.times import local_day_number
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.loyalty import Leavers
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rules import RuleBook

MOST_NOTED = 5_000
"""Per platform: they are stored in one row, which holds 400 KB."""

KEPT_AT_ONCE = 100
"""In one commit: one for each would take longer than a request may."""

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

    def note(self, uid: Uid, platform: Platform, left: Iterable[str]) -> None:
        """Note who left, and raise, refresh or clear the notification.

        It is cleared when all whom it speaks of are members again.
        """
        left = list(left)
        while True:
            noted = self.leavers.noted(uid, platform)
            ids = list(dict.fromkeys([*noted, *left]))[:MOST_NOTED]
            remaining = self._members(uid, ids)
            gone = [rid for rid in ids if rid not in remaining]
            if gone == noted or self.leavers.put(uid, platform, gone, instead_of=noted):
                break
        if gone:
            title = self.gateway.platform(platform).title
            self.notifier.raise_(uid, "members_left", platform, title=title, members=len(gone))
        elif noted:
            self.notifier.clear(uid, "members_left", platform)

    def _members(self, uid: Uid, ids: Sequence[str]) -> set[str]:
        """Return those of the records that belong to a member today, under whatever id."""
        rows = self.facts.rows(uid, ids) if ids else {}
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

        Raises Conflict if none are pending.
        """
        ids = self._pending(uid, platform)
        day = self.rules.get(uid).source(platform).enroll_after
        if day is None:
            day = local_day_number(self.clock.now(), self.accounts.get(uid).time_zone)
        reason = kept_reason("enroll_after", platform, day)
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
        ids = self.leavers.noted(uid, platform)
        if not ids:
            raise Conflict(NOBODY_LEFT)
        return ids

    def _close(
        self, uid: Uid, platform: Platform, action: str, ids: Sequence[str], actor: str
    ) -> None:
        """Take these off the list and record the decision; who left meanwhile stays on it."""
        decided = set(ids)
        while True:
            noted = self.leavers.noted(uid, platform)
            pending = [rid for rid in noted if rid not in decided]
            if self.leavers.put(uid, platform, pending, instead_of=noted):
                break
        if not pending:
            self.notifier.clear(uid, "members_left", platform)
        after: dict[str, object] = {"members": len(ids)}
        self.audit.record(uid, AuditEntry(self.clock.now(), actor, action, platform, after=after))
