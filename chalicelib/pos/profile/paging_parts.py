"""The parts of `profile.yaml` that say how listings are paged and what rows mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chalicelib.pos.profile.window_parts import NoneWindow, Offset, Proof, Sum

Paths = str | tuple[str, ...]
"""Where a value is in a row: a dotted path, or several, of which the first that has one wins."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Windowed(Part):
    """Windows of days on a first pass need a filter for their end."""

    before: str | None = None
    window_days: int | None = Field(default=None, gt=0)
    history_days: int = 365

    @model_validator(mode="after")
    def _a_window_has_two_ends(self) -> Self:
        if self.window_days and self.before is None:
            raise ValueError("window_days need the filter of a window's end (before)")
        return self


class Keyset(Windowed):
    """Reading on from the last row's instant instead of from a page number.

    `after`/`before` name the filters, both exclusive. `window_days`: on a first pass read windows
    of that many days, newest first.
    """

    field: str
    after: str


class Single(Part):
    """One object, or one array of all there is; no pages."""

    style: Literal["single"]
    params: Mapping[str, str] = Field(default_factory=dict)


class PageTotal(Part):
    """Numbered pages that say how many rows there are in all."""

    style: Literal["page_total"]
    number: str
    size: str
    limit: int = Field(gt=0)
    total: str
    pages: str | None = None
    current: str | None = None
    given_size: str | None = None
    id: str = "id"
    params: Mapping[str, str] = Field(default_factory=dict)
    keyset: Keyset | None = None


class Since(Windowed):
    """A filter by time. `after` and `before` name the parameters, both bounds included, `field` the
    instant in a row they go by; `look_back_days` further back than the plan asks, where the POS
    does not filter by the last change. `window_days`: as in Keyset."""

    field: str
    after: str
    look_back_days: int = Field(default=0, ge=0)


class PageLimit(Part):
    """Numbered pages, in an envelope that may say how many, or as bare arrays until a short one.
    `changed`: a row's last change, by which rows may move between pages while we read."""

    style: Literal["page_limit"]
    number: str
    size: str
    limit: int = Field(gt=0)
    pages: str | None = None
    current: str | None = None
    changed: str | None = None
    since: Since | None = None
    params: Mapping[str, str] = Field(default_factory=dict)


class RangePage(Part):
    """`param=[first,last]`, both included, until nothing more comes; no filter by time. Where rows
    come newest first, reading stops after a whole page of older ones. `changed`, `made`: a row's
    last change, and its beginning where a look-back of the last ones made is enough."""

    style: Literal["range"]
    param: str
    limit: int = Field(gt=1)
    id: str = "id"
    changed: str | None = None
    made: str | None = None
    params: Mapping[str, str] = Field(default_factory=dict)


PageProfile = Annotated[
    Single | PageTotal | PageLimit | RangePage | NoneWindow | Offset | Proof,
    Field(discriminator="style"),
]


class Each(Part):
    """A listing that is asked for shop by shop: `param` takes one shop's key at a time; `field` is
    the credential's list of them, all of the shops there are when it is empty."""

    param: str
    field: str


class Group(Part):
    """Rows that are lines: those that share `by` are one row, their own fields going `into` an
    array. A row that has `into` is no line. `names`: what the whole calls fields that the lines
    call otherwise; `sums`: amounts of the whole, added up from the lines'."""

    by: str
    into: str
    names: Mapping[str, str]
    sums: Mapping[str, str]


class ConsentMapping(Part):
    """A consent told by flags. A true `refused` wins over a true `given`; else it is unknown."""

    given: str | None = None
    refused: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ConsentMapping:
        if self.given is None and self.refused is None:
            raise ValueError("a consent needs a flag that tells it")
        return self


class Negated(Part):
    """A flag that says the opposite."""

    unless: str


class Piece(Part):
    """A part of a composite text: the `take`th (from 1) of `of`, split `parts` ways at `at`; else
    what `otherwise` holds."""

    of: str
    at: str
    take: int = Field(gt=0)
    parts: int = Field(gt=0)
    otherwise: str | None = None


class Rows(Part):
    """An array inside a row, with the map of its elements."""

    rows: str
    map: Mapping[str, Paths | ConsentMapping | Negated | Piece | Sum | Rows]
