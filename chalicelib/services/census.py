"""Count what a change would do, a page of personas at a time (product.md §7, §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.loyalty import first_earning_day
from chalicelib.domain.personas import Persona
from chalicelib.domain.previews import Standing, balance, from_persona, from_records
from chalicelib.domain.rules import Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Points
from chalicelib.services.ports.changes import Askable, BalanceChange, Counts, Glimpses
from chalicelib.services.ports.facts import NO_SALES, RecordSales
from chalicelib.services.proposals import Proposal
from chalicelib.services.settings import TRUST

LARGEST = 10


class Census:
    """`terms`: today's, under the wanted rules. `restart`: who waits to be asked counts again."""

    def __init__(
        self, glimpses: Glimpses, askable: Askable, proposal: Proposal, terms: Terms
    ) -> None:
        self._glimpses = glimpses
        self._askable = askable
        self._proposal = proposal
        self._terms = terms
        self._uid = proposal.uid
        card = proposal.card
        self._texts = proposal.changes.get("sms_opt_in_after") is not None
        self._restart = card is not None and card.sms_stopped
        self._trusts = bool(proposal.changes.get(TRUST))

    def page(self, ids: Sequence[str], counts: Counts) -> Counts:
        """`counts` with these personas."""
        people = self._glimpses.personas(self._uid, ids)
        standings = {p.id: from_persona(p, self._terms) for p in people}
        unclear = [p for p in people if self._needs_records(p, standings[p.id])]
        members = [rid for p in unclear for rid in p.members]
        records = self._glimpses.records(self._uid, members) if members else {}
        told = {
            p.id: standings[p.id] or from_records(p, _of(p, records), self._terms) for p in people
        }
        moves = self._moves(unclear, records) if self._proposal.moves_points else []
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

    def _needs_records(self, persona: Persona, standing: Standing | None) -> bool:
        if standing is None or (self._trusts and self._proposal.subject in persona.sources):
            return True
        return self._proposal.moves_points and (standing.member or persona.points != 0)

    def _messages(self, people: Sequence[Persona], told: Mapping[str, Standing]) -> int:
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
        self, people: Sequence[Persona], records: Mapping[str, SourceRecord]
    ) -> list[BalanceChange]:
        sales = self._glimpses.sales(self._uid, [rid for p in people for rid in p.members])
        moves = []
        for persona in people:
            standing = from_records(persona, _of(persona, records), self._terms)
            after = self._balance(persona, standing, sales)
            if after != persona.points:
                moves.append(BalanceChange(persona.id, persona.points, after))
        return moves

    def _balance(
        self, persona: Persona, standing: Standing, sales: Mapping[str, RecordSales]
    ) -> Points:
        """Sales before the first that may earn are not read."""
        held = {rid: sales.get(rid, NO_SALES) for rid in persona.members}
        refs: list[SaleRef] = []
        if standing.earn_from is not None:
            rules = self._terms.rules
            first = first_earning_day(standing.earn_from, persona.sources, rules)
            since = max(0, first - 1) * DAY
            for rid, known in held.items():
                if max(known.summary.last_at or 0, known.points.unlinked_at) >= max(since, 1):
                    refs += self._glimpses.refs(self._uid, rid, since)
        adjusted = sum(known.points.adjusted for known in held.values())
        return balance(refs, standing, adjusted, self._terms)


def _of(persona: Persona, records: Mapping[str, SourceRecord]) -> list[SourceRecord]:
    return [records[rid] for rid in persona.members if rid in records]


def _largest(changes: Sequence[BalanceChange]) -> tuple[BalanceChange, ...]:
    order = sorted(changes, key=lambda change: (-abs(change.after - change.before), change.persona))
    return tuple(order[:LARGEST])
