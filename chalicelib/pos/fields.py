"""The profile's map, compiled: one closure per field of the common shape.

What a field is read as, its name decides, so that a map only says where the POS has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from chalicelib.pos import coerce
from chalicelib.pos.coerce import Json, Unusable
from chalicelib.pos.profile import Consent, Paths, Profile, Rows

Row = dict[str, Any]
Read = Callable[[Row], Any]
Coercion = Callable[[Json], Any]
T = TypeVar("T")
Fields = Mapping[str, Paths | Consent | Rows]

MAX_ELEMENTS = 500


@dataclass(frozen=True, slots=True)
class Setting:
    """What rows do not say: whose they are, the clock of the store, its money."""

    store_key: str
    time_zone: str = "UTC"
    currency: str = "USD"


class Compiler:
    """Compiles a map into (field, reader) pairs. What a field is, its name decides."""

    def __init__(self, profile: Profile, setting: Setting) -> None:
        zone = profile.time.zone
        instant = coerce.instant_reader(
            setting.time_zone if zone == "store" else zone, profile.time.formats
        )
        money = coerce.cents if profile.money == "cents" else coerce.major
        self._by_name = _coercions(instant, money)

    def extractor(self, fields: Fields, **given: Coercion) -> Callable[[Row], dict[str, Any]]:
        """A function from a row to the values of all of a map's fields but the arrays.

        `given` coercions go before those the names stand for. The function raises Unusable, naming
        the POS's field.
        """
        by_name = self._by_name | given
        simple, others = [], []
        for name, spec in fields.items():
            if isinstance(spec, Consent):
                others.append((name, self._consent(spec)))
            elif isinstance(spec, str) and "." not in spec:
                simple.append((name, spec, by_name.get(name, coerce.text)))
            elif not isinstance(spec, Rows):
                others.append((name, reader(spec, by_name.get(name, coerce.text))))

        def extract(row: Row) -> dict[str, Any]:
            try:
                values = {name: coercion(row.get(key)) for name, key, coercion in simple}
            except Unusable:
                for _, key, coercion in simple:
                    reader(key, coercion)(row)
                raise
            for name, read in others:
                values[name] = read(row)
            return values

        return extract

    def field(self, name: str, paths: Paths, coercion: Coercion | None = None) -> Read:
        return reader(paths, coercion or self._by_name.get(name, coerce.text))

    def _consent(self, consent: Consent) -> Read:
        """An opt-out wins over an opt-in; without either nobody was asked (reference/pos.md §7)."""
        refused, given = consent.refused or "", consent.given or ""
        flag = coerce.flag

        def read(row: Row) -> str:
            if flag(row.get(refused)):
                return "no"
            return "yes" if flag(row.get(given)) else "unknown"

        return read


def _coercions(instant: Coercion, money: Coercion) -> dict[str, Coercion]:
    """What each field of the common shape is read as; the rest is text."""
    return {
        **dict.fromkeys(("ext_id", "key"), coerce.required_id),
        **dict.fromkeys(
            ("customer_ext_id", "original_ext_id", "product_ext_id", "employee_id", "merged_into"),
            coerce.optional_id,
        ),
        **dict.fromkeys(("first", "last", "name", "status"), coerce.text_or_empty),
        **dict.fromkeys(("created_at", "updated_at"), coerce.lenient(instant)),
        **dict.fromkeys(("pos_loyalty_member", "terms_agreed", "active", "medical"), coerce.flag),
        "ordered_at": instant,
        "pos_points": coerce.whole,
        "quantity": coerce.decimal_text,
        **dict.fromkeys(
            [
                "total",
                "subtotal",
                "discount",
                "tax",
                "fees",
                "tip",
                "cost",
                "price",
                "unit_price",
                "amount",
            ],
            money,
        ),
    }


def reader(paths: Paths, coercion: Coercion) -> Read:
    """A closure for one field: the first path that holds something, coerced."""
    if isinstance(paths, str) and "." not in paths:
        return _simple_reader(paths, coercion)
    alternatives = (paths,) if isinstance(paths, str) else paths
    walks = [tuple(path.split(".")) for path in alternatives]
    field = alternatives[0] if alternatives else ""

    def read(row: Row) -> Any:
        found = None
        for steps in walks:
            found = walk(row, steps)
            if found is not None:
                break
        try:
            return coercion(found)
        except Unusable as unusable:
            raise Unusable(unusable.reason, field) from None

    return read


def _simple_reader(key: str, coercion: Coercion) -> Read:
    def read(row: Row) -> Any:
        try:
            return coercion(row.get(key))
        except Unusable as unusable:
            raise Unusable(unusable.reason, key) from None

    return read


def walk(row: Json, steps: tuple[str, ...]) -> Json:
    for step in steps:
        if not isinstance(row, dict):
            return None
        row = row.get(step)
    return row


def plain(spec: object) -> Paths:
    """A map's entry that must be a path. Raises ValueError: the profile is wrong."""
    if isinstance(spec, str | tuple):
        return spec
    raise ValueError(f"the map needs a path here, not {spec!r}")


def elements(
    spec: object, compile_one: Callable[[Fields], Callable[[Row], T]]
) -> Callable[[Row], tuple[T, ...]]:
    """A reader of an array inside a row; null or an absent map is an empty one.

    Raises Unusable (when reading) for what is no array of objects, or an element's own fault.
    """
    if not isinstance(spec, Rows):
        return lambda _row: ()
    first, *rest = spec.rows.split(".")
    deeper = tuple(rest)
    make = compile_one(spec.map)

    def read(row: Row) -> tuple[T, ...]:
        found = row.get(first) if not deeper else walk(row.get(first), deeper)
        if not found and (found is None or found == []):
            return ()
        if type(found) is not list or len(found) > MAX_ELEMENTS:
            raise Unusable("wrong_shape", spec.rows)
        try:
            return tuple([make(element) for element in found])
        except Unusable as unusable:
            raise Unusable(unusable.reason, f"{spec.rows}.{unusable.field}") from None
        except AttributeError:  # an element without `get`: not an object
            raise Unusable("wrong_shape", spec.rows) from None

    return read
