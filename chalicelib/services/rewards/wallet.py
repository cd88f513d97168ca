"""Show a shopper's points, and which discounts they may redeem (product.md §11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.domain.discounts import LASTING, Discount, Offer, RefusalReason, wallet_points
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.identity import MergeKey
from chalicelib.domain.personas import Persona
from chalicelib.domain.redemptions import RedemptionSum
from chalicelib.domain.times import SECOND, local_day_number
from chalicelib.domain.words import Instant, Points, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.rewards import Discounts
from chalicelib.services.ports.stored_facts import RecordRows
from chalicelib.services.ports.stores import Stores
from chalicelib.services.rewards.tokens import WalletToken, WalletTokens

NOBODY = "Nobody has this phone or e-mail."
SHARED = "Too many shoppers share this phone or e-mail: use another one of theirs."
OTHER_PERSON = "Another shopper has this e-mail; the wallet is that of the phone."

ReadContact = Callable[[str], str | None]
"""A phone or e-mail as typed → as it is stored, None for what cannot be one."""


@dataclass(frozen=True, slots=True)
class WalletOffer:
    """A discount as a wallet lists it. `refusal`: why it cannot be redeemed now, None where it can.
    `ends_at`: the first instant after its last moment. `token`: what its URL carries."""

    discount: Discount
    refusal: RefusalReason | None
    why_not: str
    ends_at: Instant | None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class WalletView:
    """`record`: the source record that redeems. `points`: never below zero; `balance`: the true
    figure. `warnings`: (field, message)."""

    persona: Persona
    record: str
    points: Points
    balance: Points
    offers: tuple[WalletOffer, ...]
    warnings: tuple[tuple[str, str], ...] = ()

    @property
    def contact_id(self) -> str:
        return self.persona.id


@dataclass(frozen=True, slots=True)
class HeldBy:
    """The persona that has a contact, the record that owned it first, and its records' rows."""

    persona: Persona
    record: str
    rows: Mapping[str, RecordRows]

    def redeemed(self) -> tuple[RedemptionSum, ...]:
        found = [row.sales for row in self.rows.values() if row.sales is not None]
        return tuple(each for sales in found for each in sales.redeemed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallets:
    """Opens wallets by phone, e-mail or contactID. It reads rows as they are stored: a commit
    leaves them right, but for points that expired today."""

    facts: FactStore
    lookup: PersonaLookup
    commits: FactCommits
    accounts: Accounts
    stores: Stores
    discounts: Discounts
    tokens: WalletTokens
    read_phone: ReadContact
    read_email: ReadContact
    clock: Clock

    def open(
        self,
        uid: Uid,
        *,
        phone: str | None = None,
        email: str | None = None,
        store: int | None = None,
    ) -> WalletView:
        """Open the wallet of who has the phone, without a usable one the e-mail (S15).

        `store`: of the till, where it is known. Raises NotFound, Conflict.
        """
        held, warnings = self.find(uid, phone=phone, email=email)
        return self._view(uid, held, store, warnings)

    def open_of(self, uid: Uid, contact_id: str, store: int | None = None) -> WalletView:
        """Open the wallet of the persona that holds this record today. Raises NotFound."""
        return self._view(uid, self.find_record(uid, contact_id), store, ())

    def find(
        self, uid: Uid, *, phone: str | None = None, email: str | None = None
    ) -> tuple[HeldBy, tuple[tuple[str, str], ...]]:
        """Return who has the phone, without a usable one the e-mail, and what to warn of: never who
        has the e-mail beside a phone that nobody has, or a PIN sent there would open their wallet.

        Raises NotFound, Conflict.
        """
        number = self.read_phone(phone) if phone else None
        address = self.read_email(email) if email else None
        keys = [MergeKey("phone", number)] if number else []
        keys += [MergeKey("email", address)] if address else []
        carriers = self.facts.carriers(uid, keys)
        held = carriers.get(keys[0]) if keys else None
        if held is None:
            raise NotFound(NOBODY)
        if held.shared or held.wide:
            raise Conflict(SHARED)
        found = self._holder(uid, held.carriers)
        others = [carriers[other] for other in keys[1:] if other in carriers]
        members = set(found.persona.members)
        if any(members.isdisjoint(other.carriers) for other in others):
            return found, (("email", OTHER_PERSON),)
        return found, ()

    def find_record(self, uid: Uid, contact_id: str) -> HeldBy:
        """Return the persona that holds the record. Raises NotFound."""
        persona = self.lookup.by_record(uid, contact_id).persona
        return HeldBy(persona, contact_id, self.facts.rows(uid, persona.members))

    def _holder(self, uid: Uid, carriers: Mapping[str, str]) -> HeldBy:
        rows = dict(self.facts.rows(uid, carriers))
        first = min(carriers, key=lambda rid: (_first_seen(rows[rid]), rid))
        stored = [row.persona for row in rows.values() if row.persona is not None]
        persona = next((each for each in stored if first in each.members), None)
        if persona is None:
            persona = self.lookup.by_record(uid, first).persona
        if missing := [rid for rid in persona.members if rid not in rows]:
            rows |= self.facts.rows(uid, missing)
        return HeldBy(persona, first, {rid: rows[rid] for rid in persona.members})

    def _view(
        self, uid: Uid, held: HeldBy, store: int | None, warnings: tuple[tuple[str, str], ...]
    ) -> WalletView:
        account = self.accounts.get(uid)
        held = self._settled(uid, held, account)
        persona, balance = held.persona, held.persona.points
        offers: tuple[WalletOffer, ...] = ()
        if persona.member and "employee" not in persona.flags:
            zone = self._zone(uid, account, store)
            discounts = self.discounts.for_account(uid)
            offers = tuple(self._offers(uid, held, discounts, zone, store))
        return WalletView(persona, held.record, wallet_points(balance), balance, offers, warnings)

    def _settled(self, uid: Uid, held: HeldBy, account: Account) -> HeldBy:
        """Points may have expired since midnight, before the daily look."""
        ends = held.persona.figures.expires_on
        if ends is None or ends > local_day_number(self.clock.now(), account.time_zone):
            return held
        self.commits.rederive(uid, held.persona.members, urgent=True)
        return HeldBy(
            self.lookup.by_record(uid, held.record).persona,
            held.record,
            self.facts.rows(uid, held.persona.members),
        )

    def _zone(self, uid: Uid, account: Account, store: int | None) -> str:
        if store is None:
            return account.time_zone
        return self.stores.get(uid, store).time_zone or account.time_zone

    def _offers(
        self, uid: Uid, held: HeldBy, discounts: list[Discount], zone: str, store: int | None
    ) -> list[WalletOffer]:
        now, redeemed = self.clock.now(), held.redeemed()
        listed = []
        for each in discounts:
            points = held.persona.points
            offer = Offer(each, now, zone, points, each.price, redeemed, store)
            refusal = offer.refusal()
            if refusal is not None and refusal.reason in LASTING:
                continue
            token = WalletToken(
                discount=each.id,
                price=each.price,
                amount_off=each.amount_off,
                percent_off=each.percent_off,
                record=held.record,
                contact=held.persona.id,
                minted_at=now // SECOND * SECOND,
                nonce="",
            )
            why_not = "" if refusal is None else refusal.message
            reason = None if refusal is None else refusal.reason
            minted = self.tokens.mint(uid, token)
            listed.append(WalletOffer(each, reason, why_not, each.ends(zone), minted))
        return listed


def _first_seen(rows: RecordRows) -> Instant:
    return rows.stored.record.first_seen if rows.stored is not None else 0
