"""Rows of the personas table as DynamoDB attribute maps, made and read by hand (ADR 2)."""

from __future__ import annotations

import zlib
from sys import intern
from typing import cast

import orjson

from chalicelib.adapters.dynamo.batch import Key, Row
from chalicelib.adapters.dynamo.codec import decode, encode
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.domain.acts import NO_ACTS, Acts, FlagWord, ImportedPoints, Join
from chalicelib.domain.id_ranges import IdRange, SeenIds
from chalicelib.domain.identity import MergeKey, SourceRecord
from chalicelib.domain.ledger import NO_POINTS, Posting, Postings, RecordPoints
from chalicelib.domain.names import name_key
from chalicelib.domain.personas import NO_FIGURES, Figures, LastPurchase, Persona
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.redemptions import Redemption, RedemptionSum
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.stored_fields import from_values
from chalicelib.domain.words import Double, KeyKind, Platform, ScopeId, Uid
from chalicelib.services.ports.commits import Intent
from chalicelib.services.ports.stored_facts import (
    KeyCarriers,
    LedgerRow,
    RecordSales,
    Returns,
    SaleId,
    StoredRecord,
    StoredSale,
)


def record_row(uid: Uid, stored: StoredRecord) -> tuple[Key, Row]:
    record = stored.record
    key = (fact_keys.record(uid, record.id), fact_keys.PROFILE_SK)
    row = _row(
        key,
        body={"S": encode(record.customer)},
        platform={"S": record.platform},
        scope={"S": record.scope},
        seen={"N": str(record.first_seen)},
        keys={"S": orjson.dumps([tuple(k) for k in sorted(stored.keys)]).decode()},
    )
    if stored.out_of_market:  # so that it is found when the setting is turned off
        shard = int(record.id[:2], 16) % fact_keys.RECENT_SHARDS
        row["recent_shard"] = {"S": fact_keys.out_of_market_shard(uid, shard)}
        row["inserted_at"] = {"S": f"{record.first_seen:015d}#{record.id}"}
    if record.withheld is not None:
        row["withheld"] = {"S": encode(record.withheld)}
    if record.acts != NO_ACTS:
        row["acts"] = {"S": _pack_acts(record.acts)}
        if record.acts.words:
            row["flag_words"] = {"S": orjson.dumps([*map(tuple, record.acts.words)]).decode()}
    return key, row


def read_record(record_id: str, row: Row) -> StoredRecord:
    record = SourceRecord(
        id=record_id,
        platform=row["platform"]["S"],
        scope=row["scope"]["S"],
        customer=decode(Customer, row["body"]["S"]),
        first_seen=int(row["seen"]["N"]),
        acts=_read_acts(row) if "acts" in row else NO_ACTS,
        withheld=decode(Customer, row["withheld"]["S"]) if "withheld" in row else None,
    )
    merge = frozenset(MergeKey(*k) for k in orjson.loads(row["keys"]["S"]))
    return StoredRecord(record, merge, "recent_shard" in row)


def sale_row(uid: Uid, stored: StoredSale) -> tuple[Key, Row]:
    sid = stored.id
    key = (fact_keys.sale(uid, sid.platform, sid.scope, sid.ext_id), fact_keys.SALE_SK)
    row = _row(key, body={"S": encode(stored.sale)})
    if stored.record:
        row["record"] = {"S": stored.record}
    if stored.ahead:
        row["ahead"] = {"N": "1"}
    if stored.double:
        row["double"] = {"S": stored.double}
    return key, row


def read_sale(sale_id: SaleId, row: Row) -> StoredSale:
    record = row["record"]["S"] if "record" in row else None
    double = _read_double(row) if "double" in row else ""
    return StoredSale(sale_id, record, decode(Sale, row["body"]["S"]), "ahead" in row, double)


def returns_row(key: Key, returns: Returns) -> Row:
    return _row(key, returns={"S": orjson.dumps(dict(returns)).decode()})


def read_returns(row: Row) -> Returns:
    returns: Returns = orjson.loads(row["returns"]["S"])
    return returns


def seen_ids_row(uid: Uid, platform: Platform, scope: ScopeId, seen: SeenIds) -> tuple[Key, Row]:
    key = (fact_keys.seen_ids(uid, platform, scope), fact_keys.SEEN_IDS_SK)
    ranges = {kind: tuple(ids) for kind, ids in seen._asdict().items() if ids is not None}
    return key, _row(key, ranges={"S": orjson.dumps(ranges).decode()})


