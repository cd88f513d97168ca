"""The Staff view: look a shopper up at the counter, redeem for them, undo it (product.md §13)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.discounts import RedemptionRefused
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import is_record_id
from chalicelib.domain.ledger import REDEMPTION_PREFIX
from chalicelib.domain.personas import Persona
from chalicelib.domain.pins import WrongPin
from chalicelib.domain.redemptions import Redemption, redemption_id
from chalicelib.domain.times import MINUTE, local_day
from chalicelib.domain.words import POINT, Channel, Instant, Points, Uid
from chalicelib.services.derivation.redemptions import Purse
from chalicelib.services.loyalty.daily_limit import DailyLimit
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.loyalty import Adjustments, ManualAdjustment
from chalicelib.services.ports.rewards import Discounts
from chalicelib.services.ports.stores import Stores
from chalicelib.services.rewards.pins import PinService
from chalicelib.services.rewards.redeem import Redeemer, Till, judge_redemption
from chalicelib.services.rewards.wallet import HeldBy, Wallets, WalletView

UNDO_WITHIN = 10 * MINUTE
DAILY_LIMIT: Points = 10_000 * POINT
"""Redeemed at the counter per user and local day of the account; what was undone counts not."""

LIMIT = "You may redeem at most {limit} points a day for shoppers; {left} are left today."
OTHER_USE = "This Idempotency-Key was used for another redemption: take a new one."
TOO_LATE = "A redemption is undone within 10 minutes. Ask a manager to adjust the points."
NOT_YOURS = "Somebody else redeemed this: they can undo it, or a manager adjusts the points."
PRICE_CHANGED = "The price of this discount has changed: look at the wallet again."
PIN_NEEDED = "Ask the shopper for the PIN that they were sent."
NO_REDEMPTION = "There is no such redemption."


@dataclass(frozen=True, slots=True)
class CounterShopper:
    """A shopper as the counter sees them: no more of them than the phone's last four digits."""

    contact_id: str
    name: str
    last_four: str
    member: bool
    points: Points


@dataclass(frozen=True, slots=True)
class CounterRedemption:
    """A redemption of the last ten minutes. `undo_until`: None where this user cannot undo it."""

    id: str
    name: str
    points: Points
    at: Instant
    undo_until: Instant | None


