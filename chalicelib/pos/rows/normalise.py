"""Turns rows of a POS into the common shape of reference/pos.md §7, by the profile's map.

The map is compiled once per stream into closures; a row then costs a few microseconds a field.
Any JSON value gives a fact or a reject, never an exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

from chalicelib.domain.ids import product_id
from chalicelib.domain.manifest import row_digester
from chalicelib.domain.record_makers import maker_of
from chalicelib.domain.records import Customer, Fact, InventoryItem, Reject, Sale, StoreFact
from chalicelib.domain.versions import is_newer
from chalicelib.domain.words import Instant, Stream
from chalicelib.pos.profile.mapping import Paths, Within
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows import coerce, contacts, times
from chalicelib.pos.rows.coerce import Json, Unusable
from chalicelib.pos.rows.field_map import Compiler, Setting, required_path
from chalicelib.pos.rows.row_ids import customer_ids, id_reader, ids_parts, known_id_reader
from chalicelib.pos.rows.row_readers import Row
from chalicelib.pos.rows.sale_rows import Count, sale_maker
from chalicelib.pos.rows.zones import iana_zone
from chalicelib.services.ports.pos import KnownRow

make_customer, make_item = maker_of(Customer), maker_of(InventoryItem)

MAX_UNKNOWN_WORDS = 50
_WORD_LENGTH = 40
DEEPEST = 50
CELLS_KEPT = 100
ID, KEY = frozenset(("ext_id",)), frozenset(("key",))
"""All that can set a shopper or a product, and a store, aside (product.md §5)."""
CUSTOMER = (
    *("ext_id", "first", "last", "birth_date", "birth_year", "gender", "type", "state", "address"),
    *("pos_loyalty_member", "pos_points", "sms_consent", "email_consent", "terms_agreed"),
    *("active", "merged_into", "store_key", "created_at", "updated_at"),
)
"""What of a shopper is read field by field, in the order in which it is taken apart."""
ITEM = InventoryItem.__match_args__[:-1]
"""What of an item in stock is read: all but its flags."""
OTHER_CURRENCY = frozenset(("other_currency",))
"""The flag of an item whose amounts are in another currency than the account's: not said."""
CUT = "…"
"""Stands in a row set aside for what is not kept of it."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """A page's rows; `sold_out` were left out. Of rows with one id the one changed last stands, the
    last where they do not tell.

    `rows`: by the id that `KnownRow` goes by, the digest of the row of a fact that needs no second
    reading.
    """

    facts: tuple[Fact, ...]
    rejects: tuple[Reject, ...]
    unknown_words: Mapping[str, int]
    sold_out: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)


class Normaliser:
    """Turns the rows of one stream of one credential into facts and rejects.

    `reading` is the session's: with it and the setting, digests of rows differ.
    """

    def __init__(
        self, profile: Profile, stream: Stream, setting: Setting, reading: str = ""
    ) -> None:
        salt = blake2b(repr((reading, stream, setting)).encode(), digest_size=16).digest()
        self._digest = row_digester(salt)
        self._stream = stream
        self._in_stock = profile.streams[stream].in_stock
        self._within = profile.streams[stream].within
        self._forbidden = frozenset(profile.forbidden_fields)
        self._words: Counter[str] = Counter()
        self._profile, self._setting = profile, setting
        self._id = id_reader(profile, stream, setting)
        self._known_id = known_id_reader(profile, stream, setting)
        self._times = [
            Compiler(profile, setting).reader_of(name, paths)
            for name in ("ordered_at", "created_at", "updated_at")
            if (paths := _paths(profile, stream, name))
        ]

    @cached_property
    def _fact(self) -> Callable[[Row], Fact]:
        """Made for the first row that is read: where all rows are known, none is."""
        return _MAKERS[self._stream](self._profile, self._setting, self._count)

    def page(self, rows: Iterable[Json], known: KnownRow | None = None) -> Normalised:
        """The facts and rejects of a page's rows, without the rows that are `known`."""
        if self._within:
            rows = _records_within(rows, self._within)
        if known is None:
            return self._read(rows)
        rows = list(rows)
        left, digests = self._unknown(rows, known)
        normalised = self._read(left)
        if normalised.unknown_words:  # which the next run has to report again
            return normalised
        if normalised.rejects or normalised.sold_out:
            taken = {_known_id(fact) for fact in normalised.facts}
            digests = {known_id: row for known_id, row in digests.items() if known_id in taken}
        return replace(normalised, rows=digests)

    def _unknown(self, rows: Sequence[Json], known: KnownRow) -> tuple[list[Json], dict[str, int]]:
        """The rows to read, and by id the digests of those that are their id's only one here."""
        read_id, digest = self._known_id, self._digest
        ids = [read_id(row) if type(row) is dict else None for row in rows]
        repeated: set[str | None] = {None}
        if len(set(ids)) < len(ids):
            repeated.update(n for n, times in Counter(ids).items() if times > 1)
        left, digests = [], {}
        for known_id, row in zip(ids, rows, strict=True):
            if known_id is None or known_id in repeated:
                left.append(row)
                continue
            row_digest = digest(row)
            if not known(known_id, row_digest):
                digests[known_id] = row_digest
                left.append(row)
        return left, digests

    def _read(self, rows: Iterable[Json]) -> Normalised:
        facts: dict[str, Fact] = {}
        rejects: list[Reject] = []
        sold_out = 0
        self._words.clear()
        for row in rows:
            if self._in_stock and _sold_out(row, self._in_stock):
                sold_out += 1
                continue
            made = self.one(row)
            if isinstance(made, Reject):
                rejects.append(made)
            else:
                _add(facts, made)
        return Normalised(tuple(facts.values()), tuple(rejects), dict(self._words), sold_out)

    def one(self, row: Json) -> Fact | Reject:
        """The fact that a row tells, or the reject that says why it tells none."""
        if not isinstance(row, dict):
            return Reject(self._stream, "wrong_shape", "", {"row": self._shapeless(row)})
        try:
            return self._fact(row)
        except Unusable as unusable:
            return Reject(
                stream=self._stream,
                reason=unusable.reason,
                field=unusable.field,
                row=_without(row, self._forbidden),
                ext_id=self._id(row),
                at=min(self._read_times(row), default=None),
            )

    def _read_times(self, row: Row) -> Iterator[Instant]:
        """When the row was made and changed, as far as it can be read."""
        for read in self._times:
            with suppress(Unusable):
                if (at := read(row)) is not None:
                    yield at

    def _shapeless(self, row: Json) -> Json:
        """What may be kept of a row that is no object; its bare values have no names to judge."""
        if not self._forbidden or not isinstance(row, list):
            return _without(row, self._forbidden)
        return [
            _without(v, self._forbidden) if isinstance(v, dict) else CUT for v in row[:CELLS_KEPT]
        ]

    def _count(self, field: str, word: str) -> None:
        """Count a word the profile does not know; a POS gone mad does not fill the run."""
        name = f"{field}={word[:_WORD_LENGTH]}"
        if name not in self._words and len(self._words) >= MAX_UNKNOWN_WORDS:
            name = f"{field}=…"
        self._words[name] += 1


