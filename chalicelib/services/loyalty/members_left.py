"""Members whom a void or a moved sale took their last reason: told once, kept on request (§8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.membership import kept_reason
from chalicelib.domain.times import local_day_number
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.loyalty import Leavers
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rules import RuleBook

MOST_NOTED = 5_000
"""Of a platform; they stand in one row of 400 KB."""

KEPT_AT_ONCE = 100
"""In one commit: one for each would take longer than a request may."""

NOBODY_LEFT = "Nobody waits to be kept."


@dataclass(frozen=True, slots=True)
class Leaving:
    """Notes who left with a run, while they are no members. What the run has just written is read
    consistently: a glimpse might show them as members still."""

    leavers: Leavers
    facts: FactStore
    gateway: PosGateway
    notifier: Notifier

    def note(self, uid: Uid, platform: Platform, left: Iterable[str]) -> None:
        """Raises the notification, refreshes it, or clears it when all are members again."""
        left = list(left)
        while True:
            noted = self.leavers.noted(uid, platform)
            ids = list(dict.fromkeys([*noted, *left]))[:MOST_NOTED]
            rows = self.facts.rows(uid, ids) if ids else {}
            gone = [rid for rid in ids if (p := rows[rid].persona) is not None and not p.member]
            if gone == noted or self.leavers.put(uid, platform, gone, instead_of=noted):
                break
        if gone:
            title = self.gateway.platform(platform).title
            self.notifier.raise_(uid, "members_left", platform, title=title, members=len(gone))
        elif noted:
            self.notifier.clear(uid, "members_left", platform)


@dataclass(frozen=True, slots=True)
class LeaverChoice:
    """What a person decides about who left."""

    leavers: Leavers
    commits: FactCommits
    rules: RuleBook
    accounts: Accounts
    notifier: Notifier
    audit: Audit
    clock: Clock

    def decide(self, uid: Uid, platform: Platform, choice: str, *, actor: str) -> int:
        """`keep` or `let-go`. Raises NotFound for anything else, Conflict."""
        if choice == "keep":
            return self.keep(uid, platform, actor=actor)
        if choice == "let-go":
            return self.let_go(uid, platform, actor=actor)
        raise NotFound("There is nothing here.")

    def keep(self, uid: Uid, platform: Platform, *, actor: str) -> int:
        """Give each a `kept` reason; how many. Raises Conflict when nobody waits."""
        ids = self._waiting(uid, platform)
        day = self.rules.get(uid).source(platform).enroll_after
        if day is None:
            day = local_day_number(self.clock.now(), self.accounts.get(uid).time_zone)
        reason = kept_reason("enroll_after", platform, day)
        for start in range(0, len(ids), KEPT_AT_ONCE):
            some = ids[start : start + KEPT_AT_ONCE]
            self.commits.join_all(uid, some, reason, self.clock.now())
        self._decided(uid, platform, "members.kept", ids, actor)
        return len(ids)

    def let_go(self, uid: Uid, platform: Platform, *, actor: str) -> int:
        """Leave them be; how many. Raises Conflict when nobody waits."""
        ids = self._waiting(uid, platform)
        self._decided(uid, platform, "members.let_go", ids, actor)
        return len(ids)

    def _waiting(self, uid: Uid, platform: Platform) -> list[str]:
        ids = self.leavers.noted(uid, platform)
        if not ids:
            raise Conflict(NOBODY_LEFT)
        return ids

    def _decided(
        self, uid: Uid, platform: Platform, action: str, ids: Sequence[str], actor: str
    ) -> None:
        """Whoever left meanwhile waits on."""
        decided = set(ids)
        while True:
            noted = self.leavers.noted(uid, platform)
            waiting = [rid for rid in noted if rid not in decided]
            if self.leavers.put(uid, platform, waiting, instead_of=noted):
                break
        if not waiting:
            self.notifier.clear(uid, "members_left", platform)
        after: dict[str, object] = {"members": len(ids)}
        self.audit.record(uid, AuditEntry(self.clock.now(), actor, action, platform, after=after))
