"""The audit log in DynamoDB (docs/reference/design.md, table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import Row, bind, first_page
from chalicelib.adapters.dynamo.positions import AT_AND_ID, checked_position
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.words import Uid
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.common import Ids


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
        self, uid: Uid, limit: int, before: str | None
    ) -> tuple[list[AuditEntry], str | None]:
        """Newest first."""
        pk = keys.account(uid)
        start = None
        if before is not None:
            checked_position(before, AT_AND_ID)
            start = {"pk": {"S": pk}, "sk": {"S": keys.AUDIT_PREFIX + before}}
        rows = AuditRow.query(
            pk,
            AuditRow.sk.startswith(keys.AUDIT_PREFIX),
            scan_index_forward=False,
            page_size=limit + 1,
            last_evaluated_key=start,
        )
        page, last = first_page(rows, limit)
        entries = list(readable(page, lambda row: row.as_fact(AuditEntry)))
        return entries, last and last.removeprefix(keys.AUDIT_PREFIX)


def audit_row(uid: Uid, entry: AuditEntry, name: str) -> AuditRow:
    """Return the row of an entry. `name`: the entry's id."""
    return AuditRow.of(entry, keys.account(uid), keys.audit(entry.at, name))
