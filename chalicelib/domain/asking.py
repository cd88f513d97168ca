"""Asking a number for SMS consent: whether, when, and why not (product.md §9).

A head is what is known of one number: the consent that follows from its log, the requests made, the
request that is wanted. `judge` decides with the circumstances of this moment; it is asked again at
sending time, whatever was decided before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.domain.consent import UNKNOWN, Channel, Consent
from chalicelib.domain.records import Instant
from chalicelib.domain.texting import TextingRules, next_opening
from chalicelib.domain.times import DAY, HOUR, MINUTE

SECOND_REQUEST_AFTER = 7 * DAY
SENDING_AT_MOST = 15 * MINUTE
"""Longer than any worker lives: what is still `sending` then, its worker left behind."""

LOOK_AGAIN = {"off": 10 * MINUTE, "no_number": 6 * HOUR, "refused": HOUR}

NEVER_TEXTED = frozenset(
    {"employee", "test", "minor", "inactive", "busy", "shared_key", "large_component"}
)
"""The flags of a persona that keep it from being texted (product.md §6, §9)."""

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
    platform: str
    record: str
    day: str = ""
    outcome: Outcome = "sending"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request that is to be made, by its cause."""

    record: str
    platform: str
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


@dataclass(frozen=True, slots=True)
class Cause:
    """A source whose setting asks for the request. `starts_at`: not before, *SMS starts 60 minutes
    after applying*; `stopped`: a person pressed Cancel or Stop."""

    platform: str
    age_gate: bool
    connected: bool
    starts_at: Instant = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that a request depends on besides its head, as it is at `now`.

    `persona_found`: somebody holds the number. `current`: it is the number that persona is texted
    at. `others`: the heads of that persona's other numbers. `zone`: of the favourite store, else of
    the account; `day`: the account's local one. `off`: the operator's kill switch.
    """

    now: Instant
    rules: TextingRules
    zone: str
    day: str = ""
    causes: tuple[Cause, ...] = ()
    flags: frozenset[str] = frozenset()
    others: tuple[Head, ...] = ()
    persona_found: bool = True
    current: bool = True
    mobile: bool = True
    off: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`go` for `platform`; `hold` until `until`; `drop`. `detail` names the flags, say."""

    kind: Literal["go", "hold", "drop"]
    reason: Reason | None = None
    until: Instant | None = None
    platform: str = ""
    detail: str = ""


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
    return usable and not _opted_out_later(head, others)


def want(head: Head, wanted: Wanted) -> Head:
    """The head with the request noted; the same head where one was noted, made or answered."""
    if head.wanted or head.requests or head.consent.state in ("opted_in", "opted_out"):
        return head
    if head.unusable:
        return head
    return replace(head, wanted=wanted, due_at=wanted.at, held=None, dropped=None)


def judge(head: Head, seen: Circumstances) -> Verdict:
    """What to do with the request that `head` wants, at this moment.

    What will pass by itself holds it, what will not drops it. All that speaks against the person
    comes before what only speaks against the hour.
    """
    drop = _against_the_number(head, seen) or _against_the_persona(head, seen)
    if drop:
        return drop
    cause = _cause(head, seen)
    if isinstance(cause, Verdict):
        return cause
    return _against_the_hour(head, seen, cause) or Verdict("go", platform=cause.platform)


