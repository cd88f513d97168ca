"""Recognise discounts of AIQ in the sales that a POS shows (product.md §11).

A sale that shows one settles an open redemption of the same discount and person within a day; only
without one it takes the points, once per sale and discount. What is given back of the sale gives
them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.discounts import Discount, folded_name
from chalicelib.domain.errors import NotFound
from chalicelib.domain.records import NamedDiscount
from chalicelib.domain.redemptions import Redemption, record_of, redemption_id
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.redemptions import put_redemption, read_purse
from chalicelib.services.job_messages.text_jobs import DiscountsMessage
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.rewards import Discounts, NamesSeen
from chalicelib.services.ports.stored_facts import Returns, SaleId, StoredSale

WITHIN = DAY
"""So far may a redemption at the till be from the sale that shows it."""


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Carries out what a commit said of discounts in sales. All of it may come late and twice."""

    facts: FactStore
    commits: FactCommits
    discounts: Discounts
    names: NamesSeen

    def handle(self, message: DiscountsMessage) -> int:
        """Return how many redemptions were made, settled or given back. Raises CommitBusy."""
        by_platform: dict[Platform, set[NamedDiscount]] = {}
        for seen in message.names:
            by_platform.setdefault(seen.platform, set()).add(NamedDiscount(seen.name, seen.id))
        for platform, shown in by_platform.items():
            self.names.see(message.uid, platform, shown)
        if not message.sales:
            return 0
        discounts = self.discounts.for_account(message.uid)
        if not discounts:
            return 0
        twins = _Twins(discounts)
        ids = [SaleId(sale.platform, sale.scope, sale.ext_id) for sale in message.sales]
        page = self.facts.page(message.uid, ids, ids, ())
        changed = 0
        for sid, named in zip(ids, message.sales, strict=True):
            if (sale := page.sales.get(sid)) is None:
                continue
            if named.former and named.former != sale.record:
                changed += self._take_away(message.uid, sale, named.former)
            changed += self._recognise(message.uid, sale, page.returns.get(sid, {}), twins)
        return changed

    def _take_away(self, uid: Uid, sale: StoredSale, former: str) -> int:
        """Let the sale have no redemption of who it was taken from."""
        changed = 0

        def act(commit: Commit) -> None:
            nonlocal changed
            if commit.record_row(former) is not None:
                changed = _release(commit, former, sale)

        self.commits.act(uid, former, act, urgent=False)
        return changed

    def _recognise(self, uid: Uid, sale: StoredSale, returns: Returns, twins: _Twins) -> int:
        if sale.record is None or sale.sale.kind == "return":
            return 0
        shown = [d for d in twins.shown_in(sale) if d.created_at <= sale.sale.ordered_at]
        record, changed = sale.record, 0
        is_given_back = _is_given_back(sale, returns)

        def act(commit: Commit) -> None:
            nonlocal changed
            if commit.record_row(record) is not None:
                changed = _settle(commit, record, sale, shown, is_given_back=is_given_back)

        if shown or is_given_back:  # its discounts may have other names by now, or be deleted
            self.commits.act(uid, record, act, urgent=False)
        return changed


class _Twins:
    """Finds AIQ's discounts in what a POS shows: by its id first, by name where none is set (S11).

    An id that is set for two discounts finds neither.
    """

    def __init__(self, discounts: Sequence[Discount]) -> None:
        self._by_name = {folded_name(each.name): each for each in discounts}
        self._by_id: dict[tuple[Platform, str], Discount | None] = {}
        for each in discounts:
            for twin in each.pos_ids.items():
                self._by_id[twin] = None if twin in self._by_id else each

    def shown_in(self, sale: StoredSale) -> list[Discount]:
        """Return each discount that a line of the sale shows, once."""
        seen = {one for item in sale.sale.items for one in item.named_discounts}
        found = {d.id: d for one in sorted(seen) if (d := self._twin(sale.id.platform, one))}
        return list(found.values())

    def _twin(self, platform: Platform, seen: NamedDiscount) -> Discount | None:
        if seen.id and (platform, seen.id) in self._by_id:
            return self._by_id[platform, seen.id]
        named = self._by_name.get(folded_name(seen.name))
        if named and seen.id and named.pos_ids.get(platform):
            return None  # its twin has another id
        return named


