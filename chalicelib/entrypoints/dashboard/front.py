"""The dashboard's front: Cognito and roles say who may call, errors are problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from chalice.app import Response
from pydantic import BaseModel

from chalicelib.domain.limits import HourlyLimit
from chalicelib.domain.roles import RIGHTS
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard import auth, problem
from chalicelib.entrypoints.http.cursors import Cursors
from chalicelib.entrypoints.http.routing import Front, Operation

JSON = "application/json"


def cursors() -> Cursors:
    """Return what makes the cursors of pages."""
    return Cursors(wiring.outside.cursor_box())


def _answer(operation: Operation, result: BaseModel | None) -> Response:
    """Render the result as it is; its `version` becomes the ETag."""
    if result is None:
        return Response("", status_code=204, headers={})
    headers: dict[str, str | list[str]] = {"Content-Type": JSON}
    version = getattr(result, "version", None)
    if version is not None:
        headers["ETag"] = f'"{version}"'
    body = result.model_dump_json(by_alias=True)
    return Response(body, status_code=operation.status, headers=headers)


def _count(caller: auth.Caller, limit: str, uid: Uid) -> None:
    wiring.limits.hourly_throttle().count(uid, cast("HourlyLimit", limit), caller.sub)


def _last_change(operation: Operation, path: Mapping[str, Any]) -> Mapping[str, object]:
    """Return who last changed the thing that the path names, and when; a 412 tells it."""
    from chalicelib.domain.times import to_text

    if "uid" not in path:
        return {}
    found = wiring.accounts.names().last_change(Uid(path["uid"]), _subject(operation, path))
    return {} if found is None else {"changed_by": found[0], "changed_at": to_text(found[1])}


def _subject(operation: Operation, path: Mapping[str, Any]) -> str:
    """Return the subject in the activity log of the thing that the path names."""
    match path:
        case {"platform": platform, "credential": credential}:
            return f"{platform}:{credential}"
        case {"platform": platform}:
            return str(platform)
        case {"store": store}:
            return f"store:{store}"
        case {"discount": discount}:
            return f"discount:{discount}"
        case {"key": key}:
            return f"api_key:{key}"
    of = operation.path.removeprefix("/api/accounts/{uid}").strip("/").partition("/")[0]
    return of or "account"


FRONT = Front(
    rights=frozenset(RIGHTS),
    identify=auth.identify,
    admit=auth.admit,
    answer=_answer,
    count=_count,
    limits=frozenset(get_args(HourlyLimit)),
    refuse=problem.refuse,
    authorizer=auth.COGNITO,
    last_change=_last_change,
)