def begin(head: Head, platform: str, now: Instant, day: str = "") -> Head:
    """The head as it must be saved before the text may go: `sending`, looked at again later."""
    if head.wanted is None:
        raise ValueError("no request is wanted")
    tries = head.tries + 1
    request = Request(f"request#{tries}", now, platform, head.wanted.record, day)
    return replace(
        head,
        requests=(*head.requests, request),
        tries=tries,
        due_at=now + SENDING_AT_MOST,
        held=None,
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
    """The head after its text was refused before it went: as if it had not been begun."""
    due_at = now + LOOK_AGAIN["refused"]
    return replace(head, requests=head.requests[:-1], due_at=due_at, held="refused")


def hold(head: Head, verdict: Verdict) -> Head:
    return replace(head, due_at=verdict.until, held=verdict.reason)


def drop(head: Head, verdict: Verdict, now: Instant) -> Head:
    if verdict.reason is None:
        raise ValueError("a request is dropped for a reason")
    dropped = Dropped(verdict.reason, now, verdict.detail)
    return replace(head, wanted=None, due_at=None, held=None, dropped=dropped)


def with_consent(head: Head, consent: Consent, now: Instant) -> Head:
    """The head with what its log says now; a decision ends the wish to ask."""
    head = replace(head, consent=consent)
    if head.wanted is None or head.sending or consent.state not in ("opted_in", "opted_out"):
        return head
    reason: Reason = "opted_in" if consent.state == "opted_in" else "opted_out"
    return drop(head, Verdict("drop", reason), now)


def mark_unusable(head: Head, reason: str, now: Instant) -> Head:
    """Nothing can be delivered to this number: nothing is tried again."""
    head = replace(head, unusable=reason)
    return drop(head, Verdict("drop", "unusable", detail=reason), now) if head.wanted else head


def _against_the_number(head: Head, seen: Circumstances) -> Verdict | None:
    state = head.consent.state
    if state in ("opted_out", "opted_in"):
        return Verdict("drop", state)
    if head.unusable:
        return Verdict("drop", "unusable", detail=head.unusable)
    if not seen.mobile:
        return Verdict("drop", "not_a_mobile")
    if len(head.requests) >= seen.rules.request_limit:
        return Verdict("drop", "limit")
    return None


def _against_the_persona(head: Head, seen: Circumstances) -> Verdict | None:
    if not seen.persona_found:
        return Verdict("drop", "nobody")
    if flags := sorted(seen.flags & NEVER_TEXTED):
        return Verdict("drop", "flagged", detail=", ".join(flags))
    if not seen.current:
        return Verdict("drop", "another_number")
    if _opted_out_later(head, seen.others):
        return Verdict("drop", "opted_out_elsewhere")
    return None


def _cause(head: Head, seen: Circumstances) -> Cause | Verdict:
    """The source the request is made for: the one it was wanted for, else another that asks."""
    first = head.wanted.platform if head.wanted else ""
    causes = sorted(seen.causes, key=lambda cause: (cause.platform != first, cause.platform))
    if not causes:
        return Verdict("drop", "setting", detail=first)
    against = [_against_the_source(cause) for cause in causes]
    for cause, reason in zip(causes, against, strict=True):
        if reason is None:
            return cause
    return Verdict("drop", against[0], detail=causes[0].platform)


def _against_the_source(cause: Cause) -> Reason | None:
    if not cause.age_gate:
        return "age_gate"
    if not cause.connected:
        return "disconnected"
    return "stopped" if cause.stopped else None


def _against_the_hour(head: Head, seen: Circumstances, cause: Cause) -> Verdict | None:
    now, rules = seen.now, seen.rules
    if rules.number is None:
        return Verdict("hold", "no_number", now + LOOK_AGAIN["no_number"])
    if seen.off:
        return Verdict("hold", "off", now + LOOK_AGAIN["off"])
    if now < cause.starts_at:
        return Verdict("hold", "not_yet", cause.starts_at)
    if head.requests and now < head.requests[-1].at + SECOND_REQUEST_AFTER:
        return Verdict("hold", "second_not_yet", head.requests[-1].at + SECOND_REQUEST_AFTER)
    opening = next_opening(now, seen.zone, rules)
    return None if opening == now else Verdict("hold", "quiet_hours", opening)


def _opted_out_later(head: Head, others: Sequence[Head]) -> bool:
    """Of a number that is not opted in, every opt-out of another is later."""
    since = head.consent.since if head.consent.state == "opted_in" else None
    return any(
        other.consent.state == "opted_out"
        and (since is None or other.consent.since is None or other.consent.since > since)
        for other in others
    )


Mobile = Callable[[str], bool]
"""Whether an E.164 number can be a mobile of the US or Canada."""
