"""Building blocks of request and answer models: one way to write each kind of value."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from chalicelib.domain.shown_text import HIDDEN_REASON, has_hidden
from chalicelib.domain.times import to_text
from chalicelib.domain.words import POINT, Instant, Points

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CURSOR = r"^[A-Za-z0-9_-]+$"
_DATE_TIME = {"type": "string", "format": "date-time", "examples": ["2026-03-01T08:00:00Z"]}


class Input(BaseModel):
    """What a caller sends; its front says whether unknown fields are refused or passed over.

    Give each field an example (`Field(examples=[…])`): errors show it.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True, frozen=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Change(Input):
    """The fields to change; what is left out stays. Read it with `sent_fields()`.

    A field's default only makes it optional: it is never used, and null is refused like any other
    wrong type.
    """

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def sent_fields(self) -> dict[str, Any]:
        """Return the fields that the caller sent, with their values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _of_one_at_least(schema: dict[str, Any]) -> None:
    _without_defaults(schema)
    schema["minProperties"] = 1


class ProposedChange(Change):
    """A change that is previewed before it is applied: without a field there is none."""

    model_config = ConfigDict(json_schema_extra=_of_one_at_least)


class Answer(BaseModel):
    """What the API answers. A field named `version` becomes the ETag.

    Build one from a service's dataclass with `Model.model_validate(view)`.
    """

    model_config = ConfigDict(from_attributes=True, defer_build=True, extra="ignore")


class Listing(Input):
    """The query of a paged list."""

    limit: int = Field(default=50, ge=1, le=200, examples=[50], description="Items per page.")
    cursor: str | None = Field(
        default=None,
        max_length=2048,
        pattern=CURSOR,
        examples=["AQICAHhQ2m"],
        description="`next_cursor` of the page before; it belongs to this list and its filters.",
    )


Moment = Annotated[
    Instant,
    PlainSerializer(to_text, return_type=str, when_used="json"),
    WithJsonSchema(_DATE_TIME),
]
"""An instant in an answer: milliseconds inside, RFC 3339 with `Z` outside."""


def _read_day(value: object) -> date:
    """Read `2026-01-31` and no other form: pydantic would take digits for seconds since 1970."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("give a day as YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("the calendar has no such day") from None


DayIn = Annotated[
    date, BeforeValidator(_read_day), WithJsonSchema({"type": "string", "format": "date"})
]
"""A calendar day in a request."""


def _points_out(points: Points) -> float:
    return points / POINT


PointsOut = Annotated[
    Points,
    PlainSerializer(_points_out, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number", "examples": [120.5]}),
]
"""Points in an answer: hundredths inside, points outside."""


def _points_in(value: object) -> Points:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("give a number")  # noqa: TRY004 -- pydantic's protocol
    hundredths = Decimal(str(value)) * POINT
    if not hundredths.is_finite() or hundredths != hundredths.to_integral_value():
        raise ValueError("give a number with at most two decimals")
    return int(hundredths)


PointsIn = Annotated[
    Points, BeforeValidator(_points_in), WithJsonSchema({"type": "number", "examples": [120.5]})
]
"""Points in a request: a number with at most two decimals outside, hundredths inside. Bounds on the
field are in hundredths."""


def _check_shown(text: str) -> str:
    if has_hidden(text):
        raise ValueError(HIDDEN_REASON)
    return text


Shown = AfterValidator(_check_shown)
"""Of every text that people read: each character of it can be seen."""

ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Shown,
]
OptionalText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), Shown]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), Shown]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=254,
        pattern=r"^[^\s@<>\"\\,;:()\[\]\x00-\x1f]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
    ),
    Shown,
]
