"""One rule for names and wordings that people read: every character of them can be seen.

Control characters break lines and files, bidirectional ones turn a name around, zero-width ones
make two names look like one. What people type with such characters is refused; what a POS or a
shopper sends is cleaned.
"""

from __future__ import annotations

import re
import unicodedata

HIDDEN_REASON = (
    "has a line break or another character that cannot be typed or seen; type it anew, or paste it"
    " as plain text"
)

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode's categories: control, format (bidirectional, zero-width), halves of characters, private,
line and paragraph separators."""
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that count as letters or signs and show nothing."""
_DAMAGED = "\N{REPLACEMENT CHARACTER}"
"""The mark that a gateway leaves where bytes were no UTF-8."""
_BREAK = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")


def has_hidden(text: str) -> bool:
    """Whether the text has a character that cannot be seen, or stands for a lost one."""
    return (not text.isascii() and _DAMAGED in text) or any(map(_is_hidden, text))


def without_hidden(text: str) -> str:
    """Return the text without characters that cannot be seen; a line break becomes a blank."""
    if text.isprintable() and _BLANK_LETTERS.isdisjoint(text):
        return text
    return "".join(sign for sign in _BREAK.sub(" ", text) if not _is_hidden(sign))


def _is_hidden(sign: str) -> bool:
    return sign in _BLANK_LETTERS or unicodedata.category(sign) in _INVISIBLE
