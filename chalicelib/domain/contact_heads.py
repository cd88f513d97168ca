"""What is known of one contact: its head (product.md §9, ADR 12).

The consent that follows from its log, the requests made, the request that is wanted. Each function
here gives the head as it must be saved after something happened; whether it may happen is said by
`asking.judge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.domain.consent import UNKNOWN, Consent
from chalicelib.domain.times import DAY, HOUR, MINUTE
from chalicelib.domain.words import Channel, Instant, Platform

SECOND_REQUEST_AFTER = 7 * DAY
SENDING_AT_MOST = 15 * MINUTE
"""Longer than any worker lives: what is still `sending` then, its worker left behind."""

REFUSED_AGAIN_AFTER, REFUSED_AT_MOST = HOUR, DAY
"""After a refusal that is not the number's fault; twice as long after each further one."""

Outcome = Literal["sending", "sent", "unknown"]

Reason = Literal[
    "off",
    "no_number",
    "not_yet",
    "second_not_yet",
    "quiet_hours",
    "daily_cap",
    "monthly_budget",
    "refused",
    "opted_in",
    "opted_out",
    "opted_out_elsewhere",
    "unusable",
    "not_a_mobile",
    "limit",
    "replied",
    "nobody",
    "another_number",
    "flagged",
    "setting",
    "age_gate",
    "disconnected",
    "stopped",
]


@dataclass(frozen=True, slots=True)
class Request:
    """One request made. `id` is its entry in the consent log, `day` the account's local day it is
    kept and counted under; `platform` and `record` are its cause."""

    id: str
    at: Instant
    platform: Platform
    record: str
    day: str = ""
    outcome: Outcome = "sending"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request that is to be made, by its cause."""

    record: str
    platform: Platform
    at: Instant


@dataclass(frozen=True, slots=True)
class Dropped:
    """Why a wanted request was given up, and when: it may be wanted again."""

    reason: Reason
    at: Instant
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of one contact. `due_at`: when to look at it again, None for never.

    `held`: why a wanted request waits. `unusable`: why nothing can be delivered. `tries` counts the
    requests begun, those refused before they went included. `version` 0 has never been saved.
    """

    contact: str
    channel: Channel = "sms"
    consent: Consent = UNKNOWN
    requests: tuple[Request, ...] = ()
    tries: int = 0
    wanted: Wanted | None = None
    due_at: Instant | None = None
    held: Reason | None = None
    dropped: Dropped | None = None
    unusable: str | None = None
    version: int = 0

    @property
    def sending(self) -> Request | None:
        """The request a worker is about to send, or was when it died."""
        last = self.requests[-1] if self.requests else None
        return last if last and last.outcome == "sending" else None


def may_be_asked(head: Head, *, mobile: bool) -> bool:
    """Whether a first request to this number would be noted: what previews count.

    A number that was noted, asked, or decided about before is left alone.
    """
    untouched = head.wanted is None and not head.requests and head.unusable is None
    return mobile and untouched and head.consent.state == "unknown"


def may_be_texted(head: Head, others: Sequence[Head]) -> bool:
    """Whether a persona may be texted at this number: it is opted in, works, and none of the
    persona's other numbers opted out later than that."""
    usable = head.consent.state == "opted_in" and head.unusable is None
    return usable and not opted_out_later(head, others)


def want(head: Head, wanted: Wanted) -> Head:
    """The head with the request noted; the same head where one was noted, made or answered."""
    if head.wanted or head.requests or head.consent.state in ("opted_in", "opted_out"):
        return head
    if head.unusable:
        return head
    return replace(head, wanted=wanted, due_at=wanted.at, held=None, dropped=None)


def begin(head: Head, platform: Platform, now: Instant, day: str = "", record: str = "") -> Head:
    """The head as it must be saved before the text may go: `sending`, looked at again later.

    `record`: of whom is asked, where that is not the one the request was wanted for.
    """
    if head.wanted is None:
        raise ValueError("no request is wanted")
    tries = head.tries + 1
    request = Request(f"request#{tries}", now, platform, record or head.wanted.record, day)
    return replace(
        head,
        requests=(*head.requests, request),
        tries=tries,
        due_at=now + SENDING_AT_MOST,
        held=None,
        dropped=None,
    )


def finish(head: Head, outcome: Literal["sent", "unknown"], limit: int) -> Head:
    """The head after its text went or may have; a second request is wanted where the limit allows,
    looked at when seven days are over. It is never this request that is sent again."""
    sending = head.sending
    if sending is None:
        return head
    done = replace(sending, outcome=outcome)
    head = replace(head, requests=(*head.requests[:-1], done))
    if len(head.requests) >= limit or head.consent.state in ("opted_in", "opted_out"):
        return replace(head, wanted=None, due_at=None)
    return replace(head, due_at=done.at + SECOND_REQUEST_AFTER)


def take_back(head: Head, now: Instant) -> Head:
    """The head after its text was refused before it went: as if it had not been begun, but for when
    it is tried again."""
    made = head.requests[:-1]
    refused = head.tries - len(made)
    wait = min(REFUSED_AGAIN_AFTER << min(refused - 1, 5), REFUSED_AT_MOST)
    return replace(head, requests=made, due_at=now + wait, held="refused")


def give_up(head: Head, reason: Reason, now: Instant, detail: str = "") -> Head:
    """The head without its wish, and why: it may be wanted again."""
    dropped = Dropped(reason, now, detail)
    return replace(head, wanted=None, due_at=None, held=None, dropped=dropped)


def with_consent(head: Head, consent: Consent, now: Instant) -> Head:
    """The head with what its log says now; a decision ends the wish to ask."""
    head = replace(head, consent=consent)
    if head.wanted is None or head.sending or consent.state not in ("opted_in", "opted_out"):
        return head
    reason: Reason = "opted_in" if consent.state == "opted_in" else "opted_out"
    return give_up(head, reason, now)


def replied(head: Head, now: Instant) -> Head:
    """The head after its shopper answered a request with something else than a keyword: a second
    one follows an unanswered one only (product.md §9)."""
    if head.wanted is None or not head.requests:
        return head
    if head.sending:
        return replace(head, dropped=Dropped("replied", now))
    return give_up(head, "replied", now)


def mark_unusable(head: Head, reason: str, now: Instant) -> Head:
    """Nothing can be delivered to this number: nothing is tried again. A request that is being sent
    ends first."""
    head = replace(head, unusable=reason)
    if head.wanted is None or head.sending:
        return head
    return give_up(head, "unusable", now, reason)


def opted_out_later(head: Head, others: Sequence[Head]) -> bool:
    """Of a number that is not opted in, every opt-out of another is later."""
    since = head.consent.since if head.consent.state == "opted_in" else None
    return any(
        other.consent.state == "opted_out"
        and (since is None or other.consent.since is None or other.consent.since > since)
        for other in others
    )
