"""What shoppers answer by text: YES, STOP, HELP, START (product.md §9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.consent import Consent, ConsentAct, Entry, answers_a_request, derive_consent
from chalicelib.domain.contact_states import (
    SENDING_AT_MOST,
    ContactState,
    Request,
    end_on_reply,
    mark_unusable,
    with_consent,
)
from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.text_replies import Reply, classify_reply, may_mean_yes
from chalicelib.domain.texting import TextingRules, Wording, count_parts
from chalicelib.domain.times import DAY, HOUR, MINUTE
from chalicelib.domain.words import Uid
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.consent.log import append, insist
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog, Contact
from chalicelib.services.ports.texting import (
    Joins,
    NumberUnusable,
    Text,
    TextingSettings,
    TextLog,
    TextRefused,
    TextSender,
    TextUnknown,
)
from chalicelib.services.texting.requests import carrier_no
from chalicelib.services.texting.text_jobs import InboundText

MOST_ANSWERS_A_DAY = 10
"""Per number: two machines that answer each other must come to an end."""

JUST_RECEIVED: Mapping[str, int] = {"opt_out": 5 * MINUTE, "confirmation": HOUR, "help": HOUR}
"""After that it is no answer any more. Five minutes: 47 CFR 64.1200(a)(12)."""

FOR_ONE: frozenset[Reply] = frozenset({"yes", "start", "help"})

_E164 = re.compile(r"\+[1-9]\d{6,14}")


class Unrouted(PoisonMessage):
    """Nobody has the number that was written to; the message is kept until somebody does."""

    code = "unrouted_text"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a message does: its entry in the log, and which wording answers it, if any."""

    entry: Entry
    head: ContactState


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """Routes a shopper's message to its account, writes down what it says, and answers it once."""

    log: ConsentLog
    texts: TextLog
    sender: TextSender
    settings: TextingSettings
    circumstances_reader: CircumstancesReader
    joins: Joins
    clock: Clock

    def handle(self, message: InboundText) -> tuple[str, Reply]:
        """The account, and what the message was taken for. The same message again does nothing
        twice.

        Raises Unrouted when no account has the number, PoisonMessage for a sender that is no phone
        number, ContactBusy.
        """
        if not _E164.fullmatch(message.number):
            raise PoisonMessage("the message comes from no phone number")
        reply = classify_reply(message.body_text)
        uids = self._meant(message, reply)
        if not uids:
            raise Unrouted("no account has the number that was written to")
        for uid in uids:
            self._hear(uid, message, reply)
        return uids[0], reply

    def _meant(self, message: InboundText, reply: Reply) -> tuple[Uid, ...]:
        """Whoever texted from the number may be meant: an account may have given it up since.

        A no is heard by all of them, what could make somebody opt in by one that is known for sure.
        Of several, one that gave the number up hears only of whom it has texted with.
        """
        holders = self.settings.holders(message.destination)
        everybody = (*([holders.current] if holders.current else []), *holders.former)
        if len(everybody) == 1 or (reply in FOR_ONE and holders.current):
            return everybody[:1]
        if reply in FOR_ONE:
            return ()
        return tuple(
            uid for uid in everybody if uid == holders.current or self._knows(uid, message.number)
        )

    def _knows(self, uid: Uid, number: str) -> bool:
        return bool(self.log.read(uid, "sms", number).entries)

    def _hear(self, uid: Uid, message: InboundText, reply: Reply) -> None:
        entry = self._write_down(uid, message, reply)
        self._join(uid, entry)
        if entry.answer:
            self._answer(uid, message, entry)

    def _write_down(self, uid: Uid, message: InboundText, reply: Reply) -> Entry:
        """The message's entry, as it stands in the log since it first came."""
        day = self.circumstances_reader.today(uid)
        written: list[Entry] = []

        def step(contact: Contact) -> bool:
            meaning = _meaning(contact, message, reply, day, self.clock.now())
            written[:] = [meaning.entry]
            if meaning.entry in contact.entries:
                return True
            return self.log.write(uid, contact.state, meaning.head, [meaning.entry])

        insist(self.log, uid, "sms", message.number, step)
        return written[0]

    def _join(self, uid: Uid, entry: Entry) -> None:
        """A YES also makes them a member (product.md §7)."""
        record, platform = entry.evidence.get("record"), entry.evidence.get("platform")
        if entry.act == "yes" and isinstance(record, str) and record:
            self.joins.join(uid, record, f"double_opt_in:{platform}", entry.at)

    def _answer(self, uid: Uid, message: InboundText, entry: Entry) -> None:
        """Once, whatever fails: the text is written down before it goes."""
        rules = self.circumstances_reader.rules(uid)
        head = self.log.read(uid, "sms", message.number).state
        if self.circumstances_reader.texts_stopped() or not self._may_answer(
            entry, head, rules, message
        ):
            return
        wording: Wording = entry.answer  # type: ignore[assignment]  # `_answer_to` chose it
        body = rules.wording(wording)
        text = Text(
            id=f"answer#{message.id}",
            uid=uid,
            kind=wording,
            number=message.number,
            body=body,
            parts=count_parts(body),
            at=entry.at,
            day=str(entry.evidence["day"]),
            why=message.id,
        )
        ends_by = self.clock.now() + SENDING_AT_MOST
        if self.texts.begin(text, None, ends_by=ends_by) == "begun":
            self._publish(text, message.destination)

    def _may_answer(
        self, entry: Entry, head: ContactState, rules: TextingRules, message: InboundText
    ) -> bool:
        """To an opted-out number goes nothing but the confirmation of that very opt-out.

        To a number abroad goes nothing: whoever earns on texts there would only have to write.
        """
        if not self.circumstances_reader.mobile(message.number):
            return False
        if self.clock.now() - entry.at > JUST_RECEIVED[entry.answer]:
            return False
        if rules.number != message.destination:
            return False
        if head.consent.state == "opted_out":
            return entry.answer == "opt_out" and head.consent.by == entry.id
        return entry.answer != "opt_out"

    def _publish(self, text: Text, origination: str) -> None:
        try:
            message_id = self.sender.send(origination, text.number, text.body)
        except TextUnknown:
            self.texts.end(text, "unknown")
        except TextRefused:
            self.texts.end(text, "refused")
        except NumberUnusable as error:
            self.texts.end(text, "refused")
            self._mark(text, error)
        else:
            self.texts.end(text, "sent", message_id)

    def _mark(self, text: Text, error: NumberUnusable) -> None:
        now = self.clock.now()

        def step(contact: Contact) -> bool:
            marked = mark_unusable(contact.state, error.message, now)
            return self.log.write(text.uid, contact.state, marked)

        insist(self.log, text.uid, "sms", text.number, step)
        if error.details.get("opted_out"):
            entry = carrier_no(text.id, now)
            append(self.log, self.clock, text.uid, "sms", text.number, [entry])


