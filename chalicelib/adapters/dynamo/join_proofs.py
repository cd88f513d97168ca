"""Which contact each served signup form was used for, in DynamoDB (table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import Row, bind, put_if
from chalicelib.adapters.dynamo.keys import signup_keys
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Instant, Uid


class ProofRow(Row):
    contact = UnicodeAttribute()
    expires_at = NumberAttribute()


class DynamoProofs:
    """The `Proofs` port: a row per form that was sent, deleted soon after its proof ends."""

    def __init__(self, table: str) -> None:
        bind(table, ProofRow)

    def bind(self, uid: Uid, proof: str, contact: str, until: Instant) -> bool:
        row = ProofRow(
            signup_keys.join_proofs(uid), proof, contact=contact, expires_at=until // SECOND
        )
        unused = ProofRow.pk.does_not_exist() | (ProofRow.contact == contact)
        return put_if(row, unused)
