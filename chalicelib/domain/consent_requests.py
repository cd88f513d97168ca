"""The decision whether and when a number is asked for SMS consent (product.md §9).

`judge_request` decides by the circumstances of this moment. It is called again before sending,
whatever was decided before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.domain.contact_states import (
    SECOND_REQUEST_AFTER,
    ContactState,
    RequestReason,
    give_up_request,
    opted_out_later,
)
from chalicelib.domain.membership import NEVER_TEXTED
from chalicelib.domain.texting import TextingRules, next_opening
from chalicelib.domain.times import HOUR, MINUTE
from chalicelib.domain.words import NO_PLATFORM, Instant, Platform

RECHECK_AFTER = {"off": 10 * MINUTE, "no_number": 6 * HOUR}

Mobile = Callable[[str], bool]
"""Whether an E.164 number can be a mobile of the US or Canada."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A source whose setting asks for the request.

    `starts_at`: no request before it (*SMS starts 60 minutes after applying*); `stopped`: a person
    pressed Cancel or Stop.
    """

    platform: Platform
    age_gate: bool
    connected: bool
    starts_at: Instant = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that a request depends on besides the state of its contact, as it is at `now`.

    `persona_found`: a persona has the number; `record`: one of its records, the one the request was
    wanted for unless the number went to another person; a YES makes it a member. `current`: the
    persona is texted at this number. `shared`: too many shoppers carry it. `refused`: a POS says it
    is opted out, whether or not its log knows by now. `others`: the states of that persona's other
    numbers. `zone`: of the favourite store, else of the account; `day`: the
    account's local one. `off`: the operator's kill switch.
    """

    now: Instant
    rules: TextingRules
    zone: str
    day: str = ""
    record: str = ""
    causes: tuple[Cause, ...] = ()
    flags: frozenset[str] = frozenset()
    others: tuple[ContactState, ...] = ()
    persona_found: bool = True
    current: bool = True
    shared: bool = False
    refused: bool = False
    mobile: bool = True
    off: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Send the request for `platform`, hold it until `until`, or drop it.

    `reason`: why it is held or dropped; `detail`: the flags, for example.
    """

    kind: Literal["go", "hold", "drop"]
    reason: RequestReason | None = None
    until: Instant | None = None
    platform: Platform = NO_PLATFORM
    detail: str = ""


def judge_request(state: ContactState, circumstances: Circumstances) -> Verdict:
    """Decide what to do now with the request that `state` wants.

    An obstacle that ends by itself holds the request, any other drops it. Obstacles of the number,
    the persona and the source are checked before those of the hour.
    """
    drop = _against_the_number(state, circumstances) or _against_the_persona(state, circumstances)
    if drop:
        return drop
    cause = _cause(state, circumstances)
    if isinstance(cause, Verdict):
        return cause
    return _against_the_hour(state, circumstances, cause) or Verdict("go", platform=cause.platform)


def hold_request(state: ContactState, verdict: Verdict) -> ContactState:
    """Return the state with its request held until the verdict's time."""
    return replace(state, due_at=verdict.until, held=verdict.reason)


def drop_request(state: ContactState, verdict: Verdict, now: Instant) -> ContactState:
    """Return the state with its request dropped for the verdict's reason."""
    if verdict.reason is None:
        raise ValueError("a request is dropped for a reason")
    return give_up_request(state, verdict.reason, now, verdict.detail)


def _against_the_number(state: ContactState, circumstances: Circumstances) -> Verdict | None:
    consent = state.consent.state
    if circumstances.refused and consent != "opted_in":
        consent = "opted_out"
    if consent in ("opted_out", "opted_in"):
        return Verdict("drop", consent)
    if state.unusable:
        return Verdict("drop", "unusable", detail=state.unusable)
    if not circumstances.mobile:
        return Verdict("drop", "not_a_mobile")
    if len(state.requests) >= circumstances.rules.request_limit:
        return Verdict("drop", "limit")
    if state.requests and state.dropped is not None and state.dropped.reason == "replied":
        return Verdict("drop", "replied")
    return None


def _against_the_persona(state: ContactState, circumstances: Circumstances) -> Verdict | None:
    if not circumstances.persona_found:
        return Verdict("drop", "nobody")
    if flags := sorted(circumstances.flags & NEVER_TEXTED):
        return Verdict("drop", "flagged", detail=", ".join(flags))
    if circumstances.shared:
        return Verdict("drop", "flagged", detail="shared_key")
    if not circumstances.current:
        return Verdict("drop", "another_number")
    if opted_out_later(state, circumstances.others):
        return Verdict("drop", "opted_out_elsewhere")
    return None


def _cause(state: ContactState, circumstances: Circumstances) -> Cause | Verdict:
    """Return the source to ask for: the one that wanted the request, else another; or the verdict
    when none may ask."""
    first = state.wanted.platform if state.wanted else ""
    causes = sorted(
        circumstances.causes, key=lambda cause: (cause.platform != first, cause.platform)
    )
    if not causes:
        return Verdict("drop", "setting", detail=first)
    against = [_against_the_source(cause) for cause in causes]
    for cause, reason in zip(causes, against, strict=True):
        if reason is None:
            return cause
    return Verdict("drop", against[0], detail=causes[0].platform)


def _against_the_source(cause: Cause) -> RequestReason | None:
    if not cause.age_gate:
        return "age_gate"
    if not cause.connected:
        return "disconnected"
    return "stopped" if cause.stopped else None


def _against_the_hour(
    state: ContactState, circumstances: Circumstances, cause: Cause
) -> Verdict | None:
    now, rules = circumstances.now, circumstances.rules
    if rules.number is None:
        return Verdict("hold", "no_number", now + RECHECK_AFTER["no_number"])
    if circumstances.off:
        return Verdict("hold", "off", now + RECHECK_AFTER["off"])
    if now < cause.starts_at:
        return Verdict("hold", "not_yet", cause.starts_at)
    if state.requests and now < state.requests[-1].at + SECOND_REQUEST_AFTER:
        return Verdict("hold", "second_not_yet", state.requests[-1].at + SECOND_REQUEST_AFTER)
    opening = next_opening(now, circumstances.zone, rules)
    return None if opening == now else Verdict("hold", "quiet_hours", opening)
