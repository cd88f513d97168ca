"""What a person should do (product.md §12), and who did what."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from chalicelib.domain.words import Severity, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input, Listing, Moment

resource = Resource(__name__, tag="Notifications", front=FRONT)


class NotificationAnswer(Answer):
    """`link` is a path of the dashboard. `cleared_at` is set once it is mended."""

    kind: str
    subject: str
    severity: Severity
    title: str
    what_to_do: str
    link: str
    raised_at: Moment
    refreshed_at: Moment
    cleared_at: Moment | None
    data: dict[str, Any] | None


class NotificationList(Answer):
    items: list[NotificationAnswer]


class NotificationQuery(Input):
    state: Literal["open", "all"] = Field(default="open", examples=["open"])


class AuditAnswer(Answer):
    """One line of the activity log. `actor_name`: the person's e-mail, `a former member`, or `AIQ`
    for what nobody did by hand; `subject_name` alike, null for what is no person."""

    at: Moment
    actor: str
    actor_name: str
    action: str
    subject: str
    subject_name: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditPage(Answer):
    items: list[AuditAnswer]
    next_cursor: str | None


@resource.get("/api/accounts/{uid}/notifications", right="notifications:read")
def list_notifications(uid: Uid, query: NotificationQuery) -> NotificationList:
    """List what needs a person, the latest first; `state=all` also what was mended lately."""
    notifications = wiring.outside.notifications()
    read = notifications.open_for if query.state == "open" else notifications.all_for
    latest_first = sorted(read(uid), key=lambda raised: raised.raised_at, reverse=True)
    return NotificationList(
        items=[NotificationAnswer.model_validate(raised) for raised in latest_first]
    )


@resource.get("/api/accounts/{uid}/audit", right="audit:read")
def list_audit(uid: Uid, query: Listing) -> AuditPage:
    """List who changed what, the latest first."""
    before = cursors().unseal(query.cursor, uid, "audit")
    entries, position = wiring.outside.audit().entries(uid, query.limit, before)
    people = [name for entry in entries for name in (entry.actor, entry.subject)]
    names = wiring.accounts.names().named(uid, people)
    return AuditPage(
        items=[
            AuditAnswer(
                at=entry.at,
                actor=entry.actor,
                actor_name=names.get(entry.actor, entry.actor),
                action=entry.action,
                subject=entry.subject,
                subject_name=names[entry.subject] if entry.subject.startswith("user:") else None,
                before=entry.before,
                after=entry.after,
            )
            for entry in entries
        ],
        next_cursor=cursors().seal(position, uid, "audit"),
    )
