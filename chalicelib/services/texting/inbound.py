"""What shoppers answer by text: YES, STOP, HELP, START (product.md §9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import SENDING_AT_MOST, ContactState, mark_unusable
from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.shown_text import without_hidden
from chalicelib.domain.text_replies import LONGEST_READ, Reply, classify_reply
from chalicelib.domain.texting import TextingRules, Wording, count_parts
from chalicelib.domain.times import HOUR, MINUTE
from chalicelib.domain.words import Uid
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.consent.log import append_entries, write_until_current
from chalicelib.services.job_messages.text_jobs import InboundText
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog, Contact
from chalicelib.services.ports.texting import (
    Joins,
    NumberUnusable,
    Text,
    TextingSettings,
    TextLog,
    TextSender,
    UnclearReply,
)
from chalicelib.services.texting.reply_effects import reply_effect, reply_entry_id
from chalicelib.services.texting.sending import carrier_opt_out, send_once
from chalicelib.services.texting.unclear_replies import ReplyQueue

JUST_RECEIVED: Mapping[str, int] = {"opt_out": 5 * MINUTE, "confirmation": HOUR, "help": HOUR}
"""How long after a message its answer may go. Five minutes: 47 CFR 64.1200(a)(12)."""

FOR_ONE: frozenset[Reply] = frozenset({"yes", "start", "help"})
"""Replies that one account alone takes."""

_E164 = re.compile(r"\+[1-9]\d{6,14}")


class Unrouted(PoisonMessage):
    """Nobody has the number that was written to; the message is kept until somebody does."""

    code = "unrouted_text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """Routes a shopper's message to its account, writes it to the consent log, answers it once."""

    log: ConsentLog
    texts: TextLog
    sender: TextSender
    settings: TextingSettings
    circumstances_reader: CircumstancesReader
    joins: Joins
    unclear_replies: ReplyQueue
    clock: Clock

    def handle(self, message: InboundText) -> tuple[str, Reply]:
        """Return the account, and what the message was taken for.

        The same message again does nothing twice. Raises Unrouted when no account has the number,
        PoisonMessage for a sender that is no phone number, ContactBusy.
        """
        if not _E164.fullmatch(message.number):
            raise PoisonMessage("the message comes from no phone number")
        reply = classify_reply(message.body_text)
        uids = self._accounts_meant(message, reply)
        if not uids:
            raise Unrouted("no account has the number that was written to")
        for uid in uids:
            self._take(uid, message, reply)
        return uids[0], reply

    def _accounts_meant(self, message: InboundText, reply: Reply) -> tuple[Uid, ...]:
        """Return whom the message may mean: every account that texted from the number, even before.

        A no goes to all of them, what could opt a shopper in only to one that is known for sure.
        Of several, one that gave the number up hears only of shoppers it has texted with.
        """
        holders = self.settings.holders(message.destination)
        accounts = (*([holders.current] if holders.current else []), *holders.former)
        if len(accounts) == 1 or (reply in FOR_ONE and holders.current):
            return accounts[:1]
        if reply in FOR_ONE:
            return ()
        return tuple(
            uid for uid in accounts if uid == holders.current or self._knows(uid, message.number)
        )

    def _knows(self, uid: Uid, number: str) -> bool:
        return bool(self.log.read(uid, "sms", number).entries)

    def _take(self, uid: Uid, message: InboundText, reply: Reply) -> None:
        if reply == "other":
            self._let_wait(uid, message)
        entry = self._write_down(uid, message, reply)
        self._join(uid, entry)
        if entry.answer:
            self._answer(uid, message, entry)

    def _let_wait(self, uid: Uid, message: InboundText) -> None:
        """Keep the message's words for a person, before the log says that it was taken: a message
        that comes again does not ask again what a person has answered."""
        contact = self.log.read(uid, "sms", message.number)
        if any(entry.id == reply_entry_id(message) for entry in contact.entries):
            return
        requested = [made.at for made in contact.state.requests if made.at <= message.at]
        reply = UnclearReply(
            id=message.id,
            at=message.at,
            number=message.number,
            text=without_hidden(message.body_text[:LONGEST_READ]),
            requested_at=max(requested, default=None),
        )
        self.unclear_replies.keep(uid, reply)

    def _write_down(self, uid: Uid, message: InboundText, reply: Reply) -> Entry:
        """Write the message's entry unless the log has it, and return it as it stands there."""
        day = self.circumstances_reader.today(uid)
        written: list[Entry] = []

        def step(contact: Contact) -> bool:
            effect = reply_effect(contact, message, reply, day, self.clock.now())
            written[:] = [effect.entry]
            if effect.entry in contact.entries:
                return True
            return self.log.write(uid, contact.state, effect.state, [effect.entry])

        write_until_current(self.log, uid, "sms", message.number, step)
        return written[0]

    def _join(self, uid: Uid, entry: Entry) -> None:
        """Make the shopper of a YES a member (product.md §7)."""
        record, platform = entry.evidence.get("record"), entry.evidence.get("platform")
        if entry.act == "yes" and isinstance(record, str) and record:
            self.joins.join(uid, record, f"double_opt_in:{platform}", entry.at)

    def _answer(self, uid: Uid, message: InboundText, entry: Entry) -> None:
        """Answer once, whatever fails: the text is written down before it goes."""
        rules = self.circumstances_reader.rules(uid)
        state = self.log.read(uid, "sms", message.number).state
        stopped = self.circumstances_reader.texts_stopped()
        if stopped or not self._may_answer(entry, state, rules, message):
            return
        wording: Wording = entry.answer  # type: ignore[assignment]  # `reply_effect` chose it
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
        self, entry: Entry, state: ContactState, rules: TextingRules, message: InboundText
    ) -> bool:
        """Whether the answer may still go.

        To an opted-out number goes nothing but the confirmation of that very opt-out. To a number
        abroad goes nothing: whoever earns on texts there would only have to write.
        """
        if not self.circumstances_reader.mobile(message.number):
            return False
        if self.clock.now() - entry.at > JUST_RECEIVED[entry.answer]:
            return False
        if rules.number != message.destination:
            return False
        if state.consent.state == "opted_out":
            return entry.answer == "opt_out" and state.consent.by == entry.id
        return entry.answer != "opt_out"

    def _publish(self, text: Text, origination: str) -> None:
        result = send_once(self.sender, origination, text)
        self.texts.end(text, result.state, result.message_id)
        if result.unusable is not None:
            self._mark_unusable(text, result.unusable)

    def _mark_unusable(self, text: Text, error: NumberUnusable) -> None:
        now = self.clock.now()

        def step(contact: Contact) -> bool:
            marked = mark_unusable(contact.state, error.message, now)
            return self.log.write(text.uid, contact.state, marked)

        write_until_current(self.log, text.uid, "sms", text.number, step)
        if error.details.get("opted_out"):
            entry = carrier_opt_out(text.id, now)
            append_entries(self.log, self.clock, text.uid, "sms", text.number, [entry])
