"""What the rows of a stream mean, as `profile.yaml` says it: its `map`, `group` and `lines`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from chalicelib.pos.profile.paging import ProfilePart
from chalicelib.pos.profile.path import Key, Path

Paths = Path | tuple[Path, ...]
"""Where a value is in a row: a path, or several, of which the first usable value wins."""


class LineGroup(ProfilePart):
    """Rows that are lines: those that share `by` are one row, their own fields going `into` an
    array. A row that has `into` is no line. `line_id`: what tells a line that is shown again from
    another that reads the same. `names`: what the whole calls fields that the lines call otherwise;
    `sums`: amounts of the whole, added up from the lines'."""

    by: Path
    into: Key
    line_id: Path = Path("id")
    names: Mapping[Key, Path]
    sums: Mapping[Key, Path]


class ConsentMapping(ProfilePart):
    """A consent told by flags. A true `refused` wins over a true `given`; else it is unknown."""

    given: Path | None = None
    refused: Path | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ConsentMapping:
        if self.given is None and self.refused is None:
            raise ValueError("a consent needs a flag that tells it")
        return self


class NegatedFlag(ProfilePart):
    """A field that is the opposite of the flag `unless`, which may be told by when it was raised
    (`deleted_at`)."""

    unless: Path


class IdPart(ProfilePart):
    """One part of a composite id: the `take`th (from 1) of the field `of`, split `parts` ways at
    `at`; the field `otherwise` where it has another number of parts."""

    of: Path
    at: str
    take: int = Field(gt=0)
    parts: int = Field(gt=0)
    otherwise: Path | None = None


class Sum(ProfilePart):
    """An amount that the POS gives in parts: the sum of all values that these paths lead to."""

    sum: tuple[Path, ...]


class LastingText(ProfilePart):
    """A field that no row tells and that always reads the same: `say`."""

    say: str = Field(min_length=1)


class NestedRows(ProfilePart):
    """An array inside a row, with the map of its elements. `also`: further arrays, whose elements
    come behind these, such as the gift cards that a sale was paid with besides its payments."""

    rows: Path
    map: Mapping[str, FieldSpec]
    also: tuple[NestedRows, ...] = ()


FieldSpec = Paths | ConsentMapping | NegatedFlag | IdPart | Sum | LastingText | NestedRows
"""What a map says of one field."""
NestedRows.model_rebuild()


class Within(ProfilePart):
    """The record is an object inside of the row (`at`), as a shopper is in an order; a row without
    one has none. `keep`: what of the row goes along, by the name it then has in the object. Such a
    listing never shows all of its records."""

    at: Path
    keep: Mapping[Key, Path] = Field(default_factory=dict)


_PLACES: dict[type, tuple[str, ...]] = {
    ConsentMapping: ("given", "refused"),
    NegatedFlag: ("unless",),
    IdPart: ("of", "otherwise"),
    NestedRows: ("rows",),
}


def paths_of(spec: object) -> tuple[Path, ...]:
    """Return the places that an entry of a map speaks of; not those of an array's elements."""
    if isinstance(spec, Path):
        return (spec,)
    if isinstance(spec, tuple):
        return spec
    if isinstance(spec, Sum):
        return spec.sum
    named = [getattr(spec, part) for part in _PLACES.get(type(spec), ())]
    return tuple(path for path in named if path)


class Lines(ProfilePart):
    """Rows that are lines of something: those with equal `by` are one row, which has the columns of
    the first and all of them as an array `into`. A row blank in all of `totals` sums others up and
    is left out."""

    by: tuple[Path, ...]
    into: Key
    totals: tuple[Path, ...] = ()
