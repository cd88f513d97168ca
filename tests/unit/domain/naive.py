"""What the right personas are, told the slow way: everything again from all facts, pair by pair.

Written from product.md §6 without the code under test, which it is compared with. It shares only
the shapes (`Customer`, `Sale`, `Persona`) and the ids.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.personas import Figures, LastPurchase, Persona
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.words import Instant

LARGEST = 50
"""Records that may hang together by e-mails and names."""

Key = tuple[str, str]
Ids = frozenset[str]


class Shopper(NamedTuple):
    """A customer told by a POS. Told again later in a list, the later telling holds."""

    platform: str
    scope: str
    customer: Customer
    first_seen: Instant


class Sold(NamedTuple):
    """A sale told by a POS; `sale.customer_ext_id` links it to a shopper of the same scope."""

    platform: str
    scope: str
    sale: Sale


def expected_personas(
    shoppers: Iterable[Shopper],
    sales: Iterable[Sold],
    mapping: Mapping[str, int],
    *,
    uid: str = "1000",
    name_and_birth_date: bool = False,
    zone: str = "UTC",
) -> dict[Ids, Persona]:
    """The personas by the ids of their members. `mapping`: store key id → store."""
    known = _by_id(shoppers, uid)
    keys = {id_: _keys(s.customer, name_and_birth_date) for id_, s in known.items()}
    shared = _shared(known, keys)
    sales_of = _sales_by_record(sales, uid)
    personas = {}
    for members, large in _partition(keys, shared):
        persona = _persona(members, known, sales_of, mapping, zone)
        if persona is None:
            continue
        flags = set(persona.flags)
        if any(key in shared for member in members for key in keys[member]):
            flags.add("shared_key")
            newest = sorted(members, key=lambda m: _told_at(known[m].customer, m), reverse=True)
            numbers = [known[m].customer.phone for m in newest]
            own = [n for n in numbers if n is not None and ("phone", n) not in shared]
            persona = replace(persona, own_phones=tuple(dict.fromkeys(own)))
        if large:
            flags.add("large_component")
        personas[members] = _with_flags(persona, flags)
    return personas


def expected_partition(
    shoppers: Iterable[Shopper], *, uid: str = "1000", name_and_birth_date: bool = False
) -> set[Ids]:
    """Which records are one shopper, shoppers without contact included."""
    known = _by_id(shoppers, uid)
    keys = {id_: _keys(s.customer, name_and_birth_date) for id_, s in known.items()}
    return {members for members, _ in _partition(keys, _shared(known, keys))}


def expected_shared_keys(
    shoppers: Iterable[Shopper], *, uid: str = "1000", name_and_birth_date: bool = False
) -> set[Key]:
    """The keys that merge nothing."""
    known = _by_id(shoppers, uid)
    keys = {id_: _keys(s.customer, name_and_birth_date) for id_, s in known.items()}
    return _shared(known, keys)


def expected_unlinked_sales(shoppers: Iterable[Shopper], sales: Iterable[Sold]) -> int:
    """Sales, as last told, whose shopper the POS does not say or AIQ has not seen."""
    known = {(s.platform, s.scope, s.customer.ext_id) for s in shoppers}
    last = {(s.platform, s.scope, s.sale.ext_id): s for s in sales}
    return sum((s.platform, s.scope, s.sale.customer_ext_id) not in known for s in last.values())


def _by_id(shoppers: Iterable[Shopper], uid: str) -> dict[str, Shopper]:
    known: dict[str, Shopper] = {}
    for shopper in shoppers:
        id_ = record_id(uid, shopper.platform, shopper.scope, shopper.customer.ext_id)
        seen = min(shopper.first_seen, known[id_].first_seen if id_ in known else 1 << 60)
        known[id_] = shopper._replace(first_seen=seen)
    return known


def _keys(customer: Customer, name_and_birth_date: bool) -> set[Key]:
    keys = set()
    if customer.phone is not None:
        keys.add(("phone", customer.phone))
    if customer.email is not None:
        keys.add(("email", customer.email))
    if name_and_birth_date:
        names = [naive_name(customer.first), naive_name(customer.last)]
        born = customer.birth_date or ""
        if all(names) and len(born) == 10 and int(born[:4]) > 1901 and born != "1970-01-01":
            keys.add(("name_dob", "\x1f".join([*names, born])))
    return keys


def naive_name(name: str) -> str:
    """A name without case, accents and needless blanks; nothing for a filler."""
    letters = [c for c in unicodedata.normalize("NFD", name) if unicodedata.category(c) != "Mn"]
    bare = " ".join(unicodedata.normalize("NFKC", "".join(letters)).casefold().split())
    says_something = any(unicodedata.category(c)[0] in "LN" for c in bare)
    return bare if says_something and bare != "n/a" else ""


def _shared(known: Mapping[str, Shopper], keys: Mapping[str, set[Key]]) -> set[Key]:
    """More than 8 records of one scope carry it, or more than 5 different people anywhere."""
    found = set()
    for key in set().union(*keys.values()):
        carriers = [known[id_] for id_ in known if key in keys[id_]]
        per_scope = Counter((c.platform, c.scope) for c in carriers)
        people = {(naive_name(c.customer.first)[:1], naive_name(c.customer.last)) for c in carriers}
        if max(per_scope.values()) >= 9 or len(people) >= 6:
            found.add(key)
    return found


def _partition(keys: Mapping[str, set[Key]], shared: set[Key]) -> list[tuple[Ids, bool]]:
    partition = []
    joining = {id_: own - shared for id_, own in keys.items()}
    for members in _connected(joining):
        if len(members) > LARGEST:
            phones = {m: {key for key in joining[m] if key[0] == "phone"} for m in members}
            partition += [(part, True) for part in _connected(phones)]
        else:
            partition.append((members, False))
    return partition


def _connected(keys: Mapping[str, set[Key]]) -> list[Ids]:
    left = set(keys)
    found = []
    while left:
        members = {left.pop()}
        while more := {id_ for id_ in left if any(keys[id_] & keys[m] for m in members)}:
            members |= more
            left -= more
        found.append(frozenset(members))
    return found


def _sales_by_record(sales: Iterable[Sold], uid: str) -> dict[str, list[Sold]]:
    last = {(s.platform, s.scope, s.sale.ext_id): s for s in sales}
    by_record: dict[str, list[Sold]] = {}
    for sold in last.values():
        if (
            sold.sale.customer_ext_id is not None
            and sold.sale.kind == "sale"
            and sold.sale.is_final
        ):
            id_ = record_id(uid, sold.platform, sold.scope, sold.sale.customer_ext_id)
            by_record.setdefault(id_, []).append(sold)
    return by_record


def _persona(
    members: Ids,
    known: Mapping[str, Shopper],
    sales_of: Mapping[str, list[Sold]],
    mapping: Mapping[str, int],
    zone: str,
) -> Persona | None:
    newest_first = sorted(members, key=lambda m: _told_at(known[m].customer, m), reverse=True)
    customers = [known[m].customer for m in newest_first]
    phones = [c.phone for c in customers if c.phone]
    emails = [c.email for c in customers if c.email]
    if not phones + emails:
        return None
    by_seen = sorted(members, key=lambda m: (known[m].first_seen, m))
    return Persona(
        id=by_seen[0],
        members=tuple(by_seen),
        first=[*[c.first for c in customers if c.first], ""][0],
        last=[*[c.last for c in customers if c.last], ""][0],
        phone=[*phones, None][0],
        email=[*emails, None][0],
        birth_date=[*[c.birth_date for c in customers if c.birth_date], None][0],
        sources=tuple(sorted({known[m].platform for m in members})),
        favourite_store=_favourite([s for m in members for s in sales_of.get(m, [])], mapping),
        inserted_at=min(known[m].first_seen for m in members),
        updated_at=max([c.updated_at for c in customers if c.updated_at is not None], default=None),
        flags=_flags(customers, [sales_of.get(m, []) for m in members], zone),
        figures=Figures(bought=_bought(members, known, sales_of, zone)),
    )


def _bought(
    members: Ids, known: Mapping[str, Shopper], sales_of: Mapping[str, list[Sold]], zone: str
) -> tuple[LastPurchase, ...]:
    days: dict[str, int] = {}
    for member in members:
        for sold in sales_of.get(member, []):
            at = datetime.fromtimestamp(sold.sale.ordered_at / 1000, ZoneInfo(zone))
            day = (at.date() - date(1970, 1, 1)).days
            platform = known[member].platform
            days[platform] = max(day, days.get(platform, day))
    return tuple(LastPurchase(platform, day) for platform, day in sorted(days.items()))


def _told_at(customer: Customer, id_: str) -> tuple[float, float, str]:
    created = float("-inf") if customer.created_at is None else customer.created_at
    updated = created if customer.updated_at is None else customer.updated_at
    return updated, created, id_


def _flags(customers: list[Customer], sales: list[list[Sold]], zone: str) -> frozenset[str]:
    flags = {f for f in ("employee", "minor") if any(f in c.flags for c in customers)}
    if not [c for c in customers if c.active and "inactive" not in c.flags]:
        flags.add("inactive")
    if all("test" in c.flags for c in customers):
        flags.add("test")
    busiest = [
        max(Counter(_local_day(s, zone) for s in _last_12_months(of_record)).values(), default=0)
        for of_record in sales
    ]
    if all(most > 20 for most in busiest):
        flags.add("busy")
    return frozenset(flags)


def _favourite(sales: list[Sold], mapping: Mapping[str, int]) -> int | None:
    best: dict[int, tuple[int, Instant, int]] = {}
    for sold in _last_12_months(sales):
        store = mapping.get(store_key_id(sold.platform, sold.scope, sold.sale.store_key))
        if store is not None:
            count, latest, _ = best.get(store, (0, -(1 << 60), 0))
            best[store] = (count + 1, max(latest, sold.sale.ordered_at), -store)
    return max(best, key=lambda store: best[store]) if best else None


def _last_12_months(sales: list[Sold]) -> list[Sold]:
    since = max(map(_day, sales), default=date.min + timedelta(365)) - timedelta(365)
    return [sold for sold in sales if _day(sold) >= since]


def _day(sold: Sold) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=sold.sale.ordered_at)).date()


def _local_day(sold: Sold, zone: str) -> date:
    return datetime.fromtimestamp(sold.sale.ordered_at / 1000, ZoneInfo(zone)).date()


def _with_flags(persona: Persona, flags: set[str]) -> Persona:
    values = {name: getattr(persona, name) for name in Persona.__slots__}
    return Persona(**{**values, "flags": frozenset(flags)})
