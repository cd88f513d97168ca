"""How a listing is paged, as `profile.yaml` says it: the `page` and the `each` of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chalicelib.pos.profile.path import Path


class ProfilePart(BaseModel):
    """A part of a profile: unknown keys are refused, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Windowed(ProfilePart):
    """A filter by time, in windows of days on a first pass; these need a filter for their end."""

    before: str | None = None
    window_days: int | None = Field(default=None, gt=0)
    history_days: int = 365

    @model_validator(mode="after")
    def _a_window_has_two_ends(self) -> Self:
        if self.window_days and self.before is None:
            raise ValueError("window_days need the filter of a window's end (before)")
        return self


class Keyset(Windowed):
    """Reads on from the last row's instant instead of from a page number.

    `after`/`before` name the filters, both exclusive. `window_days`: on a first pass read windows
    of that many days, newest first.
    """

    field: Path
    after: str


class Single(ProfilePart):
    """One object, or one array of all there is; no pages."""

    style: Literal["single"]
    params: Mapping[str, str] = Field(default_factory=dict)


class PageTotal(ProfilePart):
    """Numbered pages that say how many rows there are in all."""

    style: Literal["page_total"]
    number: str
    size: str
    limit: int = Field(gt=0)
    total: Path
    pages: Path | None = None
    current: Path | None = None
    given_size: Path | None = None
    id: Path = Path("id")
    params: Mapping[str, str] = Field(default_factory=dict)
    keyset: Keyset | None = None


class Since(Windowed):
    """A filter by time. `after` and `before` name the parameters, both bounds included, `field` the
    instant in a row they go by; `look_back_days` further back than the plan asks, where the POS
    does not filter by the last change. `window_days`: as in Keyset."""

    field: Path
    after: str
    look_back_days: int = Field(default=0, ge=0)


class PageLimit(ProfilePart):
    """Numbered pages, in an envelope that may say how many, or as bare arrays until a short one.
    `changed`: a row's last change, by which rows may move between pages while we read."""

    style: Literal["page_limit"]
    number: str
    size: str
    limit: int = Field(gt=0)
    pages: Path | None = None
    current: Path | None = None
    changed: Path | None = None
    since: Since | None = None
    params: Mapping[str, str] = Field(default_factory=dict)


class RangePage(ProfilePart):
    """`param=[first,last]`, both included, until nothing more comes; no filter by time. Where rows
    come newest first, reading stops after a whole page of older ones. `changed`, `made`: a row's
    last change, and its beginning where a look-back of the last ones made is enough."""

    style: Literal["range"]
    param: str
    limit: int = Field(gt=1)
    id: Path = Path("id")
    changed: Path | None = None
    made: Path | None = None
    params: Mapping[str, str] = Field(default_factory=dict)


class LookBack(ProfilePart):
    """Says how far back to read again where the POS does not filter by the last change: days, at
    the daily sync and at the first one of a week (product.md §5)."""

    daily_days: int = Field(ge=0)
    weekly_days: int = Field(ge=0)


class Windows(ProfilePart):
    """Windows of whole days on the store's clock, newest first.

    `since` and `until` name the parameters, written in `format`; `until` is the last second of a
    window when `until_included`, else the first one after it. `field`: what the POS filters by. A
    window with fewer than `grow_below` rows makes the next one twice as long, up to `max_days`; one
    with more than four times as many, half as long. `newest_only`: older days tell nothing new.
    """

    since: str
    until: str
    format: str
    field: Path
    until_included: bool = False
    days: int = Field(gt=0)
    max_days: int = Field(gt=0)
    grow_below: int = Field(ge=0)
    history_days: int = Field(default=365, gt=0)
    look_back: LookBack | None = None
    newest_only: bool = False


class WholeWindow(ProfilePart):
    """No pages: one answer is a whole window, or all there is."""

    style: Literal["whole_window"]
    windows: Windows | None = None


class ModifiedSince(ProfilePart):
    """The filter `param` for rows changed at or after a time on the store's clock, written in
    `format`. `field`: a row's last change."""

    param: str
    format: str
    field: Path


class Offset(ProfilePart):
    """Rows from a place on (`start`, from 0), as many as `size` says, until fewer come. `id`: the
    field a row is known by. Bounded by day windows, by the last change, or not at all."""

    style: Literal["offset"]
    start: str
    size: str
    limit: int = Field(gt=1)
    id: Path
    windows: Windows | None = None
    modified: ModifiedSince | None = None


class Proof(ProfilePart):
    """The POS does not say what a key opens; the credential does. One small question proves the
    key, and the row is made of the credential's fields."""

    style: Literal["proof"]
    params: Mapping[str, str] = Field(default_factory=dict)


PageProfile = Annotated[
    Single | PageTotal | PageLimit | RangePage | WholeWindow | Offset | Proof,
    Field(discriminator="style"),
]


class Each(ProfilePart):
    """A listing that is asked for shop by shop: `param` takes one shop's key at a time; `field` is
    the credential's list of them, all of the shops there are when it is empty."""

    param: str
    field: str
