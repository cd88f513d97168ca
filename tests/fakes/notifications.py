"""Notifications, audit and people in memory."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.words import Instant
from chalicelib.services.ports.accounts import InvitedUser
from chalicelib.services.ports.audit import EVERYTHING, AuditEntry, AuditFilter
from chalicelib.services.ports.digests import Marks
from chalicelib.services.ports.notifications import Notification


class MemoryNotifications:
    """`marks` hears of accounts that have something new to tell."""

    def __init__(self, marks: Marks | None = None) -> None:
        self.rows: dict[tuple[str, str, str], Notification] = {}
        self._marks = marks

    def raise_(self, uid: str, notification: Notification) -> bool:
        key = (uid, notification.kind, notification.subject)
        known = self.rows.get(key)
        is_open = known is not None and known.cleared_at is None
        if known is not None and is_open:
            notification = replace(notification, raised_at=known.raised_at)
        elif self._marks is not None:
            self._marks.mark(uid, notification.refreshed_at)
        self.rows[key] = notification
        return not is_open

    def clear(self, uid: str, kind: str, subject: str, at: Instant) -> None:
        known = self.rows.get((uid, kind, subject))
        if known is not None and known.cleared_at is None:
            self.rows[uid, kind, subject] = replace(known, cleared_at=at)

    def open_for(self, uid: str) -> list[Notification]:
        return [found for found in self.all_for(uid) if found.cleared_at is None]

    def all_for(self, uid: str) -> list[Notification]:
        return [found for (owner, _, _), found in sorted(self.rows.items()) if owner == uid]


class MemoryAudit:
    """Positions are places in the list of the account, newest first."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, AuditEntry]] = []

    def record(self, uid: str, entry: AuditEntry) -> None:
        self.rows.append((uid, entry))

    def entries(
        self, uid: str, limit: int, before: str | None, wanted: AuditFilter = EVERYTHING
    ) -> tuple[list[AuditEntry], str | None]:
        found = [
            entry
            for owner, entry in self.rows
            if owner == uid
            and wanted.takes(entry)
            and (wanted.since or 0) <= entry.at
            and (wanted.until is None or entry.at < wanted.until)
        ]
        found.sort(key=lambda entry: entry.at, reverse=True)
        start = int(before or 0)
        end = start + limit
        return found[start:end], str(end) if end < len(found) else None


class FakePeople:
    """`sub-1`, `sub-2` …, the same again for the same e-mail; `used` are those who logged in."""

    def __init__(self) -> None:
        self.subs: dict[str, str] = {}
        self.used: set[str] = set()
        self.letters: list[str] = []

    def invite(self, email: str) -> InvitedUser:
        is_new, is_unused = email not in self.subs, email not in self.used
        if is_unused:
            self.letters.append(email)
        sub = self.subs.setdefault(email, f"sub-{len(self.subs) + 1}")
        return InvitedUser(sub, is_new, is_mailed=is_unused)


class OperatorMailbox:
    def __init__(self) -> None:
        self.letters: list[tuple[str, str]] = []

    def publish(self, subject: str, text: str) -> None:
        self.letters.append((subject, text))
