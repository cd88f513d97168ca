"""AIQ's envelope: `{data, errors[{message, code}], code, success}` (reference/aiq.md §1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from chalice.app import Response
from pydantic import BaseModel

from chalicelib.domain.errors import (
    AiqError,
    CommitBusy,
    ConfigurationError,
    RateLimited,
    RequestError,
    Unavailable,
    UpstreamError,
)
from chalicelib.domain.outside_json import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.entrypoints.http.routing import Operation

JSON = "application/json"
INTERNAL = "Something went wrong on our side. Try again; if it stays, tell us the request id."


def answer(operation: Operation, result: BaseModel | None) -> Response:
    """Render what a route returned."""
    data = None if result is None else result.model_dump(mode="json", by_alias=True)
    if data is not None and data.get("warnings") == []:
        del data["warnings"]
    status = 200 if result is None else operation.status
    return _render({"data": data, "code": status, "success": True}, status)


def refuse(error: AiqError, request_id: str) -> Response:
    """Render a refusal; of an error of ours nothing is told but the request's id."""
    match error:
        case RequestError():
            status, details = error.status, error.details
        case ConfigurationError():
            status, details = 422, error.details
        case RateLimited() | CommitBusy() | Unavailable():
            status, details = 503, error.details
        case UpstreamError():
            status, details = 502, {}
        case _:
            status, details = 500, {}
    message = error.message if status != 500 else INTERNAL
    said = {
        "errors": _errors(message, status, details),
        "code": status,
        "success": False,
        "requestID": request_id,
    }
    headers: dict[str, str] = {}
    retry_after = details.get("retry_after")
    if isinstance(retry_after, int | float):
        headers["Retry-After"] = str(max(1, round(retry_after)))
    return _render(said, status, headers)


def message_of(response: Response) -> str:
    """Return the words of a refusal, "" for an answer."""
    if response.status_code < 400:
        return ""
    said = read_json(response.body)
    return str(said["errors"][0]["message"])


def _errors(message: str, status: int, details: Mapping[str, object]) -> list[dict[str, object]]:
    """A fault of a field each, else the one message."""
    faults = details.get("errors")
    if not isinstance(faults, list) or not faults:
        return [{"message": message, "code": status}]
    return [
        {"message": f"{fault['field']}: {fault['reason']}", "code": status, "field": fault["field"]}
        for fault in faults
    ]


def _render(said: object, status: int, headers: dict[str, str] | None = None) -> Response:
    own: dict[str, str | list[str]] = {"Content-Type": JSON, **(headers or {})}
    return Response(orjson.dumps(said).decode(), status_code=status, headers=own)
