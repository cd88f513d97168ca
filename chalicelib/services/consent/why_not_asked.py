"""Why a person was asked for SMS consent, will be, or was not: in words and data (§6, §9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.domain.asking import Circumstances, Verdict, judge_request
from chalicelib.domain.contact_states import ContactState, Reason, may_be_texted
from chalicelib.domain.membership import NEVER_TEXTED
from chalicelib.domain.times import to_text
from chalicelib.domain.words import Uid
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.ports.consent import ContactStates, HeldPersonas

State = Literal["asked", "wanted", "not_wanted", "answered", "nobody"]

WORDS: Mapping[Reason, str] = {
    "off": "Our operator has stopped all texts for now.",
    "no_number": "The account has no origination number (Settings -> Texting), so no SMS goes.",
    "not_yet": "SMS starts some time after the setting was applied, so that it can be cancelled.",
    "second_not_yet": "A second request goes seven days after the first at the earliest.",
    "quiet_hours": "It is outside the hours of requests at the shopper's store.",
    "daily_cap": "The account's texts of this day are used up.",
    "monthly_budget": "The account's texts of this month are used up.",
    "refused": "The text was refused before it went; it will be tried again.",
    "opted_in": "The number is opted in: nothing is left to ask.",
    "opted_out": "The number opted out: nothing is sent until the shopper opts in again.",
    "opted_out_elsewhere": "Another number of this person opted out.",
    "unusable": "Nothing can be delivered to this number: {detail}",
    "not_a_mobile": "The number cannot be a mobile of the US or Canada.",
    "limit": "It has been asked as often as the account allows.",
    "replied": "The shopper answered a request, and not with YES: it is not made again.",
    "nobody": "No persona holds this number any more.",
    "another_number": "The person is texted at another number: that of the latest updated record.",
    "flagged": "The person is never texted, being flagged: {detail}.",
    "setting": "No source's setting asks for it: no sale on or after the date set.",
    "age_gate": "The age-gate box of {detail} is not ticked.",
    "disconnected": "The source {detail} is not connected.",
    "stopped": "The sending that the setting of {detail} started was cancelled or stopped.",
}


@dataclass(frozen=True, slots=True)
class Why:
    """`sentences` for a person; `data` for a program. `reason` is what stands in the way now."""

    state: State
    reason: Reason | None
    sentences: tuple[str, ...]
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WhyNotAsked:
    held_personas: HeldPersonas
    contact_states: ContactStates
    circumstances_reader: CircumstancesReader

    def explain(self, uid: Uid, record: str) -> Why:
        """Of the persona that holds `record` today, at the number it would be texted at."""
        standing = self.held_personas.of_record(uid, record)
        if standing is None or not standing.numbers:
            return Why("nobody", None, ("No phone number is known of this person.",))
        head = self.contact_states.states(uid, standing.numbers[:1])[standing.numbers[0]]
        return explain(head, self.circumstances_reader.of(uid, head))


def explain(head: ContactState, seen: Circumstances) -> Why:
    """What was done with the number, and what `judge_request` says of a request at this moment."""
    verdict = judge_request(head, seen)
    texted = may_be_texted(head, seen.others) and not seen.flags & NEVER_TEXTED
    sentences = [_made(number, request.at) for number, request in enumerate(head.requests, 1)]
    if head.wanted is not None:
        sentences.append(f"A request is wanted because of {head.wanted.platform}.")
    elif head.dropped is not None and head.dropped.reason != verdict.reason:
        was = _worded(head.dropped.reason, head.dropped.detail)
        sentences.append(f"A request was given up on {to_text(head.dropped.at)}: {was}")
    sentences.append(_now(verdict))
    if head.consent.state == "opted_in" and not texted:
        sentences.append(_why_not_texted(head, seen))
    data = _data(head, verdict) | {"may_be_texted": texted}
    return Why(_state(head), verdict.reason, tuple(sentences), data)


def _why_not_texted(head: ContactState, seen: Circumstances) -> str:
    """Of a number that is opted in."""
    if head.unusable:
        return _worded("unusable", head.unusable)
    if flags := sorted(seen.flags & NEVER_TEXTED):
        return _worded("flagged", ", ".join(flags))
    return "Another number of this person opted out later: nothing is sent to this one either."


def _state(head: ContactState) -> State:
    if head.consent.state in ("opted_in", "opted_out"):
        return "answered"
    if head.requests:
        return "asked"
    return "wanted" if head.wanted else "not_wanted"


def _made(number: int, at: int) -> str:
    return f"Request {number} was made on {to_text(at)}."


def _now(verdict: Verdict) -> str:
    if verdict.reason is None:
        return f"A request may go now, because of {verdict.platform}."
    words = _worded(verdict.reason, verdict.detail)
    return words if verdict.until is None else f"{words} It is looked at {to_text(verdict.until)}."


def _worded(reason: Reason, detail: str) -> str:
    return WORDS[reason].format(detail=detail or "the source")


def _data(head: ContactState, verdict: Verdict) -> dict[str, object]:
    return {
        "consent": head.consent.state,
        "requests": [
            {"at": to_text(made.at), "platform": made.platform, "outcome": made.outcome}
            for made in head.requests
        ],
        "wanted_for": head.wanted.platform if head.wanted else None,
        "held": head.held,
        "dropped": head.dropped.reason if head.dropped else None,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        "detail": verdict.detail,
        "until": None if verdict.until is None else to_text(verdict.until),
    }
