"""Do a call once that its caller named in `Idempotency-Key` (partner-api.md S14).

The name is noted before the call begins, its answer when it has ended. A call that dies in between
is made again by whoever sends it again: what it did by then, its own names keep from being done
twice (ADR 39).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chalice.app import Request, Response

from chalicelib.domain.call_names import (
    NamedCall,
    check_again,
    check_name,
    digest_of,
    is_final,
)
from chalicelib.domain.errors import AiqError
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.request_id import request_id_of
from chalicelib.entrypoints.partner import envelope

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.routing import Operation

REPLAYED = "Idempotent-Replayed"


def once(
    uid: Uid,
    operation: Operation,
    request: Request,
    name: str,
    serve: Callable[[], Response],
) -> Response:
    """Serve the call, or answer what a call of the same name was answered."""
    try:
        return _once(uid, operation, request, name.strip(), serve)
    except AiqError as refused:
        return envelope.refuse(refused, request_id_of(request.to_original_event()))


def _once(
    uid: Uid, operation: Operation, request: Request, name: str, serve: Callable[[], Response]
) -> Response:
    check_name(name)
    calls, now = wiring.api_keys.named_calls(), wiring.outside.clock().now()
    route = f"{operation.method} {operation.path}".encode()
    place = digest_of(route, name.encode())
    body = digest_of(*_asked(request), _raw(request))
    known = calls.begin(uid, place, body, now)
    if known is not None:
        check_again(known, body, now)
        if known.status is not None:
            headers: dict[str, str | list[str]] = {
                "Content-Type": envelope.JSON,
                REPLAYED: "true",
            }
            return Response(known.answer, status_code=known.status, headers=headers)
    response = serve()
    if is_final(response.status_code):
        calls.end(uid, place, NamedCall(body, now, response.status_code, str(response.body)))
    else:
        calls.forget(uid, place)
    return response


def _asked(request: Request) -> list[bytes]:
    """What the address asks for: the path's values, and the query if there is one."""
    query = request.to_original_event().get("multiValueQueryStringParameters")
    asked = [str(request.uri_params or {}).encode()]
    return [*asked, str(sorted(query.items())).encode()] if query else asked


def _raw(request: Request) -> bytes:
    try:
        raw = request.raw_body
    except ValueError:
        return b""
    return raw.encode() if isinstance(raw, str) else raw
