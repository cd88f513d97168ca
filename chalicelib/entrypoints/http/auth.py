"""Who calls, and what they may do: Cognito proves who, rows say what (product.md §13)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalice.app import CognitoUserPoolAuthorizer

from chalicelib.domain.errors import Forbidden, NotFound
from chalicelib.domain.roles import Right, Role, may
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.problem import NotLoggedIn

if TYPE_CHECKING:
    from chalicelib.services.ports.accounts import User

DASHBOARD = CognitoUserPoolAuthorizer(
    "dashboard", provider_arns=["arn:aws:cognito-idp:us-east-1:000000000000:userpool/replaced"]
)
"""The packaged template puts the real pool's ARN here (infra/)."""

ROWS_LIVE_SECONDS = 60
MOST_PEOPLE_REMEMBERED = 1000

_rows: dict[str, tuple[float, list[User]]] = {}


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind a request; `role` is theirs in the account of the path, if it names one."""

    sub: str
    email: str
    role: Role | None = None

    @property
    def actor(self) -> str:
        """How audit names them: an id, so that logs and exports stay free of personal data."""
        return f"user:{self.sub}"


def caller(request_context: Mapping[str, Any]) -> Caller:
    """The person the ID token speaks of. Raises NotLoggedIn (also for an access token)."""
    claims = (request_context.get("authorizer") or {}).get("claims") or {}
    sub = claims.get("sub")
    if claims.get("token_use") != "id" or not isinstance(sub, str) or not sub:
        raise NotLoggedIn("Log in, and send the ID token in Authorization.")
    return Caller(sub=sub, email=str(claims.get("email", "")))


def admit(who: Caller, uid: Uid, right: Right | None) -> Caller:
    """Let the caller into account `uid`.

    Raises NotFound when the account is not theirs (or is nobody's: nobody can tell), Forbidden when
    their role lacks `right`.
    """
    row = next((row for row in rows_of(who.sub) if row.uid == uid and row.active), None)
    if row is None:
        raise NotFound("There is no such account.")
    if right is not None and not may(row.role, right):
        raise Forbidden(f"Your role {row.role} does not include this.", right=right)
    return Caller(sub=who.sub, email=who.email, role=row.role)


def rows_of(sub: str) -> list[User]:
    """The person's rows in every account; remembered for 60 s."""
    now = time.monotonic()
    known = _rows.get(sub)
    if known and now - known[0] < ROWS_LIVE_SECONDS:
        return known[1]
    rows = wiring.outside.accounts().accounts_of(sub)
    if len(_rows) >= MOST_PEOPLE_REMEMBERED:
        _rows.clear()
    _rows[sub] = (now, rows)
    return rows


def forget() -> None:
    """Read every row anew (after this process changed one)."""
    _rows.clear()