def _records_within(rows: Iterable[Json], within: Within) -> list[Json]:
    """The objects inside of rows that are the records, with what goes along of their rows."""
    return [
        {**record, **{name: path.value(row) for name, path in within.keep.items()}}
        for row in rows
        if isinstance(record := within.at.value(row), dict)
    ]


def _add(facts: dict[str, Fact], made: Fact) -> None:
    """Add a fact to those of its page, unless a later version of it is there."""
    key = _known_id(made)
    known = facts.get(key)
    if isinstance(made, Customer | Sale) and isinstance(known, Customer | Sale):
        made = made if is_newer(made, known) else known
    facts[key] = made


def _known_id(fact: Fact) -> str:
    """The id that `KnownRow` goes by, which tells a fact from all others of its stream."""
    match fact:
        case StoreFact():
            return fact.key
        case InventoryItem():
            return product_id(fact.store_key, fact.ext_id)
        case _:
            return fact.ext_id


def _paths(profile: Profile, stream: Stream, name: str) -> Paths:
    paths = profile.streams[stream].map.get(name, ())
    return paths if isinstance(paths, Path | tuple) else ()


def _sold_out(row: Json, quantity: Path) -> bool:
    """Whether nothing is left of it; what tells no quantity may be there."""
    left = _quantity(quantity.value(row))
    return left is not None and float(left) <= 0


_quantity = coerce.none_if_unusable(coerce.decimal_text)


def _without(row: Json, forbidden: frozenset[str], depth: int = 0) -> Any:
    """The row without the fields that may not be kept, however deep they are; what is nested
    deeper than any row of a shop is cut, for storing it would fail."""
    if depth > DEEPEST and isinstance(row, dict | list):
        return CUT
    if isinstance(row, dict):
        return {k: _without(v, forbidden, depth + 1) for k, v in row.items() if k not in forbidden}
    if isinstance(row, list):
        return [_without(v, forbidden, depth + 1) for v in row]
    return row


Maker = Callable[[Profile, Setting, Count], Callable[[Row], Fact]]