def read_seen_ids(row: Row) -> SeenIds:
    ranges = orjson.loads(row["ranges"]["S"])
    known = SeenIds._fields
    return SeenIds(
        **{kind: from_values(IdRange, ids) for kind, ids in ranges.items() if kind in known}
    )


def summary_row(uid: Uid, record_id: str, sales: RecordSales) -> tuple[Key, Row]:
    key = (fact_keys.record(uid, record_id), fact_keys.SALES_SK)
    row = _row(key, body={"B": sales.summary.pack()})
    if sales.points != NO_POINTS:
        row["points"] = {"S": orjson.dumps(tuple(sales.points)).decode()}
    if sales.figures != NO_FIGURES:
        row["figures"] = {"S": _pack_figures(sales.figures)}
    if sales.figures.counts_on is not None:
        row["persona_counts_on"] = {"N": str(sales.figures.counts_on)}
    if sales.counts_on is not None:
        row["counts_on"] = {"N": str(sales.counts_on)}
    if sales.redeemed:
        row["redeemed"] = {"S": orjson.dumps([*map(tuple, sales.redeemed)]).decode()}
    return key, row


def read_summary(row: Row) -> RecordSales:
    points = (
        from_values(RecordPoints, orjson.loads(row["points"]["S"]))
        if "points" in row
        else NO_POINTS
    )
    figures = _unpack_figures(row["figures"]["S"]) if "figures" in row else NO_FIGURES
    if "persona_counts_on" in row:
        figures = figures._replace(counts_on=int(row["persona_counts_on"]["N"]))
    counts_on = int(row["counts_on"]["N"]) if "counts_on" in row else None
    redeemed = _unpack_redeemed(row["redeemed"]["S"]) if "redeemed" in row else ()
    summary = SalesSummary.unpack(bytes(row["body"]["B"]))
    return RecordSales(summary, points, figures, counts_on, redeemed)


def pointer_key(uid: Uid, record_id: str, ref: SaleRef) -> Key:
    return fact_keys.record(uid, record_id), fact_keys.pointer(
        ref.ordered_at, ref.scope, ref.ext_id
    )


def pointer_row(key: Key, ref: SaleRef, postings: Postings) -> Row:
    row = _row(
        key,
        platform={"S": ref.platform},
        scope={"S": ref.scope},
        ext={"S": ref.ext_id},
        at={"N": str(ref.ordered_at)},
        store={"S": ref.store_key},
        worth={"S": f"{ref.counts:d},{ref.net},{ref.tax},{ref.returned},{ref.unlinked:d}"},
    )
    if ref.wall_clock is not None:
        row["wall"] = {"N": str(ref.wall_clock)}
    if ref.ahead:
        row["ahead"] = {"N": "1"}
    if ref.gone:
        row["gone"] = {"N": "1"}
    if ref.double:
        row["double"] = {"S": ref.double}
    if postings:
        row["posted"] = {"S": _pack_postings(postings)}
    return row


def read_pointer(row: Row) -> SaleRef:
    counts, net, tax, returned, unlinked = row["worth"]["S"].split(",")
    return SaleRef(
        platform=Platform(intern(row["platform"]["S"])),  # a record may have very many sales
        scope=ScopeId(intern(row["scope"]["S"])),
        ext_id=row["ext"]["S"],
        store_key=intern(row["store"]["S"]),
        ordered_at=int(row["at"]["N"]),
        counts=counts == "1",
        net=int(net),
        tax=int(tax),
        returned=int(returned),
        unlinked=unlinked == "1",
        wall_clock=int(row["wall"]["N"]) if "wall" in row else None,
        ahead="ahead" in row,
        gone="gone" in row,
        double=_read_double(row) if "double" in row else "",
    )


def _read_double(row: Row) -> Double:
    return cast(Double, row["double"]["S"])


def read_postings(row: Row) -> Postings:
    return _unpack_postings(row["posted"]["S"]) if "posted" in row else ()


def ledger_row(key: Key, cause: str, entries: LedgerRow) -> Row:
    row = _row(
        key,
        cause={"S": cause},
        posted={"S": _pack_postings(entries.postings)},
        note={"S": entries.note},
        actor={"S": entries.actor},
    )
    if entries.redemption is not None:
        row["redemption"] = {"S": encode(entries.redemption)}
    return row


