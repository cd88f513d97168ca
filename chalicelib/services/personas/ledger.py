"""How each point came: the ledger of a persona, cause by cause (product.md §8)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.ledger import (
    ADJUSTMENT_PREFIX,
    EXPIRY_PREFIX,
    IMPORT,
    Postings,
    posted_total,
)
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import day_text
from chalicelib.domain.why import Said, points, why_points
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.ports.facts import FactStore, LedgerRow, PersonaList
from chalicelib.services.ports.personas import LedgerEntry


@dataclass(frozen=True, slots=True)
class LedgerService:
    """The `LedgerViews` port."""

    facts: FactStore
    personas: PersonaList
    lookup: PersonaLookup

    def entries(
        self, uid: Uid, contact_id: str, limit: int, after: str | None
    ) -> tuple[list[LedgerEntry], str | None]:
        """See `LedgerViews.entries`."""
        held = self.lookup.holding(uid, contact_id)
        found = [
            (place, rid, ref)
            for rid in held.persona.members
            for place, ref in self.personas.sale_refs(uid, rid, limit + 1, after)
        ]
        found.sort(key=lambda sale: sale[0], reverse=True)
        shown = found[:limit]
        places = [(rid, ref) for _, rid, ref in shown]
        postings = self.facts.postings(uid, places)
        sales = [_of_sale(rid, ref, postings.get((rid, ref), ()), held) for rid, ref in places]
        others = self._others(uid, held) if after is None else []
        return others + sales, shown[-1][0] if len(found) > limit else None

    def _others(self, uid: Uid, held: DerivedPersona) -> list[LedgerEntry]:
        found = [
            _of_cause(record.id, record.platform, cause, row, held)
            for record in held.records
            for cause, row in self.facts.ledger(uid, record.id).items()
            if row.postings
        ]
        return sorted(found, key=lambda entry: (-entry.at, entry.cause))


def _of_sale(rid: str, ref: SaleRef, postings: Postings, held: DerivedPersona) -> LedgerEntry:
    amount = posted_total(postings)
    return LedgerEntry(
        cause=f"sale#{ref.platform}#{ref.scope}#{ref.ext_id}",
        kind="sale",
        record=rid,
        platform=ref.platform,
        at=ref.ordered_at,
        amount=amount,
        why=why_points(ref, amount, held.persona, held.terms),
        postings=postings,
    )


def _of_cause(
    rid: str, platform: Platform, cause: str, row: LedgerRow, held: DerivedPersona
) -> LedgerEntry:
    amount = posted_total(row.postings)
    first = row.postings[0].at
    day = day_text(held.terms.own_day(first))
    if cause.startswith(ADJUSTMENT_PREFIX):
        why = Said("adjusted", f"Adjusted by hand on {day}: {row.note}", {"on": day})
        return LedgerEntry(
            cause, "adjustment", rid, platform, first, amount, why, row.postings, row.actor
        )
    if cause == IMPORT:
        why = Said("imported", f"{points(amount)} points taken from the POS.", {})
        return LedgerEntry(cause, "import", rid, platform, first, amount, why, row.postings)
    ordered_at = int(cause.removeprefix(EXPIRY_PREFIX).partition("#")[0])
    last = day_text(held.terms.own_day(ordered_at))
    after = held.terms.rules.loyalty.expire_after_days
    why = Said(
        "expired",
        f"{points(-amount)} points expired: no purchase within {after} days of {last}."
        if amount
        else "Nothing expired here after all.",
        {"last_purchase": last},
    )
    return LedgerEntry(cause, "expiry", rid, platform, first, amount, why, row.postings)
