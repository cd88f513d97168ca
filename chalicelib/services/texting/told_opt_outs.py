"""*Opt out of texts / e-mail*: what a shopper told staff at the counter or by phone (product.md
§9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.consent import Entry
from chalicelib.domain.words import Channel, Uid
from chalicelib.services.consent.log import append_entries
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog

ToldAt = Literal["counter", "phone"]


@dataclass(frozen=True, slots=True)
class ToldOptOuts:
    """Writes opt-outs into the consent log, with who was told, for every contact of a shopper."""

    lookup: PersonaLookup
    log: ConsentLog
    audit: Audit
    clock: Clock

    def opt_out(
        self, uid: Uid, contact_id: str, channels: Collection[Channel], told: ToldAt, *, actor: str
    ) -> None:
        """Opt the shopper out of the channels; what is opted out stays so.

        Raises NotFound, ContactBusy.
        """
        contacts = _contacts(self.lookup.by_record(uid, contact_id), channels)
        now, noted = self.clock.now(), False
        for channel, contact in contacts:
            if self.log.read(uid, channel, contact).state.consent.state == "opted_out":
                continue
            entry = Entry(
                id=f"told#{now:015d}#{actor}",
                at=now,
                act="stop",
                source=told,
                actor=actor,
                evidence={"record": contact_id},
            )
            append_entries(self.log, self.clock, uid, channel, contact, [entry])
            noted = True
        if noted:
            after: dict[str, object] = {"channels": sorted(channels), "told": told}
            subject = f"persona:{contact_id}"
            self.audit.record(
                uid, AuditEntry(now, actor, "consent.opted_out", subject, after=after)
            )


def _contacts(held: DerivedPersona, channels: Collection[Channel]) -> list[tuple[Channel, str]]:
    numbers: list[tuple[Channel, str]] = [("sms", number) for number in held.numbers()]
    emails = dict.fromkeys(r.customer.email for r in held.records if r.customer.email)
    addresses: list[tuple[Channel, str]] = [("email", address) for address in emails]
    return [each for each in (*numbers, *addresses) if each[0] in channels]
