"""Count what a change would do, a page of personas at a time (product.md §7, §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.loyalty import (
    Spending,
    earned_points,
    first_earning_day,
    suspected_doubles,
)
from chalicelib.domain.personas import Persona
from chalicelib.domain.previews import (
    WouldBe,
    balance_under,
    earns_alike,
    would_be_of_persona,
    would_be_of_records,
)
from chalicelib.domain.rules import Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.settings import POINTS_IMPORTED_ON, TRUST_FLAGS, any_sends_sms
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Day, Points
from chalicelib.services.changes.propose import Proposal
from chalicelib.services.ports.changes import Askable, BalanceChange, PreviewCounts, PreviewReads
from chalicelib.services.ports.stored_facts import NO_SALES, RecordSales

LARGEST = 10


@dataclass(frozen=True, slots=True)
class CountChange:
    """Counts what a proposal would do to a page of personas.

    `terms`: today's, under the wanted rules.
    """

    preview_reads: PreviewReads
    askable: Askable
    proposal: Proposal
    terms: Terms

    def page(self, ids: Sequence[str], counts: PreviewCounts) -> PreviewCounts:
        """Return `counts` with these personas added."""
        uid, today = self.proposal.uid, self.proposal.rules
        rows = self.preview_reads.with_sales(uid, ids)
        people = [persona for persona, _ in rows]
        clear = {p.id: would_be_of_persona(p, self.terms, today) for p in people}
        unclear = [p for p in people if self._needs_records(p, clear[p.id])]
        members = [rid for p in unclear for rid in p.members]
        records = self.preview_reads.records(uid, members) if members else {}
        after = {
            p.id: clear[p.id] or would_be_of_records(p, _records_of(p, records), self.terms)
            for p in people
        }
        balances = self._balance_changes(rows, after) if self.proposal.moves_points else []
        return replace(
            counts,
            personas=counts.personas + len(people),
            enrolled=counts.enrolled + sum(after[p.id].member and not p.member for p in people),
            lost=counts.lost + sum(p.member and not after[p.id].member for p in people),
            messages=counts.messages + self._messages(people, after),
            opt_ins=counts.opt_ins + (self._opt_ins(records) if self._trusts_flags else 0),
            balances=counts.balances + len(balances),
            points=counts.points + sum(change.after - change.before for change in balances),
            largest=largest_changes([*counts.largest, *balances]),
            earned_twice=counts.earned_twice + self._earned_twice(rows, after, records),
            doubled=counts.doubled + self._doubled(rows, after),
        )

    @property
    def _trusts_flags(self) -> bool:
        return bool(self.proposal.changes.get(TRUST_FLAGS))

    def _needs_records(self, persona: Persona, would_be: WouldBe | None) -> bool:
        is_asked_about = self._trusts_flags or imports_a_past_day(self.proposal, self.terms.today)
        return would_be is None or (is_asked_about and self.proposal.subject in persona.sources)

    def _messages(self, people: Sequence[Persona], after: Mapping[str, WouldBe]) -> int:
        """How many would be asked for consent who are not asked today. Where a person stopped the
        messages, setting it again starts anew: whoever waits to be asked counts again."""
        if not any_sends_sms(self.proposal.changes):
            return 0
        card = self.proposal.card
        restart = card is not None and card.sms_stopped
        numbers = [
            persona.texted_at
            for persona in people
            if persona.texted_at is not None
            and after[persona.id].asked_by
            and (restart or not persona.asked_by)
        ]
        return self.askable.askable(self.proposal.uid, numbers) if numbers else 0

    def _opt_ins(self, records: Mapping[str, SourceRecord]) -> int:
        """Count the numbers and addresses that a POS of this source flags as opted in."""
        flagged = set()
        for record in records.values():
            customer = record.customer
            if record.platform != self.proposal.subject:
                continue
            if customer.sms_consent == "yes" and customer.phone:
                flagged.add(customer.phone)
            if customer.email_consent == "yes" and customer.email:
                flagged.add(customer.email)
        return len(flagged)

    def _balance_changes(
        self, rows: Sequence[tuple[Persona, RecordSales]], after: Mapping[str, WouldBe]
    ) -> list[BalanceChange]:
        """Whose balance would change, among those who have one or would have one."""
        with_points = [
            (persona, lead)
            for persona, lead in rows
            if persona.points or after[persona.id].member or after[persona.id].imported
        ]
        others = [rid for p, _ in with_points for rid in p.members if rid != p.id]
        sales = dict(self.preview_reads.sales(self.proposal.uid, others)) if others else {}
        changes = []
        for persona, lead in with_points:
            sales[persona.id] = lead
            would_be = self._balance(persona, after[persona.id], sales)
            if would_be != persona.points:
                changes.append(BalanceChange(persona.id, persona.points, would_be))
        return changes

    def _balance(
        self, persona: Persona, would_be: WouldBe, sales: Mapping[str, RecordSales]
    ) -> Points:
        """Return what the person's balance would be.

        Sales are read only where they would earn otherwise than today, from the first that may earn
        on.
        """
        rules = self.terms.rules
        known = {rid: sales.get(rid, NO_SALES) for rid in persona.members}
        before = sum(record.points.imported for record in known.values())
        imported = before if would_be.imported is None else would_be.imported
        if earns_alike(persona, would_be, rules, self.proposal.rules):
            return persona.points + imported - before
        refs = self._refs(persona, would_be, known)
        adjusted = sum(record.points.adjusted for record in known.values())
        spendings = self._spendings(known) if refs else []
        others = imported + adjusted
        return balance_under(refs, would_be.earn_from, others, self.terms, spendings)

    def _spendings(self, known: Mapping[str, RecordSales]) -> list[Spending]:
        """Read what was redeemed, where points would expire: spent points cannot."""
        if self.terms.rules.loyalty.expire_after_days is None:
            return []
        return [
            Spending(each.at, each.price, rid)
            for rid, record in known.items()
            if record.redeemed
            for each in self.preview_reads.redemptions(self.proposal.uid, rid)
            if each.counts
        ]

    def _refs(
        self, persona: Persona, would_be: WouldBe, known: Mapping[str, RecordSales]
    ) -> list[SaleRef]:
        """The person's sales from the first that may earn on. `known`: their sums, by record."""
        refs: list[SaleRef] = []
        if would_be.earn_from is not None:
            first = first_earning_day(would_be.earn_from, persona.sources, self.terms.rules)
            since = max(0, first - 1) * DAY
            for rid, record in known.items():
                if max(record.summary.last_at or 0, record.points.unlinked_at) >= max(since, 1):
                    refs += self.preview_reads.refs(self.proposal.uid, rid, since)
        return refs

    def _doubled(
        self, rows: Sequence[tuple[Persona, RecordSales]], after: Mapping[str, WouldBe]
    ) -> int:
        """How many sales would be held back because they look like one that another POS tells, and
        nobody said yet what they are."""
        switches = self.terms.rules.switches
        if not switches or not self.proposal.moves_points:
            return 0
        found = 0
        for persona, lead in rows:
            sources = set(persona.sources)
            if any({switch.old, switch.new} <= sources for switch in switches):
                others = [rid for rid in persona.members if rid != persona.id]
                known = dict(self.preview_reads.sales(self.proposal.uid, others))
                known[persona.id] = lead
                sums = {rid: known.get(rid, NO_SALES) for rid in persona.members}
                refs = self._refs(persona, after[persona.id], sums)
                pairs = suspected_doubles(refs, after[persona.id].earn_from, self.terms)
                found += sum(not (pair.old.double or pair.new.double) for pair in pairs)
        return found

    def _earned_twice(
        self,
        rows: Sequence[tuple[Persona, RecordSales]],
        after: Mapping[str, WouldBe],
        records: Mapping[str, SourceRecord],
    ) -> int:
        """How many sales earn whose points the balances hold too that a POS shows today, long after
        the date of the import. None where the date is not past, or of whom nothing is imported:
        the POS tells no balance, or the scope is locked."""
        if not imports_a_past_day(self.proposal, self.terms.today):
            return 0
        platform = self.proposal.platform
        locks = self.terms.rules.source(platform).import_locks
        importing = {
            rid
            for rid, record in records.items()
            if record.platform == platform
            and record.scope not in locks
            and record.customer.pos_points is not None
        }
        buyers = [
            (p, sales) for p, sales in rows if p.last_days and not importing.isdisjoint(p.members)
        ]
        others = [rid for p, _ in buyers for rid in p.members if rid != p.id]
        sums = dict(self.preview_reads.sales(self.proposal.uid, others)) if others else {}
        sums |= {persona.id: sales for persona, sales in buyers}
        found = 0
        for persona, _ in buyers:
            known = {rid: sums.get(rid, NO_SALES) for rid in persona.members}
            refs = self._refs(persona, after[persona.id], known)
            amounts = earned_points(refs, after[persona.id].earn_from, self.terms)
            found += sum(
                amount > 0 and ref.platform == platform and ref.scope not in locks
                for ref, amount in amounts.items()
            )
        return found


def imports_a_past_day(proposal: Proposal, today: Day) -> bool:
    """Whether a proposal imports points of a day that is over."""
    if POINTS_IMPORTED_ON not in proposal.changes:
        return False
    day = proposal.wanted.source(proposal.platform).imported_on
    return day is not None and day < today


def _records_of(persona: Persona, records: Mapping[str, SourceRecord]) -> list[SourceRecord]:
    return [records[rid] for rid in persona.members if rid in records]


def largest_changes(changes: Sequence[BalanceChange]) -> tuple[BalanceChange, ...]:
    order = sorted(changes, key=lambda change: (-abs(change.after - change.before), change.persona))
    return tuple(order[:LARGEST])
