"""Finds out who calls and what they may do: Cognito proves who, rows say what (product.md §13)."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from chalice.app import CognitoUserPoolAuthorizer

from chalicelib.domain.errors import Forbidden, NotFound, RequestError
from chalicelib.domain.roles import Right, Role, has_right
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring

if TYPE_CHECKING:
    from chalice.app import Request

    from chalicelib.entrypoints.http.routing import Operation
    from chalicelib.services.ports.accounts import User

COGNITO = CognitoUserPoolAuthorizer(
    "dashboard", provider_arns=["arn:aws:cognito-idp:us-east-1:000000000000:userpool/replaced"]
)
"""The packaged template puts the real pool's ARN here (infra/)."""

ROWS_LIVE_SECONDS = 60
MOST_PEOPLE_REMEMBERED = 1000

_rows: dict[str, tuple[float, list[User]]] = {}


class NotLoggedIn(RequestError):
    """The request carries no ID token that Cognito vouches for."""

    status = 401
    code = "not_logged_in"


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind a request; `role` is theirs in the account that the path names, if any."""

    sub: str
    email: str
    role: Role | None = None

    @property
    def actor(self) -> str:
        """Their name in the audit: an id, so that logs and exports stay free of personal data."""
        return f"user:{self.sub}"


def identify(request: Request, _: Operation) -> Caller:
    """Return the person the ID token names. Raises NotLoggedIn (also for an access token)."""
    claims = (request.context.get("authorizer") or {}).get("claims") or {}
    sub = claims.get("sub")
    if claims.get("token_use") != "id" or not isinstance(sub, str) or not sub:
        raise NotLoggedIn("Log in, and send the ID token in Authorization.")
    return Caller(sub=sub, email=str(claims.get("email", "")))


def admit(caller: Caller, operation: Operation, uid: Uid) -> Caller:
    """Return the caller with their role in account `uid`.

    Raises NotFound when the account is not theirs (or nobody's: the answer is the same), Forbidden
    when their role lacks the operation's right.
    """
    row = next((row for row in rows_of(caller.sub) if row.uid == uid and row.active), None)
    if row is None:
        raise NotFound("There is no such account.")
    _note_visit(caller.sub, row)
    right = cast("Right | None", operation.right)
    if right is not None and not has_right(row.role, right):
        raise Forbidden(f"Your role {row.role} does not include this.", right=right)
    return replace(caller, role=row.role)


def _note_visit(sub: str, row: User) -> None:
    """Keep that the person was here, in the table and among the remembered rows."""
    seen = wiring.accounts.account_service().see(row)
    if seen is not row and sub in _rows:
        since, rows = _rows[sub]
        _rows[sub] = since, [seen if each is row else each for each in rows]


def rows_of(sub: str) -> list[User]:
    """Return the person's rows in every account, remembered for 60 s."""
    now = time.monotonic()
    remembered = _rows.get(sub)
    if remembered and now - remembered[0] < ROWS_LIVE_SECONDS:
        return remembered[1]
    rows = wiring.outside.accounts().accounts_of(sub)
    if len(_rows) >= MOST_PEOPLE_REMEMBERED:
        _rows.clear()
    _rows[sub] = (now, rows)
    return rows


def forget() -> None:
    """Forget the remembered rows, after this process changed one."""
    _rows.clear()
