"""One page as received: its rows out of their wrapping, and what the envelope says of them."""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NoReturn

import orjson

from chalicelib.domain.errors import FilterIgnored, KeyRejected, UnexpectedAnswer
from chalicelib.pos.paging.row_tables import rows_of
from chalicelib.pos.profile.paging import Offset, PageLimit, PageTotal, Proof, Single, WholeWindow
from chalicelib.pos.profile.path import WHOLE, Path
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.profile.wire import ErrorObjects
from chalicelib.pos.rows import coerce

Json = Any

MOST_ROWS = 200_000
"""Of one answer of at most 10 MB: rows worth reading are longer; millions of empty ones would take
a worker's memory."""

MOST_STRAYS = 4
"""So few rows outside of what was asked for say nothing of a filter."""

MARSHAL_BY_VALUE = 2
"""The last version whose bytes do not depend on which values are the same object."""


@dataclass(frozen=True, slots=True)
class ResponsePage:
    """A page of rows. `size` is the rows per page the POS goes by, which may be fewer than we asked
    for. `last_page`: the number of pages, where the POS says it and need not say more."""

    name: str
    rows: list[Json]
    total: int | None = None
    size: int = 1
    pages: int = 1
    number: int | None = None
    last_page: int | None = None

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


def page_of_answer(
    body: Json, profile: Profile, stream: StreamProfile, endpoint: str
) -> ResponsePage:
    """The page in the answer of an endpoint. Raises KeyRejected, UnexpectedAnswer."""
    refuse_error_object(body, profile.error_objects, profile.title)
    return response_page(body, stream, endpoint)


def response_page(body: Json, stream: StreamProfile, name: str) -> ResponsePage:
    """Take a body apart. Raises UnexpectedAnswer when it has not the shape the profile says."""
    _refuse_a_flood(body, stream, name)
    if isinstance(stream.page, WholeWindow | Offset | Proof):
        return ResponsePage(name, rows_of(body, stream, name))
    if isinstance(body, list) and _may_be_bare(stream):
        return ResponsePage(name, [_unwrapped(row, stream.unwrap) for row in body])
    if not isinstance(body, dict) or stream.rows == WHOLE:
        raise UnexpectedAnswer(f"An answer for {name} has not the shape it should have.")
    if stream.rows is None:
        return ResponsePage(name, [_unwrapped(body, stream.unwrap)])
    rows = stream.rows.value(body)
    if not isinstance(rows, list):
        raise UnexpectedAnswer(f"An answer for {name} has no list {stream.rows!r}.")
    rows = [_unwrapped(row, stream.unwrap) for row in rows]
    if isinstance(stream.page, PageLimit):
        number = _positive(body, stream.page.current)
        last = _whole_number(body, stream.page.pages)
        return ResponsePage(name, rows, number=number, last_page=last)
    if not isinstance(stream.page, PageTotal):
        return ResponsePage(name, rows)
    return _counted(body, rows, stream.page, name)


def _refuse_a_flood(body: Json, stream: StreamProfile, name: str) -> None:
    rows = stream.rows.value(body) if stream.rows and isinstance(body, dict) else body
    if isinstance(rows, list) and len(rows) > MOST_ROWS:
        raise UnexpectedAnswer(f"An answer for {name} has more than {MOST_ROWS:,} rows.")


def refuse_error_object(body: Json, errors: ErrorObjects | None, title: str) -> None:
    """Raises KeyRejected or UnexpectedAnswer for an object that tells an error, whatever the
    status; none of its text is shown."""
    error = errors.name.value(body) if errors and isinstance(body, dict) else None
    if errors is None or not isinstance(error, str) or not error.endswith(errors.suffix):
        return
    if error in errors.key_rejected:
        raise KeyRejected(f"{title} rejected the key.")
    raise UnexpectedAnswer(f"{title} answered with an error instead of data.")


def _may_be_bare(stream: StreamProfile) -> bool:
    if stream.rows == WHOLE:
        return True
    return stream.rows is not None and isinstance(stream.page, PageLimit | Single)


def _counted(body: dict[str, Json], rows: list[Json], page: PageTotal, name: str) -> ResponsePage:
    total = _whole_number(body, page.total)
    if total is None or total < 0:
        raise UnexpectedAnswer(f"An answer for {name} does not say how many rows there are.")
    size = _positive(body, page.given_size) or page.limit
    pages = _positive(body, page.pages) or max(1, -(-total // size))
    return ResponsePage(name, rows, total, size, pages, _positive(body, page.current))


def _whole_number(body: Json, path: Path | None) -> int | None:
    return coerce.whole_number(path.value(body)) if path else None


def _positive(body: Json, path: Path | None) -> int | None:
    """The number above zero at a place of the envelope, or None."""
    number = _whole_number(body, path)
    return number if number and number > 0 else None


def _unwrapped(row: Json, wrapping: Path | None) -> Json:
    """POSaBIT wraps some rows and not others: both are accepted."""
    inner = wrapping.value(row) if wrapping else None
    return inner if isinstance(inner, dict) else row
