"""The personas that texting asks for, derived from the facts."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.acts import flag_words
from chalicelib.domain.errors import NotFound
from chalicelib.domain.words import Uid
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.ports.consent import HeldPersona


@dataclass(frozen=True, slots=True)
class DerivedHeldPersonas:
    """Implements `HeldPersonas` by deriving the personas anew at each call."""

    lookup: PersonaLookup

    def of_record(self, uid: Uid, record: str) -> HeldPersona | None:
        """See `HeldPersonas.of_record`."""
        try:
            return _held_persona(self.lookup.by_record(uid, record))
        except NotFound:
            return None

    def of_number(self, uid: Uid, number: str) -> list[HeldPersona]:
        """See `HeldPersonas.of_number`."""
        return [_held_persona(each) for each in self.lookup.by_number(uid, number)]


def _held_persona(derived: DerivedPersona) -> HeldPersona:
    refused = frozenset(
        word.contact
        for record in derived.records
        for word in flag_words(record.acts, record.customer)
        if (word.channel, word.value) == ("sms", "no")
    )
    return HeldPersona(derived.persona, derived.persona.asked_by, derived.numbers(), refused)
