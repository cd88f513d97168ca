"""Turns rows of a POS into the common shape of reference/pos.md §7, by the profile's map.

The map is compiled once per stream into closures; a row then costs a few microseconds a field.
Any JSON value gives a fact or a reject, never an exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from chalicelib.domain.manifest import row_digest
from chalicelib.domain.records import Customer, Fact, InventoryItem, Reject, Sale, StoreFact
from chalicelib.domain.versions import is_newer
from chalicelib.domain.words import Instant, Stream
from chalicelib.pos.profile.mapping import Paths
from chalicelib.pos.profile.paging import Proof
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows import coerce, contacts
from chalicelib.pos.rows.coerce import Json, Unusable
from chalicelib.pos.rows.field_map import Compiler, Row, Setting
from chalicelib.pos.rows.row_ids import customer_ids, id_reader
from chalicelib.pos.rows.sale_rows import Count, sale_maker
from chalicelib.pos.rows.zones import iana_zone
from chalicelib.services.ports.pos import KnownRow

MAX_UNKNOWN_WORDS = 50
_WORD_LENGTH = 40
DEEPEST = 50
CELLS_KEPT = 100
CUT = "…"
"""Stands in a row set aside for what is not kept of it."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """A page's rows; `sold_out` were left out. Of rows with one id the one changed last stands, the
    last where they do not tell.

    `rows`: by ext_id, the digest of the row of a fact that needs no second reading.
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
        self._salt = blake2b(repr((reading, stream, setting)).encode(), digest_size=16).digest()
        self._stream = stream
        self._in_stock = profile.streams[stream].in_stock
        self._forbidden = frozenset(profile.forbidden_fields)
        self._words: Counter[str] = Counter()
        self._fact = _MAKERS[stream](profile, setting, self._count)
        self._id = id_reader(profile, stream, setting)
        self._times = [
            Compiler(profile, setting).reader_of(name, paths)
            for name in ("ordered_at", "created_at", "updated_at")
            if (paths := _paths(profile, stream, name))
        ]

    def page(self, rows: Iterable[Json], known: KnownRow | None = None) -> Normalised:
        """The facts and rejects of a page's rows, without the rows that are `known`."""
        if known is None:
            return self._read(rows)
        rows = list(rows)
        left, digests = self._unknown(rows, known)
        normalised = self._read(left)
        if normalised.unknown_words:  # which the next run has to report again
            return normalised
        for reject in normalised.rejects:
            digests.pop(reject.ext_id or "", None)
        return replace(normalised, rows=digests)

    def _unknown(self, rows: Sequence[Json], known: KnownRow) -> tuple[list[Json], dict[str, int]]:
        """The rows to read, and by id the digests of those that are their id's only one here."""
        ids = [self._id(row) if isinstance(row, dict) else None for row in rows]
        times = Counter(ids)
        left, digests = [], {}
        for ext_id, row in zip(ids, rows, strict=True):
            if ext_id is not None and times[ext_id] == 1:
                digest = row_digest(row, self._salt)
                if known(ext_id, digest):
                    continue
                digests[ext_id] = digest
            left.append(row)
        return left, digests

    def _read(self, rows: Iterable[Json]) -> Normalised:
        facts: dict[object, Fact] = {}
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


def _add(facts: dict[object, Fact], made: Fact) -> None:
    """Add a fact to those of its page, unless a later version of it is there."""
    key = _key(made)
    known = facts.get(key)
    if isinstance(made, Customer | Sale) and isinstance(known, Customer | Sale):
        made = made if is_newer(made, known) else known
    facts[key] = made


def _key(fact: Fact) -> object:
    """What a fact is known by among those of its stream; an item lies in several stores."""
    match fact:
        case StoreFact():
            return fact.key
        case InventoryItem():
            return fact.store_key, fact.ext_id
        case _:
            return fact.ext_id


def _paths(profile: Profile, stream: Stream, name: str) -> Paths:
    paths = profile.streams[stream].map.get(name, ())
    return paths if isinstance(paths, Path | tuple) else ()


def _sold_out(row: Json, quantity: Path) -> bool:
    """Whether nothing is left of it; what is no quantity is judged with the row."""
    try:
        return isinstance(row, dict) and float(quantity.value(row) or 0) <= 0
    except (TypeError, ValueError):
        return False


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
    extract = Compiler(profile, setting).extractor(profile.streams["stores"].map)
    names = profile.time.zone_names
    if isinstance(profile.streams["stores"].page, Proof):
        return lambda _row: StoreFact(setting.store_key, setting.store_key)

    def store(row: Row) -> Fact:
        values = extract(row)
        values["time_zone"] = iana_zone(values.get("time_zone"), names)
        values["key"] = setting.store_key or values["key"]
        return StoreFact(**values)

    return store


def _customers(profile: Profile, setting: Setting, _count: Count) -> Callable[[Row], Fact]:
    extract = Compiler(profile, setting).extractor(
        profile.streams["customers"].map, phone=coerce.contact_text, email=coerce.contact_text
    )
    formats = profile.time.formats
    region = profile.contacts.phone_region
    employees = frozenset(profile.contacts.employee_types)
    compose_ids = customer_ids(profile)
    vendor_domains = frozenset(profile.contacts.placeholder_email_domains)

    def customer(row: Row) -> Fact:
        values = extract(row)
        values["phone_raw"] = raw_phone = values.pop("phone", None)
        values["email_raw"] = raw_email = values.pop("email", None)
        values["phone"], bad_phone = contacts.phone(raw_phone, region)
        values["email"], bad_email = contacts.email(raw_email, vendor_domains)
        values["birth_date"], bad_birth = _born(
            values.pop("birth_date", None), values.pop("birth_year", None), formats
        )
        if values.get("merged_into") == values["ext_id"]:
            values["merged_into"] = None
        is_merged = values.get("merged_into") is not None
        if is_merged:  # its points are the other's now
            values["pos_points"] = None
        values["active"] = active = values.get("active") is not False and not is_merged
        flags = {bad_phone, bad_email, bad_birth}
        if (values.get("type") or "").lower() in employees:
            flags.add("employee")
        compose_ids(values, values.get("store_key") or setting.store_key)
        if contacts.on_guest_list(values.get("first", ""), values.get("last", "")):
            flags.add("test")
        if not active:
            flags.add("inactive")
        flags.discard(None)
        return Customer(flags=frozenset(flags), **values)  # type: ignore[arg-type]

    return customer


def _born(
    birthday: str | None, year: str | None, formats: tuple[str, ...]
) -> tuple[str | None, str | None]:
    """The date of birth, else the year alone (`1990`); a broken date costs only the field."""
    flag = None
    try:
        born = coerce.birth_date(birthday, formats)
    except Unusable:
        born, flag = None, "bad_birth_date"
    if born is None and year and year.isdecimal() and 1900 <= int(year[:9]) <= coerce.LATEST:
        born = str(int(year))
    return born, flag


def _inventory(profile: Profile, setting: Setting, _count: Count) -> Callable[[Row], Fact]:
    extract = Compiler(profile, setting).extractor(profile.streams["inventory"].map)

    def item(row: Row) -> Fact:
        values = extract(row)
        values["quantity"] = values.get("quantity") or "0"
        values["active"] = values.get("active") is not False
        values["store_key"] = values.get("store_key") or setting.store_key
        return InventoryItem(currency=setting.currency, **values)

    return item


_MAKERS: dict[Stream, Maker] = {
    "stores": _stores,
    "customers": _customers,
    "sales": sale_maker,
    "inventory": _inventory,
}
