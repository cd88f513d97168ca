"""Web addresses in text that somebody else typed: e-mails of ours carry none but our own."""

from __future__ import annotations

import re
from unicodedata import category, normalize

_DOT = re.compile(r"(?<=[^\W_])[.\u3002](?=[^\W\d_]{2})")
"""A dot that a mail program takes for one of a host name; a sentence's is followed by a space."""
_SCHEME = re.compile(r":(?=//)")
_IP_ADDRESS = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b")


def has_link(text: str) -> bool:
    """Whether a mail program or a reader may take part of the text for a web address."""
    plain = _folded(text)
    return any(form.search(plain) for form in (_DOT, _SCHEME, _IP_ADDRESS))


def without_links(text: str) -> str:
    """Return the text with each web address spelt so that no mail program makes a link of it."""
    if not has_link(text):
        return text
    plain = _IP_ADDRESS.sub(lambda found: found[0].replace(".", "[.]"), _folded(text))
    return _SCHEME.sub("[:]", _DOT.sub("[.]", plain))


def _folded(text: str) -> str:
    """Return the text with look-alike dots and letters as the plain ones, invisible signs left
    out."""
    return "".join(sign for sign in normalize("NFKC", text) if category(sign) != "Cf")
