"""Account notifications: what happened, what to do, a link; one per (kind, subject) (§12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.words import Severity, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.notifications import Notification, Notifications, OperatorTopic

Kind = Literal[
    "unmapped_stores",
    "key_rejected",
    "key_unreadable",
    "login_expired",
    "permission_missing",
    "server_unreachable",
    "server_untrusted",
    "stale_source",
    "no_rows",
    "truncated_catalogue",
    "contacts_withdrawn",
    "unusable_rows",
    "many_unlinked_sales",
    "shared_key",
    "points_import_mismatch",
    "unread_balances",
    "members_left",
    "unclear_replies",
    "backup_bad",
    "backup_impossible",
    "dead_letter",
    "drift",
    "audience_run_failed",
    "favourite_store_unknown",
    "pins_guessed",
]

CARD = "/settings/integrations/{platform}"
STORES = "/settings/stores"
TEXTING = "/settings/texting"
AUDIENCES = "/audiences"
API_AND_TRACKING = "/api-and-tracking"
NAMES_SHOWN = 5
NAMES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Template:
    """The sentences of a kind of notification, with the names of facts in braces.

    `facts` lists what a caller must give.
    """

    severity: Severity
    title: str
    what_to_do: str
    link: str
    facts: tuple[str, ...]


TEMPLATES: Mapping[Kind, Template] = {
    "unmapped_stores": Template(
        "warning",
        "You have unmapped stores: {names}. {sales} sales wait for a store.",
        "Go to Settings -> Company Account > Retail Store, click Edit on the store, and choose its"
        " key under Store Mappings. Past sales get the store too.",
        STORES,
        ("names", "sales"),
    ),
    "key_rejected": Template(
        "error",
        "{title} rejected the key of {scope}. Its sync has stopped.",
        "Get a new key from {title} and save it on the credential; the sync starts again then.",
        CARD,
        ("title", "scope"),
    ),
    "key_unreadable": Template(
        "error",
        "The stored key of {scope} for {title} cannot be decrypted any more. Its sync has stopped.",
        "Open the card, edit the credential and enter the key again; the sync starts again then.",
        CARD,
        ("title", "scope"),
    ),
    "login_expired": Template(
        "error",
        "The login of {scope} at {title} has ended. Its sync has stopped.",
        "Log in to {title} again, then edit the credential on the card and enter what it gives you;"
        " the sync starts again then. Nothing is lost: it goes on where it was.",
        CARD,
        ("title", "scope"),
    ),
    "permission_missing": Template(
        "error",
        "The key of {scope} lacks permissions in {title}: {permissions}.",
        "Grant them in {title}, or ask your account representative there to, then Sync now.",
        CARD,
        ("title", "scope", "permissions"),
    ),
    "server_unreachable": Template(
        "error",
        "The {title} server of {scope} does not answer.",
        "Check that it is on, that its address on the card is right, and that its firewall lets"
        " our calls in. We keep trying, at most 6 hours apart.",
        CARD,
        ("title", "scope"),
    ),
    "server_untrusted": Template(
        "error",
        "The {title} server of {scope} is not called: {reason}",
        "Open the card, correct the address or say there what may pass, then Sync now. Nothing was"
        " sent to the server.",
        CARD,
        ("title", "scope", "reason"),
    ),
    "stale_source": Template(
        "warning",
        "{title} ({scope}) has had no good sync for 24 hours.",
        "Open the card: its last run says why, and who must act.",
        CARD,
        ("title", "scope"),
    ),
    "no_rows": Template(
        "warning",
        "{title} ({scope}) sent no {stream}.",
        "Check in {title} that the key still sees this store's data.",
        CARD,
        ("title", "scope", "stream"),
    ),
    "truncated_catalogue": Template(
        "warning",
        "{title} ({scope}) listed {listed} products after {before} last time; we keep the old set.",
        "If the products are really gone, nothing is to be done: the next equal listing is taken.",
        CARD,
        ("title", "scope", "listed", "before"),
    ),
    "contacts_withdrawn": Template(
        "warning",
        "{title} took the phone or e-mail of {shoppers} shoppers away; we keep them as they were.",
        "Check in {title} that the key may still see contacts: these come back by themselves then."
        " If they are really gone, click Take it over; to keep what we have, click Dismiss.",
        CARD,
        ("title", "shoppers"),
    ),
    "unusable_rows": Template(
        "warning",
        "{title} ({scope}): {what}.",
        "Nothing is lost: what we knew stays, and these rows are read again daily. Look at the last"
        " runs on the card, and ask {title} what has changed there.",
        CARD,
        ("title", "scope", "what"),
    ),
    "many_unlinked_sales": Template(
        "info",
        "{unlinked} of {sales} sales from {title} ({scope}) name no shopper that it lists.",
        "{title} may not have the data available to link a sale to a shopper. Ask staff to choose"
        " the shopper at checkout.",
        CARD,
        ("title", "scope", "unlinked", "sales"),
    ),
    "shared_key": Template(
        "warning",
        "{keys} phone numbers or e-mails from {title} ({scope}) are on more than 8 shoppers each.",
        "They merge nobody. Correct these shoppers in {title}; the run's page lists them.",
        CARD,
        ("title", "scope", "keys"),
    ),
    "points_import_mismatch": Template(
        "warning",
        "Points from {title} are imported, but do not start to accrue on {day}.",
        "Set Settings > Loyalty > Points accrual start date to {day}, the day after the import:"
        " else sales earn twice, or not at all.",
        CARD,
        ("title", "day"),
    ),
    "unread_balances": Template(
        "warning",
        "Points in {title} ({scope}) of shoppers {shoppers} cannot be read, so that none are"
        " imported for good yet.",
        "Correct the points of these shoppers in {title} (numbers of at most two decimals), then"
        " Sync now. The first complete listing in which all can be read is the one that counts.",
        CARD,
        ("title", "scope", "shoppers"),
    ),
    "members_left": Template(
        "warning",
        "{members} members left by what {title} changed: a sale voided or moved, contacts taken"
        " away or records merged.",
        "Nothing is to be done if that is right. To keep these members, click Keep them"
        " on the card.",
        CARD,
        ("title", "members"),
    ),
    "unclear_replies": Template(
        "warning",
        "Replies to your texts need a person: we could not read them.",
        "Go to Settings -> Texting, Replies, and say of each whether it means stop. They are"
        " forgotten after 30 days.",
        TEXTING,
        (),
    ),
    "backup_bad": Template(
        "error",
        "A backup of {title} cannot be read any more, and is no longer offered.",
        "Nothing is to be done: the next audience run takes another, and the one before it is still"
        " there. Our operator has been told.",
        CARD,
        ("title",),
    ),
    "backup_impossible": Template(
        "error",
        "{title} cannot be backed up: AIQ has no full record of what it told.",
        "*Use AIQ's last backup* still stops all calls to it and keeps everything as it is, only"
        " nothing can be rolled back. Ask support for more: our operator has been told.",
        CARD,
        ("title",),
    ),
    "dead_letter": Template(
        "error",
        "A background job failed for good ({queue}, {count} waiting).",
        "Nothing is lost: our operator has been told and can run it again.",
        "/notifications",
        ("queue", "count"),
    ),
    "drift": Template(
        "error",
        "{personas} personas differed from what their facts say; the audience run mended them.",
        "Nothing is to be done: our operator has been told and looks for the cause. This notice"
        " goes with the next run that finds none.",
        AUDIENCES,
        ("personas",),
    ),
    "audience_run_failed": Template(
        "error",
        "The audience run failed. Lists and counts stay those of the run before.",
        "Our operator has been told. The next run begins by itself at night, or with Run now.",
        AUDIENCES,
        (),
    ),
    "favourite_store_unknown": Template(
        "warning",
        "Signups with the key {key} name a store that you do not have.",
        "Enter the store's number, shown under Retail Stores, into the POS's Data field.",
        STORES,
        ("key",),
    ),
    "pins_guessed": Template(
        "warning",
        "Somebody tried too many wrong PINs with one API key. No PIN of it is taken for an hour.",
        "Ask at the till. If nobody there did it, replace the key on API & Tracking.",
        API_AND_TRACKING,
        (),
    ),
}


@dataclass(frozen=True, slots=True)
class Notifier:
    """Raises and clears notifications. The operator hears of each once, when it opens."""

    notifications: Notifications
    operator: OperatorTopic
    clock: Clock

    def raise_(self, uid: Uid, kind: Kind, subject: str, **facts: object) -> None:
        """Open the notification of (kind, subject), or refresh it with these facts.

        `subject`: `posabit`, `posabit:crd_…`, or `account`; what stands before the colon is the
        platform whose card is linked. `facts`: what `TEMPLATES[kind].facts` lists; lists are shown
        as names. No personal data: the operator reads it.
        """
        notification = self._write(kind, subject, facts)
        if self.notifications.raise_(uid, notification):
            self._tell(f"{uid} {kind}", notification)

    def clear(self, uid: Uid, kind: Kind, subject: str) -> None:
        """Clear the notification of (kind, subject), if it is open."""
        self.notifications.clear(uid, kind, subject, self.clock.now())

    def open_for(self, uid: Uid) -> list[Notification]:
        """Return the open notifications: one read instead of a blind clear of each."""
        return self.notifications.open_for(uid)

    def tell_operator(self, kind: Kind, subject: str, **facts: object) -> None:
        """Tell the operator of what belongs to no account, such as a message that names none."""
        self._tell(kind, self._write(kind, subject, facts))

    def _write(self, kind: Kind, subject: str, facts: Mapping[str, object]) -> Notification:
        template = TEMPLATES[kind]
        texts = {name: _fact_text(facts[name]) for name in template.facts}
        now = self.clock.now()
        return Notification(
            kind=kind,
            subject=subject,
            severity=template.severity,
            title=template.title.format_map(texts),
            what_to_do=template.what_to_do.format_map(texts),
            link=template.link.format(platform=subject.partition(":")[0]),
            raised_at=now,
            refreshed_at=now,
            data={name: _stored_fact(fact) for name, fact in facts.items()},
        )

    def _tell(self, subject: str, notification: Notification) -> None:
        text = f"{notification.title}\n\n{notification.what_to_do}\n\n{notification.link}"
        self.operator.publish(subject, text)


def _stored_fact(fact: object) -> object:
    """Return the fact as stored: a POS may name any number of shops, a row may not."""
    return list(fact[:NAMES_KEPT]) if isinstance(fact, list | tuple) else fact


def _fact_text(fact: object) -> str:
    if not isinstance(fact, list | tuple):
        return str(fact)
    names = [str(name) for name in fact]
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
