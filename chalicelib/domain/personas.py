"""The persona: one shopper after source records are merged (product.md §6)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import NamedTuple

from chalicelib.domain.identity import Component, MergeKey, SourceRecord
from chalicelib.domain.loyalty import earn_from, imported_points
from chalicelib.domain.membership import (
    LastDays,
    Reason,
    asking_platforms,
    last_days,
    membership_reasons,
    platforms_answered_yes,
)
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Rules, Terms
from chalicelib.domain.sales_summary import WINDOW_DAYS, SalesSummary
from chalicelib.domain.signups import SIGNUP_SCOPE
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Day, Instant, Platform, Points

BUSY_SALES_PER_DAY = 20

_OF_ANY_RECORD = frozenset({"employee", "minor"})
_BEFORE_ANY_TIME = -(1 << 62)


class LastPurchase(NamedTuple):
    """The local day of the last counting sale from a platform."""

    platform: Platform
    day: Day


class Figures(NamedTuple):
    """The fields of a persona that nearly every sale changes, stored apart from the rest.

    `points`: the ledger's balance; `bought`: the last counting sale per platform; `expires_on`: the
    day on which earned points expire unless there is a purchase before. `counts_on`: the first day
    on which a sale dated ahead counts.
    """

    points: Points = 0
    bought: tuple[LastPurchase, ...] = ()
    expires_on: Day | None = None
    counts_on: Day | None = None


NO_FIGURES = Figures()

KEPT_ELSEWHERE = {"kept_elsewhere": True}
"""Metadata of a field that is stored apart from its dataclass."""


@dataclass(frozen=True, slots=True)
class Persona:
    """`id` is the `contactID` shown: the id of the member AIQ saw first. `members` are ordered by
    (first seen, id). `sources` are the platforms of *Sourced from*, sorted. `inserted_at` is when
    AIQ first saw a member; `updated_at` the latest change a POS told, None when none told any.

    `flags`: `employee`, `minor` when any member has it, `minor` also when one is under the minimum
    age; `test`, `inactive` when all have it, so that a guest record with a member's phone typed in
    takes nothing from her; `busy` when all have more than 20 sales on a day; `shared_key` when a
    member carries a key shared too widely to merge; `large_component` when too many records hung
    together.

    `reasons`: why a member, empty for who is none. `asked_by`: platforms whose setting wants them
    asked for SMS consent. `said_yes`: platforms whose double opt-in was answered with YES, covered
    by its setting or not. `earn_from`: the first day whose sales may earn; None for who earns
    nothing. `own_phones`: where a member carries a key shared too widely, the distinct phones that
    are not, of the latest updated member first; else None.
    """

    id: str
    members: tuple[str, ...]
    first: str
    last: str
    phone: str | None
    email: str | None
    birth_date: str | None
    sources: tuple[Platform, ...]
    favourite_store: int | None
    inserted_at: Instant
    updated_at: Instant | None
    flags: frozenset[str] = frozenset()
    reasons: tuple[Reason, ...] = ()
    asked_by: tuple[Platform, ...] = ()
    said_yes: tuple[Platform, ...] = ()
    earn_from: Day | None = None
    own_phones: tuple[str, ...] | None = None
    figures: Figures = field(default=NO_FIGURES, metadata=KEPT_ELSEWHERE)

    @property
    def member(self) -> bool:
        return bool(self.reasons)

    @property
    def points(self) -> Points:
        return self.figures.points

    @property
    def last_days(self) -> LastDays:
        return dict(self.figures.bought)

    @property
    def texted_at(self) -> str | None:
        """The number at which the person may be texted: never one that too many share."""
        if self.own_phones is not None:
            return self.own_phones[0] if self.own_phones else None
        return None if "shared_key" in self.flags else self.phone  # stored before they were told

    def equals_but_figures(self, other: Persona) -> bool:
        """Whether both are equal but for the figures."""
        return _but_figures(self) == _but_figures(other)


_but_figures = attrgetter(*(f.name for f in fields(Persona) if f.name != "figures"))


def derive_persona(
    component: Component,
    summaries: Mapping[str, SalesSummary],
    terms: Terms,
    *,
    busy: bool = False,
) -> Persona | None:
    """Return the persona of a component, without points; None for a shopper without phone or email.

    `summaries`: sales by record id; records without sales may be missing. `busy`: whether every
    record has more than 20 sales on a local day, which summaries do not tell. Each profile field
    comes from the most recently updated member that has it.
    """
    members = component.records
    customers = by_precedence(members, terms.rules)
    newest = customers[0]
    phone = newest.phone or next((c.phone for c in customers if c.phone), None)
    email = newest.email or next((c.email for c in customers if c.email), None)
    if phone is None and email is None:
        return None
    sales = [summaries[m.id] for m in members if m.id in summaries]
    flags = _flags(component, customers, terms, busy=busy)
    bought = last_days(members, summaries, terms) if sales else {}
    imported = max([imported_points(m, terms) for m in members]) if terms.rules.sources else 0
    why = membership_reasons(members, bought, flags, imported, terms)
    own_phones = _own_phones(customers, component.shared_keys) if component.shared_keys else None
    texted_at = phone if own_phones is None else own_phones
    return Persona(
        id=members[0].id,
        members=tuple([m.id for m in members]),
        first=newest.first or next((c.first for c in customers if c.first), ""),
        last=newest.last or next((c.last for c in customers if c.last), ""),
        phone=phone,
        email=email,
        birth_date=newest.birth_date
        or next((c.birth_date for c in customers if c.birth_date), None),
        sources=tuple(sorted({m.platform for m in members})),
        favourite_store=favourite_store(sales, terms.mapping) or _chosen_store(customers),
        inserted_at=members[0].first_seen,
        updated_at=max((c.updated_at for c in customers if c.updated_at is not None), default=None),
        flags=flags,
        reasons=why,
        asked_by=asking_platforms(bought, flags, terms.rules) if texted_at and bought else (),
        said_yes=platforms_answered_yes(members),
        earn_from=earn_from(why, flags, terms.rules.loyalty),
        own_phones=own_phones,
        figures=_figures(bought),
    )


def favourite_store(summaries: Iterable[SalesSummary], mapping: Mapping[str, int]) -> int | None:
    """Return the mapped store with most counting sales in the 12 months before the last purchase.

    The last purchase is that of all summaries, mapped or not. Several keys of one store add up.
    Ties go to the most recent sale, then to the lower store. None without a mapped sale.
    """
    known = [summary for summary in summaries if summary.last_at is not None]
    if not known or not mapping:
        return None
    oldest = utc_day(max(s.last_at for s in known if s.last_at is not None)) - WINDOW_DAYS
    sales: dict[int, int] = {}
    latest: dict[int, Instant] = {}
    for summary in known:
        for store_key, last_at, days, counts in summary.stores:
            store = mapping.get(store_key)
            if store is None or days[-1] < oldest:
                continue
            sales[store] = sales.get(store, 0) + sum(counts[bisect_left(days, oldest) :])
            latest[store] = max(latest.get(store, last_at), last_at)
    return max(sales, key=lambda store: (sales[store], latest[store], -store), default=None)


def _chosen_store(customers: Iterable[Customer]) -> int | None:
    """Return the store that the latest signup chose."""
    return next((c.favourite_store for c in customers if c.favourite_store is not None), None)


def _figures(bought: LastDays) -> Figures:
    return (
        Figures(0, tuple([LastPurchase(p, bought[p]) for p in sorted(bought)]))
        if bought
        else NO_FIGURES
    )


def newest_first(members: Sequence[SourceRecord]) -> list[Customer]:
    """Return the customers of these records, the most recently updated one first."""
    if len(members) == 1:
        return [members[0].customer]
    return [m.customer for m in sorted(members, key=_recency, reverse=True)]


def by_precedence(members: Sequence[SourceRecord], rules: Rules) -> list[Customer]:
    """Return the customers of `records_by_precedence`."""
    if len(members) == 1:
        return [members[0].customer]
    return [m.customer for m in records_by_precedence(members, rules)]


def records_by_precedence(members: Sequence[SourceRecord], rules: Rules) -> list[SourceRecord]:
    """Return these records, the one whose profile counts first. That is the most recently updated
    one; but what a POS edited while its personas are synced goes before any form (product.md §6,
    §7)."""
    ordered = sorted(members, key=_recency, reverse=True)
    wins = {
        platform: source.pos_wins_from
        for platform, source in rules.sources.items()
        if source.pos_wins_from is not None
    }
    if not wins or len(ordered) == 1:
        return ordered
    edit = next((at for at, m in enumerate(ordered) if _is_edited_since(m, wins)), None)
    if edit is None:
        return ordered
    forms = [m for m in ordered[:edit] if m.scope == SIGNUP_SCOPE]
    others = [m for m in ordered[: edit + 1] if m.scope != SIGNUP_SCOPE]
    return [*others, *forms, *ordered[edit + 1 :]]


def _is_edited_since(member: SourceRecord, wins: Mapping[Platform, Instant]) -> bool:
    since, edited = wins.get(member.platform), member.customer.updated_at
    is_of_pos = member.scope != SIGNUP_SCOPE
    return is_of_pos and since is not None and edited is not None and edited >= since


def _recency(member: SourceRecord) -> tuple[Instant, Instant, str]:
    """Order members by update; a record without an update time counts as updated when created."""
    created = member.customer.created_at
    if created is None:
        created = _BEFORE_ANY_TIME
    updated = member.customer.updated_at
    return (created if updated is None else updated), created, member.id


def _own_phones(customers: Iterable[Customer], shared: AbstractSet[MergeKey]) -> tuple[str, ...]:
    phones = dict.fromkeys(c.phone for c in customers if c.phone)
    return tuple([phone for phone in phones if MergeKey("phone", phone) not in shared])


def _flags(
    component: Component, customers: Sequence[Customer], terms: Terms, *, busy: bool
) -> frozenset[str]:
    flags = {flag for c in customers if c.flags for flag in c.flags & _OF_ANY_RECORD}
    if terms.minimum_age and any(terms.is_minor(c.birth_date) for c in customers):
        flags.add("minor")
    if all(not c.active or "inactive" in c.flags for c in customers):
        flags.add("inactive")
    if all("test" in c.flags for c in customers):
        flags.add("test")
    if busy:
        flags.add("busy")
    if component.shared_keys:
        flags.add("shared_key")
    if component.large:
        flags.add("large_component")
    return frozenset(flags)