@dataclass(frozen=True, slots=True)
class CounterWallet:
    shopper: CounterShopper
    wallet: WalletView
    recent: tuple[CounterRedemption, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Does at the counter what a POS does at its checkout, for a person who is logged in."""

    wallets: Wallets
    redeemer: Redeemer
    pins: PinService
    discounts: Discounts
    stores: Stores
    accounts: Accounts
    adjustments: Adjustments
    facts: FactStore
    audit: Audit
    clock: Clock

    def look_up(self, uid: Uid, *, phone: str | None, email: str | None) -> CounterShopper | None:
        """Return who has the phone or e-mail, None for nobody. Raises Conflict."""
        try:
            held, _ = self.wallets.find(uid, phone=phone, email=email)
        except NotFound:
            return None
        return _shopper(held.persona, held.record)

    def wallet(self, uid: Uid, contact_id: str, store: int | None, *, actor: str) -> CounterWallet:
        """Return the wallet of the persona that holds this record. Raises NotFound."""
        view = self.wallets.open_of(uid, contact_id, store)
        recent = self._recent(uid, view.persona, actor)
        return CounterWallet(_shopper(view.persona, contact_id), view, recent)

    def redeem(
        self,
        uid: Uid,
        contact_id: str,
        discount: str,
        points: Points,
        key: str,
        *,
        store: int | None = None,
        pin: str | None = None,
        actor: str,
    ) -> Redemption:
        """Redeem at the price that was shown; the same `key` again gives the first answer.

        `pin`: what the shopper read out, where the account asks for one. Raises WrongPin, NotFound,
        RedemptionRefused, TooManyRequests, CommitBusy; Conflict for a key that was used for
        something else.
        """
        if not is_record_id(contact_id):
            raise NotFound("There is no such persona.")
        known = self.discounts.get(uid, discount)
        if known is None:
            raise NotFound("There is no such discount.")
        zone = None if store is None else self.stores.get(uid, store).time_zone
        wanted = Redemption(
            id=redemption_id(contact_id, "counter", actor, key),
            discount=discount,
            name=known.name,
            price=known.price,
            at=0,
            way="counter",
            amount_off=known.amount_off,
            percent_off=known.percent_off,
            contact=contact_id,
            actor=actor,
            store=store,
        )

        made: list[Redemption] = []

        def judge(purse: Purse) -> Redemption:
            if points != known.price:
                raise RedemptionRefused("price_changed", PRICE_CHANGED)
            done = judge_redemption(purse, known, wanted, Till(actor, store), zone)
            day = local_day(purse.now, purse.zone).isoformat()
            reserved = ManualAdjustment(wanted.id, contact_id, -wanted.price, discount)
            self._limit().reserve(uid, day, _counted(actor), reserved, DAILY_LIMIT)
            self._check_pin(uid, contact_id, pin, actor, wanted.id)
            made.append(done)
            return done

        done = self.redeemer.redeem(uid, contact_id, wanted.id, judge)
        if done.discount != discount or done.price != points:
            raise Conflict(OTHER_USE)
        if made:
            self._record(uid, actor, "points.redeemed", done)
        return done

    def ask_for_pin(self, uid: Uid, contact_id: str, *, actor: str) -> Channel:
        """Send the shopper a PIN, and return how. Raises NotFound, Conflict, TooManyRequests."""
        return self.pins.send_to(uid, self.pins.contact_of(uid, contact_id), actor=actor)

    def undo(self, uid: Uid, redemption: str, *, actor: str) -> Redemption:
        """Give back what this user redeemed at the counter within the last ten minutes.

        Raises NotFound; Conflict where it is too late, or somebody else's.
        """

        undone: list[bool] = []

        def judge(stored: Redemption) -> None:
            if stored.way != "counter":
                raise NotFound(NO_REDEMPTION)
            if stored.actor != actor:
                raise Conflict(NOT_YOURS)
            if stored.counts and self.clock.now() > stored.at + UNDO_WITHIN:
                raise Conflict(TOO_LATE)
            undone.append(stored.counts)

        done = self.redeemer.give_back(uid, redemption, judge, actor)
        # Also on a repeated call: the one before may have died here.
        day = local_day(done.at, self.accounts.get(uid).time_zone).isoformat()
        self.adjustments.forget(uid, day, _counted(actor), {done.id})
        if any(undone):
            self._record(uid, actor, "points.redemption_undone", done)
        return done

    def _check_pin(
        self, uid: Uid, contact_id: str, pin: str | None, actor: str, redemption: str
    ) -> None:
        """The PIN is used before the redemption is written; one that fails may use it again."""
        if not self.accounts.get(uid).counter_pin:
            return
        if not pin:
            raise WrongPin(PIN_NEEDED)
        to = self.pins.contact_of(uid, contact_id)
        self.pins.check(uid, to, pin, actor=actor, call=redemption)

    def _recent(self, uid: Uid, persona: Persona, actor: str) -> tuple[CounterRedemption, ...]:
        since = self.clock.now() - UNDO_WITHIN
        if not any(self._redeemed_since(uid, persona, since)):
            return ()
        ledgers = self.facts.ledgers(uid, persona.members)
        facts = [row.redemption for ledger in ledgers for row in ledger.values()]
        recent = [each for each in facts if each is not None and each.counts and each.at >= since]
        return tuple(
            CounterRedemption(
                each.id,
                each.name,
                each.price,
                each.at,
                each.at + UNDO_WITHIN if (each.way, each.actor) == ("counter", actor) else None,
            )
            for each in sorted(recent, key=lambda each: -each.at)
        )

    def _redeemed_since(self, uid: Uid, persona: Persona, since: Instant) -> list[bool]:
        rows = self.facts.rows(uid, persona.members)
        held = HeldBy(persona, persona.id, rows)
        return [each.last_at >= since for each in held.redeemed()]

    def _limit(self) -> DailyLimit:
        return DailyLimit(self.adjustments, self.facts, REDEMPTION_PREFIX, LIMIT)

    def _record(self, uid: Uid, actor: str, action: str, done: Redemption) -> None:
        after: dict[str, object] = {"discount": done.discount, "amount": done.price / POINT}
        subject = f"persona:{done.contact}"
        entry = AuditEntry(self.clock.now(), actor, action, subject, after=after)
        self.audit.record(uid, entry)


def _counted(actor: str) -> str:
    """Return the actor under whom the day's redemptions are counted, apart from adjustments."""
    return f"counter:{actor}"


def _shopper(persona: Persona, contact_id: str) -> CounterShopper:
    initial = f"{persona.last[:1]}." if persona.last else ""
    return CounterShopper(
        contact_id=contact_id,
        name=f"{persona.first} {initial}".strip(),
        last_four=(persona.phone or "")[-4:],
        member=persona.member,
        points=max(0, persona.points),
    )
