"""People's names as they are compared, never as they are shown."""

from __future__ import annotations

import unicodedata

NAME_KEY_LENGTH = 120


def fold(text: str) -> str:
    """Lower-cased, without accents, blanks collapsed: `"  José  ÁLVAREZ"` → `"jose alvarez"`."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        bare = "".join(c for c in decomposed if not unicodedata.combining(c))
        text = unicodedata.normalize("NFKC", bare).casefold()
    return " ".join(text.lower().split())


def name_key(first: str, last: str) -> str:
    """What the live name search compares: the folded `first last`, at most 120 characters.

    One index row per persona, so a prefix search meets the first name, or the first name and the
    start of the last one. Who has no first name is found by the last. A search by last name alone
    is the snapshot's (product.md §6). Empty when the persona has no name: then it is not indexed.
    """
    return fold(f"{first} {last}")[:NAME_KEY_LENGTH]


def name_prefix(text: str) -> str:
    """A person's search text, folded to meet `name_key`."""
    return fold(text)[:NAME_KEY_LENGTH]
