"""The state of one contact: its consent, the requests made, the one wanted (product.md §9, ADR 12).

Each function returns the state to save after something happened. Whether it may happen is decided
by `consent_requests.judge_request`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.domain.consent import UNKNOWN, Consent
from chalicelib.domain.times import DAY, HOUR, MINUTE
from chalicelib.domain.words import Channel, ConsentState, Instant, Platform

SECOND_REQUEST_AFTER = 7 * DAY
SENDING_AT_MOST = 15 * MINUTE
"""Longer than any worker lives: what is still `sending` then, its worker left behind."""

FIRST_BACK_OFF, LONGEST_BACK_OFF = HOUR, DAY
"""After a refusal that is not the number's fault; doubles with each further one."""

Outcome = Literal["sending", "sent", "unknown"]

RequestReason = Literal[
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


AskCause = Literal["setting", "signup"]
"""Why somebody is asked: a card's setting, or their own signup without a signature."""


@dataclass(frozen=True, slots=True)
class WantedRequest:
    """The request that is to be made, by its cause."""

    record: str
    platform: Platform
    at: Instant
    cause: AskCause = "setting"


@dataclass(frozen=True, slots=True)
class DroppedRequest:
    """Why a wanted request was given up, and when: it may be wanted again."""

    reason: RequestReason
    at: Instant
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ContactState:
    """The state of one contact. `due_at`: when to look at it again, None for never.

    `held`: why a wanted request waits. `unusable`: why nothing can be delivered. `tries` counts the
    requests begun, those refused before they went included. `version` 0 has never been saved.
    """

    contact: str
    channel: Channel = "sms"
    consent: Consent = UNKNOWN
    requests: tuple[Request, ...] = ()
    tries: int = 0
    wanted: WantedRequest | None = None
    due_at: Instant | None = None
    held: RequestReason | None = None
    dropped: DroppedRequest | None = None
    unusable: str | None = None
    version: int = 0

    @property
    def sending(self) -> Request | None:
        """The request a worker is about to send, or was when it died."""
        last = self.requests[-1] if self.requests else None
        return last if last and last.outcome == "sending" else None


def may_be_asked(state: ContactState, *, mobile: bool) -> bool:
    """Whether `plan_request` would want a first request to this number; previews count these.

    `mobile`: whether the number can be a mobile.
    """
    untouched = state.wanted is None and not state.requests and state.unusable is None
    return mobile and untouched and state.consent.state == "unknown"


def may_be_texted(state: ContactState, others: Sequence[ContactState]) -> bool:
    """Whether a persona may be texted at this number: it is opted in, works, and none of the
    persona's other numbers opted out later than that."""
    usable = state.consent.state == "opted_in" and state.unusable is None
    return usable and not opted_out_later(state, others)


def plan_request(state: ContactState, wanted: WantedRequest) -> ContactState:
    """Return the state with the request wanted; the same state where a request was wanted, made or
    answered before, or the contact is unusable."""
    if state.wanted or state.requests or state.consent.state in ("opted_in", "opted_out"):
        return state
    if state.unusable:
        return state
    return replace(state, wanted=wanted, due_at=wanted.at, held=None, dropped=None)


def begin_request(
    state: ContactState, platform: Platform, now: Instant, day: str = "", record: str = ""
) -> ContactState:
    """Return the state to save before the text is sent.

    Its last request is `sending`, and it is due again when the sender must be dead.

    `record`: whose record the request is made for, where it is not the one that wanted it. Raises
    ValueError when no request is wanted.
    """
    if state.wanted is None:
        raise ValueError("no request is wanted")
    tries = state.tries + 1
    request = Request(f"request#{tries}", now, platform, record or state.wanted.record, day)
    return replace(
        state,
        requests=(*state.requests, request),
        tries=tries,
        due_at=now + SENDING_AT_MOST,
        held=None,
        dropped=None,
    )


def finish_request(
    state: ContactState, outcome: Literal["sent", "unknown"], limit: int
) -> ContactState:
    """Return the state after the text was sent, or may have been.

    Where `limit` allows a second request, it stays wanted and is due after seven days. This request
    is never sent again.
    """
    sending = state.sending
    if sending is None:
        return state
    done = replace(sending, outcome=outcome)
    state = replace(state, requests=(*state.requests[:-1], done))
    if len(state.requests) >= limit or state.consent.state in ("opted_in", "opted_out"):
        return replace(state, wanted=None, due_at=None)
    return replace(state, due_at=done.at + SECOND_REQUEST_AFTER)


def take_back_request(state: ContactState, now: Instant) -> ContactState:
    """Return the state after the text was refused before it was sent.

    It is as before `begin_request`, but due after a back-off that doubles with each refusal.
    """
    made = state.requests[:-1]
    refused = state.tries - len(made)
    wait = min(FIRST_BACK_OFF << min(refused - 1, 5), LONGEST_BACK_OFF)
    return replace(state, requests=made, due_at=now + wait, held="refused")


def give_up_request(
    state: ContactState, reason: RequestReason, now: Instant, detail: str = ""
) -> ContactState:
    """Return the state without its wanted request, and why; a request may be wanted again."""
    dropped = DroppedRequest(reason, now, detail)
    return replace(state, wanted=None, due_at=None, held=None, dropped=dropped)


def with_consent(state: ContactState, consent: Consent, now: Instant) -> ContactState:
    """Return the state with the consent that its log says; an opt-in or opt-out drops the wanted
    request, unless it is being sent."""
    state = replace(state, consent=consent)
    if state.wanted is None or state.sending or consent.state not in ("opted_in", "opted_out"):
        return state
    reason: RequestReason = "opted_in" if consent.state == "opted_in" else "opted_out"
    return give_up_request(state, reason, now)


def end_on_reply(state: ContactState, now: Instant) -> ContactState:
    """Return the state after its shopper answered a request without a keyword: no second request
    follows, because one follows an unanswered request only (product.md §9)."""
    if state.wanted is None or not state.requests:
        return state
    if state.sending:
        return replace(state, dropped=DroppedRequest("replied", now))
    return give_up_request(state, "replied", now)


def mark_unusable(state: ContactState, reason: str, now: Instant) -> ContactState:
    """Return the state of a number to which nothing can be delivered.

    Its wanted request is given up, unless it is being sent, which ends first.
    """
    state = replace(state, unusable=reason)
    if state.wanted is None or state.sending:
        return state
    return give_up_request(state, "unusable", now, reason)


def opted_out_later(state: ContactState, others: Sequence[ContactState]) -> bool:
    """Whether one of the `others` opted out after this contact opted in; for a contact that is not
    opted in, whether one opted out at all."""
    since = state.consent.since if state.consent.state == "opted_in" else None
    return any(
        other.consent.state == "opted_out"
        and (since is None or other.consent.since is None or other.consent.since > since)
        for other in others
    )


def consent_of_person(
    number: str | None, numbers: Iterable[str], states: Mapping[str, ContactState]
) -> ConsentState:
    """Return the consent of a person who may be texted at `number`, None for nowhere.

    `numbers`: all of theirs. One that opted out later than `number` opted in takes it back.
    `states`: by number; what is missing was never heard of.
    """
    if number is None or number not in states:
        return "unknown"
    state = states[number]
    others = [states[other] for other in numbers if other != number and other in states]
    if state.consent.state == "opted_in" and opted_out_later(state, others):
        return "opted_out"
    return state.consent.state
