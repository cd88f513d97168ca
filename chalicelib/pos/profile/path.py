r"""Where a value stands in a row or an envelope: a dotted path, which every reader walks alike."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

Json = Any

WHOLE = "$"
"""The step that stays where it is; alone, the path of a body that is the array itself."""

_DOT = re.compile(r"(?<!\\)\.")


class Path(str):
    r"""A dotted path: names of keys from the outside in (`brand.name`).

    A number is a place in an array, from 0; a name, where there is an array, leads to that field of
    each of its objects. `$` at the beginning is the whole. A dot within a name is written `\.`.
    Raises ValueError for a path with an empty step.
    """

    __slots__ = ("key", "steps")

    steps: tuple[str, ...]
    key: str | None
    """The one key of a path that is no longer."""

    def __new__(cls, text: str) -> Self:
        path = super().__new__(cls, text)
        steps = tuple(step.replace("\\.", ".") for step in _DOT.split(text))
        if not all(step.strip() for step in steps):
            raise ValueError(f"the path {text!r} has an empty step; a dot of a name is \\.")
        path.steps = steps[1:] if steps[0] == WHOLE else steps
        path.key = path.steps[0] if len(path.steps) == 1 else None
        return path

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "path"}

    def values(self, row: Json) -> list[Json]:
        """Return all values that the path leads to, in order; what is null or not there is none."""
        return _values(row, self.steps)

    def value(self, row: Json) -> Json:
        """Return the first value that the path leads to, or None."""
        if self.key is not None and type(row) is dict:
            return row.get(self.key)
        return next(iter(_values(row, self.steps)), None)

    def is_in(self, row: Json) -> bool:
        """Whether the row has the field, be it null."""
        return any(self.steps[-1] in holder for holder in self.holders(row))

    def holders(self, row: Json) -> list[dict[str, Json]]:
        """Return the objects in which the last step is looked up, whether they have it or not."""
        found = _values(row, self.steps[:-1])
        elements = [e for one in found for e in (one if type(one) is list else (one,))]
        return [element for element in elements if type(element) is dict]


def _values(value: Json, steps: tuple[str, ...]) -> list[Json]:
    for index, step in enumerate(steps):
        if type(value) is dict:
            value = value.get(step)
        elif type(value) is list and index + 1 == len(steps) and not step.isdecimal():
            return [f for one in value if type(one) is dict and (f := one.get(step)) is not None]
        elif type(value) is not list:
            return []
        elif step.isdecimal():
            place = int(step)
            value = value[place] if place < len(value) else None
        else:
            rest = steps[index + 1 :]
            objects = [one for one in value if type(one) is dict]
            return [found for one in objects for found in _values(one.get(step), rest)]
    return [] if value is None else [value]


def _one_key(text: str) -> str:
    if not text.strip() or _DOT.search(text):
        raise ValueError(f"{text!r} is not the name of one key")
    return text


Key = Annotated[str, AfterValidator(_one_key)]
"""The name of one key that is written into a row, so that it is no path."""
