"""Reads the body of an answer within limits, and parses it as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from math import isfinite
from typing import Any

import urllib3

from chalicelib.domain.outside_json import UnreadableJson, read_json
from chalicelib.domain.times import from_datetime
from chalicelib.domain.words import Instant
from chalicelib.pos.profile.wire import RateLimit
from chalicelib.pos.transport.watchdog import Watchdog

MAX_BYTES = 10 * 1024 * 1024
"""Of the decompressed body: a small answer may unpack to anything."""
CHUNK = 64 * 1024
MAX_WAIT_SECONDS = 24 * 3600
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Stands before what some servers on Windows, and some in PHP, send."""
WEB_PAGE = "answered with a web page instead of data"
_WATCHDOG = Watchdog()
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.ASCII | re.IGNORECASE)


class UnreadableAnswer(Exception):
    """The body is no JSON we can use. Its text goes on after the POS's name: "sent more than …"."""


class SlowAnswer(TimeoutError):
    """The answer did not arrive in time."""


def read_body(raw: urllib3.BaseHTTPResponse, in_time: Callable[[], bool]) -> bytes:
    """The decompressed body, piece by piece as it arrives. Raises Unreadable, Slow."""
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := _read_piece(raw, first=not pieces):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BYTES:
                raise UnreadableAnswer("sent more than 10 MB")
            if not in_time():
                raise SlowAnswer
    except urllib3.exceptions.ReadTimeoutError:
        raise SlowAnswer from None
    except urllib3.exceptions.HTTPError:
        raise UnreadableAnswer("sent an answer that was cut short") from None
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return body.removeprefix(BYTE_ORDER_MARK)


def _read_piece(raw: urllib3.BaseHTTPResponse, *, first: bool) -> bytes:
    """The next piece. A body that comes as it is, and says how long, comes as one: half a megabyte
    put together of pieces costs more than all else of a request."""
    length = raw.length_remaining if first and not raw.headers.get("content-encoding") else None
    if length and length <= MAX_BYTES:
        return raw.read(length, decode_content=True)
    return raw.read1(CHUNK, decode_content=True)


@contextmanager
def cut_after(seconds: float, cut: Callable[[], None]) -> Iterator[None]:
    """Cut the connection when the block takes longer: time-outs of a socket start anew with every
    byte, so that a server that drips could hold us for days. Raises Slow then."""

    def end() -> None:
        with suppress(OSError, ValueError):
            cut()

    due = _WATCHDOG.cut_after(seconds, end)
    try:
        yield
    except (OSError, HTTPException, urllib3.exceptions.HTTPError, UnreadableAnswer):
        if not due.is_late:
            raise
    finally:
        _WATCHDOG.take_back(due)
    if due.is_late:  # a head that was cut looks whole
        raise SlowAnswer


def parse_json(body: bytes, content_type: str) -> Any:
    """Parse JSON, whatever its type says: servers that run PHP call all that they send a web page.

    Raises Unreadable for a real web page, an empty body and whatever else is no JSON.
    """
    start = body.lstrip()[:1]
    if start == b"<":
        raise UnreadableAnswer(WEB_PAGE)
    declared = _CHARSET.search(content_type)
    try:
        return read_json(body, declared[1] if declared else "")
    except UnreadableJson as unreadable:
        is_page = is_called_web_page(content_type) and start not in (b"{", b"[")
        raise UnreadableAnswer(WEB_PAGE if is_page else str(unreadable)) from None


def begins_with_data(raw: urllib3.BaseHTTPResponse) -> bool:
    """Whether the body begins as JSON does, and not as a web page or with nothing."""
    try:
        return raw.read1(CHUNK, decode_content=True).lstrip()[:1] in (b"{", b"[", b'"')
    except (OSError, urllib3.exceptions.HTTPError):
        return False


def is_called_web_page(content_type: str) -> bool:
    return "html" in content_type.lower()


def retry_after(value: str | None, now: Instant) -> float | None:
    """Seconds to wait, from either form of `Retry-After`; None when absent or unreadable.

    At most a day, never negative.
    """
    if value is None:
        return None
    return _wait(value, "seconds" if value.strip().isdecimal() else "date", now)


def seconds_to_wait(headers: Mapping[str, str], limit: RateLimit, now: Instant) -> float | None:
    """Seconds until the POS may be asked again, by its own headers or `Retry-After`; None where
    none of them says it. At most a day, never negative."""
    for spec in limit.wait:
        value = headers.get(spec.header)
        if value is not None and (seconds := _wait(value, spec.tells, now)) is not None:
            return seconds
    return retry_after(headers.get("Retry-After"), now)


def has_none_left(headers: Mapping[str, str], limit: RateLimit) -> bool:
    """Whether the POS says that no request is left until it starts counting anew."""
    value = headers.get(limit.remaining) if limit.remaining else None
    try:
        return value is not None and float(value) < 1
    except ValueError:
        return False


def _wait(value: str, tells: str, now: Instant) -> float | None:
    try:
        seconds = _SECONDS[tells](value, now)
    except (ValueError, OverflowError):  # a year of twenty digits overflows
        return None
    return min(max(seconds, 0.0), MAX_WAIT_SECONDS) if isfinite(seconds) else None


def _until(value: str, now: Instant) -> float:
    moment = parsedate_to_datetime(value)
    at = from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return (at - now) / 1000


_SECONDS: Mapping[str, Callable[[str, Instant], float]] = {
    "seconds": lambda value, _now: float(value),
    "date": _until,
    "epoch": lambda value, now: float(value) - now / 1000,
    "epoch_ms": lambda value, now: (float(value) - now) / 1000,
}
