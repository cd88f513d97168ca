"""The mapping of store keys to stores: unmapped keys and suggestions (product.md §4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from chalicelib.domain.names import fold_name

MOST_KEYS_PER_STORE = 90

LIKELY = 0.6
AHEAD = 0.05
"""How much more similar than the second store a suggestion must be."""

_WORD = re.compile(r"[a-z0-9]+")


class NamedStore(Protocol):
    @property
    def id(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def nickname(self) -> str: ...


def suggest_store(key_name: str, stores: Iterable[NamedStore]) -> int | None:
    """Return the store whose name or nickname is most similar to a store key's name.

    None when no store is clearly the most similar. A person confirms the suggestion.
    """
    words = _words(key_name)
    ranked = sorted(
        ((max(_similarity(words, _words(s.name)), _similarity(words, _words(s.nickname))), s.id))
        for s in stores
    )
    if not ranked or ranked[-1][0] < LIKELY:
        return None
    if len(ranked) > 1 and ranked[-1][0] - ranked[-2][0] < AHEAD:
        return None
    return ranked[-1][1]


@lru_cache(maxsize=4096)
def _words(name: str) -> list[str]:
    return sorted(set(_WORD.findall(fold_name(name))))


def _similarity(one: list[str], other: list[str]) -> float:
    """Return 0 to 1, whatever the order of the words; 0 when both have numbers and those differ."""
    if not one or not other:
        return 0.0
    numbers, others = _numbers(one), _numbers(other)
    if numbers and others and numbers != others:
        return 0.0
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, " ".join(one), " ".join(other), autojunk=False)
    if matcher.quick_ratio() < LIKELY - AHEAD:  # an upper bound: too low to matter
        return 0.0
    return matcher.ratio()


def _numbers(words: list[str]) -> list[str]:
    return [word.lstrip("0") for word in words if word.isdigit()]
