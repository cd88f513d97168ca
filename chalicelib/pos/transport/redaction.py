"""Hides secrets by their value, wherever a text may have picked them up."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "•••"
SHORTEST = 4
"""Shorter values are ordinary words of a sentence; hiding them would hide the sentence."""

SHORTEST_IN_DATA = 8
"""Among a million ids, phones and amounts, shorter values turn up by chance."""


class Redactor:
    """Replaces every known secret, plain or encoded. Its `repr` shows none."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if len(secret) >= SHORTEST:
                forms |= {secret, quote(secret, safe=""), quote_plus(secret)}
                forms.add(b64encode(secret.encode()).decode())
        self._forms = sorted(forms, key=len, reverse=True)
        long_ones = [form for form in self._forms if len(form) >= SHORTEST_IN_DATA]
        written = {text for form in long_ones for text in _as_json(form)}
        self._forms_in_data = [text.encode() for text in sorted(written, key=len, reverse=True)]

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def in_data(self, body: bytes) -> bytes:
        """Hide secrets in what a POS sent, before anything is made of it."""
        for form in self._forms_in_data:
            if form in body:
                body = body.replace(form, HIDDEN.encode())
        return body


def _as_json(text: str) -> set[str]:
    """The text as JSON's writers write it."""
    written = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return written | {each.replace("/", r"\/") for each in written}
