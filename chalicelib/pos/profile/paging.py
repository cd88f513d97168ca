"""How a listing is paged, as `profile.yaml` says it: the `page` and the `each` of a stream.

A page is said on three axes that do not know each other: the *pager* (how the POS names a page),
the *filter* (which rows are asked for) and the *proof* (what shows that no row was missed). What
reads by them is `pos/paging`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chalicelib.pos.profile.path import Key, Path


class ProfilePart(BaseModel):
    """A part of a profile: unknown keys are refused, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoPages(ProfilePart):
    """One answer is all that is asked for."""

    by: Literal["none"] = "none"


class PageNumbers(ProfilePart):
    """Numbered pages: `param` takes the number, which is `first` for the first page, `size` how
    many rows are wanted (null where that cannot be said). An envelope may tell the `total` of rows,
    the number of `pages`, the `current` page, the `given_size` that the POS goes by, whether there
    is `more`."""

    by: Literal["number"]
    param: str
    size: str | None
    limit: int = Field(gt=0)
    first: int = Field(default=1, ge=0)
    total: Path | None = None
    pages: Path | None = None
    current: Path | None = None
    given_size: Path | None = None
    more: Path | None = None


class RowOffset(ProfilePart):
    """Rows from a place on: `param` takes the place, from 0, `size` how many are wanted."""

    by: Literal["offset"]
    param: str
    size: str
    limit: int = Field(gt=1)


class RowSpan(ProfilePart):
    """Rows from a first to a last one, both included and counted from 0, in the one parameter
    `param`, written as `form` says."""

    by: Literal["range"]
    param: str
    limit: int = Field(gt=1)
    form: str = "[{first},{last}]"

    @model_validator(mode="after")
    def _both_ends_are_said(self) -> Self:
        if any(self.form.count(end) != 1 for end in ("{first}", "{last}")):
            raise ValueError("form needs {first} and {last}, once each")
        return self


class NextCursor(ProfilePart):
    """Each page tells the cursor of the next one, at `next` in the body or in the `header` of that
    name; `param` takes it. The listing ends where none is told, where `more` is false or, with
    `until_empty`, with a page without rows. `alone`: with a cursor nothing else may be asked.
    `lost`: statuses that mean a cursor is no longer known; the listing then begins again."""

    by: Literal["cursor"]
    param: str
    size: str | None
    limit: int = Field(default=100, gt=0)
    next: Path | None = None
    header: str | None = None
    more: Path | None = None
    until_empty: bool = False
    alone: bool = False
    lost: tuple[int, ...] = (410,)

    @model_validator(mode="after")
    def _one_place_tells_it(self) -> Self:
        if (self.next is None) == (self.header is None):
            raise ValueError("say where the cursor is told: next in the body, or the header")
        return self


class NextUrl(ProfilePart):
    """Each page tells the whole URL of the next one: at `next` in the body, else in the header
    `Link`. It is followed on the POS's own host only. `lost`: as of a cursor."""

    by: Literal["url"]
    size: str | None
    limit: int = Field(default=100, gt=0)
    next: Path | None = None
    lost: tuple[int, ...] = (410,)


PagerProfile = Annotated[
    NoPages | PageNumbers | RowOffset | RowSpan | NextCursor | NextUrl, Field(discriminator="by")
]


class LookBack(ProfilePart):
    """Says how far back to read again where the POS does not filter by the last change: days, at
    the daily sync and at the first one of a week (product.md §5)."""

    daily_days: int = Field(ge=0)
    weekly_days: int = Field(ge=0)


class TimeFilter(ProfilePart):
    """A filter by a time of the row, `field`, by its lower bound `after` and, where there is one,
    its upper bound `before`, the names of parameters. `format`: `iso` (UTC, to the millisecond),
    `seconds` or `milliseconds` since 1970, or of strftime: then on the store's clock where
    `time.zone` is `store`.

    A first pass reads windows of `window_days`, newest first, back to *history from*; without
    windows all there is or, with `from_history`, what lies after *history from*. `history_days`:
    how far back where nobody says. Later passes read since the last one, `look_back_days` further
    back where the POS does not filter by the last change.
    """

    by: Literal["time"]
    field: Path
    after: str
    before: str | None = None
    format: str = "iso"
    window_days: int | None = Field(default=None, gt=0)
    history_days: int = Field(default=365, gt=0)
    look_back_days: int = Field(default=0, ge=0)
    from_history: bool = False

    @model_validator(mode="after")
    def _a_window_has_two_ends(self) -> Self:
        if self.window_days and self.before is None:
            raise ValueError("window_days need the filter of a window's end (before)")
        return self


