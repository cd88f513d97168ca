"""Reads JSON that comes from outside: pages of a POS, messages of a carrier, calls of a partner.

A byte, character or number that JSON does not know costs the value that it is in. What is no JSON
by any reading, or would take a process's memory, is refused.
"""

from __future__ import annotations

import codecs
import math
import re
from contextlib import suppress
from typing import Any

import orjson

MOST_CONTAINERS = 250_000
"""Arrays and objects of one text; each takes 60 to 250 bytes of memory, however short it is.
Whatever else 10 MB hold takes less than 200 MB."""
HARMLESS_BYTES = 1024 * 1024
"""A shorter text is parsed without counting."""

MOST_MENDS = 500_000
MOST_FOREIGN_BYTES = 50_000
"""In a text with more bytes that are no UTF-8, no byte is taken for UTF-8."""

HALF = "\N{REPLACEMENT CHARACTER}"
"""Stands where half a character was, as in a text that was cut in the middle of an emoji."""

_LONG_NUMBER = 300
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE_BEGIN = re.compile(
    rb"(?P<utf_32_le>[^\0]\0\0\0)|(?P<utf_32_be>\0\0\0[^\0])"
    rb"|(?P<utf_16_le>[^\0]\0[^\0]\0)|(?P<utf_16_be>\0[^\0]\0[^\0])"
)
"""JSON begins with two signs of ASCII."""
_CHARSETS = ("cp", "iso8859", "mac", "koi8", "gb", "big5", "shift", "euc")
"""How the names of charsets begin that a sender may declare. Windows-1252 and its subsets are left
out: they are what bytes that are no UTF-8 are read as anyway."""
_WESTERN = frozenset(("cp1252", "iso8859-1"))
_HALF_IN_BYTES = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")

_ESCAPE = (
    rb"\\(?:[\"\\/bfnrt]"
    rb"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})"
)
_GOOD = re.compile(
    rb'(?:[ \t\n\r\[\]{},:]++|"(?:[^"\\\x00-\x1f]++|' + _ESCAPE + rb')*+"'
    rb"|(?:true|false|null|-?(?:0|[1-9][0-9]{0,299})(?:\.[0-9]++)?)(?=[ \t\n\r\[\]{},:]|\Z))++"
)
_BAD = re.compile(
    rb'(?P<text>"(?:[^"\\]++|\\.)*+"?)|(?P<bare>[^\x00-\x20"\\\[\]{},:]++)|(?P<stray>.)', re.DOTALL
)
_IN_TEXT = re.compile(
    _ESCAPE + rb"|(?P<control>[\x00-\x1f])"
    rb"|\\(?:u(?P<half>[0-9a-fA-F]{4})|x(?P<byte>[0-9a-fA-F]{2})|(?P<other>.))",
    re.DOTALL,
)


_BEGIN = re.compile(rb"[\x00-\x20]*[\[{\"]")
_DIGIT = re.compile(rb"[0-9]")


class UnreadableJson(ValueError):
    """The text is no JSON we can use. The message goes on after the sender's name: "sent …"."""


def read_json(body: bytes | str, charset: str = "") -> Any:
    """Parse JSON, what breaks a value of it mended by `strict_json`. Raises UnreadableJson."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    _refuse_a_flood(raw)
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(raw)
    mended = _mended(raw, charset)
    _refuse_a_flood(mended)
    try:
        return orjson.loads(mended)
    except orjson.JSONDecodeError:
        raise UnreadableJson("sent an answer that is cut short or no JSON") from None


def strict_json(body: bytes, charset: str = "") -> bytes:
    """Return the text as JSON that any parser takes, as far as it can be made that.

    Its encoding is UTF-8, UTF-16 or UTF-32, or the `charset` that the sender declares; bytes that
    are no UTF-8 are read as Windows-1252. Half a character becomes U+FFFD. A number that JSON or a
    float does not know becomes the text that it is (`007`, `1e999`), and a word without quotation
    marks an array of it (`["NaN"]`), which no field takes for a value.
    """
    with suppress(orjson.JSONDecodeError):
        orjson.loads(body)
        return body
    return _mended(body, charset)


def _refuse_a_flood(body: bytes) -> None:
    """Raises UnreadableJson for a text that would take far more memory than its bytes."""
    if len(body) <= HARMLESS_BYTES:
        return
    if body.count(b"[") + body.count(b"{") > MOST_CONTAINERS:
        raise UnreadableJson("sent an answer of more records than anybody can read")


def _mended(body: bytes, charset: str) -> bytes:
    text = _decoded(body, charset).lstrip("\ufeff").encode()
    if not _BEGIN.match(text):  # a message, not data
        return text
    pieces: list[bytes] = []
    at, mends = 0, 0
    while at < len(text):
        if good := _GOOD.match(text, at):
            pieces.append(good[0])
            at = good.end()
        elif bad := _BAD.match(text, at):
            piece, count = _value(bad)
            pieces.append(piece)
            at, mends = bad.end(), mends + count
        if mends > MOST_MENDS:
            raise UnreadableJson("sent an answer that is broken all over")
    return b"".join(pieces)


def _decoded(body: bytes, charset: str) -> str:
    for mark, encoding in _WIDE_MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    if wide := _WIDE_BEGIN.match(body):
        return body.decode(wide.lastgroup or "", "replace")
    with suppress(LookupError, ValueError):
        name = codecs.lookup(charset).name
        if name.startswith(_CHARSETS) and name not in _WESTERN:
            return body.decode(name, "replace")
    foreign = len(body) - len(body.decode("utf-8", "ignore").encode())
    if foreign > MOST_FOREIGN_BYTES:
        return body.decode("cp1252", "replace")
    return body.decode("utf-8", "windows-1252-where-no-utf-8")


def _foreign_bytes(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are no UTF-8 as Windows-1252, where they are no cut character."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    body, start, end = error.object, error.start, error.end
    if half := _HALF_IN_BYTES.match(body, start):
        return f"\\u{ord(half[0].decode('utf-8', 'surrogatepass')):04x}", half.end()
    if end - start > 1 and body[start] >= 0xF0:
        return HALF, end
    return body[start:end].decode("cp1252", "replace"), end


codecs.register_error("windows-1252-where-no-utf-8", _foreign_bytes)


def _value(bad: re.Match[bytes]) -> tuple[bytes, int]:
    """What stands for a text or literal that JSON does not know, or for a sign between them; and
    how many mends that took."""
    literal = bad[0]
    if bad["text"]:
        return _IN_TEXT.subn(_sign, literal, MOST_MENDS + 1)
    if bad["stray"]:
        return (literal if literal > b" " else b""), 1
    if not _DIGIT.search(literal):
        return b'["' + literal + b'"]', 1
    try:
        fits = len(literal) <= _LONG_NUMBER and math.isfinite(float(literal))
        orjson.loads(literal)
    except ValueError:
        fits = False
    return (literal if fits else b'"' + literal + b'"'), 1


def _sign(sign: re.Match[bytes]) -> bytes:
    """An escape or control character of a text, as JSON writes it."""
    if control := sign["control"]:
        return b"\\u%04x" % control[0]
    if sign["half"]:
        return b"\\ufffd"
    if byte := sign["byte"]:
        return b"\\u00" + byte
    if other := sign["other"]:
        return other if other == b"'" else b"\\\\" + _IN_TEXT.sub(_sign, other)
    return sign[0]
