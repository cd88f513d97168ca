"""The person who asks, and the accounts they may open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field, StrictBool

from chalicelib.domain.roles import RIGHTS_OF, Role
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard import auth
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input, Moment

if TYPE_CHECKING:
    from chalicelib.services.ports.accounts import User

resource = Resource(__name__, tag="Me", front=FRONT)


class MyAccount(Answer):
    uid: Uid
    name: str
    role: Role
    rights: list[str]


class MyInvitation(Answer):
    """An account that invites the caller, who opens it once they have accepted."""

    uid: Uid
    name: str
    role: Role
    invited_at: Moment | None


class Me(Answer):
    sub: str
    email: str
    accounts: list[MyAccount]
    invitations: list[MyInvitation]


class InvitationAnswer(Input):
    accept: StrictBool = Field(examples=[True], description="false declines.")


@resource.get("/api/me")
def get_me(caller: Caller) -> Me:
    """List the accounts that the caller may open, or is invited to, with role and rights."""
    return _me(caller, auth.rows_of(caller.sub))


@resource.post("/api/me/invitations/{account}")
def answer_invitation(account: Uid, body: InvitationAnswer, caller: Caller) -> Me:
    """Accept or decline the invitation of an account."""
    service = wiring.accounts.account_service()
    answered = service.answer_invitation(account, caller.sub, accept=body.accept)
    auth.forget()
    others = [row for row in auth.rows_of(caller.sub) if row.uid != account]
    return _me(caller, [*others, answered])


def _me(caller: Caller, rows: Sequence[User]) -> Me:
    mine = [
        MyAccount(
            uid=row.uid,
            name=wiring.outside.accounts().get(row.uid).name,
            role=row.role,
            rights=sorted(RIGHTS_OF[row.role]),
        )
        for row in rows
        if row.active
    ]
    invitations = [
        MyInvitation(
            uid=row.uid,
            name=wiring.outside.accounts().get(row.uid).name,
            role=row.role,
            invited_at=row.invited_at,
        )
        for row in rows
        if row.invitation == "pending"
    ]
    return Me(sub=caller.sub, email=caller.email, accounts=mine, invitations=invitations)
