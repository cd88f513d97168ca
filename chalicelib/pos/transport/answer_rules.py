"""Recognises what an answer means by the rules of the profile: again, later, nothing here, or who
must act.

What the POS says is only searched for words: it may hold what was asked, the key among it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chalicelib.domain.errors import (
    AiqError,
    ConfigurationError,
    KeyRejected,
    PermissionMissing,
    RateLimited,
    UnexpectedAnswer,
    UpstreamError,
)
from chalicelib.domain.outside_json import UnreadableJson, read_json
from chalicelib.pos.profile.wire import AnswerRule
from chalicelib.pos.transport.answers import UnreadableAnswer

OK = 200
LONGEST = 500
"""A longer text is no error message."""
NO_MESSAGE = (b"[", b"{", b"<", b"", b"\0", b"\xfe", b"\xff")
"""How JSON begins, in any encoding, and a web page, and nothing."""
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Stands for an object where a text should be: it says something, and none of the words."""


class NotOffered(UnexpectedAnswer):
    """The POS does not have what was asked for, as the profile knows."""

    retriable = False


class LastingFault(UpstreamError):
    """The POS must act: asking again at once is of no use."""

    retriable = False


class AnswerRules:
    """The rules of one profile."""

    def __init__(self, rules: Sequence[AnswerRule] = (), title: str = "") -> None:
        self._title = title
        self._of_status = [rule for rule in rules if rule.status]
        of_data = [rule for rule in rules if not rule.status or OK in rule.status]
        self._of_data = [rule for rule in of_data if rule.at]
        self._of_text = [rule for rule in of_data if not rule.at]

    def of_status(self, status: int, body: Callable[[], bytes]) -> AnswerRule | None:
        """The rule for an answer of a status other than 200; `body` reads its beginning."""
        rules = [rule for rule in self._of_status if status in rule.status]
        text: bytes | None = None
        for rule in rules:
            if rule.at is None and not rule.words:
                return rule
            text = body() if text is None else text
            if rule.at is None:
                if _says(text.decode(errors="replace").lower(), rule):
                    return rule
            elif self._fits(_json(text), rule):
                return rule
        return None

    def of_text(self, body: bytes) -> AnswerRule | None:
        """The rule for a body of status 200 that is plain text. Raises UnreadableAnswer for a
        message that none of the rules is for."""
        if not self._of_text or body.lstrip()[:1] in NO_MESSAGE:
            return None
        text = body.decode("utf-8", "replace").lower() if len(body) <= LONGEST else ""
        for rule in self._of_text:
            if text and _says(text, rule):
                return rule
        raise UnreadableAnswer("answered with a message instead of data")

    def of_data(self, data: Any) -> AnswerRule | None:
        """The rule for the data of an answer of status 200."""
        return next((rule for rule in self._of_data if self._fits(data, rule)), None)

    def error(self, rule: AnswerRule, permission: str | None, wait: float | None) -> AiqError:
        """The error that an answer of a rule is. `permission`: of the endpoint that was asked;
        `wait`: seconds, as the POS's headers say."""
        lacking = rule.permission or permission
        say, title = rule.say, self._title
        made: AiqError
        match rule.means:
            case "wait":
                made = RateLimited(say or f"{title} asks us to wait.", retry_after=wait)
            case "pass_over":
                made = NotOffered(say or f"{title} does not have what was asked for.")
            case "key_rejected":
                made = KeyRejected(say or f"{title} rejected the key.")
            case "permission_missing":
                named = f": {lacking}" if lacking else ""
                names = [lacking] if lacking else []
                made = PermissionMissing(
                    say or f"The key lacks a permission{named}.", permissions=names
                )
            case "you":
                made = ConfigurationError(say or f"{title} refuses what was asked.")
            case "us":
                made = AiqError(say or f"{title} does not understand what was asked.")
            case "pos":
                made = LastingFault(say or f"{title} answered with an error.")
            case "again":
                made = UnexpectedAnswer(say or f"{title} answered with an error instead of data.")
        return made

    def _fits(self, data: Any, rule: AnswerRule) -> bool:
        values = rule.at.values(data) if rule.at and isinstance(data, dict) else []
        said = [text for value in values if (text := _text(value)) is not None]
        return any(_says(text, rule) for text in said)


def _text(value: Any) -> str | None:
    """A value of the body as text; None where it says nothing."""
    match value:
        case None | "" | [] | {}:
            return None
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value).strip()
        case _:
            return UNREADABLE


def _says(text: str, rule: AnswerRule) -> bool:
    match rule.match:
        case "is":
            return text in rule.words
        case "ends":
            return text.endswith(rule.words)
        case _:
            return not rule.words or any(word in text for word in rule.words)


def _json(body: bytes) -> Any:
    try:
        return read_json(body, "")
    except UnreadableJson:
        return None
