"""Who is told what by e-mail, when, and in which words (product.md §12). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import get_args

from chalicelib.domain.roles import has_right
from chalicelib.domain.times import HOUR, MINUTE, to_datetime
from chalicelib.domain.words import Instant, Severity
from chalicelib.services.ports.accounts import Account, User
from chalicelib.services.ports.digests import Reader
from chalicelib.services.ports.notifications import Notification

BETWEEN = HOUR + MINUTE
"""From claim to claim: the minute is far more than passes between a claim and its sending, so that
two e-mails are never less than an hour apart."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
GRAVEST_FIRST = SEVERITIES[::-1]
HEADINGS = {"error": "ERRORS", "warning": "WARNINGS", "info": "FOR YOUR INFORMATION"}

MOST_TOLD = 50
LONGEST_LINE = 500
LONGEST_NAME = 60
SWITCH_OFF_PAGE = "/notifications"
WHY_YOU = (
    "You get this e-mail because you were chosen to get notifications of this account by e-mail, at"
    " most once an hour. To choose others or none, go to {page} and click E-mails to me, or ask an"
    " Owner of the account."
)


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str


def may_be_told(user: User) -> bool:
    """Who may not see notifications in the dashboard gets none by e-mail."""
    return user.active and has_right(user.role, "notifications:read")


def opening(notification: Notification) -> str:
    """The id of this opening of the notification: it has another once cleared and raised again."""
    named = f"{notification.kind}\n{notification.subject}\n{notification.raised_at}"
    return blake2b(named.encode(), digest_size=8).hexdigest()


def news(reader: Reader, opened: Iterable[Notification]) -> list[Notification]:
    """What is open, of the reader's severities, and was in no digest of theirs; gravest first."""
    found = [
        each
        for each in opened
        if each.cleared_at is None
        and each.severity in reader.severities
        and opening(each) not in reader.told
    ]
    return sorted(found, key=lambda n: (GRAVEST_FIRST.index(n.severity), -n.raised_at, n.kind))


def is_time(reader: Reader, now: Instant) -> bool:
    return reader.claimed_at is None or now - reader.claimed_at >= BETWEEN


def told_after(
    reader: Reader, opened: Iterable[Notification], told: Iterable[Notification]
) -> frozenset[str]:
    """What a reader has been told once `told` went; what is no longer open is forgotten."""
    still = reader.told & {opening(each) for each in opened}
    return still | {opening(each) for each in told}


def write(account: Account, told: Sequence[Notification], dashboard: str) -> Letter:
    """The digest of `told`, which is not empty and in the order to show.

    `dashboard`: its address without a slash at the end. Nothing of `Notification.data` is shown.
    """
    name = one_line(account.name, LONGEST_NAME)
    groups = [
        [HEADINGS[severity], *_entries(told[:MOST_TOLD], severity, account.time_zone, dashboard)]
        for severity in GRAVEST_FIRST
        if any(each.severity == severity for each in told[:MOST_TOLD])
    ]
    more = len(told) - MOST_TOLD
    paragraphs = [
        f"What is new in {name} (account {account.uid}):",
        *(paragraph for group in groups for paragraph in group),
        *([f"And {more} more, see the page below."] if more > 0 else []),
        f"All that is open: {dashboard}/notifications",
        WHY_YOU.format(page=f"{dashboard}{SWITCH_OFF_PAGE}"),
    ]
    return Letter(_subject(name, told), "\n\n".join(paragraphs) + "\n")


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """The text without line breaks and other signs that cannot be seen, cut where it is endless."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    line = " ".join(shown.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _subject(name: str, told: Sequence[Notification]) -> str:
    counted = [
        _count(sum(each.severity == severity for each in told), noun)
        for severity, noun in (("error", "error"), ("warning", "warning"), ("info", "notice"))
    ]
    return f"{name}: {', '.join(filter(None, counted))}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _entries(
    told: Iterable[Notification], severity: Severity, zone: str, dashboard: str
) -> list[str]:
    return [
        "\n  ".join(
            (
                f"- {one_line(each.title)}",
                one_line(each.what_to_do),
                f"{dashboard}{each.link}",
                f"Since {to_datetime(each.raised_at, zone):%Y-%m-%d %H:%M} ({zone})",
            )
        )
        for each in told
        if each.severity == severity
    ]
