"""Settings → Texting, Replies: what nobody could classify waits for a person (product.md §9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.consent import Entry
from chalicelib.domain.errors import NotFound
from chalicelib.domain.words import Uid
from chalicelib.services.consent.log import append_entries
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog
from chalicelib.services.ports.texting import UnclearReplies, UnclearReply

Meaning = Literal["stop", "nothing"]

SHOWN = 200
ALL_OF_THEM = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyQueue:
    """Keeps unclear replies, shows them, and does what a person says that one means.

    One notification stands for all of an account's; it clears itself when none waits.
    """

    replies: UnclearReplies
    log: ConsentLog
    notifier: Notifier
    audit: Audit
    clock: Clock

    def keep(self, uid: Uid, reply: UnclearReply) -> None:
        """Let the reply wait for a person. The same one again changes nothing."""
        self.replies.add(uid, reply)
        self.notifier.raise_(uid, "unclear_replies", ALL_OF_THEM)

    def waiting_replies(self, uid: Uid) -> list[UnclearReply]:
        """Return the replies that wait, the oldest first, at most 200."""
        replies = self.replies.waiting_replies(uid)
        if not replies:  # the last may have gone by its age
            self.notifier.clear(uid, "unclear_replies", ALL_OF_THEM)
        return replies[:SHOWN]

    def decide(self, uid: Uid, reply_id: str, means: Meaning, *, actor: str) -> list[UnclearReply]:
        """Do what the reply means, forget its words, and return those that still wait.

        A stop counts from when the shopper wrote it. It is not confirmed: that may go within
        minutes only (47 CFR 64.1200(a)(12)). Raises NotFound, ContactBusy.
        """
        reply = self.replies.get(uid, reply_id)
        if reply is None:
            raise NotFound("No such reply waits: somebody has read it, or it was too old.")
        if means == "stop":
            entry = _stop_entry(reply, actor)
            append_entries(self.log, self.clock, uid, "sms", reply.number, [entry])
        now = self.clock.now()
        self.audit.record(
            uid, AuditEntry(now, actor, "texting.reply_read", reply_id, after={"means": means})
        )
        self.replies.remove(uid, reply_id)
        return self.waiting_replies(uid)


def _stop_entry(reply: UnclearReply, actor: str) -> Entry:
    evidence = {"message_id": reply.id, "said": "stop", "read_by": actor}
    return Entry(
        id=f"read#{reply.id}",
        at=reply.at,
        act="stop",
        source="sms",
        actor="shopper",
        evidence=evidence,
    )
