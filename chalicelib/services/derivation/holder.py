"""Find the persona that holds a record today, as the facts and the rules in force say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from chalicelib.domain.errors import NotFound
from chalicelib.domain.identity import MergeKey, SourceRecord
from chalicelib.domain.ids import is_record_id
from chalicelib.domain.personas import Persona, newest_first
from chalicelib.domain.rules import Terms
from chalicelib.domain.words import Uid
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.stages.derived_rows import personas_with_points
from chalicelib.services.derivation.stages.keeps import settle_keeps
from chalicelib.services.derivation.stages.reach import reach
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.ports.facts import FactStore


@dataclass(frozen=True, slots=True)
class DerivedPersona:
    """A persona with its source records, and the terms it was derived under. `shared_keys`: keys of
    its records that too many carry for them to join anybody."""

    persona: Persona
    records: tuple[SourceRecord, ...]
    terms: Terms
    shared_keys: frozenset[MergeKey] = frozenset()

    def numbers(self) -> tuple[str, ...]:
        """Return its distinct phones (E.164): those that not too many share come first, then those
        of the latest updated records. The first is the one it may be texted at, if any is."""
        phones = dict.fromkeys(c.phone for c in newest_first(self.records) if c.phone)
        return tuple({**dict.fromkeys(self.persona.own_phones or ()), **phones})


@dataclass(frozen=True, slots=True)
class PersonaLookup:
    """Derives personas from the facts without the commit lock, and writes nothing."""

    facts: FactStore
    terms: TermsReader

    def by_record(self, uid: Uid, contact_id: str) -> DerivedPersona:
        """The persona that holds the record today: any id ever given leads to one.

        Raises NotFound.
        """
        if is_record_id(contact_id):
            for derived in self._derive(uid, [contact_id]):
                if contact_id in derived.persona.members:
                    return derived
        raise NotFound("There is no such persona.")

    def by_number(self, uid: Uid, number: str) -> list[DerivedPersona]:
        """Everybody who has this phone (E.164); several where it is shared too widely to merge."""
        records = sorted(self.carriers(uid, MergeKey("phone", number)))
        return [derived for derived in self._derive(uid, records) if number in derived.numbers()]

    def personas_of(self, uid: Uid, records: Iterable[str]) -> list[Persona]:
        """The personas of everybody whom merge keys connect with these records."""
        return [derived.persona for derived in self._derive(uid, records)]

    def carriers(self, uid: Uid, key: MergeKey) -> Mapping[str, str]:
        """The records that carry a merge key, with their scopes."""
        carriers = self.facts.carriers(uid, [key]).get(key)
        if carriers is None:
            return {}
        return self.facts.wide_carriers(uid, key) if carriers.wide else carriers.carriers

    def _derive(self, uid: Uid, records: Iterable[str]) -> Iterator[DerivedPersona]:
        commit = Commit(self.facts, uid, self.terms.current(uid), seeds=set(records))
        reach(commit)
        settle_keeps(commit)
        shared = {p.id: found.shared_keys for found, p in commit.components if p is not None}
        for persona in personas_with_points(commit):
            members = tuple(commit.records_seen(persona.members))
            yield DerivedPersona(persona, members, commit.terms, shared[persona.id])
