"""Create one signup's shopper in a POS: search, create, search again (product.md §11, ADR 41).

Before anything is sent the intent is marked `sending`. So a worker that finds that mark knows that
nobody knows what came of it, and searches until the POS must have shown what it stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.contact_sync import (
    MOST_TRIES,
    ShopperState,
    WaitingReason,
    scope_for,
)
from chalicelib.domain.errors import (
    AiqError,
    CallsStopped,
    KeyRejected,
    NotFound,
    PermissionMissing,
    RateLimited,
    RecordNotFound,
    RecordRefused,
    ServerUnreachable,
    StaleVersion,
)
from chalicelib.domain.markets import market_code
from chalicelib.domain.personas import Persona, newest_first
from chalicelib.domain.records import Customer
from chalicelib.domain.settings import SYNC_TO_MARKET
from chalicelib.domain.signups import SIGNUP_SCOPE
from chalicelib.domain.times import DAY, MINUTE, SECOND
from chalicelib.domain.words import Instant, ScopeId
from chalicelib.services.contact_sync.note_signups import is_wanted
from chalicelib.services.contact_sync.pos_shoppers import PosShoppers
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.contact_sync import NewShopper, ShopperIntent, ShopperIntents
from chalicelib.services.ports.integrations import Integration

SHOWN_WITHIN = 2 * MINUTE
"""A POS shows in its search what it stored, at the latest after this; only then is a creation of
unknown outcome sent again."""
LOOK_AGAIN_AFTER = 15 * MINUTE
"""A created shopper is searched once more, for a double that the search did not show at first."""
TRY_AGAIN_AFTER = 10 * MINUTE
LOOK_DAILY = DAY

NOT_CREATED = (RecordRefused, RateLimited, KeyRejected, PermissionMissing, RecordNotFound)
"""After these nothing was created."""

_REASONS: tuple[tuple[type[AiqError], WaitingReason], ...] = (
    (CallsStopped, "frozen"),
    (KeyRejected, "key_rejected"),
    (PermissionMissing, "permission_missing"),
    (RateLimited, "rate_limited"),
    (ServerUnreachable, "unreachable"),
)


class WaitsForPos(Exception):
    """A creation failed, and the intent says so; its cause is the POS's error."""


