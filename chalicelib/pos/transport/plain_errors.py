"""Recognises errors that a POS writes as plain text, whatever its status and type say
(reference/pos.md §3.2).

Its text is only searched for words: it may hold what was asked, the key among it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.domain.errors import KeyRejected, UnexpectedAnswer
from chalicelib.pos.profile.wire import PlainErrors
from chalicelib.pos.transport import answers

LONGEST = 500
"""A longer text is no error message."""

NO_MESSAGE = (b"[", b"{", b"<", b"", b"\0", b"\xfe", b"\xff")
"""How JSON begins, in any encoding, and a web page, and nothing."""


class NotOffered(UnexpectedAnswer):
    """This server does not have what was asked for."""

    retriable = False


def body_parser(errors: PlainErrors, title: str) -> Callable[[bytes, str], Any]:
    """A reader of bodies. What is JSON is data under any content type.

    It raises KeyRejected, NotOffered, or `answers.Unreadable`.
    """

    def parse(body: bytes, content_type: str) -> Any:
        if body.lstrip()[:1] in NO_MESSAGE:
            return answers.parse_json(body, content_type)
        message = body[:LONGEST].decode("utf-8", "replace").lower() if len(body) <= LONGEST else ""
        if any(word in message for word in errors.key_rejected):
            raise KeyRejected(f"{title} rejected the key.")
        if any(word in message for word in errors.not_offered):
            raise NotOffered(f"The server of {title} does not have what was asked for.")
        raise answers.UnreadableAnswer("answered with a message instead of data")

    return parse