class DayFilter(ProfilePart):
    """Windows of whole days on the store's clock, newest first.

    `after` and `before` name the parameters, written in `format`; `before` is the last second of a
    window when `until_included`, else the first one after it. `field`: what the POS filters by. A
    window with fewer than `grow_below` rows makes the next one twice as long, up to `max_days`; one
    with more than four times as many, half as long. `newest_only`: older days tell nothing new.
    """

    by: Literal["days"]
    after: str
    before: str
    format: str
    field: Path
    until_included: bool = False
    days: int = Field(gt=0)
    max_days: int = Field(gt=0)
    grow_below: int = Field(ge=0)
    history_days: int = Field(default=365, gt=0)
    look_back: LookBack | None = None
    newest_only: bool = False


FilterProfile = Annotated[TimeFilter | DayFilter, Field(discriminator="by")]


class Bookmark(ProfilePart):
    """What a finished listing tells to ask for next time instead of a time: a version, a sync
    token. It is told at `next` in the body or in the `header` of that name, the last page's counts;
    `param` takes it. `lost`: statuses that mean the POS no longer knows it; all is then read."""

    param: str
    next: Path | None = None
    header: str | None = None
    lost: tuple[int, ...] = (410,)

    @model_validator(mode="after")
    def _one_place_tells_it(self) -> Self:
        if (self.next is None) == (self.header is None):
            raise ValueError("say where the bookmark is told: next in the body, or the header")
        return self


class KeysetProof(ProfilePart):
    """Rows come sorted by what the filter goes by; each page is asked for from the last row of the
    one before on, so that a row which is edited meanwhile is met again."""

    by: Literal["keyset"]


class CountProof(ProfilePart):
    """Rows come sorted by `id`; where fewer were met than the POS counts, the listing is read once
    more, and it is not a full one if that does not help."""

    by: Literal["count"]
    id: Path = Path("id")


class DownwardsProof(ProfilePart):
    """Nobody promised an order: where rows may have moved between pages, they are read once more,
    downwards. `changed`: a row's last change, by which rows may move."""

    by: Literal["downwards"]
    changed: Path | None = None


class OverlapProof(ProfilePart):
    """Each page begins with the last row of the one before, known by `id`; when another stands
    there, rows moved, and all are read again."""

    by: Literal["overlap"]
    id: Path


class NewestFirstProof(ProfilePart):
    """Each page begins with the last row of the one before; rows that come again, or as they once
    were, are left out. Where rows come newest first, reading stops after a whole page of older
    ones. `changed`, `made`: a row's last change, and its beginning where a look-back of the last
    ones made is enough."""

    by: Literal["newest_first"]
    id: Path = Path("id")
    changed: Path | None = None
    made: Path | None = None


class KeyProof(ProfilePart):
    """The POS does not say what a key opens; the credential does. One small question proves the
    key, and the row is made of the credential's fields."""

    by: Literal["key"]


ProofProfile = Annotated[
    KeysetProof | CountProof | DownwardsProof | OverlapProof | NewestFirstProof | KeyProof,
    Field(discriminator="by"),
]


class PageProfile(ProfilePart):
    """How a listing is cut into pages. `params`: asked for with every page, such as an order."""

    pager: PagerProfile = NoPages()
    filter: FilterProfile | None = None
    proof: ProofProfile | None = None
    bookmark: Bookmark | None = None
    params: Mapping[str, str] = Field(default_factory=dict)

    @property
    def proves(self) -> str | None:
        """What shows that no row was missed; None where the POS is taken at its word."""
        return self.proof.by if self.proof else None


class ParentListing(ProfilePart):
    """Where the POS lists the ids of a loop: `endpoint`, `rows` and `page` as of a stream, but
    without a filter; `id`: of a row."""

    endpoint: str
    rows: Path
    page: PageProfile = PageProfile()
    id: Path


class Each(ProfilePart):
    """A listing that is asked for by one id after the other, which `param` takes.

    Shop by shop: `field` is the credential's list of shops, all there are when it is empty or null.
    With `of`, parent by parent: all that this listing has are read, at every sync. Then
    `at` is where a row says whose it is, or `into` the key of a row that the id is written into,
    where `param` stands in the path or the body, so that no POS can pass over it."""

    param: str
    field: str | None = None
    of: ParentListing | None = None
    at: Path | None = None
    into: Key | None = None

    @model_validator(mode="after")
    def _parents_or_shops(self) -> Self:
        if self.of is None and "field" not in self.model_fields_set:
            raise ValueError("say the credential's list of shops (field), null where it has none")
        if self.of is None and (self.at or self.into):
            raise ValueError("at and into are of parents: say where they are listed (of)")
        if self.of and (self.field or (self.at is None) == (self.into is None)):
            raise ValueError("of parents, say at or into, and no field of shops")
        return self
