"""What a text message from a shopper means (product.md §9)."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Reply = Literal["yes", "stop", "start", "help", "other"]

_YES = frozenset({"y", "yes"})
_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"})
"""Those of product.md §9, and the two more that 47 CFR 64.1200(a)(10) lists."""

_STOP_ANYWHERE = frozenset({"stop", "stopall", "unsubscribe"})
"""Whoever says one of these among other words wants no more texts, or might."""

_HELP = frozenset({"help", "info"})
_START = frozenset({"start", "unstop"})

_KEYWORDS: tuple[tuple[Reply, frozenset[str]], ...] = (
    ("stop", _STOP),
    ("start", _START),
    ("yes", _YES),
    ("help", _HELP),
)

LONGEST_READ = 1_600
"""Characters; a carrier passes no longer message on."""

_INVISIBLE = frozenset({"Mn", "Cf"})
"""Accents, joiners, zero-width spaces: they stand inside a word without parting it."""

_WORD = re.compile(r"[^\W_]+")


def classify(text: str) -> Reply:
    """The keyword a message says, whatever its case, width, accents, punctuation, spaces, emoji.

    A keyword must be the whole message ("S T O P", "Yes!!"). Only an opt-out may stand among other
    words, and wins over them ("yes stop", "cancel please").
    """
    words = _words(text)
    whole = "".join(words)
    for reply, keywords in _KEYWORDS:
        if whole in keywords:
            return reply
    is_stop = (words and words[0] in _STOP) or not _STOP_ANYWHERE.isdisjoint(words)
    return "stop" if is_stop else "other"


def _words(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text[:LONGEST_READ])
    plain = "".join(c for c in decomposed if unicodedata.category(c) not in _INVISIBLE)
    return _WORD.findall(plain.casefold())
