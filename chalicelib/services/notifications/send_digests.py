"""Send each recipient a digest of what is new, at most once an hour (product.md §12, ADR 16)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Uid
from chalicelib.services.notifications.digest import (
    is_due,
    may_get_digests,
    openings_after,
    unsent_notifications,
    write_letter,
)
from chalicelib.services.ports.accounts import Account, Accounts, User
from chalicelib.services.ports.common import Clock, PassOver, pass_over_nothing
from chalicelib.services.ports.digests import (
    Digests,
    Mailer,
    MailRefused,
    MailUnknown,
    Mark,
    Recipient,
)
from chalicelib.services.ports.notifications import Notification, Notifications

MARK_KEPT = 15 * MINUTE
"""A mark is set before its notification opens. No function lives longer than this, so whoever set
an older mark has opened the notification, or never will."""


@dataclass(frozen=True, slots=True)
class SendTotals:
    """Counts the digests that were sent, or may have been.

    `refused_as`: the mail service's code of each refusal.
    """

    sent: int = 0
    unknown: int = 0
    refused_as: tuple[str, ...] = ()

    def __add__(self, other: SendTotals) -> SendTotals:
        return SendTotals(
            self.sent + other.sent,
            self.unknown + other.unknown,
            self.refused_as + other.refused_as,
        )


@dataclass(frozen=True, slots=True)
class DigestSender:
    """Sends the digests of all accounts.

    `dashboard`: the address of the deployment's front, without a slash at the end.
    """

    digests: Digests
    accounts: Accounts
    notifications: Notifications
    mailer: Mailer
    clock: Clock
    _: KW_ONLY
    dashboard: str
    pass_over: PassOver = pass_over_nothing

    def send(self, time_left: Callable[[], bool]) -> SendTotals:
        """Send every digest that is due. Stops when time is up: what is left stays marked."""
        totals = SendTotals()
        for mark in self.digests.all_marks():
            if not time_left():
                break
            totals += self._try(mark, time_left)
        return totals

    def _try(self, mark: Mark, time_left: Callable[[], bool]) -> SendTotals:
        return self.pass_over(
            lambda: self._send_due(mark, time_left), otherwise=SendTotals(), uid=mark.uid
        )

    def _send_due(self, mark: Mark, time_left: Callable[[], bool]) -> SendTotals:
        now = self.clock.now()
        waiting, opened = self._waiting(mark.uid)
        if not waiting and now - mark.at >= MARK_KEPT:
            self.digests.unmark(mark)
        due = [
            (user, recipient)
            for user, recipient in waiting
            if user.has_logged_in and is_due(recipient, now)
        ]
        if not due:
            return SendTotals()
        account = self.accounts.get(mark.uid)
        totals = SendTotals()
        for user, recipient in due:
            if time_left():
                totals += self._send_one(account, user, recipient, opened)
        return totals

    def _waiting(self, uid: Uid) -> tuple[list[tuple[User, Recipient]], Sequence[Notification]]:
        """Return whom a digest waits for, due or not, and the open notifications."""
        recipients = {
            sub: each for sub, each in self.digests.recipients(uid).items() if each.severities
        }
        if not recipients:
            return [], ()
        opened = self.notifications.open_for(uid)
        waiting = [
            (user, recipients[user.sub])
            for user in self.accounts.users(uid)
            if user.sub in recipients
            and may_get_digests(user)
            and unsent_notifications(recipients[user.sub], opened)
        ]
        return waiting, opened

    def _send_one(
        self, account: Account, user: User, recipient: Recipient, opened: Sequence[Notification]
    ) -> SendTotals:
        """Claim, send, note. A worker that dies in between has sent at most one, and its items come
        again."""
        items, at = unsent_notifications(recipient, opened), self.clock.now()
        letter = write_letter(account, items, self.dashboard)
        if not self.digests.claim(account.uid, user.sub, recipient, at):
            return SendTotals()
        try:
            self.mailer.send(user.email, letter.subject, letter.text)
        except MailRefused as refused:
            return SendTotals(refused_as=(str(refused.details.get("refused_as", "")),))
        except MailUnknown:
            return SendTotals(unknown=1)
        openings = openings_after(recipient, opened, items)
        self.digests.record_sent(account.uid, user.sub, at, openings)
        return SendTotals(sent=1)
