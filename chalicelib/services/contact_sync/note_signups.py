"""Note the signups that a POS is to know, once each (product.md §11, partner-api.md S21)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.errors import NotFound
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.signups import SIGNUP_SCOPE
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.contact_sync import ShopperIntent, ShopperIntents
from chalicelib.services.ports.integrations import Integration, Integrations


@dataclass(frozen=True, slots=True)
class NoteSignups:
    """Stores an intent of each signup and source: one of this record stays as it is."""

    intents: ShopperIntents
    integrations: Integrations
    personas: PersonaLookup
    clock: Clock

    def note(self, uid: Uid, records: Iterable[str]) -> tuple[Platform, ...]:
        """Note these signups and return the sources whose POS they may be created in."""
        cards = [
            c for c in self.integrations.for_account(uid) if c.personas_synced_from is not None
        ]
        if cards:
            for record in records:
                self._note(uid, record, cards)
        return tuple(card.platform for card in cards)

    def _note(self, uid: Uid, record: str, cards: Iterable[Integration]) -> None:
        try:
            held = self.personas.by_record(uid, record)
        except NotFound:
            return  # without a valid contact, or undone meanwhile
        signup = next(each for each in held.records if each.id == record)
        signed_up_at = signup_time(signup)
        for card in cards:
            if is_wanted(card, signup, signed_up_at):
                now = self.clock.now()
                self.intents.note(
                    ShopperIntent(
                        uid, card.platform, record, signed_up_at, noted_at=now, due_at=now
                    )
                )


def is_wanted(card: Integration, signup: SourceRecord, signed_up_at: Instant) -> bool:
    """Whether the source of the card wants this signup: one from the day on which *Sync Personas*
    was turned on, and none that its own POS sent."""
    since = card.personas_synced_from
    return (
        since is not None
        and signup.scope == SIGNUP_SCOPE
        and signup.platform != card.platform
        and signed_up_at >= since
    )


def signup_time(signup: SourceRecord) -> Instant:
    """Return when a record was signed up last."""
    joined = [join.at for join in signup.acts.joins]
    return max([signup.first_seen, signup.customer.updated_at or 0, *joined])
