"""Notifications in DynamoDB (docs/reference/design.md, table `accounts`)."""

from __future__ import annotations

from typing import cast

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import Row, TableMeta, assign, bind, condition_failed, retried
from chalicelib.adapters.dynamo.digests import DynamoMarks
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Instant, Severity, Uid
from chalicelib.services.ports.notifications import Notification

CLEARED_KEPT_DAYS = 90


class NotificationRow(Row):
    class Meta(TableMeta):
        pass

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
    """The `Notifications` port. A cleared one goes after 90 days."""

    def __init__(self, table: str) -> None:
        bind(table, NotificationRow)
        self._marks = DynamoMarks(table)

    def raise_(self, uid: Uid, notification: Notification) -> bool:
        if self._refresh(uid, notification):
            return False
        self._marks.mark(uid, notification.refreshed_at)
        row = _notification_row(uid, notification)
        closed = NotificationRow.pk.does_not_exist() | NotificationRow.cleared_at.exists()
        try:
            row.save(closed)
        except PutError as error:
            if condition_failed(error):  # somebody else opened it between the two writes
                return False
            raise
        return True

    def _refresh(self, uid: Uid, notification: Notification) -> bool:
        """False when it is not open."""
        row = _notification_key(uid, notification.kind, notification.subject)
        actions: list[Action] = [
            NotificationRow.severity.set(notification.severity),
            NotificationRow.title.set(notification.title),
            NotificationRow.what_to_do.set(notification.what_to_do),
            NotificationRow.link.set(notification.link),
            NotificationRow.refreshed_at.set(notification.refreshed_at),
            assign(NotificationRow.data, notification.data),
        ]
        try:
            retried(lambda: row.update(actions, condition=_open()))
        except UpdateError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def clear(self, uid: Uid, kind: str, subject: str, at: Instant) -> None:
        row = _notification_key(uid, kind, subject)
        expires_at = (at + CLEARED_KEPT_DAYS * DAY) // SECOND
        actions: list[Action] = [
            NotificationRow.cleared_at.set(at),
            NotificationRow.expires_at.set(expires_at),
        ]
        try:
            row.update(actions, condition=_open())
        except UpdateError as error:
            if not condition_failed(error):
                raise

    def open_for(self, uid: Uid) -> list[Notification]:
        return [found for found in self.all_for(uid) if found.cleared_at is None]

    def all_for(self, uid: Uid) -> list[Notification]:
        rows = NotificationRow.query(
            keys.account(uid),
            NotificationRow.sk.startswith(keys.NOTIFICATION_PREFIX),
            consistent_read=True,
        )
        return [_notification(row) for row in rows]


def _open() -> Condition:
    condition: Condition = NotificationRow.pk.exists() & NotificationRow.cleared_at.does_not_exist()
    return condition


def _notification_key(uid: Uid, kind: str, subject: str) -> NotificationRow:
    return NotificationRow(keys.account(uid), keys.notification(kind, subject))


def _notification_row(uid: Uid, notification: Notification) -> NotificationRow:
    row = _notification_key(uid, notification.kind, notification.subject)
    row.kind = notification.kind
    row.subject = notification.subject
    row.severity = notification.severity
    row.title = notification.title
    row.what_to_do = notification.what_to_do
    row.link = notification.link
    row.raised_at = notification.raised_at
    row.refreshed_at = notification.refreshed_at
    row.data = notification.data
    return row


def _notification(row: NotificationRow) -> Notification:
    return Notification(
        kind=row.kind,
        subject=row.subject,
        severity=cast("Severity", row.severity),
        title=row.title,
        what_to_do=row.what_to_do,
        link=row.link,
        raised_at=int(row.raised_at),
        refreshed_at=int(row.refreshed_at),
        cleared_at=None if row.cleared_at is None else int(row.cleared_at),
        data=row.data,
    )
