"""Notifications in DynamoDB (docs/reference/design.md, table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamo.base import Row, assign, bind, put_if, update_if
from chalicelib.adapters.dynamo.digests import DynamoMarks
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.notifications import Notification

CLEARED_KEPT_DAYS = 90


class NotificationRow(Row):
    kind = UnicodeAttribute()
    subject = UnicodeAttribute()
    severity = UnicodeAttribute()
    title = UnicodeAttribute()
    what_to_do = UnicodeAttribute()
    link = UnicodeAttribute()
    raised_at = NumberAttribute()
    refreshed_at = NumberAttribute()
    cleared_at = NumberAttribute(null=True)
    data = JSONAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class DynamoNotifications:
    """The `Notifications` port. A cleared notification is deleted after 90 days."""

    def __init__(self, table: str) -> None:
        bind(table, NotificationRow)
        self._marks = DynamoMarks(table)

    def raise_(self, uid: Uid, notification: Notification) -> bool:
        if self._refresh(uid, notification):
            return False
        self._marks.mark(uid, notification.refreshed_at)
        place = account_keys.notification(notification.kind, notification.subject)
        row = NotificationRow.of(notification, account_keys.account(uid), place, cleared_at=None)
        closed = NotificationRow.pk.does_not_exist() | NotificationRow.cleared_at.exists()
        return put_if(row, closed)  # False: somebody else opened it between the two writes

    def _refresh(self, uid: Uid, notification: Notification) -> bool:
        """Refresh the open notification; False when none is open."""
        row = _notification_key(uid, notification.kind, notification.subject)
        actions: list[Action] = [
            NotificationRow.severity.set(notification.severity),
            NotificationRow.title.set(notification.title),
            NotificationRow.what_to_do.set(notification.what_to_do),
            NotificationRow.link.set(notification.link),
            NotificationRow.refreshed_at.set(notification.refreshed_at),
            assign(NotificationRow.data, notification.data),
        ]
        return update_if(row, actions, _open())

    def clear(self, uid: Uid, kind: str, subject: str, at: Instant) -> None:
        expires_at = (at + CLEARED_KEPT_DAYS * DAY) // SECOND
        actions: list[Action] = [
            NotificationRow.cleared_at.set(at),
            NotificationRow.expires_at.set(expires_at),
        ]
        update_if(_notification_key(uid, kind, subject), actions, _open())

    def open_for(self, uid: Uid) -> list[Notification]:
        return [one for one in self.all_for(uid) if one.cleared_at is None]

    def all_for(self, uid: Uid) -> list[Notification]:
        rows = NotificationRow.query_prefix(
            account_keys.account(uid), account_keys.NOTIFICATION_PREFIX
        )
        return list(readable(rows, lambda row: row.as_fact(Notification)))


def _open() -> Condition:
    condition: Condition = NotificationRow.pk.exists() & NotificationRow.cleared_at.does_not_exist()
    return condition


def _notification_key(uid: Uid, kind: str, subject: str) -> NotificationRow:
    return NotificationRow(account_keys.account(uid), account_keys.notification(kind, subject))
