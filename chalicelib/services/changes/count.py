"""Count what a change would do, a page of personas at a time (product.md §7, §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.loyalty import first_earning_day
from chalicelib.domain.personas import Persona
from chalicelib.domain.previews import WouldBe, balance, earns_alike, from_persona, from_records
from chalicelib.domain.rules import Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.settings import TRUST_FLAGS, send_sms
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Points
from chalicelib.services.changes.propose import Proposal
from chalicelib.services.ports.changes import Askable, BalanceChange, PreviewCounts, PreviewReads
from chalicelib.services.ports.facts import NO_SALES, RecordSales

LARGEST = 10


class CountChange:
    """`terms`: today's, under the wanted rules. `restart`: who waits to be asked counts again."""

    def __init__(
        self, preview_reads: PreviewReads, askable: Askable, proposal: Proposal, terms: Terms
    ) -> None:
        self._preview_reads = preview_reads
        self._askable = askable
        self._proposal = proposal
        self._terms = terms
        self._uid = proposal.uid
        card = proposal.card
        self._texts = send_sms(proposal.changes)
        self._restart = card is not None and card.sms_stopped
        self._trusts = bool(proposal.changes.get(TRUST_FLAGS))

    def page(self, ids: Sequence[str], counts: PreviewCounts) -> PreviewCounts:
        """`counts` with these personas."""
        found = self._preview_reads.with_sales(self._uid, ids)
        people, today = [persona for persona, _ in found], self._proposal.rules
        standings = {p.id: from_persona(p, self._terms, today) for p in people}
        unclear = [p for p in people if self._needs_records(p, standings[p.id])]
        members = [rid for p in unclear for rid in p.members]
        records = self._preview_reads.records(self._uid, members) if members else {}
        told = {
            p.id: standings[p.id] or from_records(p, _of(p, records), self._terms) for p in people
        }
        moves = self._moves(found, told) if self._proposal.moves_points else []
        return replace(
            counts,
            personas=counts.personas + len(people),
            enrolled=counts.enrolled + sum(told[p.id].member and not p.member for p in people),
            lost=counts.lost + sum(p.member and not told[p.id].member for p in people),
            messages=counts.messages + self._messages(people, told),
            opt_ins=counts.opt_ins + (self._opt_ins(records) if self._trusts else 0),
            balances=counts.balances + len(moves),
            points=counts.points + sum(move.after - move.before for move in moves),
            largest=_largest([*counts.largest, *moves]),
        )

    def _needs_records(self, persona: Persona, standing: WouldBe | None) -> bool:
        return standing is None or (self._trusts and self._proposal.subject in persona.sources)

    def _messages(self, people: Sequence[Persona], told: Mapping[str, WouldBe]) -> int:
        if not self._texts:
            return 0
        numbers = [
            persona.phone
            for persona in people
            if persona.phone is not None
            and told[persona.id].asked_by
            and (self._restart or not persona.asked_by)
        ]
        return self._askable.askable(self._uid, numbers) if numbers else 0

    def _opt_ins(self, records: Mapping[str, SourceRecord]) -> int:
        """Numbers and addresses that a POS of this source flags as opted in."""
        found = set()
        for record in records.values():
            customer = record.customer
            if record.platform != self._proposal.subject:
                continue
            if customer.sms_consent == "yes" and customer.phone:
                found.add(customer.phone)
            if customer.email_consent == "yes" and customer.email:
                found.add(customer.email)
        return len(found)

    def _moves(
        self, found: Sequence[tuple[Persona, RecordSales]], told: Mapping[str, WouldBe]
    ) -> list[BalanceChange]:
        """Whose balance would change, among those who have one or would."""
        some = [
            (persona, lead)
            for persona, lead in found
            if persona.points or told[persona.id].member or told[persona.id].imported
        ]
        others = [rid for p, _ in some for rid in p.members if rid != p.id]
        sales = dict(self._preview_reads.sales(self._uid, others)) if others else {}
        moves = []
        for persona, lead in some:
            sales[persona.id] = lead
            after = self._balance(persona, told[persona.id], sales)
            if after != persona.points:
                moves.append(BalanceChange(persona.id, persona.points, after))
        return moves

    def _balance(
        self, persona: Persona, standing: WouldBe, sales: Mapping[str, RecordSales]
    ) -> Points:
        """Sales are read only where they would earn otherwise, from the first that may earn on."""
        rules = self._terms.rules
        held = {rid: sales.get(rid, NO_SALES) for rid in persona.members}
        before = sum(known.points.imported for known in held.values())
        imported = before if standing.imported is None else standing.imported
        if earns_alike(persona, standing, rules, self._proposal.rules):
            return persona.points + imported - before
        refs: list[SaleRef] = []
        if standing.earn_from is not None:
            first = first_earning_day(standing.earn_from, persona.sources, rules)
            since = max(0, first - 1) * DAY
            for rid, known in held.items():
                if max(known.summary.last_at or 0, known.points.unlinked_at) >= max(since, 1):
                    refs += self._preview_reads.refs(self._uid, rid, since)
        adjusted = sum(known.points.adjusted for known in held.values())
        return balance(refs, standing.earn_from, imported + adjusted, self._terms)


def _of(persona: Persona, records: Mapping[str, SourceRecord]) -> list[SourceRecord]:
    return [records[rid] for rid in persona.members if rid in records]


def _largest(changes: Sequence[BalanceChange]) -> tuple[BalanceChange, ...]:
    order = sorted(changes, key=lambda change: (-abs(change.after - change.before), change.persona))
    return tuple(order[:LARGEST])
