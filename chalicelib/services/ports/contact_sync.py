"""What contact sync needs: a POS to search and write to, and rows that say what was done there
(product.md §11, ADR 41)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from chalicelib.domain.contact_sync import ShopperState, WaitingReason
from chalicelib.domain.records import Customer
from chalicelib.domain.words import Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.pos import CredentialAccess

TURN_SECONDS = 300
NO_SCOPE = ScopeId("")


@dataclass(frozen=True, slots=True)
class NewShopper:
    """A shopper to create in a POS. `phone` is E.164, `birth_date` ISO; `state` is a code such as
    WA."""

    first: str = ""
    last: str = ""
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    birth_date: str | None = None
    state: str | None = None


class ShopperSession(Protocol):
    """One credential's conversation about single shoppers."""

    def find(self, phone: str | None, email: str | None) -> tuple[Customer, ...]:
        """Return whoever carries one of these contacts.

        Raises what `PosSession.fetch` raises; FilterIgnored where the POS lists others.
        """
        ...

    def create(self, shopper: NewShopper) -> str | None:
        """Create the shopper and return the POS's id, None where its answer does not tell one.

        After RecordRefused, RateLimited, KeyRejected, PermissionMissing and RecordNotFound nothing
        was created; after any other error, as after a crash, nobody knows.
        """
        ...

    def close(self) -> None: ...


class ShopperGateway(Protocol):
    """The way to a POS that AIQ may write to."""

    def open_shoppers(self, access: CredentialAccess) -> ShopperSession:
        """Begin a conversation; nothing is asked yet. Raises HostRefused."""
        ...


@dataclass(frozen=True, slots=True)
class ShopperIntent:
    """A signup that a POS is to know. `record`: the signup's source record, which names the intent
    for ever. `signed_up_at`: of the signup.

    `scope`, `ext_id`: where it was created or found. `forced`: a person wants it created although
    the POS once held the shopper. `tries` counts refusals; `creations` how often a creation was
    sent; `sent_at`: the last one. `due_at`: when to go on; None when nothing is left to do.
    `waiting`: why it is not done yet. `refused_for`: the POS's fields that its refusal spoke of.
    `doubles`: ids in the POS that carry a contact of one that AIQ created.
    """

    uid: Uid
    platform: Platform
    record: str
    signed_up_at: Instant
    state: ShopperState = "queued"
    noted_at: Instant = 0
    due_at: Instant | None = 0
    scope: ScopeId = NO_SCOPE
    ext_id: str = ""
    forced: bool = False
    tries: int = 0
    creations: int = 0
    sent_at: Instant | None = None
    waiting: WaitingReason | None = None
    refused_for: tuple[str, ...] = ()
    doubles: tuple[str, ...] = ()
    changed_at: Instant = 0
    seq: int = 0

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be created."""
        return self.state in ("queued", "sending")

    @property
    def is_shown(self) -> bool:
        """Whether a person has to look at it."""
        return self.state in ("refused", "double")


class OpenIntent(NamedTuple):
    """Names an intent with something left to do. `is_waiting`: it was not created yet."""

    due_at: Instant
    record: str
    is_waiting: bool = True


class DueSource(NamedTuple):
    """A source of which an intent is due."""

    uid: Uid
    platform: Platform
    due_at: Instant


class ShopperIntents(Protocol):
    """Stores intents, which of them are open, and which sources have some."""

    def note(self, intent: ShopperIntent) -> bool:
        """Store a new intent and let its source be due; False where there is one of this record."""
        ...

    def get(self, uid: Uid, platform: Platform, record: str) -> ShopperIntent | None:
        """Strongly consistent."""
        ...

    def save(self, intent: ShopperIntent) -> ShopperIntent:
        """Save at `seq` + 1, with its place among those that are open or shown. Raises
        StaleVersion."""
        ...

    def open_ones(self, uid: Uid, platform: Platform) -> list[OpenIntent]:
        """All intents with something left to do, those that are due first at the beginning."""
        ...

    def shown(self, uid: Uid, platform: Platform, most: int) -> list[ShopperIntent]:
        """The intents that a person has to look at."""
        ...

    def take_turn(self, uid: Uid, platform: Platform, turn: str, now: Instant) -> bool:
        """Let `turn` go on with a source for `TURN_SECONDS`; False while another one does. The same
        turn again begins anew."""
        ...

    def end_turn(self, uid: Uid, platform: Platform, turn: str) -> None: ...

    def due_at(self, uid: Uid, platform: Platform) -> Instant | None:
        """Return when the source is due; None where nothing is left to do."""
        ...

    def move_due(
        self, uid: Uid, platform: Platform, seen: Instant | None, due_at: Instant | None
    ) -> bool:
        """Say when the source is due again, unless that is another by now than was `seen`."""
        ...

    def due_sources(self, until: Instant) -> Iterator[DueSource]:
        """The sources that are due by then."""
        ...
