"""The account's team: who is in, with which role (product.md §13), and who gets which notifications
by e-mail (§12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from chalicelib.domain.roles import Role
from chalicelib.domain.words import Severity, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard import auth
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Change, Email, Input, Moment

if TYPE_CHECKING:
    from chalicelib.services.notifications.digest_choices import Member
    from chalicelib.services.ports.accounts import User

resource = Resource(__name__, tag="Team", front=FRONT)


class UserAnswer(Answer):
    """`active`: whether the account lets the person in, once they accepted where they were asked.
    `last_seen_at`: to the day, null before the first time.

    `email_severities`: the notifications that are e-mailed to the person, at most one digest an
    hour. `email_note`: why no e-mail comes whatever is chosen, null when e-mails go."""

    sub: str
    email: str
    role: Role
    active: bool
    invited_at: Moment | None
    last_seen_at: Moment | None
    email_severities: list[Severity]
    email_note: str | None


class UserList(Answer):
    items: list[UserAnswer]


class Invitation(Input):
    email: Email = Field(examples=["marketer@example.com"])
    role: Role = Field(examples=["Marketing"])


class UserChange(Change):
    """What to change: the role, or whether the person may still come in."""

    role: Role = Field(default="Staff", examples=["Manager"])
    active: bool = Field(default=True, examples=[False])


class EmailChoice(Input):
    """The severities to e-mail, and no others; empty for no e-mail."""

    severities: list[Severity] = Field(max_length=3, examples=[["error", "warning"]])


@resource.get("/api/accounts/{uid}/users", right="team:read")
def list_users(uid: Uid) -> UserList:
    """List everybody in the account, the deactivated last."""
    users = wiring.accounts.account_service().users(uid)
    members = wiring.notifications.digest_choices().of(uid, users)
    return UserList(items=[_shown(member) for member in members])


@resource.post("/api/accounts/{uid}/users", right="team:write", status=201, limit="invitations")
def invite_user(uid: Uid, body: Invitation, caller: Caller) -> UserAnswer:
    """Invite somebody by e-mail, or let a deactivated person back in.

    Who has a log-in already is asked first, by `GET /api/me`. Who has never logged in is written to
    again."""
    user = wiring.accounts.account_service().invite(uid, body.email, body.role, actor=caller.actor)
    auth.forget()
    return _with_choice(uid, user)


@resource.post("/api/accounts/{uid}/users/{sub}/resend", right="team:write", limit="invitations")
def resend_invitation(uid: Uid, sub: str, caller: Caller) -> UserAnswer:
    """Send the invitation again to somebody who has never logged in.

    It has another temporary password, and is good for 7 days."""
    user = wiring.accounts.account_service().resend(uid, sub, actor=caller.actor)
    return _with_choice(uid, user)


@resource.patch("/api/accounts/{uid}/users/{sub}", right="team:write")
def change_user(uid: Uid, sub: str, body: UserChange, caller: Caller) -> UserAnswer:
    """Change a role, deactivate or reactivate. The last Owner stays."""
    user = wiring.accounts.account_service().change_user(
        uid, sub, actor=caller.actor, **body.sent_fields()
    )
    auth.forget()
    return _with_choice(uid, user)


@resource.put("/api/accounts/{uid}/users/{sub}/emails", right="team:write")
def choose_emails(uid: Uid, sub: str, body: EmailChoice, caller: Caller) -> UserAnswer:
    """Choose which notifications are e-mailed to somebody of the team."""
    choices = wiring.notifications.digest_choices()
    return _shown(choices.choose(uid, sub, body.severities, actor=caller.actor))


@resource.get("/api/accounts/{uid}/me", right="notifications:read")
def get_me_in_account(uid: Uid, caller: Caller) -> UserAnswer:
    """Read the caller's own row in the account."""
    return _shown(wiring.notifications.digest_choices().me(uid, caller.sub))


@resource.put("/api/accounts/{uid}/me/emails", right="notifications:read")
def choose_my_emails(uid: Uid, body: EmailChoice, caller: Caller) -> UserAnswer:
    """Choose which notifications are e-mailed to the caller."""
    choices = wiring.notifications.digest_choices()
    return _shown(choices.choose(uid, caller.sub, body.severities, actor=caller.actor))


def _with_choice(uid: Uid, user: User) -> UserAnswer:
    [member] = wiring.notifications.digest_choices().of(uid, [user])
    return _shown(member)


def _shown(member: Member) -> UserAnswer:
    user = member.user
    return UserAnswer(
        sub=user.sub,
        email=user.email,
        role=user.role,
        active=user.active or user.invitation == "pending",
        invited_at=user.invited_at,
        last_seen_at=user.last_seen_at,
        email_severities=list(member.email_severities),
        email_note=member.email_note,
    )
