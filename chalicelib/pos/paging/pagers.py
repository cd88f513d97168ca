"""How a POS names the pages of a listing, and what its envelopes tell of them: one axis of three.

A pager is pure. It writes the parameters that ask for a page, and reads what an answer says about
where it stands. What is proved by it is `proofs`, what is asked for besides is `filters`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.profile.paging import (
    NextCursor,
    NextUrl,
    PageNumbers,
    PagerProfile,
    RowOffset,
    RowSpan,
)
from chalicelib.pos.profile.path import Path
from chalicelib.pos.rows import coerce
from chalicelib.pos.transport.redaction import HIDDEN

Json = Any
Params = dict[str, str]
Headers = Mapping[str, str]

LONGEST_CURSOR = 3_000
"""Characters of a cursor or URL: it lies in a checkpoint, whose cursors are under 8 KB."""

_NEXT_LINK = re.compile(r"<([^<>]*)>((?:\s*;[^,]*)*)")
_REL_NEXT = re.compile(r""";\s*rel\s*=\s*["']?(?:[^"';,]*\s)?next(?=["'\s;,]|$)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an answer says of its page, besides the rows.

    `total`: rows in all. `size`: rows per page that the POS goes by. `number`: of this page, from
    1; `last_page`: how many there are. `more`: whether further ones follow. `onward`: the cursor or
    URL of the next one. None where the POS does not say it.
    """

    total: int | None = None
    size: int | None = None
    number: int | None = None
    last_page: int | None = None
    more: bool | None = None
    onward: str | None = None


class Pager(ABC):
    """One way to ask for a page and to be told of it."""

    may_be_bare = True
    """Whether rows may come without the envelope that a profile speaks of."""

    @abstractmethod
    def first_page(self, rows: int | None = None) -> Params:
        """The parameters of the first page, of so many rows where that can be said."""

    def envelope(self, body: Json, headers: Headers) -> Envelope:  # noqa: ARG002
        """What an answer says of its page."""
        return Envelope()


class PlacePager(Pager):
    """Asks for rows from a place on, counted from 0."""

    limit: int

    @abstractmethod
    def rows_from(self, place: int, rows: int | None = None) -> Params:
        """The parameters of the rows that begin at a place."""

    def first_page(self, rows: int | None = None) -> Params:
        return self.rows_from(0, rows)


class OnwardPager(Pager):
    """Asks for what the page before told: a cursor, or a URL."""

    lost: tuple[int, ...]
    until_empty = False
    alone = True

    @abstractmethod
    def params(self, onward: str) -> Params:
        """The parameters of the page that was told."""

    def url(self, onward: str) -> str | None:  # noqa: ARG002
        """The URL to ask instead of the endpoint's path, where the POS tells one."""
        return None

    def place(self, onward: str) -> str:
        """What was told, as it is kept. Raises UnexpectedAnswer for what is too long for that."""
        if len(onward) > LONGEST_CURSOR:
            raise UnexpectedAnswer("The cursor of the next page is too long to be kept.")
        return onward


class _OnePage(Pager):
    def first_page(self, rows: int | None = None) -> Params:  # noqa: ARG002
        return {}


@dataclass(frozen=True, slots=True)
class NumberPager(Pager):
    """Asks for pages by their numbers."""

    spec: PageNumbers

    @property
    def may_be_bare(self) -> bool:  # type: ignore[override]
        return self.spec.total is None

    def page(self, number: int, rows: int | None = None) -> Params:
        """The parameters of a page, counted from 1."""
        spec = self.spec
        params = {spec.param: str(spec.first + number - 1)}
        if spec.size:
            params[spec.size] = str(rows or spec.limit)
        return params

    def first_page(self, rows: int | None = None) -> Params:
        return self.page(1, rows)

    def envelope(self, body: Json, headers: Headers) -> Envelope:  # noqa: ARG002
        if not isinstance(body, dict):
            return Envelope(size=self.spec.limit)
        spec = self.spec
        number = _whole_number(body, spec.current)
        size = _whole_number(body, spec.given_size)
        return Envelope(
            total=_whole_number(body, spec.total),
            size=size if size and size > 0 else spec.limit,
            number=None if number is None or number < spec.first else number - spec.first + 1,
            last_page=_whole_number(body, spec.pages),
            more=_flag(body, spec.more),
        )


