"""Rows of the personas table as DynamoDB attribute maps, made and read by hand (ADR 2)."""

from __future__ import annotations

import zlib
from typing import cast

import orjson

from chalicelib.adapters import keys
from chalicelib.adapters.codec import decode, encode
from chalicelib.adapters.dynamo import Key, Row
from chalicelib.domain.identity import KeyKind, MergeKey, SourceRecord
from chalicelib.domain.names import name_key
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.services.ports.facts import (
    Intent,
    Members,
    SaleId,
    StoredRecord,
    StoredSale,
)


def record_row(uid: str, stored: StoredRecord) -> tuple[Key, Row]:
    record = stored.record
    key = (keys.record(uid, record.id), keys.PROFILE_SK)
    return key, _row(
        key,
        body={"S": encode(record.customer)},
        platform={"S": record.platform},
        scope={"S": record.scope},
        seen={"N": str(record.first_seen)},
        keys={"S": orjson.dumps([tuple(k) for k in sorted(stored.keys)]).decode()},
    )


def read_record(record_id: str, row: Row) -> StoredRecord:
    record = SourceRecord(
        id=record_id,
        platform=row["platform"]["S"],
        scope=row["scope"]["S"],
        customer=decode(Customer, row["body"]["S"]),
        first_seen=int(row["seen"]["N"]),
    )
    return StoredRecord(record, frozenset(MergeKey(*k) for k in orjson.loads(row["keys"]["S"])))


def sale_row(uid: str, stored: StoredSale) -> tuple[Key, Row]:
    sid = stored.id
    key = (keys.sale(uid, sid.platform, sid.scope, sid.ext_id), keys.SALE_SK)
    row = _row(key, body={"S": encode(stored.sale)})
    if stored.record:
        row["record"] = {"S": stored.record}
    return key, row


def read_sale(sale_id: SaleId, row: Row) -> StoredSale:
    record = row["record"]["S"] if "record" in row else None
    return StoredSale(sale_id, record, decode(Sale, row["body"]["S"]))


def summary_row(uid: str, record_id: str, summary: SalesSummary) -> tuple[Key, Row]:
    key = (keys.record(uid, record_id), keys.SALES_SK)
    return key, _row(key, body={"B": summary.pack()})


def read_summary(row: Row) -> SalesSummary:
    return SalesSummary.unpack(bytes(row["body"]["B"]))


def pointer_key(uid: str, record_id: str, ref: SaleRef) -> Key:
    return keys.record(uid, record_id), keys.pointer(ref.ordered_at, ref.scope, ref.ext_id)


def pointer_row(key: Key, ref: SaleRef) -> Row:
    return _row(
        key,
        platform={"S": ref.platform},
        scope={"S": ref.scope},
        ext={"S": ref.ext_id},
        at={"N": str(ref.ordered_at)},
        store={"S": ref.store_key},
        counts={"BOOL": ref.counts},
    )


def read_pointer(row: Row) -> SaleRef:
    return SaleRef(
        platform=row["platform"]["S"],
        scope=row["scope"]["S"],
        ext_id=row["ext"]["S"],
        store_key=row["store"]["S"],
        ordered_at=int(row["at"]["N"]),
        counts=row["counts"]["BOOL"],
    )


def persona_row(uid: str, key: Key, persona: Persona) -> Row:
    named = name_key(persona.first, persona.last)
    shard = int(persona.id[:2], 16) % keys.RECENT_SHARDS
    return _row(
        key,
        body={"S": encode(persona)},
        recent_shard={"S": keys.recent_shard(uid, shard)},
        inserted_at={"S": f"{persona.inserted_at:015d}#{persona.id}"},
        name_shard={"S": keys.name_shard(uid, keys.name_shard_of(named))},
        name_key={"S": f"{named}#{persona.id}"},
    )


def read_persona(row: Row) -> Persona:
    return decode(Persona, row["body"]["S"])


def members_row(key: Key, members: Members) -> Row:
    if members.counts is not None:
        return _row(key, counts={"S": orjson.dumps(dict(members.counts)).decode()})
    return _row(key, carriers={"S": orjson.dumps(dict(members.carriers)).decode()})


def read_members(row: Row) -> Members:
    if "counts" in row:
        return Members(counts=orjson.loads(row["counts"]["S"]))
    return Members(carriers=orjson.loads(row["carriers"]["S"]))


def member_row(key: Key, scope: str) -> Row:
    return _row(key, scope={"S": scope})


def shared_row(key: Key) -> Row:
    return _row(key)


def read_shared(row: Row) -> MergeKey:
    kind, value = row["sk"]["S"].split("#", 1)
    return MergeKey(cast(KeyKind, kind), value)


def pack_intent(intent: Intent) -> bytes:
    merge, sales = [tuple(k) for k in intent.keys], [tuple(s) for s in intent.sales]
    return zlib.compress(orjson.dumps([intent.records, merge, sales]))


def unpack_intent(packed: bytes) -> Intent:
    records, merge, sales = orjson.loads(zlib.decompress(packed))
    return Intent(
        tuple(records), tuple(MergeKey(*k) for k in merge), tuple(SaleId(*s) for s in sales)
    )


def _row(key: Key, **attributes: dict[str, object]) -> Row:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}, **attributes}
