"""Who gets which notifications by e-mail, when, and in which words (product.md §12). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import get_args

from chalicelib.domain.links import without_links
from chalicelib.domain.roles import has_right
from chalicelib.domain.shown_text import without_hidden
from chalicelib.domain.times import HOUR, MINUTE, to_datetime
from chalicelib.domain.words import Instant, Severity
from chalicelib.services.ports.accounts import Account, User
from chalicelib.services.ports.digests import Recipient
from chalicelib.services.ports.notifications import Notification

BETWEEN = HOUR + MINUTE
"""The time from claim to claim. A claim and its sending are far less than a minute apart, so two
e-mails are never less than an hour apart."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
GRAVEST_FIRST = SEVERITIES[::-1]
HEADINGS = {"error": "ERRORS", "warning": "WARNINGS", "info": "FOR YOUR INFORMATION"}

SUBJECT = "AIQ notifications"
"""The same for every account: no retailer's words stand in a subject line."""

MOST_NAMED = 50
LONGEST_LINE = 500
LONGEST_NAME = 60
SWITCH_OFF_PAGE = "/me"
WHY_YOU = (
    "You get this e-mail because you were chosen to get notifications of this account by e-mail, at"
    " most once an hour. To choose others or none, go to {page}, E-mails to me, or ask an Owner"
    " of the account."
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail."""

    subject: str
    text: str


def may_get_digests(user: User) -> bool:
    """Whether the user may see notifications in the dashboard: others get none by e-mail."""
    return user.active and has_right(user.role, "notifications:read")


def opening_id(notification: Notification) -> str:
    """Return the id of this opening; a notification cleared and raised again has another."""
    named = f"{notification.kind}\n{notification.subject}\n{notification.raised_at}"
    return blake2b(named.encode(), digest_size=8).hexdigest()


def unsent_notifications(
    recipient: Recipient, opened: Iterable[Notification]
) -> list[Notification]:
    """Return the open notifications of the recipient's severities that were in no digest of theirs.

    The gravest come first.
    """
    items = [
        each
        for each in opened
        if each.cleared_at is None
        and each.severity in recipient.severities
        and opening_id(each) not in recipient.sent_openings
    ]
    return sorted(items, key=lambda n: (GRAVEST_FIRST.index(n.severity), -n.raised_at, n.kind))


def is_due(recipient: Recipient, now: Instant) -> bool:
    """Whether the recipient's last digest is long enough ago."""
    return recipient.claimed_at is None or now - recipient.claimed_at >= BETWEEN


def openings_after(
    recipient: Recipient, opened: Iterable[Notification], sent: Iterable[Notification]
) -> frozenset[str]:
    """Return the openings to keep once `sent` went; those no longer open are forgotten."""
    still_open = recipient.sent_openings & {opening_id(each) for each in opened}
    return still_open | {opening_id(each) for each in sent}


def write_letter(account: Account, items: Sequence[Notification], dashboard: str) -> Letter:
    """Write the digest of `items`, which are not empty and in the order to show.

    `dashboard`: its address without a slash at the end; links name the account. Nothing of
    `Notification.data` is shown.
    """
    name, pages = one_line(account.name, LONGEST_NAME), f"{dashboard}/a/{account.uid}"
    groups = [
        [HEADINGS[severity], *_entries(items[:MOST_NAMED], severity, account.time_zone, pages)]
        for severity in GRAVEST_FIRST
        if any(each.severity == severity for each in items[:MOST_NAMED])
    ]
    more = len(items) - MOST_NAMED
    paragraphs = [
        f"What is new in {name} (account {account.uid}):",
        _counted(items),
        *(paragraph for group in groups for paragraph in group),
        *([f"And {more} more, see the page below."] if more > 0 else []),
        f"All that is open: {pages}/notifications",
        WHY_YOU.format(page=f"{pages}{SWITCH_OFF_PAGE}"),
    ]
    return Letter(SUBJECT, "\n\n".join(paragraphs) + "\n")


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Return the text without line breaks, invisible characters and links, cut at `longest`.

    A name in it may be what anybody typed, here or in a POS: the only links are ours.
    """
    visible = without_hidden(text)
    line = without_links(" ".join(visible.split()))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _counted(items: Sequence[Notification]) -> str:
    counted = [
        _count(sum(each.severity == severity for each in items), noun)
        for severity, noun in (("error", "error"), ("warning", "warning"), ("info", "notice"))
    ]
    return ", ".join(filter(None, counted))


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _entries(items: Iterable[Notification], severity: Severity, zone: str, pages: str) -> list[str]:
    return [
        "\n  ".join(
            (
                f"- {one_line(each.title)}",
                one_line(each.what_to_do),
                f"{pages}{each.link}",
                f"Since {to_datetime(each.raised_at, zone):%Y-%m-%d %H:%M} ({zone})",
            )
        )
        for each in items
        if each.severity == severity
    ]
