"""The parts of `profile.yaml` for reports and for servers that count rows instead of pages
(reference/pos.md §3, §5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class WindowPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LookBack(WindowPart):
    """How far back to read again where the POS does not filter by the last change: days, at the
    daily sync and at the first one of a week (product.md §5)."""

    daily_days: int = Field(ge=0)
    weekly_days: int = Field(ge=0)


class Windows(WindowPart):
    """Windows of whole days on the store's clock, newest first.

    `since` and `until` name the parameters, written in `format`; `until` is the last second of a
    window when `until_included`, else the first one after it. `field`: what the POS filters by. A
    window with fewer than `grow_below` rows makes the next one twice as long, up to `max_days`; one
    with more than four times as many, half as long. `newest_only`: older days tell nothing new.
    """

    since: str
    until: str
    format: str
    field: str
    until_included: bool = False
    days: int = Field(gt=0)
    max_days: int = Field(gt=0)
    grow_below: int = Field(ge=0)
    history_days: int = Field(default=365, gt=0)
    look_back: LookBack | None = None
    newest_only: bool = False


class NoneWindow(WindowPart):
    """No pages: one answer is a whole window, or all there is."""

    style: Literal["none_window"]
    windows: Windows | None = None


class ModifiedSince(WindowPart):
    """A filter by the last change, at or after a time on the store's clock."""

    param: str
    format: str
    field: str


class Offset(WindowPart):
    """Rows from a place on (`start`, from 0), as many as `size` says, until fewer come. `id`: the
    field a row is known by. Bounded by day windows, by the last change, or not at all."""

    style: Literal["offset"]
    start: str
    size: str
    limit: int = Field(gt=1)
    id: str
    windows: Windows | None = None
    modified: ModifiedSince | None = None


class Proof(WindowPart):
    """The POS does not say what a key opens; the credential does. One small question proves the
    key, and the row is made of the credential's fields."""

    style: Literal["proof"]
    params: Mapping[str, str] = Field(default_factory=dict)


class JsonQuery(WindowPart):
    """All that is asked stands in one parameter, as JSON: `body`, and the page's parameters in its
    object `into`."""

    param: str
    body: Mapping[str, Any]
    into: str


class Lines(WindowPart):
    """Rows that are lines of something: those with equal `by` are one row, which has the columns of
    the first and all of them as an array `into`. A row blank in all of `totals` sums others up and
    is left out."""

    by: tuple[str, ...]
    into: str
    totals: tuple[str, ...] = ()


class Sum(WindowPart):
    """An amount told in parts: the sum of these fields; `array.field` is that of every element."""

    sum: tuple[str, ...]


class PlainErrors(WindowPart):
    """A POS that tells what is wrong in plain text under status 200. Lower-cased words: of a
    refused key, and of something this server does not have."""

    key_rejected: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()