def _meaning(contact: Contact, message: InboundText, reply: Reply, day: str, now: int) -> Meaning:
    """The entry a message makes, and the head after it; an entry made before stays what it was."""
    key = f"sms#{message.id}"
    known = next((entry for entry in contact.entries if entry.id == key), None)
    if known is not None:
        return Meaning(known, contact.state)
    request = _answered_request(contact.state, message.at)
    answered = request if reply == "yes" else None
    act = _act(reply, answered)
    evidence: dict[str, object] = {"message_id": message.id, "said": reply, "day": day}
    if answered is not None:
        evidence |= {"platform": answered.platform, "record": answered.record}
    entry = Entry(
        id=key,
        at=message.at,
        act=act,
        source="sms",
        actor="shopper",
        refers=answered.id if answered else "",
        evidence=evidence,
    )
    before = contact.state.consent
    consent = derive_consent([*contact.entries, entry])
    answer = _answer_to(reply, entry, before, consent)
    if _answers_since(contact, message.at - DAY) >= MOST_ANSWERS_A_DAY:
        answer = ""
    head = with_consent(contact.state, consent, now)
    if act in ("yes", "start"):
        head = replace(head, unusable=None)  # who writes to us can be written to
    if reply == "other" and request is not None and not may_mean_yes(message.body_text):
        head = end_on_reply(head, now)
    return Meaning(replace(entry, answer=answer), head)


def _act(reply: Reply, answered: Request | None) -> ConsentAct:
    """A YES that answers nothing is noted, lest a later request be taken for answered."""
    if reply == "stop":
        return "stop"
    if reply == "start":
        return "start"
    return "yes" if answered is not None else "noted"


def _answered_request(head: ContactState, at: int) -> Request | None:
    """The latest request that a message at `at` answers."""
    made = [request for request in head.requests if answers_a_request(at, [request.at])]
    return made[-1] if made else None


def _answer_to(reply: Reply, entry: Entry, before: Consent, after: Consent) -> str:
    """The wording that answers: an opt-in and an opt-out are confirmed when they change something.

    A YES without a request is told what to do, as HELP is; somebody opted out is told nothing.
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


def _answers_since(contact: Contact, since: int) -> int:
    return sum(1 for entry in contact.entries if entry.answer and entry.at > since)
