"""Derive personas again without the commit lock, and say where what is stored differs.

It costs a commit nothing: the reads are eventually consistent and nothing is written. So a commit
under way may look like a difference; whoever corrects one does it by `FactCommits.rederive`, which
derives again under the lock and writes what really differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b

from chalicelib.domain.markets import filters_markets
from chalicelib.domain.personas import Persona, newest_first
from chalicelib.domain.rules import Terms
from chalicelib.domain.signups import OWN_SCOPES
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.stages.carriers import settle_carriers
from chalicelib.services.derivation.stages.derived_rows import (
    personas_with_points,
    put_derived_rows,
)
from chalicelib.services.derivation.stages.keeps import settle_keeps
from chalicelib.services.derivation.stages.points import settle_points
from chalicelib.services.derivation.stages.reach import reach, read_reached
from chalicelib.services.derivation.stages.sales import TellsZone, renew_sales
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.stored_facts import RecordSales


@dataclass(frozen=True, slots=True)
class ComparedPersona:
    """A persona as its facts say it. `numbers`: its distinct phones, the first is the one it may be
    texted at, if any is. `is_stored`: whether there is a persona under its id. `pulled`: the source
    of each of its records that a POS listed."""

    persona: Persona
    numbers: tuple[str, ...]
    is_stored: bool
    pulled: tuple[Platform, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the facts say of some personas.

    `differing`: records under which something else is stored; `due`: those of them that had to
    change because time passed. `terms`: the terms they were derived under. `left_out`: the source
    of each record among those asked for that is out of market.
    """

    personas: tuple[ComparedPersona, ...]
    differing: frozenset[str]
    due: frozenset[str]
    terms: Terms
    left_out: tuple[Platform, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonaComparison:
    """Compares personas with their facts. `facts` may read eventually consistent."""

    facts: FactStore
    terms: TermsReader
    tells_zone: TellsZone = lambda _platform: False

    def compare(self, uid: Uid, ids: Sequence[str]) -> Comparison:
        """Derive the personas that these records belong to, or belong to as it is stored, as
        `FactCommits.rederive` does."""
        commit = derive_again(self.facts, uid, self.terms.current(uid), ids, self.tells_zone)
        differing = _differing(commit) if commit.writes else frozenset()
        return Comparison(
            tuple(
                ComparedPersona(
                    persona,
                    _numbers(commit, persona),
                    commit.persona_before(persona.id) is not None,
                    _pulled(commit, persona),
                )
                for persona in personas_with_points(commit)
            ),
            differing,
            frozenset(rid for rid in differing if _is_due(commit, rid)),
            commit.terms,
            tuple(
                row.record.platform
                for rid in ids
                if (row := commit.record_row(rid)) is not None and row.out_of_market
            ),
        )


def derive_again(
    facts: FactStore, uid: Uid, terms: Terms, ids: Sequence[str], tells_zone: TellsZone
) -> Commit:
    """Derive under these terms the personas that the records belong to, or belong to as it is
    stored. Nothing is written: the commit says what would be."""
    commit = Commit(facts, uid, terms, full=True, seeds=set(ids))
    commit.load(ids)
    stored = [persona for rid in ids if (persona := commit.persona_before(rid)) is not None]
    commit.seeds.update(rid for persona in stored for rid in persona.members)
    read_reached(commit)
    touched = sorted(commit.reached)
    for record in commit.records(touched):
        commit.put_record(record)
    renew_sales(commit, touched, tells_zone)
    if commit.key_changes:
        settle_carriers(commit)
    reach(commit)
    settle_keeps(commit)
    settle_points(commit)
    put_derived_rows(commit)
    return commit


def digest_of(terms: Terms) -> str:
    """Return a digest of everything that derivation goes by but the facts and the time."""
    rules = terms.rules
    sources = [
        (platform, [_plain(getattr(source, each.name)) for each in fields(source)])
        for platform, source in sorted(rules.sources.items())
    ]
    parts = (
        rules.loyalty,
        sources,
        sorted(terms.mapping.items()),
        sorted(terms.zones.items()),
        terms.zone,
        terms.merge_on_name_and_birth_date,
        terms.minimum_age,
        sorted(terms.placeholders),
        *([rules.switches] if rules.switches else ()),
        *([sorted(terms.states.items())] if filters_markets(rules) else ()),
    )
    return blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def _plain(value: object) -> object:
    return sorted(value.items()) if isinstance(value, Mapping) else value


def _differing(commit: Commit) -> frozenset[str]:
    """Return the records whose stored rows differ from what the facts say."""
    writes = commit.writes
    differing = {*writes.records, *writes.personas}
    differing |= {
        rid
        for rid, sales in writes.summaries.items()
        if _without_hint(sales) != _without_hint(commit.sales_before(rid))
    }
    differing |= {rid for rid, _ in [*writes.pointers, *writes.ledger]}
    differing |= {row.record for row in writes.sales.values() if row.record is not None}
    if not differing and (writes.carriers or writes.carrier_rows or writes.shared):
        return frozenset(commit.reached)  # keys whose people were not counted yet
    return frozenset(differing)


def _without_hint(sales: RecordSales) -> RecordSales:
    """Return the sums without the time of the latest unlinked return: what is stored may be later,
    after that return was taken back, and decides only how much is read."""
    return sales._replace(points=sales.points._replace(unlinked_at=0))


def _is_due(commit: Commit, rid: str) -> bool:
    """Whether time alone may have changed what is stored under the record."""
    figures = commit.sales_before(rid).figures
    persona, today = commit.persona_before(rid), commit.terms.today
    days = (figures.expires_on, figures.counts_on, commit.sales_before(rid).counts_on)
    return any(day is not None and day <= today for day in days) or (
        persona is not None and "minor" in persona.flags
    )


def _pulled(commit: Commit, persona: Persona) -> tuple[Platform, ...]:
    records = commit.records(persona.members)
    return tuple(record.platform for record in records if record.scope not in OWN_SCOPES)


def _numbers(commit: Commit, persona: Persona) -> tuple[str, ...]:
    phones = [c.phone for c in newest_first(commit.records_seen(persona.members)) if c.phone]
    return tuple({**dict.fromkeys(persona.own_phones or ()), **dict.fromkeys(phones)})
