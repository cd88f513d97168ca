"""Eventually consistent reads of the personas table, for counting (docs/adr/0013)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ledger import REDEMPTION_PREFIX
from chalicelib.domain.personas import Persona
from chalicelib.domain.redemptions import Redemption
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.stored_facts import NO_SALES, RecordSales


@dataclass(frozen=True, slots=True)
class DynamoPreviewReads:
    """The `PreviewReads` port."""

    table: BatchTable

    def personas(self, uid: Uid, ids: Iterable[str]) -> list[Persona]:
        return [persona for persona, _ in self.with_sales(uid, ids)]

    def with_sales(self, uid: Uid, ids: Iterable[str]) -> list[tuple[Persona, RecordSales]]:
        partitions = [fact_keys.record(uid, rid) for rid in ids]
        kinds = (fact_keys.PERSONA_SK, fact_keys.SALES_SK)
        stored = self.table.get_many(
            ((pk, sk) for pk in partitions for sk in kinds), consistent=False
        )
        return [
            (rows.read_persona(persona, sales), sales)
            for pk in partitions
            if (persona := stored.get((pk, fact_keys.PERSONA_SK))) is not None
            for row in [stored.get((pk, fact_keys.SALES_SK))]
            for sales in [rows.read_summary(row) if row else NO_SALES]
        ]

    def records(self, uid: Uid, ids: Iterable[str]) -> dict[str, SourceRecord]:
        row_keys = {(fact_keys.record(uid, rid), fact_keys.PROFILE_SK): rid for rid in ids}
        stored = self.table.get_many(row_keys, consistent=False)
        return {
            row_keys[row_key]: rows.read_record(row_keys[row_key], row).record
            for row_key, row in stored.items()
        }

    def sales(self, uid: Uid, ids: Iterable[str]) -> dict[str, RecordSales]:
        row_keys = {(fact_keys.record(uid, rid), fact_keys.SALES_SK): rid for rid in ids}
        stored = self.table.get_many(row_keys, consistent=False)
        return {row_keys[row_key]: rows.read_summary(row) for row_key, row in stored.items()}

    def refs(self, uid: Uid, record: str, since: Instant) -> list[SaleRef]:
        stored = self.table.query_between(
            fact_keys.record(uid, record),
            fact_keys.pointers_at(since),
            fact_keys.POINTER_PREFIX + "~",
            consistent=False,
        )
        return [rows.read_pointer(row) for row in stored]

    def redemptions(self, uid: Uid, record: str) -> list[Redemption]:
        pk, first = fact_keys.record(uid, record), fact_keys.LEDGER_PREFIX + REDEMPTION_PREFIX
        stored = self.table.query_between(pk, first, first + "~", consistent=False)
        found = [rows.read_ledger(row)[1].redemption for row in stored]
        return [each for each in found if each is not None]
