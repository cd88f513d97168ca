"""Redeem a discount for points, and give the points back (product.md §11).

What decides is read under the account's commit lock, so that the same points are never spent at two
tills. The id of a redemption names its record, and the same id is redeemed once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from chalicelib.domain.discounts import Discount, Offer, RedemptionRefused
from chalicelib.domain.errors import Gone, NotFound
from chalicelib.domain.redemptions import Redemption, record_of, redemption_id, sum_redemptions
from chalicelib.domain.words import Minor, Uid
from chalicelib.services.derivation import redemptions
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.derivation.redemptions import ExpiryDue, Judge, Purse
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.rewards import Discounts
from chalicelib.services.ports.stores import Stores
from chalicelib.services.rewards.tokens import ANSWERED_FOR, GOOD_FOR, WalletTokens

NO_REDEMPTION = "There is no such redemption."
SHOW_AGAIN = "This redemption URL has expired: show the wallet again."
NOT_A_MEMBER = "This shopper is no loyalty member."
EMPLOYEE = "Employees may not redeem points."
DELETED = "This discount has ended."


@dataclass(frozen=True, slots=True)
class Till:
    """What is known of the order and of who redeems; None and "" where the till does not say it
    (S5)."""

    actor: str
    store: int | None = None
    subtotal: Minor | None = None
    order: str = ""


@dataclass(frozen=True, slots=True)
class Redeemer:
    """Redeems what a wallet showed, by its URL or at the counter, and gives points back."""

    commits: FactCommits
    lookup: PersonaLookup
    discounts: Discounts
    stores: Stores
    tokens: WalletTokens
    clock: Clock

    def by_token(self, uid: Uid, discount: str, text: str, till: Till) -> Redemption:
        """Redeem by the token of a redemption URL; used again it gives the first answer, also after
        a refund, for 90 days.

        Raises NotFound, Gone for one that expired unused, RedemptionRefused, CommitBusy.
        """
        token = self.tokens.read(uid, text)
        if token.discount != discount:
            raise NotFound(NO_REDEMPTION)
        age = self.clock.now() - token.minted_at
        if age > ANSWERED_FOR:
            raise Gone(SHOW_AGAIN)
        known = self.discounts.get(uid, discount)
        wanted = Redemption(
            id=redemption_id(token.record, token.nonce),
            discount=discount,
            name=known.name if known else "",
            price=token.price,
            at=0,
            way="till",
            amount_off=token.amount_off,
            percent_off=token.percent_off,
            contact=token.contact,
            actor=till.actor,
            store=till.store,
            order=till.order,
        )
        judge = self._judge(uid, known, wanted, till, expired=age > GOOD_FOR)
        return self.redeem(uid, token.record, wanted.id, judge)

    def redeem(self, uid: Uid, record: str, redemption: str, judge: Judge) -> Redemption:
        """Redeem what `judge` returns, once for this id. Raises what `judge` raises."""
        try:
            return self._commit(uid, record, redemption, judge)
        except ExpiryDue as due:
            self.commits.rederive(uid, due.records, urgent=True)
            return self._commit(uid, record, redemption, judge, is_settled=True)

    def refund(self, uid: Uid, contact: str, discount: str, redemption: str, by: str) -> Redemption:
        """Give the points back, once; again it answers the same.

        Raises NotFound unless the redemption is of this discount and of the contact: any id that
        the shopper had then, or has today.
        """

        def belongs(stored: Redemption) -> None:
            if stored.discount != discount or not self._is_of(uid, stored, contact):
                raise NotFound(NO_REDEMPTION)

        return self.give_back(uid, redemption, belongs, by)

    def _is_of(self, uid: Uid, stored: Redemption, contact: str) -> bool:
        record = record_of(stored.id) or ""
        if contact in (stored.contact, record):
            return True
        return contact in self.lookup.by_record(uid, record).persona.members

    def give_back(
        self, uid: Uid, redemption: str, judge: Callable[[Redemption], None], by: str
    ) -> Redemption:
        """Give the points of a redemption back, once. Raises NotFound, and what `judge` raises."""
        record = record_of(redemption)
        if record is None:
            raise NotFound(NO_REDEMPTION)
        outcome: list[Redemption] = []

        def act(commit: Commit) -> None:
            outcome.append(redemptions.refund(commit, record, redemption, judge, by))

        self.commits.act(uid, record, act)
        return outcome[0]

    def _commit(
        self, uid: Uid, record: str, redemption: str, judge: Judge, *, is_settled: bool = False
    ) -> Redemption:
        outcome: list[Redemption] = []

        def act(commit: Commit) -> None:
            redeem = partial(redemptions.redeem, is_settled=is_settled)
            outcome.append(redeem(commit, record, redemption, judge))

        self.commits.act(uid, record, act)
        return outcome[0]

    def _judge(
        self, uid: Uid, discount: Discount | None, wanted: Redemption, till: Till, *, expired: bool
    ) -> Judge:
        zone = None if till.store is None else self.stores.get(uid, till.store).time_zone

        def judge(purse: Purse) -> Redemption:
            if expired:
                raise Gone(SHOW_AGAIN)
            return judge_redemption(purse, discount, wanted, till, zone)

        return judge


def judge_redemption(
    purse: Purse, discount: Discount | None, wanted: Redemption, till: Till, zone: str | None
) -> Redemption:
    """Return the redemption to make: an earlier one of the same discount for the same order, or
    `wanted` as of now. Raises RedemptionRefused."""
    if till.order:
        for each in purse.redemptions:
            if each.counts and (each.discount, each.order) == (wanted.discount, till.order):
                return each
    if discount is None:
        raise RedemptionRefused("no_such_discount", DELETED)
    if "employee" in purse.persona.flags:
        raise RedemptionRefused("employee", EMPLOYEE)
    if not purse.persona.member:
        raise RedemptionRefused("not_a_member", NOT_A_MEMBER)
    offer = Offer(
        discount=discount,
        now=purse.now,
        zone=zone or purse.zone,
        points=purse.points,
        price=wanted.price,
        redeemed=sum_redemptions(purse.redemptions),
        store=till.store,
        subtotal=till.subtotal,
    )
    if (refusal := offer.refusal()) is not None:
        raise refusal
    return replace(wanted, at=purse.now)
