"""Send requests for consent: at most once each, whatever fails (product.md §9, ADR 12)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.domain.consent import Entry, derive_consent
from chalicelib.domain.consent_requests import (
    Circumstances,
    Verdict,
    drop_request,
    hold_request,
    judge_request,
)
from chalicelib.domain.contact_states import (
    SENDING_AT_MOST,
    ContactState,
    Request,
    begin_request,
    finish_request,
    mark_unusable,
    take_back_request,
    with_consent,
)
from chalicelib.domain.ids import number_tag
from chalicelib.domain.texting import (
    count_parts,
    is_open,
    opening_after_this_month,
    opening_after_today,
)
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.consent.log import WRITE_TRIES, ContactBusy
from chalicelib.services.job_messages.text_jobs import RequestJob
from chalicelib.services.ports.audit import SYSTEM
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog, Contact
from chalicelib.services.ports.texting import (
    Begun,
    Caps,
    NumberUnusable,
    Text,
    TextLog,
    TextSender,
)
from chalicelib.services.texting.sending import SendResult, carrier_opt_out, send_once

Outcome = Literal["nothing", "busy", "held", "dropped", "sent", "unknown", "refused", "unusable"]
"""`busy`: another worker is sending it right now."""


@dataclass(frozen=True, slots=True)
class RequestSender:
    """Makes the request that a contact's state wants, if everything still allows it by then."""

    log: ConsentLog
    texts: TextLog
    sender: TextSender
    circumstances_reader: CircumstancesReader
    clock: Clock

    def handle(self, job: RequestJob) -> Outcome:
        """Send, hold or drop what is wanted of this number; called again it does nothing twice.

        Raises ContactBusy; NotFound for an account that is not there.
        """
        for _ in range(WRITE_TRIES):
            outcome = self._step(job.uid, self.log.read(job.uid, "sms", job.number))
            if outcome is not None:
                return outcome
        raise ContactBusy("Others keep changing this number; try again.")

    def _step(self, uid: Uid, contact: Contact) -> Outcome | None:
        """Return None when somebody wrote the state meanwhile: look at it again."""
        state = contact.state
        if state.sending is not None:
            return self._after_a_worker(uid, state, state.sending)
        if state.wanted is None:
            return "nothing"
        seen = self.circumstances_reader.read(uid, state)
        verdict = judge_request(state, seen)
        if verdict.kind == "go":
            return self._send(uid, contact, seen, verdict.platform)
        if verdict.kind == "hold":
            return self._hold(uid, state, verdict)
        dropped = drop_request(state, verdict, seen.now)
        return "dropped" if self.log.write(uid, state, dropped) else None

    def _hold(self, uid: Uid, state: ContactState, verdict: Verdict) -> Outcome | None:
        after = hold_request(state, verdict)
        return "held" if after == state or self.log.write(uid, state, after) else None

    def _after_a_worker(self, uid: Uid, state: ContactState, request: Request) -> Outcome | None:
        """End what another worker began as unknown, once that worker cannot live any more."""
        if self.clock.now() < request.at + SENDING_AT_MOST:
            return "busy"
        limit = self.circumstances_reader.rules(uid).request_limit
        text = self.texts.get(uid, request.day, request.at, text_id(request, state.contact))
        if text is None:  # somebody erased it
            after = finish_request(state, "unknown", limit)
            return "unknown" if self.log.write(uid, state, after) else None
        return self._end(text, request, limit, SendResult("unknown"))

    def _send(
        self, uid: Uid, contact: Contact, seen: Circumstances, platform: Platform
    ) -> Outcome | None:
        state, rules = contact.state, seen.rules
        after = begin_request(state, platform, seen.now, seen.day, seen.record)
        request = after.requests[-1]
        body = rules.wording("request")
        text = Text(
            id=text_id(request, state.contact),
            uid=uid,
            kind="request",
            number=state.contact,
            body=body,
            parts=count_parts(body),
            at=seen.now,
            day=request.day,
            why=platform,
        )
        entry = _request_entry(request, body)
        after = replace(after, consent=derive_consent([*contact.entries, entry]))
        caps = Caps(rules.daily_cap, rules.monthly_budget)
        begun = self.texts.begin(text, caps, before=state, after=after, entries=[entry])
        if begun in ("changed", "taken"):
            return None
        if begun != "begun":
            return self._hold(uid, state, _cap_verdict(begun, seen))
        if not is_open(self.clock.now(), seen.zone, rules):  # the write took that long
            return self._end(text, request, rules.request_limit, SendResult("refused"))
        # Never repeated: from here on the text may have gone out.
        result = send_once(self.sender, rules.number or "", text)
        return self._end(text, request, rules.request_limit, result)

    def _end(self, text: Text, request: Request, limit: int, result: SendResult) -> Outcome:
        """Write down what became of the text. `limit`: requests a number may get."""
        for _ in range(WRITE_TRIES):
            contact = self.log.read(text.uid, "sms", text.number)
            if contact.state.sending != request:
                return "nothing"  # it has been ended before
            if result.state == "refused":
                after, entries = self._after_refusal(contact, request, result.unusable)
            else:
                went: Literal["sent", "unknown"] = "sent" if result.state == "sent" else "unknown"
                after, entries = finish_request(contact.state, went, limit), []
            ended = self.texts.end(
                text,
                result.state,
                result.message_id,
                before=contact.state,
                after=after,
                entries=entries,
            )
            if ended:
                return _outcome(result)
        raise ContactBusy("Others keep changing this number; try again.")

    def _after_refusal(
        self, contact: Contact, request: Request, unusable: NumberUnusable | None
    ) -> tuple[ContactState, list[Entry]]:
        """Return the state and the log's new entries when the request never went."""
        now = self.clock.now()
        entries = [_withdrawal(request, now)]
        state = take_back_request(contact.state, now)
        if unusable is not None:
            state = mark_unusable(state, unusable.message, now)
            if unusable.details.get("opted_out"):
                entries.append(carrier_opt_out(text_id(request, state.contact), now))
        return with_consent(state, derive_consent([*contact.entries, *entries]), now), entries


def text_id(request: Request, number: str) -> str:
    """Return the text's id, the same for the same request of the same number.

    It does not contain the number: pages of the list of texts go by it, and so do their addresses.
    """
    return f"{request.id}#{number_tag(request.record, number)}"


def _withdrawal(request: Request, at: Instant) -> Entry:
    return Entry(f"withdrawn#{request.id}", at, "withdrawn", "aiq", SYSTEM, refers=request.id)


def _request_entry(request: Request, body: str) -> Entry:
    return Entry(
        id=request.id,
        at=request.at,
        act="request",
        source="aiq",
        actor=SYSTEM,
        wording=body,
        evidence={"platform": request.platform, "record": request.record},
    )


def _cap_verdict(begun: Begun, seen: Circumstances) -> Verdict:
    """Hold the request until the day's or the month's texts are counted anew."""
    if begun == "daily_cap":
        until = opening_after_today(seen.now, seen.zone, seen.rules)
        return Verdict("hold", "daily_cap", until)
    until = opening_after_this_month(seen.now, seen.zone, seen.rules)
    return Verdict("hold", "monthly_budget", until)


def _outcome(result: SendResult) -> Outcome:
    if result.unusable is not None:
        return "unusable"
    return "refused" if result.state == "sending" else result.state
