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
"""Keywords of product.md §9, two more of 47 CFR 64.1200(a)(10), and the French Canadian one."""

_STOP_ANYWHERE = frozenset({"stop", "stopall", "unsubscribe"})
"""A sender of one of these words among others may want no more texts."""

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
"""Characters; carriers forward no longer message."""

_INVISIBLE = frozenset({"Mn", "Cf"})
"""Accents, joiners, zero-width spaces: they do not separate words."""

_DRAWN = {
    **{base + n: ord("a") + n for base in (0x1F150, 0x1F170) for n in range(26)},
    **str.maketrans("ꜱѕᴛтτᴏоοᴘрρ", "sstttoooppp"),
}
"""Look-alikes of the letters of STOP: white on black, small capitals, Cyrillic, Greek."""

_EMPHASIS = re.compile(r"(.)\1{2,}|(.)\2+$")
"""Repeated letters: "STOPPP", "stooop"."""

_WORD = re.compile(r"[^\W_]+")


def classify_reply(text: str) -> Reply:
    """Return the keyword of a message, whatever its case, width, accents, punctuation or emoji.

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
    """Whether a message that is no keyword has YES among other words; it opts nobody in."""
    return not _YES.isdisjoint(_words(text))


def _may_mean_stop(words: list[str]) -> bool:
    plain = [_without_repeats(word) for word in words]
    whole = _without_repeats("".join(words))
    if not _without_repeats_of(_STOP_ANYWHERE).isdisjoint(plain) or whole in _without_repeats_of(
        _STOP
    ):
        return True
    begin = plain[1:] if plain[:1] and plain[0] in _POLITE else plain
    first = "optout" if begin[:2] == ["opt", "out"] else "".join(begin[:1])
    return first in _without_repeats_of(_STOP) or first.startswith(_STOP_BEGINNINGS)


def _without_repeats(word: str) -> str:
    return _EMPHASIS.sub(lambda found: found[1] or found[2], word)


@cache
def _without_repeats_of(keywords: frozenset[str]) -> frozenset[str]:
    return frozenset(map(_without_repeats, keywords))


def _words(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text[:LONGEST_READ])
    plain = "".join(c for c in decomposed if unicodedata.category(c) not in _INVISIBLE)
    return _WORD.findall(plain.casefold().translate(_DRAWN))
