"""What a person should do (product.md §12), and who did what."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from chalicelib.domain.words import Severity, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, DayIn, Input, Listing, Moment

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


class AuditQuery(Listing):
    """Which lines; days are the account's, and both part of it."""

    actor: str | None = Field(
        default=None, max_length=100, examples=["user:4f1c"], description="`actor` of a line."
    )
    subject: str | None = Field(
        default=None,
        max_length=200,
        examples=["store"],
        description="`subject` of a line, or its part before a colon.",
    )
    from_: DayIn | None = Field(default=None, alias="from", examples=["2026-01-01"])
    to: DayIn | None = Field(default=None, examples=["2026-03-31"])


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
def list_audit(uid: Uid, query: AuditQuery) -> AuditPage:
    """List who changed what, the latest first. A page may be short while `next_cursor` goes on."""
    log = wiring.accounts.activity()
    wanted = log.filter_of(
        uid, actor=query.actor, subject=query.subject, first=query.from_, last=query.to
    )
    listing = ("audit", wanted) if wanted.narrows else ("audit",)
    before = cursors().unseal(query.cursor, uid, *listing)
    entries, position = log.entries(uid, wanted, query.limit, before)
    return AuditPage(
        items=[
            AuditAnswer(
                at=line.entry.at,
                actor=line.entry.actor,
                actor_name=line.actor_name,
                action=line.entry.action,
                subject=line.entry.subject,
                subject_name=line.subject_name,
                before=line.entry.before,
                after=line.entry.after,
            )
            for line in entries
        ],
        next_cursor=cursors().seal(position, uid, *listing),
    )
