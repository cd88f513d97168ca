"""Send requests for consent: at most once each, whatever fails (product.md §9, ADR 12)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.domain.asking import (
    Circumstances,
    Verdict,
    drop_request,
    hold_request,
    judge_request,
)
from chalicelib.domain.consent import Entry, derive_consent
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
    TextingRules,
    count_parts,
    is_open,
    opening_after_this_month,
    opening_after_today,
)
from chalicelib.domain.words import Platform, TextState, Uid
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.consent.log import WRITE_TRIES, ContactBusy
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog, Contact
from chalicelib.services.ports.texting import (
    Caps,
    NumberUnusable,
    Text,
    TextLog,
    TextRefused,
    TextSender,
    TextUnknown,
)

Done = Literal["nothing", "busy", "held", "dropped", "sent", "unknown", "refused", "unusable"]
"""`busy`: another worker is sending it right now."""

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class RequestSender:
    """Makes the request that a head wants, if everything still allows it at this moment."""

    log: ConsentLog
    texts: TextLog
    sender: TextSender
    circumstances_reader: CircumstancesReader
    clock: Clock

    def handle(self, uid: Uid, number: str) -> Done:
        """Send, hold or drop what is wanted of this number; called again it does nothing twice.

        Raises ContactBusy; NotFound for an account that is not there.
        """
        for _ in range(WRITE_TRIES):
            done = self._step(uid, self.log.read(uid, "sms", number))
            if done is not None:
                return done
        raise ContactBusy("Others keep changing this number; try again.")

    def _step(self, uid: Uid, contact: Contact) -> Done | None:
        """None when somebody wrote the head meanwhile: look at it again."""
        head = contact.state
        if head.sending is not None:
            return self._after_a_worker(uid, head, head.sending)
        if head.wanted is None:
            return "nothing"
        seen = self.circumstances_reader.of(uid, head)
        verdict = judge_request(head, seen)
        if verdict.kind == "go":
            return self._send(uid, contact, seen, verdict.platform)
        if verdict.kind == "hold":
            held = hold_request(head, verdict)
            return "held" if held == head or self.log.write(uid, head, held) else None
        dropped = drop_request(head, verdict, seen.now)
        return "dropped" if self.log.write(uid, head, dropped) else None

    def _after_a_worker(self, uid: Uid, head: ContactState, request: Request) -> Done | None:
        """What another worker began: its own while it can live, unknown for ever after."""
        if self.clock.now() < request.at + SENDING_AT_MOST:
            return "busy"
        limit = self.circumstances_reader.rules(uid).request_limit
        text = self.texts.get(uid, request.day, request.at, text_id(request, head.contact))
        if text is None:  # somebody erased it
            done = finish_request(head, "unknown", limit)
            return "unknown" if self.log.write(uid, head, done) else None
        return self._end(text, request, limit, "unknown")

    def _send(
        self, uid: Uid, contact: Contact, seen: Circumstances, platform: Platform
    ) -> Done | None:
        head, now = contact.state, seen.now
        after = begin_request(head, platform, now, seen.day, seen.record)
        request = after.requests[-1]
        body = seen.rules.wording("request")
        text = Text(
            id=text_id(request, head.contact),
            uid=uid,
            kind="request",
            number=head.contact,
            body=body,
            parts=count_parts(body),
            at=now,
            day=request.day,
            why=platform,
        )
        entry = _request_entry(request, body)
        after = replace(after, consent=derive_consent([*contact.entries, entry]))
        caps = Caps(seen.rules.daily_cap, seen.rules.monthly_budget)
        begun = self.texts.begin(text, caps, before=head, after=after, entries=[entry])
        if begun in ("changed", "taken"):
            return None
        if begun != "begun":
            return (
                "held"
                if self.log.write(uid, head, hold_request(head, _used_up(begun, seen)))
                else None
            )
        if not is_open(self.clock.now(), seen.zone, seen.rules):  # the write took that long
            return self._end(text, request, seen.rules.request_limit, "refused")
        return self._publish(text, request, seen.rules)

    def _publish(self, text: Text, request: Request, rules: TextingRules) -> Done:
        """The one moment that cannot be repeated. What raises anything else leaves `sending`, which
        the schedule turns into unknown."""
        limit = rules.request_limit
        try:
            message_id = self.sender.send(rules.number or "", text.number, text.body)
        except TextUnknown:
            return self._end(text, request, limit, "unknown")
        except TextRefused:
            return self._end(text, request, limit, "refused")
        except NumberUnusable as error:
            return self._end(text, request, limit, "refused", unusable=error)
        return self._end(text, request, limit, "sent", message_id)

    def _end(
        self,
        text: Text,
        request: Request,
        limit: int,
        state: TextState,
        message_id: str | None = None,
        unusable: NumberUnusable | None = None,
    ) -> Done:
        for _ in range(WRITE_TRIES):
            contact = self.log.read(text.uid, "sms", text.number)
            if contact.state.sending != request:
                return "nothing"  # it has been ended before
            if state == "refused":
                after, entries = self._refused(contact, request, unusable)
            else:
                outcome: Literal["sent", "unknown"] = "sent" if state == "sent" else "unknown"
                after, entries = finish_request(contact.state, outcome, limit), []
            ended = self.texts.end(
                text, state, message_id, before=contact.state, after=after, entries=entries
            )
            if ended:
                return _done(state, unusable)
        raise ContactBusy("Others keep changing this number; try again.")

    def _refused(
        self, contact: Contact, request: Request, unusable: NumberUnusable | None
    ) -> tuple[ContactState, list[Entry]]:
        """The head and what the log gets, when the request never went."""
        now = self.clock.now()
        entries = [withdrawn(request, now)]
        head = take_back_request(contact.state, now)
        if unusable is not None:
            head = mark_unusable(head, unusable.message, now)
            if unusable.details.get("opted_out"):
                entries.append(carrier_no(text_id(request, head.contact), now))
        return with_consent(head, derive_consent([*contact.entries, *entries]), now), entries


def text_id(request: Request, number: str) -> str:
    """Deterministic: the same request of the same number is the same text. It says no number: pages
    of the list of texts go by it, and so do their addresses."""
    return f"{request.id}#{number_tag(request.record, number)}"


def withdrawn(request: Request, at: int) -> Entry:
    return Entry(f"withdrawn#{request.id}", at, "withdrawn", "aiq", SYSTEM, refers=request.id)


def carrier_no(text: str, at: int) -> Entry:
    """The carrier's word that this number opted out of our texts."""
    return Entry(f"carrier#{text}", at, "carrier_no", "carrier", evidence={"text": text})


def _request_entry(request: Request, body: str) -> Entry:
    evidence = {"platform": request.platform, "record": request.record}
    return Entry(
        id=request.id,
        at=request.at,
        act="request",
        source="aiq",
        actor=SYSTEM,
        wording=body,
        evidence=evidence,
    )


def _used_up(begun: str, seen: Circumstances) -> Verdict:
    if begun == "daily_cap":
        until = opening_after_today(seen.now, seen.zone, seen.rules)
        return Verdict("hold", "daily_cap", until)
    until = opening_after_this_month(seen.now, seen.zone, seen.rules)
    return Verdict("hold", "monthly_budget", until)


def _done(state: TextState, unusable: NumberUnusable | None) -> Done:
    if unusable is not None:
        return "unusable"
    return "sent" if state == "sent" else "unknown" if state == "unknown" else "refused"
