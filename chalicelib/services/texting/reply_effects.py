"""What a shopper's message does: its entry in the consent log, and the text that answers it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.consent import (
    Consent,
    ConsentAct,
    Entry,
    answers_a_request,
    derive_consent,
)
from chalicelib.domain.contact_states import ContactState, Request, end_on_reply, with_consent
from chalicelib.domain.text_replies import Reply, may_mean_yes
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Instant
from chalicelib.services.job_messages.text_jobs import InboundText
from chalicelib.services.ports.consent import Contact

MOST_ANSWERS_A_DAY = 10
"""Per number: two machines that answer each other must come to an end."""


@dataclass(frozen=True, slots=True)
class ReplyEffect:
    """The message's entry, which names the wording that answers it, and the contact's state."""

    entry: Entry
    state: ContactState


def reply_entry_id(message: InboundText) -> str:
    """Return the id of a message's entry in the consent log."""
    return f"sms#{message.id}"


def reply_effect(
    contact: Contact, message: InboundText, reply: Reply, day: str, now: Instant
) -> ReplyEffect:
    """Return what a message does to a contact; an entry made before stays what it was.

    `day`: the account's local one. `now`: when the state is written.
    """
    key = reply_entry_id(message)
    known = next((entry for entry in contact.entries if entry.id == key), None)
    if known is not None:
        return ReplyEffect(known, contact.state)
    request = _answered_request(contact.state, message.at)
    answered = request if reply == "yes" else None
    evidence: dict[str, object] = {"message_id": message.id, "said": reply, "day": day}
    if answered is not None:
        evidence |= {"platform": answered.platform, "record": answered.record}
    entry = Entry(
        id=key,
        at=message.at,
        act=_act(reply, answered),
        source="sms",
        actor="shopper",
        refers=answered.id if answered else "",
        evidence=evidence,
    )
    consent = derive_consent([*contact.entries, entry])
    answer = _answer(reply, entry, contact.state.consent, consent)
    if _answers_since(contact, message.at - DAY) >= MOST_ANSWERS_A_DAY:
        answer = ""
    state = with_consent(contact.state, consent, now)
    if entry.act in ("yes", "start"):
        state = replace(state, unusable=None)  # who writes to us can be written to
    if _answers_otherwise(reply, message) and request is not None:
        state = end_on_reply(state, now)
    return ReplyEffect(replace(entry, answer=answer), state)


def _answers_otherwise(reply: Reply, message: InboundText) -> bool:
    """Whether a message that is no keyword answers a request without a yes; a reaction says nothing
    and is no answer."""
    return reply in ("small_talk", "other") and not may_mean_yes(message.body_text)


def _act(reply: Reply, answered: Request | None) -> ConsentAct:
    """Return the act of a reply: a YES that answers no request is only noted, lest a later request
    be taken for answered."""
    if reply == "stop":
        return "stop"
    if reply == "start":
        return "start"
    return "yes" if answered is not None else "noted"


def _answered_request(state: ContactState, at: Instant) -> Request | None:
    """Return the latest request that a message at `at` answers."""
    made = [request for request in state.requests if answers_a_request(at, [request.at])]
    return made[-1] if made else None


def _answer(reply: Reply, entry: Entry, before: Consent, after: Consent) -> str:
    """Return the wording that answers, "" for none.

    An opt-in and an opt-out are confirmed when they change something. A YES without a request gets
    the same help as HELP; somebody opted out gets nothing.
    """
    changed = after.by == entry.id and after.state != before.state
    if entry.act == "stop":
        return "opt_out" if changed else ""
    if entry.act in ("yes", "start"):
        return "confirmation" if changed else ""
    if after.state == "opted_out":
        return ""
    if reply == "help" or (reply == "yes" and after.state != "opted_in"):
        return "help"
    return ""


def _answers_since(contact: Contact, since: Instant) -> int:
    return sum(1 for entry in contact.entries if entry.answer and entry.at > since)
