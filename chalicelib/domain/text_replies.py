"""What a text message from a shopper means (product.md §9)."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Literal

Reply = Literal["yes", "stop", "start", "help", "other"]

_YES = frozenset({"y", "yes"})
_STOP = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke", "arret"}
)
"""Those of product.md §9, the two more that 47 CFR 64.1200(a)(10) lists, and French Canada's."""

_STOP_ANYWHERE = frozenset({"stop", "stopall", "unsubscribe"})
"""Whoever says one of these among other words wants no more texts, or might."""

_STOP_SIGN = "\N{OCTAGONAL SIGN}"
_STOP_BEGINNINGS = ("stop", "unsub")
"""Of the first word: "STOPNOW", "stop2end", "unsubcribe"."""

_POLITE = frozenset({"please", "pls", "plz"})

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

_DRAWN = {
    **{base + n: ord("a") + n for base in (0x1F150, 0x1F170) for n in range(26)},
    **str.maketrans("ꜱѕᴛтτᴏоοᴘрρ", "sstttoooppp"),
}
"""Letters that only look like those of STOP: white on black, small capitals, Cyrillic, Greek."""

_EMPHASIS = re.compile(r"(.)\1{2,}|(.)\2+$")
"""A letter held down: "STOPPP", "stooop"."""

_WORD = re.compile(r"[^\W_]+")


def classify_reply(text: str) -> Reply:
    """The keyword a message says, whatever its case, width, accents, punctuation, spaces, emoji.

    A keyword must be the whole message ("S T O P", "Yes!!"). Only an opt-out may stand among other
    words, and wins over them ("yes stop", "cancel please").
    """
    if _STOP_SIGN in text[:LONGEST_READ]:
        return "stop"
    words = _words(text)
    whole = "".join(words)
    for reply, keywords in _KEYWORDS:
        if whole in keywords:
            return reply
    return "stop" if _may_mean_stop(words) else "other"


def may_mean_yes(text: str) -> bool:
    """Whether a message that is no keyword says YES among other words, which opts nobody in."""
    return not _YES.isdisjoint(_words(text))


def _may_mean_stop(words: list[str]) -> bool:
    calm = [_calm(word) for word in words]
    whole = _calm("".join(words))
    if not _calmed(_STOP_ANYWHERE).isdisjoint(calm) or whole in _calmed(_STOP):
        return True
    begin = calm[1:] if calm[:1] and calm[0] in _POLITE else calm
    first = "optout" if begin[:2] == ["opt", "out"] else "".join(begin[:1])
    return first in _calmed(_STOP) or first.startswith(_STOP_BEGINNINGS)


def _calm(word: str) -> str:
    return _EMPHASIS.sub(lambda found: found[1] or found[2], word)


@cache
def _calmed(keywords: frozenset[str]) -> frozenset[str]:
    return frozenset(map(_calm, keywords))


def _words(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text[:LONGEST_READ])
    plain = "".join(c for c in decomposed if unicodedata.category(c) not in _INVISIBLE)
    return _WORD.findall(plain.casefold().translate(_DRAWN))
