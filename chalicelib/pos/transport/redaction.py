"""Hides secrets by their value, wherever a text may have picked them up."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "•••"
SHORTEST = 4
"""Shorter values are ordinary words of a sentence; hiding them would hide the sentence."""


class Redactor:
    """Replaces every known secret, plain or encoded. Its `repr` shows none."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if len(secret) >= SHORTEST:
                forms |= {secret, quote(secret, safe=""), quote_plus(secret)}
                forms.add(b64encode(secret.encode()).decode())
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text
