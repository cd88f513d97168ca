"""Show how contact sync stands with a source, and let a person have a shopper created again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.domain.contact_sync import ShopperState
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.integration_states import may_sync
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.job_messages.account_jobs import ContactSyncMessage
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.contact_sync import ShopperIntent, ShopperIntents
from chalicelib.services.ports.integrations import Integration, Integrations
from chalicelib.services.ports.pos import PosGateway

MOST_SHOWN = 50
REFUSED = "Refused by {title}: {why}."
TAKEN = "{fields} taken"
UNSAID = "it did not say why"
SEARCH_THERE = (
    "Search this shopper in {title}, archived profiles too, and mend that profile; the next sync"
    " brings it. Or create the shopper again."
)
DOUBLE = "Double in {title}: profiles {ids} carry the same contact."
MERGE_THERE = "Merge the profiles in {title}. AIQ looks again every day."


@dataclass(frozen=True, slots=True)
class ShownShopper:
    """A signup that a person has to look at. `contact_id`: the persona's, None for who is none any
    more."""

    record: str
    contact_id: str | None
    name: str
    state: ShopperState
    message: str
    what_to_do: str
    at: Instant


@dataclass(frozen=True, slots=True)
class ContactSyncState:
    """`since`: None while the setting is off. `queued`: signups that wait. `waits_for`: the state
    of the card because of which nothing is sent, if any; `reasons`: what the first of them wait
    for."""

    since: Instant | None
    queued: int
    waits_for: str | None
    reasons: tuple[str, ...]
    shown: tuple[ShownShopper, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSyncService:
    """Reads intents, and opens them again."""

    intents: ShopperIntents
    integrations: Integrations
    personas: PersonaLookup
    pos: PosGateway
    jobs: JobQueue
    audit: Audit
    clock: Clock

    def state(self, uid: Uid, platform: Platform) -> ContactSyncState:
        """Return how contact sync stands. Raises NotFound for an unknown platform."""
        title = self.pos.platform(platform).title
        card = self.integrations.get(uid, platform) or Integration(uid, platform)
        waiting = [each for each in self.intents.open_ones(uid, platform) if each.is_waiting]
        first = [self.intents.get(uid, platform, each.record) for each in waiting[:MOST_SHOWN]]
        reasons = dict.fromkeys(each.waiting for each in first if each and each.waiting)
        shown = self.intents.shown(uid, platform, MOST_SHOWN)
        return ContactSyncState(
            since=card.personas_synced_from,
            queued=len(waiting),
            waits_for=None if may_sync(card.state) else card.state,
            reasons=tuple(reasons),
            shown=tuple(self._shown(each, title) for each in shown),
        )

    def create_again(self, uid: Uid, platform: Platform, record: str, *, actor: str) -> None:
        """Have a shopper created although the POS once held or refused them.

        Raises NotFound; Conflict while it waits anyway, and while the setting is off.
        """
        self.pos.platform(platform)
        card = self.integrations.get(uid, platform)
        intent = self.intents.get(uid, platform, record)
        if intent is None:
            raise NotFound("There is no such signup.")
        if card is None or card.personas_synced_from is None:
            raise Conflict("Turn *Sync Personas* on first.")
        if intent.is_waiting or intent.state == "created":
            raise Conflict("It is being created: look again in a few minutes.")
        now = self.clock.now()
        self.intents.save(
            replace(
                ShopperIntent(uid, platform, record, intent.signed_up_at, noted_at=now, due_at=now),
                forced=True,
                changed_at=now,
                seq=intent.seq,
            )
        )
        self.intents.move_due(uid, platform, self.intents.due_at(uid, platform), now)
        self.audit.record(uid, AuditEntry(now, actor, "shopper.created_again", record, {}, {}))
        self.jobs.send(ContactSyncMessage(uid, platform).body())

    def _shown(self, intent: ShopperIntent, title: str) -> ShownShopper:
        name, contact_id = "", None
        try:
            persona = self.personas.by_record(intent.uid, intent.record).persona
        except NotFound:
            pass
        else:
            name, contact_id = f"{persona.first} {persona.last}".strip(), persona.id
        message, what_to_do = _words(intent)
        ids = ", ".join(intent.doubles)
        return ShownShopper(
            record=intent.record,
            contact_id=contact_id,
            name=name,
            state=intent.state,
            message=message.format(title=title, why="; ".join(_why(intent)), ids=ids),
            what_to_do=what_to_do.format(title=title),
            at=intent.changed_at,
        )


def _words(intent: ShopperIntent) -> tuple[str, str]:
    return (DOUBLE, MERGE_THERE) if intent.state == "double" else (REFUSED, SEARCH_THERE)


def _why(intent: ShopperIntent) -> Iterator[str]:
    fields = ", ".join(intent.refused_for)
    if fields and intent.waiting == "taken":
        yield TAKEN.format(fields=fields)
    else:
        yield fields or UNSAID
