"""Profiles with one mistake each: made in memory of a right one, and all of them readable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import combinations, permutations
from typing import Any, NamedTuple

from chalicelib.domain.words import Stream
from chalicelib.pos.profile.mapping import ConsentMapping, NegatedFlag, NestedRows, paths_of
from chalicelib.pos.profile.profile import Profile
from simulators.registry import platform_of

FieldMap = Mapping[str, Any]

AMOUNTS = frozenset(("total", "subtotal", "discount", "tax", "fees", "tip", "cost", "price"))
STATUS_WORDS = ("final", "void", "refunded", "open")
TYPE_WORDS = ("type_sale", "type_return")


class Mistake(NamedTuple):
    """`fields`: those that are then read wrongly, as `sales.items.tax`; `what`: for the reader."""

    profile: Profile
    fields: frozenset[str]
    what: str


class _Level(NamedTuple):
    """A map, or one within it. `put`: the whole stream's map with this one exchanged."""

    name: str
    within: str
    map: FieldMap
    put: Callable[[FieldMap], FieldMap]


def exchanged_fields(profile: Profile, stream: Stream) -> Iterator[Mistake]:
    """Every two fields of a map, each in the place of the other."""
    for level in _levels(stream, profile.streams[stream].map):
        for one, other in combinations(level.map, 2):
            specs = level.map[one], level.map[other]
            if _interchangeable((one, other), specs):
                changed = {**level.map, one: specs[1], other: specs[0]}
                fields = frozenset((f"{level.name}.{one}", f"{level.name}.{other}"))
                yield Mistake(
                    _with_map(profile, stream, level.put(changed)), fields, f"{one} <> {other}"
                )


def misplaced_fields(profile: Profile, stream: Stream) -> Iterator[Mistake]:
    """Every field of a map, read from every place that is some other field's, or nobody's."""
    unread = profile.streams[stream].unread
    for level in _levels(stream, profile.streams[stream].map):
        specs = [spec for spec in level.map.values() if not isinstance(spec, NestedRows)]
        places = {place for spec in specs for place in paths_of(spec)}
        places |= {
            type(place)(place.removeprefix(level.within))
            for place in unread
            if place.startswith(level.within) and "." not in place.removeprefix(level.within)
        }
        for name, spec in level.map.items():
            for place in sorted(places - set(paths_of(spec))):
                for wrong in _read_from(place, spec):
                    changed = _with_map(profile, stream, level.put({**level.map, name: wrong}))
                    yield Mistake(
                        changed, frozenset((f"{level.name}.{name}",)), f"{name}: {wrong!r}"
                    )


def moved_words(profile: Profile, said: AbstractSet[str]) -> Iterator[Mistake]:
    """Every word of a sale that is said, in every list that it does not stand in; not those of a
    return, which its total says too."""
    words = profile.sale_words
    told = frozenset(("sales.kind", "sales.total"))
    said = said - set(words.type_return)
    for lists in (STATUS_WORDS, TYPE_WORDS):
        for home, other in permutations(lists, 2):
            for word in said & frozenset(getattr(words, home)):
                left = tuple(each for each in getattr(words, home) if each != word)
                moved = {home: left, other: (*getattr(words, other), word)}
                changed = profile.model_copy(update={"sale_words": words.model_copy(update=moved)})
                yield Mistake(changed, told, f"{word} is {other}")


def other_settings(profile: Profile) -> Iterator[tuple[Stream, Mistake]]:
    """Another unit of money, clock, region of phones, and nobody an employee."""
    unit = "major" if profile.money == "cents" else "cents"
    changed = profile.model_copy(update={"money": unit})
    amounts = frozenset(f"sales.{name}" for name in AMOUNTS)
    yield "sales", Mistake(changed, amounts, f"money in {unit}")
    if platform_of(profile.platform).wall_clock:
        times = profile.time.model_copy(update={"zone": "UTC"})
        changed = profile.model_copy(update={"time": times})
        yield "sales", Mistake(changed, frozenset(("sales.ordered_at",)), "times in UTC")
    for part, field in (("phone_region", "phone"), ("employee_types", "flags")):
        contacts = profile.contacts.model_copy(update={part: "GB" if field == "phone" else ()})
        changed = profile.model_copy(update={"contacts": contacts})
        yield "customers", Mistake(changed, frozenset((f"customers.{field}",)), f"another {part}")


def _interchangeable(names: tuple[str, str], specs: tuple[Any, Any]) -> bool:
    if any(isinstance(spec, NestedRows) for spec in specs) or specs[0] == specs[1]:
        return False
    if type(specs[0]) is type(specs[1]) or set(names) <= AMOUNTS:
        return True
    return all(isinstance(spec, str | tuple) for spec in specs)


def _read_from(place: Any, spec: Any) -> Iterator[Any]:
    if isinstance(spec, ConsentMapping):
        for part in ("given", "refused"):
            if getattr(spec, part):
                yield spec.model_copy(update={part: place})
        if spec.refused:
            yield ConsentMapping(given=spec.refused, refused=spec.given)
    elif isinstance(spec, NegatedFlag):
        yield spec.unless
        yield spec.model_copy(update={"unless": place})
    elif not isinstance(spec, NestedRows):
        yield place


def _levels(
    name: str,
    fields: FieldMap,
    within: str = "",
    put: Callable[[FieldMap], FieldMap] = lambda fields: fields,
) -> Iterator[_Level]:
    yield _Level(name, within, fields, put)
    for inner, spec in fields.items():
        if isinstance(spec, NestedRows):

            def put_inner(map_: FieldMap, inner: str = inner, spec: NestedRows = spec) -> FieldMap:
                return put({**fields, inner: spec.model_copy(update={"map": map_})})

            yield from _levels(f"{name}.{inner}", spec.map, f"{within}{spec.rows}.", put_inner)


def _with_map(profile: Profile, stream: Stream, fields: FieldMap) -> Profile:
    changed = profile.streams[stream].model_copy(update={"map": fields})
    return profile.model_copy(update={"streams": {**profile.streams, stream: changed}})
