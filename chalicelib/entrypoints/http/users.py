"""The account's team: who is in, with which role (product.md §13)."""

from __future__ import annotations

from pydantic import Field

from chalicelib.domain.roles import Role
from chalicelib.entrypoints import auth, wiring
from chalicelib.entrypoints.auth import Caller
from chalicelib.entrypoints.routing import Resource
from chalicelib.entrypoints.shapes import Answer, Change, Email, Input

resource = Resource(__name__, tag="Team")


class UserAnswer(Answer):
    sub: str
    email: str
    role: Role
    active: bool


class UserList(Answer):
    items: list[UserAnswer]


class Invitation(Input):
    email: Email = Field(examples=["marketer@example.com"])
    role: Role = Field(examples=["Marketing"])


class UserChange(Change):
    """What to change: the role, or whether the person may still come in."""

    role: Role = Field(default="Staff", examples=["Manager"])
    active: bool = Field(default=True, examples=[False])


@resource.get("/api/accounts/{uid}/users", right="team:read")
def list_users(uid: str) -> UserList:
    """List everybody in the account, the deactivated last."""
    found = wiring.account_service().users(uid)
    return UserList(items=[UserAnswer.model_validate(user) for user in found])


@resource.post("/api/accounts/{uid}/users", right="team:write", status=201)
def invite_user(uid: str, body: Invitation, caller: Caller) -> UserAnswer:
    """Invite somebody by e-mail, or let a deactivated person back in."""
    user = wiring.account_service().invite(uid, body.email, body.role, actor=caller.actor)
    auth.forget()
    return UserAnswer.model_validate(user)


@resource.patch("/api/accounts/{uid}/users/{sub}", right="team:write")
def change_user(uid: str, sub: str, body: UserChange, caller: Caller) -> UserAnswer:
    """Change a role, deactivate or reactivate. The last Owner stays."""
    user = wiring.account_service().change_user(uid, sub, actor=caller.actor, **body.given())
    auth.forget()
    return UserAnswer.model_validate(user)