@dataclass(frozen=True, slots=True)
class CreateShopper:
    """Goes on with one intent as far as it gets."""

    intents: ShopperIntents
    personas: PersonaLookup
    clock: Clock

    def go_on(self, intent: ShopperIntent, card: Integration, pos: PosShoppers) -> ShopperIntent:
        """Return the intent as it was saved.

        Raises StaleVersion when another worker goes on with it, and what the POS raises, once the
        intent says why it waits.
        """
        try:
            held = self.personas.by_record(intent.uid, intent.record)
        except NotFound:
            return self._end(intent, "dropped")
        try:
            return self._by_facts(intent, card, held, pos) or self._by_pos(intent, card, held, pos)
        except (StaleVersion, WaitsForPos):
            raise
        except AiqError as error:
            self._wait(intent, error)
            raise

    def _by_facts(
        self, intent: ShopperIntent, card: Integration, held: DerivedPersona, pos: PosShoppers
    ) -> ShopperIntent | None:
        """Settle the intent by what AIQ knows; None where it takes a search in the POS."""
        if intent.state in ("created", "double"):
            return self._look_for_doubles(intent, held.persona, pos)
        if known := _known_in_pos(intent, held):
            return self._end(replace(intent, ext_id=known), "matched")
        if intent.state == "refused":
            return self._save(replace(intent, due_at=self._at(LOOK_DAILY)))
        signup = next(record for record in held.records if record.id == intent.record)
        is_of_the_source = intent.forced or is_wanted(card, signup, intent.signed_up_at)
        if not is_of_the_source or "minor" in held.persona.flags:
            return self._end(intent, "dropped")
        return self._by_other_signup(intent, held)

    def _by_other_signup(self, intent: ShopperIntent, held: DerivedPersona) -> ShopperIntent | None:
        """Settle the intent by that of another signup of the same person, if there is one that was
        sent."""
        for record in held.records:
            if record.scope != SIGNUP_SCOPE or record.id == intent.record:
                continue
            other = self.intents.get(intent.uid, intent.platform, record.id)
            if other is None or intent.forced:
                continue
            if other.state in ("created", "done", "double", "matched"):
                return self._end(replace(intent, scope=other.scope, ext_id=other.ext_id), "matched")
            if other.state == "sending":
                return self._save(replace(intent, due_at=self._at(SHOWN_WITHIN)))
        return None

    def _by_pos(
        self, intent: ShopperIntent, card: Integration, held: DerivedPersona, pos: PosShoppers
    ) -> ShopperIntent:
        """Search the shopper in all scopes, and create them where nobody carries the contacts."""
        persona, state = held.persona, _state(held)
        place = scope_for(
            pos.scopes,
            store=persona.favourite_store,
            state=state,
            within_market=bool(card.settings.get(SYNC_TO_MARKET)),
        )
        if place is None:
            return self._end(intent, "dropped")
        if not pos.can_write(place.scope):
            raise KeyRejected("The key of the store's credential was rejected.")
        found = pos.find(persona.phone, persona.email)
        if carriers := _ids(found, only_active=intent.forced):
            return self._settle(intent, carriers)
        settled_at = (intent.sent_at or 0) + SHOWN_WITHIN
        if intent.state == "sending" and self.clock.now() < settled_at:
            return self._save(replace(intent, due_at=settled_at, waiting="unknown_outcome"))
        return self._create(intent, place.scope, _new_shopper(persona, state), pos)

    def _create(
        self, intent: ShopperIntent, scope: ScopeId, shopper: NewShopper, pos: PosShoppers
    ) -> ShopperIntent:
        now = self.clock.now()
        sending = self._save(
            replace(
                intent,
                state="sending",
                scope=scope,
                sent_at=now,
                creations=intent.creations + 1,
                due_at=now + SHOWN_WITHIN,
                waiting="unknown_outcome",
            )
        )
        try:
            ext_id = pos.create(scope, shopper)
        except RecordRefused as refused:
            unsent = replace(sending, state="queued", creations=intent.creations)
            return self._refused(unsent, refused, shopper, pos)
        except AiqError as error:
            if isinstance(error, NOT_CREATED):
                sending = replace(sending, state="queued", creations=intent.creations)
            self._wait(sending, error)
            raise WaitsForPos from error
        created = self._settle(sending, [(scope, ext_id)]) if ext_id else sending
        try:
            again = pos.find(shopper.phone, shopper.email, scope)
        except AiqError:
            return created  # it is searched later
        carriers = _ids(again)
        others = [each for each in carriers if each[1] != ext_id]
        return self._settle(created, [*([(scope, ext_id)] if ext_id else []), *others])

    def _settle(self, intent: ShopperIntent, found: list[tuple[ScopeId, str]]) -> ShopperIntent:
        """Take what the POS has for the shopper; what was there before AIQ sent anything is a
        match."""
        if not intent.creations:
            scope, ext_id = found[0]
            return self._end(replace(intent, scope=scope, ext_id=ext_id), "matched")
        ours = tuple(ext_id for scope, ext_id in found if scope == intent.scope)
        is_double = len(ours) > 1
        created = replace(
            intent,
            state="double" if is_double else "created",
            ext_id=intent.ext_id or next(iter(ours), ""),
            doubles=ours if is_double else (),
            due_at=self._at(LOOK_AGAIN_AFTER),
            waiting=None,
        )
        return self._save(created)

    def _look_for_doubles(
        self, intent: ShopperIntent, persona: Persona, pos: PosShoppers
    ) -> ShopperIntent:
        found = pos.find(persona.phone, persona.email, intent.scope).get(intent.scope, ())
        live = [customer.ext_id for customer in found if customer.active]
        if len(live) > 1:
            due_at = self._at(LOOK_DAILY)
            return self._save(replace(intent, state="double", doubles=tuple(live), due_at=due_at))
        ext_id = intent.ext_id or next(iter(live), "")
        return self._end(replace(intent, ext_id=ext_id, doubles=()), "done")

    def _refused(
        self,
        intent: ShopperIntent,
        refused: RecordRefused,
        shopper: NewShopper,
        pos: PosShoppers,
    ) -> ShopperIntent:
        """A refusal that says *taken* means that the shopper is there, unless no search shows
        them."""
        is_taken = bool(refused.details.get("taken"))
        try:
            found = _ids(pos.find(shopper.phone, shopper.email)) if is_taken else []
        except AiqError as error:
            self._wait(intent, error)
            raise WaitsForPos from error
        if found:
            scope, ext_id = found[0]
            return self._end(replace(intent, scope=scope, ext_id=ext_id), "matched")
        named = refused.details.get("fields")
        tries = intent.tries + 1
        gives_up = tries >= MOST_TRIES
        after = replace(
            intent,
            state="refused" if gives_up else "queued",
            tries=tries,
            refused_for=tuple(map(str, named)) if isinstance(named, list) else (),
            due_at=self._at(LOOK_DAILY if gives_up else TRY_AGAIN_AFTER),
            waiting="taken" if is_taken else None,
        )
        return self._save(after)

    def _wait(self, intent: ShopperIntent, error: AiqError) -> None:
        reason: WaitingReason = next(
            (name for kind, name in _REASONS if isinstance(error, kind)), "failing"
        )
        seconds = error.details.get("retry_after")
        pause = int(seconds) * SECOND if isinstance(seconds, int | float) else TRY_AGAIN_AFTER
        self._save(replace(intent, due_at=self._at(max(pause, MINUTE)), waiting=reason))

    def _end(self, intent: ShopperIntent, state: ShopperState) -> ShopperIntent:
        return self._save(replace(intent, state=state, due_at=None, waiting=None))

    def _save(self, intent: ShopperIntent) -> ShopperIntent:
        return self.intents.save(replace(intent, changed_at=self.clock.now()))

    def _at(self, later: Instant) -> Instant:
        return self.clock.now() + later


def _known_in_pos(intent: ShopperIntent, held: DerivedPersona) -> str | None:
    """The id of the person's newest record of the POS, if it ever held one (S21); a person who
    wants it created again knows of it."""
    if intent.forced:
        return None
    own = [r for r in held.records if r.platform == intent.platform]
    if not own:
        return None
    pulled = [record for record in own if record.scope != SIGNUP_SCOPE]
    return newest_first(pulled or own)[0].ext_id


def _ids(
    found: Mapping[ScopeId, tuple[Customer, ...]], *, only_active: bool = False
) -> list[tuple[ScopeId, str]]:
    return [
        (scope, customer.ext_id)
        for scope, customers in found.items()
        for customer in customers
        if customer.active or not only_active
    ]


def _state(held: DerivedPersona) -> str | None:
    """The state of the person's address, as it was told last."""
    return next((c.state for c in newest_first(held.records) if c.state), None)


def _new_shopper(persona: Persona, state: str | None) -> NewShopper:
    return NewShopper(
        first=persona.first,
        last=persona.last,
        phone=persona.phone,
        email=persona.email,
        birth_date=persona.birth_date,
        state=market_code(state),
    )