def _stores(profile: Profile, setting: Setting, _count: Count) -> Callable[[Row], Fact]:
    fields = StoreFact.__match_args__
    read = Compiler(profile, setting).reader(fields, profile.streams["stores"].map, KEY)
    names = profile.time.zone_names
    if profile.streams["stores"].page.proves == "key":
        return lambda _row: StoreFact(setting.store_key, setting.store_key)

    def store(row: Row) -> Fact:
        key, name, time_zone, *others = read(row)
        return StoreFact(setting.store_key or key, name, iana_zone(time_zone, names), *others)

    return store


def _customers(profile: Profile, setting: Setting, _count: Count) -> Callable[[Row], Fact]:
    formats = profile.time.formats
    region = profile.contacts.phone_region
    employees = frozenset(profile.contacts.employee_types)
    compose_id = customer_ids(profile)
    vendor_domains = frozenset(profile.contacts.placeholder_email_domains)
    fields = dict(profile.streams["customers"].map)
    phone_of = _contact_reader(fields.pop("phone"), lambda raw: contacts.phone(raw, region))
    email_of = _contact_reader(fields.pop("email"), lambda raw: contacts.email(raw, vendor_domains))
    compiler = Compiler(profile, setting)
    read = compiler.reader(
        CUSTOMER,
        fields,
        ID | ids_parts(profile, "customers"),
        birth_date=lambda value: times.birth_date(value, formats),
        birth_year=times.birth_year,
    )

    def customer(row: Row) -> Fact:
        compiler.unread.clear()
        # fmt: off
        (
            ext_id, first, last, birth_date, birth_year, gender, kind, state, address,
            member, points, sms_consent, email_consent, terms_agreed, is_active, merged_into,
            store_key, created_at, updated_at,
        ) = read(row)
        # fmt: on
        phone_raw, phone, bad_phone = phone_of(row)
        email_raw, email, bad_email = email_of(row)
        active = is_active is not False
        if merged_into is not None and merged_into != ext_id:
            points, active = None, False  # its points are the other's now
            compiler.unread.discard("pos_points")
        else:
            merged_into = None
        flags = {bad_phone, bad_email, *compiler.flags()}
        if kind and kind.lower() in employees:
            flags.add("employee")
        if contacts.on_guest_list(first, last):
            flags.add("test")
        if not active:
            flags.add("inactive")
        flags.discard(None)
        if compose_id:
            ext_id = compose_id(ext_id, store_key or setting.store_key)
        # fmt: off
        return make_customer(
            ext_id, first, last, phone_raw, phone, email_raw, email, birth_date or birth_year,
            gender, kind, state, address, member, points, sms_consent, email_consent,
            terms_agreed, active, merged_into, store_key, created_at, updated_at,
            frozenset(flags),
        )
        # fmt: on

    return customer


Contact = tuple[str | None, str | None, str | None]
"""A contact as it is written, as it is used, and why it is not."""


def _contact_reader(
    spec: object, find: Callable[[str | None], tuple[str | None, str | None]]
) -> Callable[[Row], Contact]:
    """Return a reader of the first contact that is usable; where none is, of the first written."""
    paths = required_path(spec)
    places = (paths,) if isinstance(paths, Path) else paths

    def read(row: Row) -> Contact:
        unusable: Contact = (None, None, None)
        for place in places:
            for value in place.values(row):
                raw = coerce.contact_text(value)
                found, flag = find(raw)
                if found is not None:
                    return raw, found, None
                if unusable[0] is None:
                    unusable = raw, None, flag
        return unusable

    return read


def _inventory(profile: Profile, setting: Setting, _count: Count) -> Callable[[Row], Fact]:
    compiler = Compiler(profile, setting)
    read = compiler.reader(ITEM, profile.streams["inventory"].map, ID)
    own_store, currency = setting.store_key, setting.currency

    def item(row: Row) -> Fact:
        compiler.unread.clear()
        # fmt: off
        (
            ext_id, store_key, name, quantity, told_currency, product, sku, brand, category,
            strain, price, cost, unit, is_active, updated_at,
        ) = read(row)
        flags = compiler.flags()
        if told_currency and told_currency != currency:
            price, cost, flags = None, None, flags | OTHER_CURRENCY
        return make_item(
            ext_id, store_key or own_store, name, quantity or "", currency, product, sku, brand,
            category, strain, price, cost, unit, is_active is not False, updated_at, flags,
        )
        # fmt: on

    return item


_MAKERS: dict[Stream, Maker] = {
    "stores": _stores,
    "customers": _customers,
    "sales": sale_maker,
    "inventory": _inventory,
}
