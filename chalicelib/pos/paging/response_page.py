"""One page as received: its rows out of their wrapping, and what the envelope says of them."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NoReturn

import orjson

from chalicelib.domain.errors import FilterIgnored, UnexpectedAnswer
from chalicelib.pos.paging.pagers import Pager, pager_of, told_text
from chalicelib.pos.paging.row_tables import rows_of_table
from chalicelib.pos.profile.path import WHOLE, Path
from chalicelib.pos.profile.profile import StreamProfile

Json = Any

MOST_ROWS = 200_000
"""Of one answer of at most 10 MB: rows worth reading are longer; millions of empty ones would take
a worker's memory."""

MOST_STRAYS = 4
"""So few rows outside of what was asked for say nothing of a filter."""

MARSHAL_BY_VALUE = 2
"""The last version whose bytes do not depend on which values are the same object."""


NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ResponsePage:
    """A page of rows. `size` is the rows per page the POS goes by, which may be fewer than we asked
    for. `last_page`: the number of pages, where the POS says it and need not say more. `more`:
    whether further ones follow, `onward`: the cursor or URL of the next one, `bookmark`: what to
    ask for next time, where the POS says so."""

    name: str
    rows: list[Json]
    total: int | None = None
    size: int = 1
    pages: int = 1
    number: int | None = None
    last_page: int | None = None
    more: bool | None = None
    onward: str | None = None
    bookmark: str | None = None

    def row_count(self) -> int:
        """The number of rows in all. Raises UnexpectedAnswer when the POS does not say it."""
        if self.total is None or self.total < 0:
            raise UnexpectedAnswer(f"A page of {self.name} does not say how many rows there are.")
        return self.total

    def check_number(self, wanted: int) -> None:
        """Raises UnexpectedAnswer when the POS gave another page than the one asked for."""
        if self.number not in (None, wanted):
            self.refuse_as_another()

    def check_differs(self, before: str | None) -> None:
        """Raises UnexpectedAnswer when the page is the one before again, whose `fingerprint` is
        given: a POS that ignores which page is asked for would be read for ever."""
        if before is not None and self.rows and fingerprint(self.rows) == before:
            self.refuse_as_another()

    def check_filter(self, are_outside: Iterable[bool], what: str) -> None:
        """Raises FilterIgnored, with the sentence `what`, when at least half of the rows lie
        outside of what was asked for: a POS ignores names that it does not know. A few strays, of a
        till whose clock is wrong, are no sign of that, and cost nobody else's rows."""
        outside = list(are_outside)
        strays = sum(outside)
        if strays > MOST_STRAYS and strays * 2 >= len(outside):
            raise FilterIgnored(f"{what}: {self.name}.")

    def refuse_as_another(self) -> NoReturn:
        raise UnexpectedAnswer(f"Another page of {self.name} came than the one asked for.")

    def refuse_as_gap(self) -> NoReturn:
        raise UnexpectedAnswer(f"An empty page in the middle of {self.name}.")


def fingerprint(value: Json) -> str:
    """Tells one row, or one page, from another, in a few characters."""
    return blake2b(json_bytes(value), digest_size=6).hexdigest()


def json_bytes(value: Json, option: int = 0) -> bytes:
    """The value as bytes that tell it from others; `option`: orjson's."""
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:  # it reads deeper nesting than it writes
        return marshal.dumps(value, MARSHAL_BY_VALUE)


def response_page(
    body: Json, stream: StreamProfile, name: str, headers: Mapping[str, str] = NO_HEADERS
) -> ResponsePage:
    """Take an answer apart. Raises UnexpectedAnswer when it has not the shape the profile says."""
    _refuse_a_flood(body, stream, name)
    pager = pager_of(stream.page.pager)
    rows = _rows(body, stream, pager, name)
    told = pager.envelope(body, headers)
    size = told.size or 1
    marked = stream.page.bookmark
    return ResponsePage(
        name,
        rows,
        total=told.total,
        size=size,
        pages=_page_count(told.last_page, told.total, size),
        number=told.number,
        last_page=told.last_page,
        more=told.more,
        onward=told.onward,
        bookmark=told_text(body, headers, marked.next, marked.header) if marked else None,
    )


def _page_count(last_page: int | None, total: int | None, size: int) -> int:
    """The number of pages, as the POS says it, else by the rows in all."""
    if last_page and last_page > 0:
        return last_page
    return max(1, -(-total // size)) if total and total > 0 else 1


def _rows(body: Json, stream: StreamProfile, pager: Pager, name: str) -> list[Json]:
    if isinstance(body, list):
        if stream.rows != WHOLE and not (stream.rows and pager.may_be_bare):
            _refuse_shape(name)
        rows = body
    elif not isinstance(body, dict) or stream.rows == WHOLE:
        _refuse_shape(name)
    elif stream.rows is None:
        rows = [body]
    else:
        rows = stream.rows.value(body)
        if not isinstance(rows, list):
            raise UnexpectedAnswer(f"An answer for {name} has no list {stream.rows!r}.")
    if stream.page.proves == "key":
        return [{}]
    if stream.header_row or stream.lines:
        return rows_of_table(rows, stream, name)
    wrapping = stream.unwrap
    return rows if wrapping is None else [_unwrapped(row, wrapping) for row in rows]


def _refuse_shape(name: str) -> NoReturn:
    raise UnexpectedAnswer(f"An answer for {name} has not the shape it should have.")


def _refuse_a_flood(body: Json, stream: StreamProfile, name: str) -> None:
    rows = stream.rows.value(body) if stream.rows and isinstance(body, dict) else body
    if isinstance(rows, list) and len(rows) > MOST_ROWS:
        raise UnexpectedAnswer(f"An answer for {name} has more than {MOST_ROWS:,} rows.")


def _unwrapped(row: Json, wrapping: Path) -> Json:
    """POSaBIT wraps some rows and not others: both are accepted."""
    inner = wrapping.value(row)
    return inner if isinstance(inner, dict) else row
