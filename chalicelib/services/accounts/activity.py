"""The activity log as people read it: by whom, of what, within which days (product.md §7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from chalicelib.domain.errors import field_fault, invalid_fields
from chalicelib.domain.times import start_of_day
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.accounts.names import ActorNames
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry, AuditFilter

EARLIEST = date(1990, 1, 1)


class NamedEntry(NamedTuple):
    """An entry with what its actor is called, and its subject where that is a person."""

    entry: AuditEntry
    actor_name: str
    subject_name: str | None


@dataclass(frozen=True, slots=True)
class ActivityLog:
    """Reads the activity log of an account."""

    accounts: Accounts
    audit: Audit
    names: ActorNames

    def filter_of(
        self,
        uid: Uid,
        *,
        actor: str | None = None,
        subject: str | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> AuditFilter:
        """Return the filter of these words and days, which are the account's and both part of it.

        Raises InvalidInput where the last day is before the first.
        """
        if first is not None and last is not None and last < first:
            raise invalid_fields(field_fault("to", "a day not before from", first.isoformat()))
        zone = self.accounts.get(uid).time_zone
        since = start_of_day(first, zone) if first is not None and first >= EARLIEST else None
        return AuditFilter(actor, subject, since, _end_of_day(last, zone))

    def entries(
        self, uid: Uid, wanted: AuditFilter, limit: int, before: str | None
    ) -> tuple[list[NamedEntry], str | None]:
        """Return a page of the entries that the filter takes, the newest first; the second value
        continues the list. A page may be short while more follow. Raises BadPosition."""
        entries, position = self.audit.entries(uid, limit, before, wanted)
        people = [name for entry in entries for name in (entry.actor, entry.subject)]
        names = self.names.names_of(uid, people)
        return [
            NamedEntry(
                entry,
                names.get(entry.actor, entry.actor),
                names[entry.subject] if entry.subject.startswith("user:") else None,
            )
            for entry in entries
        ], position


def _end_of_day(day: date | None, zone: str) -> Instant | None:
    """Return when the day is over; None for one that never ends."""
    if day is None or day == date.max:
        return None
    return start_of_day(max(day, EARLIEST) + timedelta(days=1), zone)
