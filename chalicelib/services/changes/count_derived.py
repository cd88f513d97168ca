"""Count what a change would do that joins and splits people: by deriving them, writing nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.names import name_key
from chalicelib.domain.personas import Persona
from chalicelib.domain.rules import Terms
from chalicelib.domain.words import Uid
from chalicelib.services.changes.count import largest_changes
from chalicelib.services.changes.propose import Proposal
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.compare import derive_again
from chalicelib.services.derivation.stages.derived_rows import personas_with_points
from chalicelib.services.derivation.stages.sales import TellsZone
from chalicelib.services.ports.changes import Askable, BalanceChange, PreviewCounts, PreviewReads
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.persona_list import PersonaList


@dataclass(frozen=True, slots=True)
class CountDerived:
    """Counts what a proposal would do to a page of listed records: personas, and those that are out
    of market. `terms`: today's, under the wanted rules."""

    facts: FactStore
    tells_zone: TellsZone
    askable: Askable
    proposal: Proposal
    terms: Terms

    def page(self, ids: Sequence[str], counts: PreviewCounts) -> PreviewCounts:
        """Return `counts` with these added. Whom several pages reach is counted on one of them."""
        listed = frozenset(ids)
        commit = derive_again(self.facts, self.proposal.uid, self.terms, ids, self.tells_zone)
        stored, owners = _stored_personas(commit)
        derived = personas_with_points(commit)
        before = [persona for persona in stored if persona.id in listed]
        after = [persona for persona in derived if _listed_as(persona, owners) in listed]
        were_members = {rid for p in stored if p.member for rid in p.members}
        are_members = {rid for p in derived if p.member for rid in p.members}
        balances = _balance_changes(stored, derived, before, after)
        left_out, taken_up = _moved(commit)
        gone = frozenset(left_out)
        parts = Counter(name for p in derived for name in {owners.get(rid) for rid in p.members})
        return replace(
            counts,
            personas=counts.personas + len(before),
            enrolled=counts.enrolled
            + sum(p.member and were_members.isdisjoint(p.members) for p in after),
            lost=counts.lost + sum(p.member and are_members.isdisjoint(p.members) for p in before),
            messages=counts.messages + self._messages(stored, after),
            balances=counts.balances + len(balances),
            points=counts.points + sum(change.after - change.before for change in balances),
            largest=largest_changes([*counts.largest, *balances]),
            out_of_market=counts.out_of_market + sum(owners.get(rid) in listed for rid in left_out),
            back_in_market=counts.back_in_market + sum(rid in listed for rid in taken_up),
            joined=counts.joined + sum(_holders(p, owners, stored) - 1 for p in after),
            split=counts.split + sum(max(0, parts[p.id] - 1) for p in before),
            dropped=counts.dropped
            + sum(not parts[p.id] and gone.isdisjoint(p.members) for p in before),
        )

    def _messages(self, stored: Iterable[Persona], after: Iterable[Persona]) -> int:
        """Count who would be asked for consent and is not asked today."""
        asked = {rid for p in stored if p.asked_by for rid in p.members}
        numbers = [
            p.texted_at
            for p in after
            if p.asked_by and p.texted_at is not None and asked.isdisjoint(p.members)
        ]
        return self.askable.askable(self.proposal.uid, numbers) if numbers else 0


def _stored_personas(commit: Commit) -> tuple[list[Persona], dict[str, str]]:
    """The stored personas that are reached, and by which listed id each record is found: that of
    its persona, else its own where it is out of market."""
    stored = [p for rid in sorted(commit.reached) if (p := commit.persona_before(rid)) is not None]
    owners = {rid: persona.id for persona in stored for rid in persona.members}
    for rid in commit.reached:
        row = commit.record_row_before(rid)
        if rid not in owners and row is not None and row.out_of_market:
            owners[rid] = rid
    return stored, owners


def _listed_as(persona: Persona, owners: Mapping[str, str]) -> str:
    """The one listed id under which a derived persona is counted."""
    return min((owners[rid] for rid in persona.members if rid in owners), default=persona.id)


def _holders(persona: Persona, owners: Mapping[str, str], stored: Iterable[Persona]) -> int:
    """Return of how many stored personas a derived one is made; at least one."""
    known = {each.id for each in stored}
    return max(1, len({owners[rid] for rid in persona.members if rid in owners} & known))


def _moved(commit: Commit) -> tuple[list[str], list[str]]:
    """The records that would be left out, and those that would be taken up again."""
    left_out, taken_up = [], []
    for rid in commit.reached:
        before, after = commit.record_row_before(rid), commit.record_row(rid)
        if before is not None and after is not None:
            if after.out_of_market and not before.out_of_market:
                left_out.append(rid)
            elif before.out_of_market and not after.out_of_market:
                taken_up.append(rid)
    return left_out, taken_up


def _balance_changes(
    stored: Sequence[Persona],
    derived: Sequence[Persona],
    before: Sequence[Persona],
    after: Sequence[Persona],
) -> list[BalanceChange]:
    """Whose balance would change: of those derived, each against the personas whose shown record it
    holds; of those stored, whose shown record is nobody's any more."""
    held = {persona.id: persona.points for persona in stored}
    changes = [
        BalanceChange(p.id, sum(held.get(rid, 0) for rid in p.members), p.points) for p in after
    ]
    somebodys = {rid for persona in derived for rid in persona.members}
    changes += [BalanceChange(p.id, p.points, 0) for p in before if p.id not in somebodys]
    return [change for change in changes if change.before != change.after]


def page_of_whole_names(
    personas: PersonaList, reads: PreviewReads, uid: Uid, limit: int, after: str | None
) -> tuple[list[str], str | None]:
    """Return a page of persona ids in the order of their names, which holds all who have one name
    if they fit in it, and the position that continues the list.

    Whom a rule would join by name is seen only where they are looked at together.
    """
    ids, following = personas.by_name(uid, "", limit, after)
    if following is None:
        return ids, None
    names = {p.id: name_key(p.first, p.last) for p in reads.personas(uid, ids)}
    last = names.get(ids[-1]) if ids else None
    if not last:
        return ids, following
    whole = len(ids)
    while whole and names.get(ids[whole - 1]) == last:
        whole -= 1
    return personas.by_name(uid, "", whole, after) if whole else (ids, following)
