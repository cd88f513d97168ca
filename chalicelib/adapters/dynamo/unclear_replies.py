"""Replies that wait for a person, in DynamoDB (docs/reference/design.md, table `personas`)."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from chalicelib.adapters.dynamo.batch import BatchTable, Row
from chalicelib.adapters.dynamo.keys import text_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.texting import UnclearReply

KEPT_DAYS = 30


@dataclass(frozen=True)
class DynamoUnclearReplies:
    """The `UnclearReplies` port. DynamoDB deletes a row up to days after its time, so that reads
    leave it out themselves."""

    table: BatchTable

    def add(self, uid: Uid, reply: UnclearReply) -> None:
        row = {
            "pk": {"S": text_keys.unclear_replies(uid)},
            "sk": {"S": text_keys.unclear_reply(reply.id)},
            "body": {"S": orjson.dumps(reply).decode()},
            "expires_at": {"N": str((reply.at + KEPT_DAYS * DAY) // SECOND)},
        }
        self.table.client.put_item(TableName=self.table.name, Item=row)

    def waiting_replies(self, uid: Uid) -> list[UnclearReply]:
        rows = self.table.query(text_keys.unclear_replies(uid), text_keys.UNCLEAR_REPLY_PREFIX)
        replies = readable(rows, read_reply)
        return sorted(filter(self._is_kept, replies), key=lambda reply: (reply.at, reply.id))

    def get(self, uid: Uid, reply_id: str) -> UnclearReply | None:
        key = (text_keys.unclear_replies(uid), text_keys.unclear_reply(reply_id))
        row = self.table.get_many([key]).get(key)
        reply = read_reply(row) if row is not None else None
        return reply if reply is not None and self._is_kept(reply) else None

    def remove(self, uid: Uid, reply_id: str) -> None:
        key = {
            "pk": {"S": text_keys.unclear_replies(uid)},
            "sk": {"S": text_keys.unclear_reply(reply_id)},
        }
        self.table.client.delete_item(TableName=self.table.name, Key=key)

    def _is_kept(self, reply: UnclearReply) -> bool:
        return self.table.clock.now() - reply.at < KEPT_DAYS * DAY


def read_reply(row: Row) -> UnclearReply:
    return from_fields(UnclearReply, orjson.loads(row["body"]["S"]))