def read_ledger(row: Row) -> tuple[str, LedgerRow]:
    """Return the cause and its entries."""
    redemption = decode(Redemption, row["redemption"]["S"]) if "redemption" in row else None
    entries = LedgerRow(read_postings(row), row["note"]["S"], row["actor"]["S"], redemption)
    return row["cause"]["S"], entries


def persona_row(uid: Uid, key: Key, persona: Persona) -> Row:
    named = name_key(persona.first, persona.last)
    shard = int(persona.id[:2], 16) % fact_keys.RECENT_SHARDS
    return _row(
        key,
        body={"S": encode(persona)},
        recent_shard={"S": fact_keys.recent_shard(uid, shard)},
        inserted_at={"S": f"{persona.inserted_at:015d}#{persona.id}"},
        name_shard={"S": fact_keys.name_shard(uid, fact_keys.name_shard_of(named))},
        name_key={"S": f"{named}#{persona.id}"},
    )


def read_persona(row: Row, sales: RecordSales) -> Persona:
    return decode(Persona, row["body"]["S"], figures=sales.figures)


def carriers_row(key: Key, members: KeyCarriers) -> Row:
    if members.counts is not None:
        row = _row(key, counts={"S": orjson.dumps(dict(members.counts)).decode()})
    else:
        row = _row(key, carriers={"S": orjson.dumps(dict(members.carriers)).decode()})
    if members.people is not None:
        row["people"] = {"S": orjson.dumps(dict(members.people)).decode()}
    return row


def read_carriers(row: Row) -> KeyCarriers:
    people = orjson.loads(row["people"]["S"]) if "people" in row else None
    if "counts" in row:
        return KeyCarriers(counts=orjson.loads(row["counts"]["S"]), people=people)
    return KeyCarriers(carriers=orjson.loads(row["carriers"]["S"]), people=people)


def carrier_row(key: Key, scope: str) -> Row:
    return _row(key, scope={"S": scope})


def shared_row(key: Key) -> Row:
    return _row(key)


def read_shared(row: Row) -> MergeKey:
    kind, value = row["sk"]["S"].split("#", 1)
    return MergeKey(cast(KeyKind, kind), value)


def pack_intent(intent: Intent) -> bytes:
    merge, sales = [tuple(k) for k in intent.keys], [tuple(s) for s in intent.sales]
    silent = [True] if intent.silent else []
    return zlib.compress(orjson.dumps([intent.records, merge, sales, *silent]))


def unpack_intent(packed: bytes) -> Intent:
    records, merge, sales, *silent = orjson.loads(zlib.decompress(packed))
    return Intent(
        tuple(records),
        tuple(MergeKey(*k) for k in merge),
        tuple(SaleId(*s) for s in sales),
        bool(silent),
    )


def _pack_postings(postings: Postings) -> str:
    return orjson.dumps([tuple(posting) for posting in postings]).decode()


def _unpack_postings(text: str) -> Postings:
    return tuple([Posting(*posting) for posting in orjson.loads(text)])


def _pack_figures(figures: Figures) -> str:
    bought = [tuple(last) for last in figures.bought]
    return orjson.dumps([figures.points, bought, figures.expires_on]).decode()


def _unpack_figures(text: str) -> Figures:
    points, bought, expires_on = orjson.loads(text)
    return Figures(points, tuple([LastPurchase(*last) for last in bought]), expires_on)


def _unpack_redeemed(text: str) -> tuple[RedemptionSum, ...]:
    return tuple([from_values(RedemptionSum, each) for each in orjson.loads(text)])


def _pack_acts(acts: Acts) -> str:
    joins = [tuple(join) for join in acts.joins]
    imported = tuple(acts.imported) if acts.imported else None
    return orjson.dumps([joins, imported, acts.flags, acts.flags_at]).decode()


def _read_acts(row: Row) -> Acts:
    """Words stand beside the acts, whose four values older code unpacks."""
    joins, imported, flags, flags_at = orjson.loads(row["acts"]["S"])
    words = orjson.loads(row["flag_words"]["S"]) if "flag_words" in row else ()
    return Acts(
        tuple([Join(*join) for join in joins]),
        ImportedPoints(*imported) if imported else None,
        flags,
        flags_at,
        tuple([FlagWord(*word) for word in words]),
    )


def _row(key: Key, **attributes: dict[str, object]) -> Row:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}, **attributes}
