"""Who changed what, in DynamoDB (docs/reference/design.md, table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import Row, TableMeta, bind
from chalicelib.adapters.dynamo.positions import AT_AND_ID, known
from chalicelib.domain.words import Uid
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.common import Ids


class AuditRow(Row):
    class Meta(TableMeta):
        pass

    at = NumberAttribute()
    actor = UnicodeAttribute()
    action = UnicodeAttribute()
    subject = UnicodeAttribute()
    before = JSONAttribute(null=True)
    after = JSONAttribute(null=True)


class DynamoAudit:
    """The `Audit` port. A position is the part of the key that tells time and id."""

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
            known(before, AT_AND_ID)
            start = {"pk": {"S": pk}, "sk": {"S": keys.AUDIT_PREFIX + before}}
        rows = list(
            AuditRow.query(
                pk,
                AuditRow.sk.startswith(keys.AUDIT_PREFIX),
                scan_index_forward=False,
                limit=limit + 1,
                last_evaluated_key=start,
            )
        )
        shown = rows[:limit]
        more = len(rows) > limit
        return (
            [_entry(row) for row in shown],
            shown[-1].sk.removeprefix(keys.AUDIT_PREFIX) if more else None,
        )


def audit_row(uid: Uid, entry: AuditEntry, name: str) -> AuditRow:
    """`name`: the entry's id."""
    return AuditRow(
        keys.account(uid),
        keys.audit(entry.at, name),
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        before=entry.before,
        after=entry.after,
    )


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        at=int(row.at),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        before=row.before,
        after=row.after,
    )
