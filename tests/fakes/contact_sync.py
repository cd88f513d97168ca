"""Intents of contact sync in memory, and a POS whose search may lag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.domain.errors import AiqError, StaleVersion
from chalicelib.domain.records import Customer
from chalicelib.services.ports.contact_sync import (
    TURN_SECONDS,
    DueSource,
    NewShopper,
    OpenIntent,
    ShopperIntent,
)
from chalicelib.services.ports.pos import CredentialAccess
from tests.fakes.facts import Crash


class MemoryShopperIntents:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], ShopperIntent] = {}
        self.turns: dict[tuple[str, str], tuple[str, int]] = {}
        self.due: dict[tuple[str, str], int] = {}

    def note(self, intent: ShopperIntent) -> bool:
        if (intent.uid, intent.platform, intent.record) in self.rows:
            return False
        self.save(intent)
        self.due[intent.uid, intent.platform] = intent.noted_at
        return True

    def get(self, uid: str, platform: str, record: str) -> ShopperIntent | None:
        return self.rows.get((uid, platform, record))

    def save(self, intent: ShopperIntent) -> ShopperIntent:
        place = intent.uid, intent.platform, intent.record
        held = self.rows.get(place)
        if (held.seq if held else 0) != intent.seq:
            raise StaleVersion("somebody else goes on with it")
        self.rows[place] = replace(intent, seq=intent.seq + 1)
        return self.rows[place]

    def open_ones(self, uid: str, platform: str) -> list[OpenIntent]:
        return sorted(
            OpenIntent(row.due_at, row.record, row.is_waiting)
            for row in self._of(uid, platform)
            if row.due_at is not None
        )

    def shown(self, uid: str, platform: str, most: int) -> list[ShopperIntent]:
        return [row for row in self._of(uid, platform) if row.is_shown][:most]

    def _of(self, uid: str, platform: str) -> list[ShopperIntent]:
        return [row for (u, p, _), row in sorted(self.rows.items()) if (u, p) == (uid, platform)]

    def take_turn(self, uid: str, platform: str, turn: str, now: int) -> bool:
        held, until = self.turns.get((uid, platform), ("", 0))
        if held not in ("", turn) and until > now:
            return False
        self.turns[uid, platform] = turn, now + TURN_SECONDS * 1000
        return True

    def end_turn(self, uid: str, platform: str, turn: str) -> None:
        if self.turns.get((uid, platform), ("", 0))[0] == turn:
            del self.turns[uid, platform]

    def due_at(self, uid: str, platform: str) -> int | None:
        return self.due.get((uid, platform))

    def move_due(self, uid: str, platform: str, seen: int | None, due_at: int | None) -> bool:
        if self.due.get((uid, platform)) != seen:
            return False
        self.due.pop((uid, platform), None)
        if due_at is not None:
            self.due[uid, platform] = due_at
        return True

    def due_sources(self, until: int) -> Iterator[DueSource]:
        for (uid, platform), at in sorted(self.due.items()):
            if at <= until:
                yield DueSource(uid, platform, at)


@dataclass
class TownPos:
    """A POS that shows in its search what is older than `lag_seconds`, and nobody in `hidden`.

    `accidents`: what happens at the next creations, in turn: an error, `Crash`, or None. With
    `after` the POS has stored the shopper by then. `log`: (verb, scope) of each request.
    """

    clock: Any
    lag_seconds: float = 0.0
    shoppers: dict[str, list[tuple[int, Customer]]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    accidents: list[AiqError | type[Crash] | None] = field(default_factory=list)
    after: bool = True
    search_fails: AiqError | None = None
    log: list[tuple[str, str]] = field(default_factory=list)
    given: int = 0

    def open_shoppers(self, access: CredentialAccess) -> TownSession:
        return TownSession(self, access)

    def add(self, scope: str, customer: Customer) -> None:
        self.shoppers.setdefault(scope, []).append((self.clock.now(), customer))

    def all(self, scope: str) -> list[Customer]:
        return [customer for _, customer in self.shoppers.get(scope, [])]

    @property
    def created(self) -> int:
        return sum(verb == "create" for verb, _ in self.log)


@dataclass
class TownSession:
    pos: TownPos
    access: CredentialAccess

    def find(self, phone: str | None, email: str | None) -> tuple[Customer, ...]:
        self.access.permit()
        scope = self.access.scope or ""
        self.pos.log.append(("find", scope))
        if self.pos.search_fails:
            raise self.pos.search_fails
        visible = self.pos.clock.now() - self.pos.lag_seconds * 1000
        return tuple(
            customer
            for at, customer in self.pos.shoppers.get(scope, [])
            if at <= visible
            and customer.ext_id not in self.pos.hidden
            and ((phone and customer.phone == phone) or (email and customer.email == email))
        )

    def create(self, shopper: NewShopper) -> str | None:
        self.access.permit()
        scope = self.access.scope or ""
        self.pos.log.append(("create", scope))
        accident = self.pos.accidents.pop(0) if self.pos.accidents else None
        if accident and not self.pos.after:
            raise accident
        self.pos.given += 1
        ext_id = f"p{self.pos.given}"
        self.pos.add(
            scope,
            Customer(ext_id, shopper.first, shopper.last, phone=shopper.phone, email=shopper.email),
        )
        if accident:
            raise accident
        return ext_id

    def close(self) -> None:
        pass
