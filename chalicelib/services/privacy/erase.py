"""Ask for the erasure of a persona (product.md §14)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from chalicelib.domain.errors import (
    Conflict,
    NotFound,
    field_fault,
    invalid_fields,
)
from chalicelib.domain.words import Points, Uid
from chalicelib.services.derivation.erase import contacts_of
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.job_messages.account_jobs import EraseMessage
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, Ids, JobQueue
from chalicelib.services.ports.consent import ConsentLog
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.privacy import Erasure, Erasures

TYPED_DIGITS = 4

WRONG_TYPED = "Type the last four {of} to confirm."
PREVIEW_AGAIN = "The persona changed since this preview: preview it again."


class ErasePreview(NamedTuple):
    """What would be erased. `confirm`: what the last four characters are of."""

    records: int
    sales: int
    points: Points
    consents: int
    contacts: int
    confirm: str
    token: str


@dataclass(frozen=True, slots=True)
class EraseService:
    """Previews erasures, and asks for them."""

    lookup: PersonaLookup
    facts: FactStore
    log: ConsentLog
    erasures: Erasures
    audit: Audit
    jobs: JobQueue
    ids: Ids
    clock: Clock

    def preview(self, uid: Uid, contact_id: str) -> ErasePreview:
        """Count what would be erased. Raises NotFound."""
        found = self.lookup.by_record(uid, contact_id)
        records = [record.id for record in found.records]
        places = contacts_of(found.records)
        sales = sum(len(self.facts.pointers(uid, rid)) for rid in records)
        consents = sum(len(self.log.read(uid, *place).entries) for place in places)
        of, _ = _typed(found)
        points = found.persona.points
        return ErasePreview(
            len(records), sales, points, consents, len(places), of, _token(uid, found)
        )

    def erase(self, uid: Uid, contact_id: str, token: str, typed: str, *, actor: str) -> Erasure:
        """Have the persona erased; asked again it answers the same erasure.

        Raises NotFound; Conflict for a stale token, InvalidInput for other digits.
        """
        known = self.erasures.of_account(uid)
        for erasure in known:
            if erasure.state == "erasing" and contact_id in erasure.records:
                self.jobs.send(EraseMessage(uid, erasure.id).body())
                return erasure
        try:
            found = self.lookup.by_record(uid, contact_id)
        except NotFound:
            done = next((each for each in known if contact_id in each.records), None)
            if done is None:
                raise
            return done
        of, last = _typed(found)
        if token != _token(uid, found):
            raise Conflict(PREVIEW_AGAIN)
        if typed != last:
            raise invalid_fields(field_fault("typed", WRONG_TYPED.format(of=of), "0142"))
        now = self.clock.now()
        records = tuple(record.id for record in found.records)
        erasure = Erasure(uid, self.ids.new("erasure"), "persona", actor, now, records=records)
        # Sent first: an erasure without its message would never end.
        self.jobs.send(EraseMessage(uid, erasure.id).body())
        saved = self.erasures.save(erasure)
        self.audit.record(uid, AuditEntry(now, actor, "persona.erased", f"erasure:{erasure.id}"))
        return saved

    def get(self, uid: Uid, erasure: str) -> Erasure:
        """Return how far an erasure is, with its certificate once it is done. Raises NotFound."""
        return self.erasures.get(uid, erasure)


def _typed(found: DerivedPersona) -> tuple[str, str]:
    """Return what a person types to confirm: of what it is, and its last four characters."""
    numbers = found.numbers()
    if numbers:
        return "digits of the phone number", numbers[0][-TYPED_DIGITS:]
    return "characters of the contact id", found.persona.id[-TYPED_DIGITS:]


def _token(uid: Uid, found: DerivedPersona) -> str:
    """No secret: it only says what somebody has seen."""
    seen = ":".join([uid, *sorted(found.persona.members)])
    return blake2b(seen.encode(), digest_size=12).hexdigest()
