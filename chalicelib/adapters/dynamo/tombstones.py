"""Tombstones of erased shoppers in DynamoDB (docs/reference/design.md, table `personas`).

An account has one partition of them. A process reads it once, and again when the row of the
account's commit lock says that tombstones were written since.
"""

from __future__ import annotations

import secrets

from chalicelib.adapters.dynamo.batch import BatchTable, Key, Row
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.domain.tombstones import NO_TOMBSTONES, Tombstone, Tombstones
from chalicelib.domain.words import Uid

ACCOUNTS_KNOWN = 20
SALT_BYTES = 16


class DynamoTombstones:
    """Reads tombstones, and remembers those of a few accounts."""

    def __init__(self, table: BatchTable) -> None:
        self._table = table
        self._known: dict[Uid, tuple[int, Tombstones]] = {}

    def read(self, uid: Uid, erasures: int) -> Tombstones:
        """Return them as they are since they were written `erasures` times; 0: none, unread."""
        if not erasures:
            return NO_TOMBSTONES
        known = self._known.get(uid)
        if known is not None and known[0] == erasures:
            return known[1]
        found = self.read_now(uid)
        if len(self._known) >= ACCOUNTS_KNOWN:
            self._known.clear()
        self._known[uid] = erasures, found
        return found

    def read_now(self, uid: Uid) -> Tombstones:
        """Read them all, strongly consistent."""
        salt, held = b"", {}
        for row in self._table.query(fact_keys.tombstones(uid)):
            if row["sk"]["S"] == fact_keys.SALT_SK:
                salt = bytes(row["salt"]["B"])
            else:
                held[row["sk"]["S"].removeprefix(fact_keys.TOMBSTONE_PREFIX)] = _tombstone(row)
        return Tombstones(salt, held)

    def salt(self, uid: Uid) -> bytes:
        """Return the account's salt, made when it is first asked for; it never changes."""
        place = {"pk": {"S": fact_keys.tombstones(uid)}, "sk": {"S": fact_keys.SALT_SK}}
        answer = self._table.client.update_item(
            TableName=self._table.name,
            Key=place,
            UpdateExpression="SET salt = if_not_exists(salt, :salt)",
            ExpressionAttributeValues={":salt": {"B": secrets.token_bytes(SALT_BYTES)}},
            ReturnValues="ALL_NEW",
        )
        return bytes(answer["Attributes"]["salt"]["B"])


def tombstone_row(uid: Uid, name: str, tombstone: Tombstone) -> tuple[Key, Row]:
    pk, sk = fact_keys.tombstones(uid), fact_keys.tombstone(name)
    row: Row = {
        "pk": {"S": pk},
        "sk": {"S": sk},
        "erased_at": {"N": str(tombstone.erased_at)},
        "erasure": {"S": tombstone.erasure},
    }
    for field in ("lifted_at", "opted_out_at"):
        if (at := getattr(tombstone, field)) is not None:
            row[field] = {"N": str(at)}
    return (pk, sk), row


def _tombstone(row: Row) -> Tombstone:
    lifted, opted_out = row.get("lifted_at"), row.get("opted_out_at")
    return Tombstone(
        int(row["erased_at"]["N"]),
        row["erasure"]["S"],
        int(lifted["N"]) if lifted else None,
        int(opted_out["N"]) if opted_out else None,
    )
