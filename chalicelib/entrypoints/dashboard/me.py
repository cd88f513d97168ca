"""The person who asks, and the accounts they may open."""

from __future__ import annotations

from chalicelib.domain.roles import RIGHTS_OF, Role
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard import auth
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer

resource = Resource(__name__, tag="Me", front=FRONT)


class MyAccount(Answer):
    uid: Uid
    name: str
    role: Role
    rights: list[str]


class Me(Answer):
    sub: str
    email: str
    accounts: list[MyAccount]


@resource.get("/api/me")
def get_me(caller: Caller) -> Me:
    """List the accounts the caller may open, with their role and rights in each."""
    mine = [
        MyAccount(
            uid=row.uid,
            name=wiring.outside.accounts().get(row.uid).name,
            role=row.role,
            rights=sorted(RIGHTS_OF[row.role]),
        )
        for row in auth.rows_of(caller.sub)
        if row.active
    ]
    return Me(sub=caller.sub, email=caller.email, accounts=mine)
