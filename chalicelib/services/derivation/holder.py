"""Find the persona that holds a record today, as the facts and the rules in force say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.domain.errors import NotFound
from chalicelib.domain.identity import MergeKey, SourceRecord
from chalicelib.domain.ids import is_record_id
from chalicelib.domain.personas import Persona, newest_first
from chalicelib.domain.rules import Terms
from chalicelib.domain.words import Uid
from chalicelib.services.derivation.reach import Reach
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.ports.facts import FactStore


@dataclass(frozen=True, slots=True)
class Held:
    """A persona with its source records, and the terms it was derived under."""

    persona: Persona
    records: tuple[SourceRecord, ...]
    terms: Terms

    def numbers(self) -> tuple[str, ...]:
        """Its distinct phones; the first is the one it may be texted at."""
        return tuple(dict.fromkeys(c.phone for c in newest_first(self.records) if c.phone))


class PersonaLookup:
    def __init__(self, facts: FactStore, terms: TermsReader) -> None:
        self._facts = facts
        self._terms = terms

    def holding(self, uid: Uid, contact_id: str) -> Held:
        """Any id ever given leads to whoever holds that record now. Raises NotFound."""
        if is_record_id(contact_id):
            closure = self.reach(uid, [contact_id])
            for persona in closure.derived().values():
                if contact_id in persona.members:
                    return _held(persona, closure)
        raise NotFound("There is no such persona.")

    def of_number(self, uid: Uid, number: str) -> list[Held]:
        """Everybody who has this phone (E.164); more than one when it is shared too widely."""
        closure = self.reach(uid, sorted(self.carriers(uid, MergeKey("phone", number))))
        found = [_held(persona, closure) for persona in closure.derived().values()]
        return [held for held in found if number in held.numbers()]

    def carriers(self, uid: Uid, key: MergeKey) -> Mapping[str, str]:
        """The records that carry a merge key, with their scopes."""
        members = self._facts.members(uid, [key]).get(key)
        if members is None:
            return {}
        return self._facts.wide_carriers(uid, key) if members.wide else members.carriers

    def reach(self, uid: Uid, records: Iterable[str]) -> Reach:
        """Everything that hangs together with these records."""
        closure = Reach(self._facts, uid, self._terms.today(uid))
        closure.expand(records)
        return closure


def _held(persona: Persona, closure: Reach) -> Held:
    stored = [found for rid in persona.members if (found := closure.stored(rid)) is not None]
    return Held(persona, tuple(found.record for found in stored), closure.terms)
