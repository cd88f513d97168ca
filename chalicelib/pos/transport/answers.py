"""Reads the body of an answer within limits, and parses it as JSON."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

import orjson
import urllib3

from chalicelib.domain.times import from_datetime
from chalicelib.domain.words import Instant

MAX_BYTES = 10 * 1024 * 1024
"""Of the decompressed body: a small answer may unpack to anything."""
CHUNK = 64 * 1024
MAX_WAIT_SECONDS = 24 * 3600
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Stands before what some servers on Windows, and some in PHP, send."""
_LONG_NUMBER = 300
_TEXT_OR_NUMBER = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"?'
    rb"|-?[0-9]++(?:\.[0-9]++)?[eE][+-]?[0-9]++"
    rb"|-?[0-9]{300,}+(?:\.[0-9]++)?",
    re.DOTALL,
)
"""Takes nothing back that it matched, so that no body costs more than its length."""
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class UnreadableAnswer(Exception):
    """The body is no JSON we can use. Its text goes on after the POS's name: "sent more than …"."""


class SlowAnswer(TimeoutError):
    """The answer did not arrive in time."""


def read_body(raw: urllib3.BaseHTTPResponse, in_time: Callable[[], bool]) -> bytes:
    """The decompressed body, piece by piece as it arrives. Raises Unreadable, Slow."""
    body = bytearray()
    try:
        while piece := raw.read1(CHUNK, decode_content=True):
            body += piece
            if len(body) > MAX_BYTES:
                raise UnreadableAnswer("sent more than 10 MB")
            if not in_time():
                raise SlowAnswer
    except urllib3.exceptions.ReadTimeoutError:
        raise SlowAnswer from None
    except urllib3.exceptions.HTTPError:
        raise UnreadableAnswer("sent an answer that was cut short") from None
    return bytes(body).removeprefix(BYTE_ORDER_MARK)


@contextmanager
def cut_after(seconds: float, cut: Callable[[], None]) -> Iterator[None]:
    """Cut the connection when the block takes longer: time-outs of a socket start anew with every
    byte, so that a server that drips could hold us for days. Raises Slow then."""
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError, ValueError):
            cut()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException, urllib3.exceptions.HTTPError, UnreadableAnswer):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():  # a head that was cut looks whole
        raise SlowAnswer


def parse_json(body: bytes, content_type: str) -> Any:
    """Parse JSON. Raises Unreadable for a web page, an empty body and whatever else is none."""
    if is_web_page(content_type) or body.lstrip()[:1] == b"<":
        raise UnreadableAnswer("answered with a web page instead of data")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _with_odd_values(body)


def _with_odd_values(body: bytes) -> Any:
    """JSON that is right by its grammar and yet more than orjson takes: half a character, as in a
    name that was cut in the middle of an emoji, and numbers beyond all. They break the record they
    are in, not the page. Raises Unreadable."""
    try:
        return orjson.loads(_TEXT_OR_NUMBER.sub(_within_bounds, body))
    except orjson.JSONDecodeError:
        raise UnreadableAnswer("sent an answer that is cut short or no JSON") from None


def _within_bounds(match: re.Match[bytes]) -> bytes:
    """A text without halves of characters; a number too large for a float as the text it is."""
    literal = match[0]
    if literal.startswith(b'"'):
        return _ESCAPE.sub(lambda escape: b"?" if escape["half"] else escape[0], literal)
    too_large = len(literal) > _LONG_NUMBER or math.isinf(float(literal))
    return b'"' + literal + b'"' if too_large else literal


def is_web_page(content_type: str) -> bool:
    return "html" in content_type.lower()


def retry_after(value: str | None, now: Instant) -> float | None:
    """Seconds to wait, from either form of `Retry-After`; None when absent or unreadable.

    At most a day, never negative.
    """
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdecimal() else _until(value, now)
    except (ValueError, OverflowError):  # a year of twenty digits overflows
        return None
    return min(max(seconds, 0.0), MAX_WAIT_SECONDS)


def _until(value: str, now: Instant) -> float:
    moment = parsedate_to_datetime(value)
    at = from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return (at - now) / 1000
