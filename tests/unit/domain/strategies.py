"""Accounts drawn so that keys collide, spread too widely, and get corrected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hypothesis import strategies as st

from chalicelib.domain.identity import (
    MergeKey,
    SourceRecord,
    connected_components,
    is_shared_too_widely,
    merge_keys,
    scope_key,
)
from chalicelib.domain.names import person_name
from chalicelib.domain.records import Customer
from chalicelib.domain.times import HOUR
from tests.unit.domain.builders import NOON, days_before, sold, source_record
from tests.unit.domain.naive import Shopper, Sold

PLATFORMS = ("posabit", "thsuite")
STORE_KEYS = ("Main St", "Harbour", "Depot")

_times = st.none() | st.integers(0, 5).map(lambda n: NOON + n)
_flags = st.sampled_from(["test", "employee", "inactive", "minor", "bad_phone"])


def customers(ext_ids: st.SearchStrategy[str], *, phones: int = 4) -> st.SearchStrategy[Customer]:
    return st.builds(
        Customer,
        ext_id=ext_ids,
        first=st.sampled_from(["", "Ada", "ADA ", "Ben"]),
        last=st.sampled_from(["", "Lee", "lee"]),
        phone=st.none() | st.integers(1, phones).map(lambda n: f"+1206555010{n}"),
        email=st.none() | st.sampled_from(["a@b.test", "c@d.test", "e@f.test"]),
        birth_date=st.sampled_from([None, "1990", "1990-02-03", "1991-02-03"]),
        active=st.sampled_from([True, True, False]),
        created_at=_times,
        updated_at=_times,
        flags=st.frozensets(_flags, max_size=1),
    )


def _shoppers_in(
    scopes: st.SearchStrategy[str], ext_ids: st.SearchStrategy[str], *, phones: int = 4
) -> st.SearchStrategy[Shopper]:
    return st.builds(
        Shopper,
        platform=st.sampled_from(PLATFORMS),
        scope=scopes,
        customer=customers(ext_ids, phones=phones),
        first_seen=st.integers(0, 3),
    )


def _identity(shopper: Shopper) -> tuple[str, str, str]:
    return shopper.platform, shopper.scope, shopper.customer.ext_id


@st.composite
def shoppers(draw: st.DrawFn) -> list[Shopper]:
    """Up to 40 different records; with one or two phones among them some are shared too widely."""
    phones = draw(st.integers(1, 4))
    one = _shoppers_in(st.sampled_from(["a", "a", "b"]), st.integers(0, 15).map(str), phones=phones)
    return draw(st.lists(one, max_size=40, unique_by=_identity))


@st.composite
def histories(draw: st.DrawFn) -> list[Shopper]:
    """Records told again and again with other keys; who is told again was first seen before."""
    phones = draw(st.integers(1, 4))
    one = _shoppers_in(st.just("a"), st.integers(0, 11).map(str), phones=phones)
    shoppers = draw(st.lists(one, max_size=60))
    first_seen: dict[tuple[str, str, str], int] = {}
    for shopper in shoppers:
        first_seen.setdefault(_identity(shopper), shopper.first_seen)
    return [shopper._replace(first_seen=first_seen[_identity(shopper)]) for shopper in shoppers]


@st.composite
def crowds(draw: st.DrawFn) -> list[Shopper]:
    """45 to 60 records over many scopes that hang together by few e-mails."""
    chance = draw(st.randoms(use_true_random=True))
    phones = [None, *(f"+1206555010{n}" for n in range(draw(st.integers(1, 9))))]
    return [
        Shopper(
            "posabit",
            f"venue-{n // 7}",
            Customer(
                str(n),
                chance.choice(["Ada", "Ben"]),
                "Lee",
                phone=chance.choice(phones),
                email=chance.choice([None, "a@b.test", "c@d.test"]),
                birth_date=chance.choice([None, "1990-02-03"]),
            ),
            first_seen=chance.randint(0, 2),
        )
        for n in range(draw(st.integers(45, 60)))
    ]


@st.composite
def sales_of(draw: st.DrawFn, buyers: list[Shopper]) -> list[Sold]:
    """Sales over 500 days to the buyers and to nobody, voids and returns among them."""
    buyer = st.sampled_from(buyers) if buyers else st.none()
    made = draw(
        st.lists(
            st.tuples(
                buyer,
                st.sampled_from(STORE_KEYS),
                st.sampled_from([0, 1, 30, 364, 365, 366, 500]),
                st.integers(0, 23),
                st.sampled_from(["sale", "sale", "sale", "return", "void"]),
                st.sampled_from([True, True, False]),
            ),
            max_size=40,
        )
    )
    return [
        sold(
            f"s{n}",
            None if who is None else who.customer.ext_id,
            platform=PLATFORMS[0] if who is None else who.platform,
            scope="a" if who is None else who.scope,
            store_key=key,
            at=days_before(days) - hours * HOUR,
            kind=kind,
            is_final=final,
        )
        for n, (who, key, days, hours, kind, final) in enumerate(made)
    ]


class IncrementalAccount:
    """The least an ingest does: a change resolves only the records its keys reach."""

    def __init__(self, *, name_and_birth_date: bool) -> None:
        self.by_name = name_and_birth_date
        self.records: dict[str, SourceRecord] = {}
        self.holders: dict[MergeKey, set[str]] = {}
        self.partition: set[frozenset[str]] = set()

    def tell(self, shoppers: Iterable[Shopper]) -> None:
        touched: set[str] = set()
        keys: set[MergeKey] = set()
        for shopper in shoppers:
            record = source_record(shopper)
            keys |= self._keys_of(record.id)
            for key in self._keys_of(record.id):
                self.holders[key].discard(record.id)
            self.records[record.id] = record
            for key in self._keys_of(record.id):
                self.holders.setdefault(key, set()).add(record.id)
            keys |= self._keys_of(record.id)
            touched.add(record.id)
        reached = self._closure(touched.union(*(self.holders[key] for key in keys)))
        components = connected_components(
            (self.records[id_] for id_ in reached),
            {key for key in self.holders if self._is_shared(key)},
            name_and_birth_date=self.by_name,
        )
        self.partition = {part for part in self.partition if not part & reached}
        self.partition |= {frozenset(r.id for r in c.records) for c in components}

    def _keys_of(self, id_: str) -> frozenset[MergeKey]:
        if id_ not in self.records:
            return frozenset()
        return merge_keys(self.records[id_].customer, name_and_birth_date=self.by_name)

    def _closure(self, ids: set[str]) -> set[str]:
        reached: set[str] = set()
        while ids:
            reached |= ids
            keys = {key for id_ in ids for key in self._keys_of(id_) if not self._is_shared(key)}
            ids = {id_ for key in keys for id_ in self.holders[key]} - reached
        return reached

    def _is_shared(self, key: MergeKey) -> bool:
        carriers = [self.records[id_] for id_ in self.holders[key]]
        people = {person_name(r.customer.first, r.customer.last) for r in carriers}
        per_scope = Counter(scope_key(r.platform, r.scope) for r in carriers)
        return is_shared_too_widely(per_scope, len(people))
