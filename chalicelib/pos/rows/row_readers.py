"""Writes the functions that read rows: one expression with a term for each field, compiled once.

What a field is read as takes less time than finding its reader in a loop and calling it, so that a
row whose fields all can be read meets no loop, and the commonest values no call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.coerce import Json, Unusable

Row = dict[str, Any]
Read = Callable[[Row], Any]
Coercion = Callable[[Json], Any]


class FieldReader(NamedTuple):
    """Reads a field. `read` takes a row and raises Unusable, which names the POS's field. `key`,
    `coercion`: where the field stands under one key of the row, and what it is read as."""

    read: Read
    key: str | None = None
    coercion: Coercion | None = None


_QUICK: Mapping[Coercion, str] = {
    coerce.text: "None if (v := get({key})) is None else {read}(v)",
    coerce.listed_text: "listed(v) if type(v := get({key})) is str else {read}(v)",
    coerce.cents: "v if type(v := get({key})) is int and -10**13 <= v <= 10**13 else {read}(v)",
    coerce.boolean: "v if (v := get({key})) is None or v is True or v is False else {read}(v)",
    coerce.decimal_text: "str(v) if type(v := get({key})) is int else {read}(v)",
    coerce.optional_id: "str(v) if type(v := get({key})) is int and v else {read}(v)",
    coerce.required_id: "str(v) if type(v := get({key})) is int and v else {read}(v)",
}
"""By coercion: the term that spares the call for the commonest values, and means the same."""


def row_reader(
    fields: Sequence[FieldReader | str | None], careful: Callable[[Row], tuple[Any, ...]]
) -> Callable[[Row], tuple[Any, ...]]:
    """Return a function from a row to the values of the fields, in order. A text or None is the
    value itself. A row with a field that cannot be read is left to `careful`."""
    names: dict[str, Any] = {
        "careful": careful,
        "Unusable": Unusable,
        "listed": coerce.listed_word,
    }
    terms = []
    for number, each in enumerate(fields):
        if each is None or isinstance(each, str):
            terms.append(repr(each))
        elif each.key is None or each.coercion is None:
            names[f"read_{number}"] = each.read
            terms.append(f"read_{number}(row)")
        else:
            names[f"read_{number}"] = each.coercion
            term = _QUICK.get(each.coercion, "{read}(get({key}))")
            terms.append(term.format(read=f"read_{number}", key=repr(each.key)))
    source = (
        "def read(row):\n"
        "    get = row.get\n"
        "    try:\n"
        f"        return ({' '.join(f'({term}),' for term in terms)})\n"
        "    except Unusable:\n"
        "        return careful(row)\n"
    )
    exec(_compiled(source), names)  # noqa: S102 - of the terms above, keys as Python writes texts
    made: Callable[[Row], tuple[Any, ...]] = names["read"]
    return made


@lru_cache(maxsize=256)
def _compiled(source: str) -> CodeType:
    """The code of a reader, which all sessions of a process share."""
    return compile(source, "<row reader>", "exec")
