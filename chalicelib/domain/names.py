"""People's names in the form in which they are compared."""

from __future__ import annotations

import unicodedata

NAME_KEY_LENGTH = 120
PERSON_NAME_LENGTH = 40

NO_NAMES = frozenset(("n/a", "n.a.", "none", "no name", "noname", "not given", "not provided"))
"""What counters type into a name that they were not told, folded."""


def fold_name(text: str) -> str:
    """Return a name lower-cased, without accents and double blanks: `"  José  ÁLVAREZ"` →
    `"jose alvarez"`."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        bare = "".join(c for c in decomposed if not unicodedata.combining(c))
        text = unicodedata.normalize("NFKC", bare).casefold()
    return " ".join(text.lower().split())


def usable_name(text: str) -> str:
    """Return a name folded; empty where it says none, such as `"."`, `"--"` or `"N/A"`."""
    folded = fold_name(text)
    if folded in NO_NAMES or not any(map(str.isalnum, folded)):
        return ""
    return folded


def person_name(first: str, last: str) -> str:
    """Return the name by which different people are counted: first initial and last name, folded.

    Empty for somebody without a name: all of those count as one.
    """
    return f"{usable_name(first)[:1]} {usable_name(last)}"[:PERSON_NAME_LENGTH].strip()


def name_key(first: str, last: str) -> str:
    """Return the key of the live name search: the folded `first last`, at most 120 characters.

    There is one index row per persona, so a prefix search matches the first name, or the first name
    and the start of the last one; a persona without a first name is found by the last name. Search
    by last name alone works on the snapshot (product.md §6). Empty when the persona has no name.
    """
    return fold_name(f"{first} {last}")[:NAME_KEY_LENGTH]


def name_prefix(text: str) -> str:
    """Return a person's search text in the form of `name_key`."""
    return fold_name(text)[:NAME_KEY_LENGTH]
