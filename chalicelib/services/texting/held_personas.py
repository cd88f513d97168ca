"""What texting asks of the core: who holds a record or a number today, and what they joined by."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.errors import NotFound
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.derivation.holder import Held, PersonaLookup
from chalicelib.services.ports.texting import HeldPersona


@dataclass(frozen=True, slots=True)
class DerivedHeldPersonas:
    """The `HeldPersonas` port, derived anew each time."""

    lookup: PersonaLookup

    def of_record(self, uid: Uid, record: str) -> HeldPersona | None:
        """See `HeldPersonas.of_record`."""
        try:
            return _standing(self.lookup.holding(uid, record))
        except NotFound:
            return None

    def of_number(self, uid: Uid, number: str) -> list[HeldPersona]:
        """See `HeldPersonas.of_number`."""
        return [_standing(held) for held in self.lookup.of_number(uid, number)]


@dataclass(frozen=True, slots=True)
class CommittedJoins:
    """The `Joins` port."""

    commits: FactCommits

    def join(self, uid: Uid, record: str, reason: str, at: Instant) -> None:
        """See `Joins.join`. Raises CommitBusy, LeaseLost: the same call may be made again."""
        self.commits.join(uid, record, reason, at)


def _standing(held: Held) -> HeldPersona:
    return HeldPersona(held.persona, held.persona.asked_by, held.numbers())
