"""Holds what a profile makes of a POS's rows against what the simulator says they are, field by
field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, dataclass, field, replace
from dataclasses import fields as dataclass_fields
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from chalicelib.domain.records import STREAMS, Customer, Fact, Reject, Sale
from chalicelib.domain.words import Stream
from chalicelib.pos import session as sessions
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.mapping import NestedRows, paths_of
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.services.ports.pos import StreamPlan
from simulators.oracle.fields import fields_of
from simulators.retailer.zones import parse_instant
from tests.contract.bench import NOW, Simulated, bench_of, id_of, pages
from tests.contract.review import unexplained_words

YEARS_AGO = NOW - 3 * 365 * 86_400_000
SALES = 1500
"""So many that each shop has refunds and voids of every kind."""
BAD = {
    "phone": {"bad_phone", "placeholder_phone"},
    "email": {"bad_email", "placeholder_email"},
}
"""By contact: the flags, one of which says why it cannot be used."""
FLAGS = {"employee", "test", "inactive"}
"""The flags that a map decides."""
WORKED_OUT_FROM = {
    "customers.birth_date": ("customers.birth_year",),
    "sales.items.discount_ids": ("sales.items.discounts.ext_id",),
    "sales.items.discounts": ("sales.items.discounts.name",),
    "sales.is_final": ("sales.kind", "sales.status", "sales.is_void"),
    "sales.is_status_known": ("sales.kind", "sales.status"),
    "sales.kind": ("sales.status", "sales.sale_type", "sales.is_void"),
}
"""Fields that are no field's value: by what they are told that they are wrong."""

Expected = Mapping[str, Any]
Difference = tuple[str, str]
"""A field, as `customers.first` or `sales.items.tax`, and what is wrong with it."""


@dataclass
class Heard:
    """What a simulator sent of one stream: the rows as the normaliser was given them, each in its
    setting, the facts that they were read as, and what they should be read as, by id."""

    ids: set[str]
    expected: Mapping[str, Expected]
    facts: list[Fact] = field(default_factory=list)
    rows: list[tuple[Setting, Any]] = field(default_factory=list)


@cache
def heard_of(platform: str) -> Mapping[Stream, Heard]:
    """A full pass over a platform's simulator, over HTTP and through the reader. Some items are not
    for sale, and some shoppers agree to terms and not to marketing, or the other way round."""
    with bench_of(platform)(sales=SALES) as bench:
        for shop in bench.server.world.shops:
            for at in shop.inventories.positions()[::3]:
                shop.inventories.put(at, shop.inventories.get(at)._replace(active=False))
            for at in shop.customers.positions()[::7]:
                row = shop.customers.get(at)
                shop.customers.put(at, row._replace(terms=not row.terms))
        access = bench.access()
        expected = fields_of(bench.server.world, access.scope or "", access.time_zone)
        return {stream: _pass(bench, stream, expected[stream]) for stream in STREAMS}


def _pass(bench: Simulated, stream: Stream, expected: Mapping[str, Expected]) -> Heard:
    heard = Heard(set(bench.truth(stream)), expected)

    class Listening(Normaliser):
        def __init__(self, profile: Profile, of: Stream, setting: Setting, reading: str) -> None:
            super().__init__(profile, of, setting, reading)
            self.listens, self.setting = of == stream, setting

        def page(self, rows: Iterable[Any], known: Any = None) -> Any:
            if self.listens:
                heard.rows += [(self.setting, row) for row in rows]
            return super().page(rows, known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "Normaliser", Listening)
        session = bench.gateway.open(bench.access())
        for page in pages(session, StreamPlan(stream, NOW, history_from=YEARS_AGO)):
            heard.facts += page.facts
        session.close()
    return heard


def differences(
    profile: Profile, stream: Stream, made: Fact | Reject, heard: Heard
) -> Iterator[Difference]:
    """Each field of a fact that is not as the simulator has it. Of a row that is set aside: the
    fields of the map that read what cannot be read."""
    if isinstance(made, Reject):
        readers = _readers_of(made.field, stream, profile.streams[stream].map)
        for name in (f"{stream}.{made.field}", *readers):
            yield name, f"{made.field!r} sets the row aside: {made.reason}"
        return
    expected = heard.expected.get(id_of(made))
    if expected is None:
        parts = ["key"] if stream == "stores" else ["ext_id"]
        parts += ["store_key"] if profile.streams[stream].unique_in == "shop" else []
        yield from ((f"{stream}.{part}", f"nobody has {id_of(made)!r}") for part in parts)
        return
    if isinstance(made, Sale):
        for flag in made.flags:
            yield f"{stream}.{flag.removeprefix('bad_')}", f"of {id_of(made)} cannot be read"
    for name, what in _differences(stream, made, expected):
        yield name, f"of {id_of(made)} {what}"
        for source in WORKED_OUT_FROM.get(name, ()):
            yield source, f"of {id_of(made)} {what}"


