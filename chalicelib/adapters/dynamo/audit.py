"""The audit log in DynamoDB (docs/reference/design.md, table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import Row, bind
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.positions import AT_AND_ID, checked_position
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import BadPosition
from chalicelib.domain.words import Uid
from chalicelib.services.ports.audit import EVERYTHING, AuditEntry, AuditFilter
from chalicelib.services.ports.common import Ids

MOST_READ = 1_000
"""Rows that one page reads; one that is narrowed much may be short while more follow."""
SPARSE_PAGE = 250


class AuditRow(Row):
    at = NumberAttribute()
    actor = UnicodeAttribute()
    action = UnicodeAttribute()
    subject = UnicodeAttribute()
    before = JSONAttribute(null=True)
    after = JSONAttribute(null=True)


class DynamoAudit:
    """The `Audit` port. A position is the part of the sort key that holds time and id."""

    def __init__(self, table: str, ids: Ids) -> None:
        bind(table, AuditRow)
        self._ids = ids

    def record(self, uid: Uid, entry: AuditEntry) -> None:
        audit_row(uid, entry, self._ids.new("aud")).save()

    def entries(
        self, uid: Uid, limit: int, before: str | None, wanted: AuditFilter = EVERYTHING
    ) -> tuple[list[AuditEntry], str | None]:
        pk = account_keys.account(uid)
        first, last = account_keys.audit_from(wanted.since), account_keys.audit_until(wanted.until)
        start = None
        if before is not None:
            place = account_keys.AUDIT_PREFIX + checked_position(before, AT_AND_ID)
            if not first <= place <= last:
                raise BadPosition
            start = {"pk": {"S": pk}, "sk": {"S": place}}
        is_sparse = wanted.actor is not None or wanted.subject is not None
        rows = AuditRow.query(
            pk,
            AuditRow.sk.between(first, last),
            scan_index_forward=False,
            page_size=SPARSE_PAGE if is_sparse else limit + 1,
            last_evaluated_key=start,
        )
        found: list[AuditEntry] = []
        position: str | None = None
        for read, (place, entry) in enumerate(readable(rows, _placed)):
            if len(found) == limit or read == MOST_READ:
                return found, position
            position = place
            if wanted.takes(entry):
                found.append(entry)
        return found, None


def _placed(row: AuditRow) -> tuple[str, AuditEntry]:
    """Return the entry of a row, and its position."""
    return row.sk.removeprefix(account_keys.AUDIT_PREFIX), row.as_fact(AuditEntry)


def audit_row(uid: Uid, entry: AuditEntry, name: str) -> AuditRow:
    """Return the row of an entry. `name`: the entry's id."""
    return AuditRow.of(entry, account_keys.account(uid), account_keys.audit(entry.at, name))
