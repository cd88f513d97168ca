"""How each point came: the ledger of a persona, cause by cause (product.md §8)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ledger import (
    ADJUSTMENT_PREFIX,
    EXPIRY_PREFIX,
    IMPORT,
    REDEMPTION_PREFIX,
    Postings,
    posted_total,
)
from chalicelib.domain.rules import Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import day_text
from chalicelib.domain.why import Explanation, points_text, why_points
from chalicelib.domain.words import Uid
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.personas.sale_pages import sale_page
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.persona_list import PersonaList
from chalicelib.services.ports.personas import LedgerEntry, LedgerKind
from chalicelib.services.ports.stored_facts import LedgerRow


@dataclass(frozen=True, slots=True)
class LedgerService:
    """Lists what gave and took a persona's points."""

    facts: FactStore
    personas: PersonaList
    lookup: PersonaLookup

    def entries(
        self, uid: Uid, contact_id: str, limit: int, after: str | None
    ) -> tuple[list[LedgerEntry], str | None]:
        """Return every sale with what it earned or why it did not, the newest first.

        What is no sale stands on the first page, before the sales. The second value continues the
        list. Raises NotFound.
        """
        derived = self.lookup.by_record(uid, contact_id)
        page, position = sale_page(self.personas, uid, derived.persona.members, limit, after)
        postings = self.facts.postings(uid, page)
        sales = [
            _sale_entry(record, ref, postings.get((record, ref), ()), derived)
            for record, ref in page
        ]
        others = self._other_entries(uid, derived) if after is None else []
        return others + sales, position

    def _other_entries(self, uid: Uid, derived: DerivedPersona) -> list[LedgerEntry]:
        entries = [
            _cause_entry(record, cause, row, derived.terms)
            for record in derived.records
            for cause, row in self.facts.ledger(uid, record.id).items()
            if row.postings
        ]
        return sorted(entries, key=lambda entry: (-entry.at, entry.cause))


def _sale_entry(
    record: str, ref: SaleRef, postings: Postings, derived: DerivedPersona
) -> LedgerEntry:
    amount = posted_total(postings)
    return LedgerEntry(
        cause=f"sale#{ref.platform}#{ref.scope}#{ref.ext_id}",
        kind="sale",
        record=record,
        platform=ref.platform,
        at=ref.ordered_at,
        amount=amount,
        why=why_points(ref, amount, derived.persona, derived.terms),
        postings=postings,
    )


def _cause_entry(record: SourceRecord, cause: str, row: LedgerRow, terms: Terms) -> LedgerEntry:
    kind, why = _kind_and_why(cause, row, terms)
    return LedgerEntry(
        cause=cause,
        kind=kind,
        record=record.id,
        platform=record.platform,
        at=row.postings[0].at,
        amount=posted_total(row.postings),
        why=why,
        postings=row.postings,
        actor=row.actor if kind in ("adjustment", "redemption") else "",
    )


def _kind_and_why(cause: str, row: LedgerRow, terms: Terms) -> tuple[LedgerKind, Explanation]:
    amount = posted_total(row.postings)
    if cause.startswith(ADJUSTMENT_PREFIX):
        day = day_text(terms.own_day(row.postings[0].at))
        sentence = f"Adjusted by hand on {day}: {row.note}"
        return "adjustment", Explanation("adjusted", sentence, {"on": day})
    if cause.startswith(REDEMPTION_PREFIX):
        return "redemption", _why_redeemed(row, terms)
    if cause == IMPORT:
        return "import", Explanation(
            "imported", f"{points_text(amount)} points taken from the POS.", {}
        )
    ordered_at = int(cause.removeprefix(EXPIRY_PREFIX).partition("#")[0])
    last = day_text(terms.own_day(ordered_at))
    days = terms.rules.loyalty.expire_after_days
    sentence = "Nothing expired here after all."
    if amount:
        sentence = (
            f"{points_text(-amount)} points expired: no purchase within {days} days of {last}."
        )
    return "expiry", Explanation("expired", sentence, {"last_purchase": last})


def _why_redeemed(row: LedgerRow, terms: Terms) -> Explanation:
    done, day = row.redemption, day_text(terms.own_day(row.postings[0].at))
    data: dict[str, object] = {"on": day, "discount": row.note}
    if done is None:
        return Explanation("redeemed", f"Redeemed {row.note} on {day}.", data)
    data |= {"redemption": done.id, "way": done.way}
    if done.refunded_at is not None:
        data["refunded_on"] = back = day_text(terms.own_day(done.refunded_at))
        sentence = f"Redeemed {row.note} on {day}; the points were given back on {back}."
        return Explanation("redemption_refunded", sentence, data)
    if done.way == "sale":
        sentence = f"Redeemed {row.note} on {day}, recognised in a sale."
        return Explanation("recognised_in_sale", sentence, data)
    return Explanation("redeemed", f"Redeemed {row.note} on {day}.", data)