@dataclass(frozen=True, slots=True)
class OffsetPager(PlacePager):
    """Asks for rows by their place and their number."""

    spec: RowOffset

    @property
    def limit(self) -> int:  # type: ignore[override]
        return self.spec.limit

    def rows_from(self, place: int, rows: int | None = None) -> Params:
        return {self.spec.param: str(place), self.spec.size: str(rows or self.spec.limit)}


@dataclass(frozen=True, slots=True)
class SpanPager(PlacePager):
    """Asks for rows by the first and the last one."""

    spec: RowSpan

    @property
    def limit(self) -> int:  # type: ignore[override]
        return self.spec.limit

    def rows_from(self, place: int, rows: int | None = None) -> Params:
        last = place + (rows or self.spec.limit) - 1
        form = self.spec.form.replace("{first}", str(place))
        return {self.spec.param: form.replace("{last}", str(last))}


@dataclass(frozen=True, slots=True)
class CursorPager(OnwardPager):
    """Asks with the cursor that the page before told."""

    spec: NextCursor

    @property
    def may_be_bare(self) -> bool:  # type: ignore[override]
        return self.spec.next is None and self.spec.more is None

    @property
    def lost(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.spec.lost

    @property
    def until_empty(self) -> bool:  # type: ignore[override]
        return self.spec.until_empty

    @property
    def alone(self) -> bool:  # type: ignore[override]
        return self.spec.alone

    def first_page(self, rows: int | None = None) -> Params:
        return {self.spec.size: str(rows or self.spec.limit)} if self.spec.size else {}

    def params(self, onward: str) -> Params:
        return {**self.first_page(), self.spec.param: onward}

    def envelope(self, body: Json, headers: Headers) -> Envelope:
        spec = self.spec
        onward = told_text(body, headers, spec.next, spec.header)
        return Envelope(more=_flag(body, spec.more), onward=onward)


@dataclass(frozen=True, slots=True)
class UrlPager(OnwardPager):
    """Asks for the URL that the page before told; the transport follows none to another host."""

    spec: NextUrl

    @property
    def may_be_bare(self) -> bool:  # type: ignore[override]
        return self.spec.next is None

    @property
    def lost(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.spec.lost

    def first_page(self, rows: int | None = None) -> Params:
        return {self.spec.size: str(rows or self.spec.limit)} if self.spec.size else {}

    def params(self, onward: str) -> Params:  # noqa: ARG002
        return {}

    def url(self, onward: str) -> str | None:
        return onward

    def place(self, onward: str) -> str:
        """The URL without the key that the POS may have written into it, which was hidden then."""
        before, mark, query = super(UrlPager, self).place(onward).partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        if not any(HIDDEN in value for _, value in pairs):
            return onward
        return before + mark + urlencode([pair for pair in pairs if HIDDEN not in pair[1]])

    def envelope(self, body: Json, headers: Headers) -> Envelope:
        if self.spec.next is None:
            return Envelope(onward=_next_link(headers.get("Link", "")))
        return Envelope(onward=told_text(body, headers, self.spec.next, None))


_PAGERS: dict[str, Callable[..., Pager]] = {
    "none": lambda _spec: _OnePage(),
    "number": NumberPager,
    "offset": OffsetPager,
    "range": SpanPager,
    "cursor": CursorPager,
    "url": UrlPager,
}


def pager_of(spec: PagerProfile) -> Pager:
    """The pager that a profile asks for."""
    return _PAGERS[spec.by](spec)


def told_text(body: Json, headers: Headers, path: Path | None, header: str | None) -> str | None:
    """What an answer tells at a place in its body or in a header, as text; None for nothing."""
    value = headers.get(header) if header else path.value(body) if path else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def _whole_number(body: Json, path: Path | None) -> int | None:
    return coerce.whole_number(path.value(body)) if path else None


def _flag(body: Json, path: Path | None) -> bool | None:
    """A flag of the envelope; None where there is none that can be read."""
    try:
        return coerce.boolean(path.value(body)) if path else None
    except coerce.Unusable:
        return None


def _next_link(header: str) -> str | None:
    """The URL of a `Link` header whose relation is `next` (RFC 8288)."""
    for url, attributes in _NEXT_LINK.findall(header):
        if _REL_NEXT.search(attributes):
            return str(url).strip() or None
    return None
