"""The records that runs set aside, in DynamoDB (docs/reference/design.md, table `sync`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import Row, query_page
from chalicelib.adapters.dynamo.keys import sync_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.records import Reject
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.runs import Lease, SetAside

POSITION = re.compile(r"[a-z]+#\d{6}")

KEPT_DAYS = 90
STORED = ("stream", "reason", "field", "row", "ext_id")
LONGEST_RECORD = 60_000
"""Characters of a record that are stored: a row of the table takes 400 KB."""


class SetAsideRow(Row):
    body = UnicodeAttribute()
    expires_at = NumberAttribute()


class DynamoSetAside:
    """The set-aside records of the `SyncStates` port."""

    _clock: Clock

    def add_aside(self, lease: Lease, first_number: int, rejects: Sequence[Reject]) -> None:
        expires_at = (self._clock.now() + KEPT_DAYS * DAY) // SECOND
        pk = sync_keys.aside(lease.uid, lease.run)
        with SetAsideRow.batch_write() as batch:
            for number, reject in enumerate(rejects, first_number):
                sk = sync_keys.aside_row(reject.stream, number)
                batch.save(SetAsideRow(pk, sk, body=_text(reject), expires_at=expires_at))

    def asides(
        self, uid: Uid, run: str, limit: int, after: str | None
    ) -> tuple[list[SetAside], str | None]:
        rows, last = query_page(SetAsideRow, sync_keys.aside(uid, run), limit, after, POSITION)
        return list(readable(rows, _set_aside)), last


def _text(reject: Reject) -> str:
    """Return the record as JSON text, its row cut to what is stored."""
    told = {name: getattr(reject, name) for name in STORED}
    text = orjson.dumps(told).decode()
    if len(text) <= LONGEST_RECORD:
        return text
    row = orjson.dumps(reject.row).decode()
    return orjson.dumps({**told, "row": {"cut": row[:LONGEST_RECORD]}}).decode()


def _set_aside(row: SetAsideRow) -> SetAside:
    return from_fields(SetAside, orjson.loads(row.body), number=int(row.sk.rsplit("#", 1)[1]))
