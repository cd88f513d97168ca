"""What a commit tells others to do: note consent flags, ask for SMS consent (product.md §9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Consent
from chalicelib.domain.rules import Rules
from chalicelib.domain.words import Channel
from chalicelib.services.ports.effects import Ask, ConsentFlag


def flags_of(records: Iterable[SourceRecord], rules: Rules) -> list[ConsentFlag]:
    """The POS's flags that count: every *opted out*, and *opted in* of a source that an Owner
    trusts."""
    return [flag for record in records for flag in _flags(record, rules)]


def asks_of(
    personas: Iterable[Persona], before: Callable[[str], Persona | None], *, again: bool
) -> list[Ask]:
    """Who is newly to be asked; with `again` everybody who is to be asked."""
    found = []
    for persona in personas:
        if not persona.asked_by or persona.phone is None:
            continue
        old = None if again else before(persona.id)
        if old is None or (old.phone, old.asked_by) != (persona.phone, persona.asked_by):
            found.append(Ask(persona.phone, persona.id, persona.asked_by[0]))
    return found


def _flags(record: SourceRecord, rules: Rules) -> Iterator[ConsentFlag]:
    customer, acts = record.customer, record.acts
    trusted = rules.source(record.platform).trusts_opt_in_flags
    told: tuple[tuple[Channel, str | None, Consent], ...] = (
        ("sms", customer.phone, customer.sms_consent),
        ("email", customer.email, customer.email_consent),
    )
    for channel, contact, value in told:
        if contact is None or value == "unknown" or (value == "yes" and not trusted):
            continue
        yield ConsentFlag(
            channel, contact, value, record.platform, record.id, acts.flags, acts.flags_at
        )