def _differences(kind: str, made: Any, expected: Expected) -> Iterator[Difference]:
    for each in dataclass_fields(made):
        name, value = each.name, getattr(made, each.name)
        if name == "currency":  # the account's
            continue
        if name in ("items", "tenders"):
            yield from _elements(f"{kind}.{name}", value, expected.get(name, ()))
        elif name == "ordered_at_text":
            shown = made.ordered_at if made.wall_clock is None else made.wall_clock
            if parse_instant(value) != shown:
                yield f"{kind}.{name}", f"is {value!r}, which is not the time of the sale"
        elif not _same(name, made, value, wanted := expected.get(name, _default(each))):
            yield f"{kind}.{name}", f"is {value!r} instead of {wanted!r}"


def _elements(kind: str, made: Sequence[Any], expected: Sequence[Expected]) -> Iterator[Difference]:
    if len(made) != len(expected):
        yield kind, f"are {len(made)} instead of {len(expected)}"
        return
    for one, wanted in zip(made, expected, strict=True):
        yield from _differences(kind, one, wanted)


def _same(name: str, made: Any, value: Any, wanted: Any) -> bool:
    if name == "quantity":
        return value != "" and Decimal(value) == Decimal(str(wanted))
    if name == "flags" and isinstance(made, Customer):
        told = all(
            not getattr(made, f"{contact}_raw") or getattr(made, contact) or reasons & value
            for contact, reasons in BAD.items()
        )
        return told and value & FLAGS == wanted
    return bool(value == wanted and isinstance(value, bool) == isinstance(wanted, bool))


def _default(each: Any) -> Any:
    if each.default_factory is not MISSING:
        return each.default_factory()
    return None if each.default is MISSING else each.default


def _readers_of(path: str, kind: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a map that read a path, or an array that it begins with."""
    for name, spec in fields.items():
        if isinstance(spec, NestedRows) and path.startswith(f"{spec.rows}."):
            within = path.removeprefix(f"{spec.rows}.")
            yield from _readers_of(within, f"{kind}.{name}", spec.map)
        elif path in paths_of(spec):
            yield f"{kind}.{name}"


def wrong_fields(
    profile: Profile, platform: str, stream: Stream, enough: AbstractSet[str]
) -> set[str]:
    """The fields that the profile reads otherwise than the simulator means them, up to the first
    that is among `enough`."""
    heard, found = heard_of(platform)[stream], set[str]()
    normalisers: dict[Setting, Normaliser] = {}
    for setting, row in sound_rows(platform, stream):
        if setting not in normalisers:
            normalisers[setting] = Normaliser(profile, stream, setting)
        page = normalisers[setting].page([row])
        for made in (*page.facts, *page.rejects):
            found |= {name for name, _ in differences(profile, stream, made, heard)}
        if enough & found:
            return found
    if stream == "sales" and any(unexplained_words(profile, [row for _, row in heard.rows])):
        found |= {"sales.status", "sales.sale_type"}
    return found


@cache
def sound_rows(platform: str, stream: Stream) -> list[tuple[Setting, Any]]:
    """The rows that the platform's profile reads as they are meant, each id once; not those that
    are broken, or that show a row as it once was. Where a row names its store, nobody else does."""
    profile, heard = registry.profile(platform), heard_of(platform)[stream]
    found: dict[str, tuple[Setting, Any]] = {}
    own_key = {"key", "store_key"} & set(profile.streams[stream].map)
    for heard_in, row in heard.rows:
        setting = replace(heard_in, store_key="") if own_key else heard_in
        made = Normaliser(profile, stream, setting).one(row)
        if not isinstance(made, Reject) and not [*differences(profile, stream, made, heard)]:
            found.setdefault(id_of(made), (setting, row))
    return list(found.values())