def _settle(
    commit: Commit,
    record: str,
    sale: StoredSale,
    shown: Sequence[Discount],
    *,
    is_given_back: bool,
) -> int:
    """Make each discount that the sale shows have the one redemption that it tells of, and return
    for how many that was new."""
    try:
        purse = read_purse(commit, record, is_settled=True)
    except NotFound:
        return 0  # no persona without a contact
    cause = _cause(sale.id)
    known = [each for each in purse.redemptions if each.sale == cause]
    told = [_as_told(each, commit, is_given_back=is_given_back) for each in known]
    if not is_given_back and purse.persona.member:
        there = {each.discount for each in known}
        told += [
            _settled(purse.redemptions, sale, discount, cause)
            or _deducted(record, sale, discount, cause, purse.persona.id)
            for discount in shown
            if discount.id not in there
        ]
    return _put(commit, [each for each in told if each not in known])


def _release(commit: Commit, former: str, sale: StoredSale) -> int:
    """Give back what was taken for the sale, and open again what it had settled, unless it only
    moved between records of one shopper; return how many redemptions changed."""
    try:
        purse = read_purse(commit, former, is_settled=True)
    except NotFound:
        return 0
    if sale.record in purse.persona.members:
        return 0
    cause = _cause(sale.id)
    known = [each for each in purse.redemptions if each.sale == cause]
    told = [
        _as_told(each, commit, is_given_back=True)
        if each.way == "sale"
        else replace(_as_told(each, commit, is_given_back=False), sale="")
        for each in known
    ]
    return _put(commit, [each for each in told if each not in known])


def _put(commit: Commit, redemptions: Sequence[Redemption]) -> int:
    for each in redemptions:
        holder = record_of(each.id) or ""
        [ledger] = commit.ledgers([holder])
        put_redemption(commit, holder, each, ledger)
    changed = len(redemptions)
    if changed and commit.terms.rules.loyalty.expire_after_days is not None:
        commit.full = True  # it may have spent what expired since
    return changed


def _as_told(known: Redemption, commit: Commit, *, is_given_back: bool) -> Redemption:
    """Return the redemption after the sale was given back, or is there again. What a person gave
    back stays so."""
    by_sale = f"sale:{known.sale}"
    if is_given_back and known.counts:
        return replace(known, refunded_at=commit.terms.as_of, refunded_by=by_sale)
    if not is_given_back and known.refunded_by == by_sale:
        return replace(known, refunded_at=None, refunded_by="")
    return known


def _settled(
    redemptions: Iterable[Redemption], sale: StoredSale, discount: Discount, cause: str
) -> Redemption | None:
    """Return the open redemption that this sale shows, the nearest in time; None for none."""
    at = sale.sale.ordered_at
    is_open = [
        each
        for each in redemptions
        if each.counts
        and not each.sale
        and each.discount == discount.id
        and abs(each.at - at) <= WITHIN
    ]
    if not is_open:
        return None
    return replace(min(is_open, key=lambda each: (abs(each.at - at), each.id)), sale=cause)


def _deducted(
    record: str, sale: StoredSale, discount: Discount, cause: str, contact: str
) -> Redemption:
    return Redemption(
        id=redemption_id(record, cause, discount.id),
        discount=discount.id,
        name=discount.name,
        price=discount.price,
        at=sale.sale.ordered_at,
        way="sale",
        amount_off=discount.amount_off,
        percent_off=discount.percent_off,
        contact=contact,
        actor=f"platform:{sale.id.platform}",
        sale=cause,
    )


def _is_given_back(sale: StoredSale, returns: Returns) -> bool:
    """Whether nothing of the sale is left; a part that went back leaves the discount spent."""
    told = sale.sale
    if told.kind == "void" or not told.happened:
        return True
    return told.total <= 0 or sum(returns.values()) >= told.total


def _cause(sale: SaleId) -> str:
    return f"{sale.platform}#{sale.scope}#{sale.ext_id}"
