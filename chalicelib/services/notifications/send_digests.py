"""Send everybody who was chosen what is new, at most once an hour (product.md §12, ADR 16)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Uid
from chalicelib.services.notifications.digest import is_time, may_be_told, news, told_after, write
from chalicelib.services.ports.accounts import Account, Accounts, User
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.digests import (
    Digests,
    Mailer,
    MailRefused,
    MailUnknown,
    Mark,
    Reader,
)
from chalicelib.services.ports.notifications import Notification, Notifications

MARK_KEPT = 15 * MINUTE
"""A mark is set before what it speaks of. No function lives longer than this, so whoever set an
older one has done what they were about to, or never will."""


@dataclass(frozen=True, slots=True)
class Sent:
    """`refused_as`: the mail service's code of each refusal."""

    sent: int = 0
    unknown: int = 0
    refused_as: tuple[str, ...] = ()

    def __add__(self, other: Sent) -> Sent:
        return Sent(
            self.sent + other.sent,
            self.unknown + other.unknown,
            self.refused_as + other.refused_as,
        )


@dataclass(frozen=True, slots=True)
class DigestSender:
    """`dashboard`: the address of the deployment's front, without a slash at the end."""

    digests: Digests
    accounts: Accounts
    notifications: Notifications
    mailer: Mailer
    clock: Clock
    _: KW_ONLY
    dashboard: str

    def send(self, time_left: Callable[[], bool]) -> Sent:
        """Tell everybody whose hour is over. Stops when time is up: what is left stays marked."""
        done = Sent()
        for mark in self.digests.marked():
            if not time_left():
                break
            done += self._look(mark, time_left)
        return done

    def _look(self, mark: Mark, time_left: Callable[[], bool]) -> Sent:
        now = self.clock.now()
        waiting, opened = self._waiting(mark.uid)
        if not waiting and now - mark.at >= MARK_KEPT:
            self.digests.unmark(mark)
        due = [(user, reader) for user, reader in waiting if is_time(reader, now)]
        if not due:
            return Sent()
        account = self.accounts.get(mark.uid)
        done = Sent()
        for user, reader in due:
            if time_left():
                done += self._tell(account, user, reader, opened)
        return done

    def _waiting(self, uid: Uid) -> tuple[list[tuple[User, Reader]], Sequence[Notification]]:
        """Whom something is to be told, whether it is their time or not, and what is open."""
        readers = {sub: one for sub, one in self.digests.readers(uid).items() if one.severities}
        if not readers:
            return [], ()
        opened = self.notifications.open_for(uid)
        waiting = [
            (user, readers[user.sub])
            for user in self.accounts.users(uid)
            if user.sub in readers and may_be_told(user) and news(readers[user.sub], opened)
        ]
        return waiting, opened

    def _tell(
        self, account: Account, user: User, reader: Reader, opened: Sequence[Notification]
    ) -> Sent:
        """Claim, send, note: who dies in between has sent at most one, and it is told again."""
        told, at = news(reader, opened), self.clock.now()
        letter = write(account, told, self.dashboard)
        if not self.digests.claim(account.uid, user.sub, reader, at):
            return Sent()
        try:
            self.mailer.send(user.email, letter.subject, letter.text)
        except MailRefused as refused:
            return Sent(refused_as=(str(refused.details.get("refused_as", "")),))
        except MailUnknown:
            return Sent(unknown=1)
        self.digests.tell(account.uid, user.sub, at, told_after(reader, opened, told))
        return Sent(sent=1)
