"""Why a person was asked for SMS consent, will be, or was not: in words and data (§6, §9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.domain.consent_requests import Circumstances, Verdict, judge_request
from chalicelib.domain.contact_states import ContactState, RequestReason, may_be_texted
from chalicelib.domain.membership import NEVER_TEXTED
from chalicelib.domain.times import to_text
from chalicelib.domain.words import Uid
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.ports.consent import ContactStates, HeldPersonas

State = Literal["asked", "wanted", "not_wanted", "answered", "nobody"]

WORDS: Mapping[RequestReason, str] = {
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
    """The explanation: `sentences` for a person, `data` for a program.

    `reason`: what stands in the way of a request now.
    """

    state: State
    reason: RequestReason | None
    sentences: tuple[str, ...]
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WhyNotAsked:
    """Explains to a person and to a program why a shopper was asked for SMS consent, or not."""

    held_personas: HeldPersonas
    contact_states: ContactStates
    circumstances_reader: CircumstancesReader

    def explain(self, uid: Uid, record: str) -> Why:
        """Explain the persona that holds `record` today, at the number it would be texted at."""
        holder = self.held_personas.of_record(uid, record)
        if holder is None or not holder.numbers:
            return Why("nobody", None, ("No phone number is known of this person.",))
        state = self.contact_states.states(uid, holder.numbers[:1])[holder.numbers[0]]
        return explain(state, self.circumstances_reader.read(uid, state))


def explain(state: ContactState, seen: Circumstances) -> Why:
    """Explain what was done with the number, and what `judge_request` decides at this moment."""
    verdict = judge_request(state, seen)
    texted = may_be_texted(state, seen.others) and not _never_texted(seen)
    sentences = [
        f"Request {number} was made on {to_text(request.at)}."
        for number, request in enumerate(state.requests, 1)
    ]
    if state.wanted is not None:
        sentences.append(f"A request is wanted because of {state.wanted.platform}.")
    elif state.dropped is not None and state.dropped.reason != verdict.reason:
        why = _reason_sentence(state.dropped.reason, state.dropped.detail)
        sentences.append(f"A request was given up on {to_text(state.dropped.at)}: {why}")
    sentences.append(_verdict_sentence(verdict))
    if state.consent.state == "opted_in" and not texted:
        sentences.append(_why_not_texted(state, seen))
    data = _data(state, verdict) | {"may_be_texted": texted}
    return Why(_progress(state), verdict.reason, tuple(sentences), data)


def _why_not_texted(state: ContactState, seen: Circumstances) -> str:
    """Say why no texts go to a number that is opted in."""
    if state.unusable:
        return _reason_sentence("unusable", state.unusable)
    if flags := _never_texted(seen):
        return _reason_sentence("flagged", ", ".join(flags))
    return "Another number of this person opted out later: nothing is sent to this one either."


def _never_texted(seen: Circumstances) -> list[str]:
    """Return the flags for which this number is never texted."""
    return sorted(seen.flags & NEVER_TEXTED) or ["shared_key"] * seen.shared


def _progress(state: ContactState) -> State:
    if state.consent.state in ("opted_in", "opted_out"):
        return "answered"
    if state.requests:
        return "asked"
    return "wanted" if state.wanted else "not_wanted"


def _verdict_sentence(verdict: Verdict) -> str:
    if verdict.reason is None:
        return f"A request may go now, because of {verdict.platform}."
    words = _reason_sentence(verdict.reason, verdict.detail)
    return words if verdict.until is None else f"{words} It is looked at {to_text(verdict.until)}."


def _reason_sentence(reason: RequestReason, detail: str) -> str:
    return WORDS[reason].format(detail=detail or "the source")


def _data(state: ContactState, verdict: Verdict) -> dict[str, object]:
    return {
        "consent": state.consent.state,
        "requests": [
            {"at": to_text(made.at), "platform": made.platform, "outcome": made.outcome}
            for made in state.requests
        ],
        "wanted_for": state.wanted.platform if state.wanted else None,
        "held": state.held,
        "dropped": state.dropped.reason if state.dropped else None,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        "detail": verdict.detail,
        "until": None if verdict.until is None else to_text(verdict.until),
    }
