"""Resources: a function and its annotations are the whole route (see `entrypoints/dashboard`)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel

from chalicelib.domain.errors import AiqError
from chalicelib.domain.roles import Right
from chalicelib.entrypoints.http import auth, problem, reading
from chalicelib.entrypoints.http.request_id import request_id_of
from chalicelib.observability import logger

JSON = "application/json"

_GIVEN = frozenset({"caller", "query", "body", "version", "idempotency_key"})
"""What a function may ask for beside the path's variables."""

V = TypeVar("V", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, as its decorator and its function's annotations declare it.

    `path_kinds`: the path's variables, `str` or `int`. `versioned`: the function takes `version`,
    so the route needs `If-Match`; `keyed`: `idempotency_key`, so it needs `Idempotency-Key`.
    """

    method: str
    path: str
    view: Callable[..., Any]
    tag: str
    status: int
    right: Right | None
    public: bool
    path_kinds: dict[str, type]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    answer: type[BaseModel] | None
    versioned: bool
    wants_caller: bool
    keyed: bool = False

    @property
    def name(self) -> str:
        return self.view.__name__


class Resource(Blueprint):
    """A Chalice blueprint whose routes check, parse and shape; `operations` feeds OpenAPI."""

    def __init__(self, import_name: str, tag: str) -> None:
        super().__init__(import_name)
        self.tag = tag
        self.operations: list[Operation] = []

    def get(
        self, path: str, *, right: Right | None = None, public: bool = False
    ) -> Callable[[V], V]:
        """A route that reads."""
        return self._add("GET", path, right, 200, public=public)

    def post(self, path: str, *, right: Right | None = None, status: int = 200) -> Callable[[V], V]:
        """A route that makes something (`status=201`), starts something (202) or does something."""
        return self._add("POST", path, right, status)

    def put(self, path: str, *, right: Right | None = None, status: int = 200) -> Callable[[V], V]:
        """A route that replaces."""
        return self._add("PUT", path, right, status)

    def patch(
        self, path: str, *, right: Right | None = None, status: int = 200
    ) -> Callable[[V], V]:
        """A route that changes the fields given."""
        return self._add("PATCH", path, right, status)

    def delete(
        self, path: str, *, right: Right | None = None, status: int = 204
    ) -> Callable[[V], V]:
        """A route that removes."""
        return self._add("DELETE", path, right, status)

    def _add(
        self, method: str, path: str, right: Right | None, status: int, *, public: bool = False
    ) -> Callable[[V], V]:
        def register(view: V) -> V:
            operation = _operation(method, path, view, self.tag, status, right, public=public)
            self.operations.append(operation)

            def answer(**path_values: str) -> Response:
                return _answer(operation, self.current_request, path_values)

            answer.__name__ = view.__name__
            self.route(path, methods=[method], authorizer=None if public else auth.DASHBOARD)(
                answer
            )
            return view

        return register


def _operation(
    method: str,
    path: str,
    view: Callable[..., Any],
    tag: str,
    status: int,
    right: Right | None,
    *,
    public: bool,
) -> Operation:
    hints = get_type_hints(view)
    answer = hints.pop("return")
    wanted = set(inspect.signature(view).parameters)
    path_names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    if strange := wanted - set(path_names) - _GIVEN:
        raise TypeError(f"{view.__name__} wants {strange}, which no route gives")
    if "uid" in path_names and right is None:
        raise TypeError(f"{view.__name__}: say which right {path} needs")
    return Operation(
        method=method,
        path=path,
        view=view,
        tag=tag,
        status=204 if answer is type(None) else status,
        right=right,
        public=public,
        path_kinds={name: hints.get(name, str) for name in path_names},
        query=hints.get("query"),
        body=hints.get("body"),
        answer=None if answer is type(None) else answer,
        versioned="version" in wanted,
        wants_caller="caller" in wanted,
        keyed="idempotency_key" in wanted,
    )


def _answer(operation: Operation, request: Request, path_values: dict[str, str]) -> Response:
    """Run one request through its operation; the only place where any error may be caught."""
    request_id = request_id_of(request.to_original_event())
    log = logger()
    try:
        return _render(operation, perform(operation, _arguments(operation, request, path_values)))
    except AiqError as error:
        log.thread_safe_append_keys(code=error.code, actor=error.actor)
        response = problem.answer(error, request_id)
        if response.status_code >= 500:
            log.exception("request.failed")
        return response
    except Exception:
        log.thread_safe_append_keys(code="internal", actor="us")
        log.exception("request.crashed")
        return problem.internal(request_id)


def perform(operation: Operation, arguments: dict[str, Any]) -> object:
    """Call the route's function, its caller admitted and its input read."""
    return operation.view(**arguments)


def _arguments(
    operation: Operation, request: Request, path_values: dict[str, str]
) -> dict[str, Any]:
    caller = None if operation.public else auth.caller(request.context)
    arguments: dict[str, Any] = {
        name: reading.path_value(path_values[name], kind)
        for name, kind in operation.path_kinds.items()
    }
    if caller is not None and "uid" in arguments:
        caller = auth.admit(caller, arguments["uid"], operation.right)
        logger().thread_safe_append_keys(uid=arguments["uid"])
    if operation.wants_caller:
        arguments["caller"] = caller
    if operation.query is not None:
        arguments["query"] = reading.query(request, operation.query)
    else:
        reading.nothing(request)
    if operation.versioned:
        arguments["version"] = reading.if_match(request.headers)
    if operation.body is not None:
        arguments["body"] = reading.body(request, operation.body)
    else:
        reading.raw_body(request)
    if operation.keyed:
        arguments["idempotency_key"] = reading.idempotency_key(request.headers)
    wanted = inspect.signature(operation.view).parameters
    return {name: value for name, value in arguments.items() if name in wanted}


def _render(operation: Operation, result: object) -> Response:
    if result is None:
        return Response("", status_code=204, headers={})
    if not isinstance(result, BaseModel):
        raise TypeError(f"{operation.name} answered with {type(result).__name__}")
    headers: dict[str, str | list[str]] = {"Content-Type": JSON}
    version = getattr(result, "version", None)
    if version is not None:
        headers["ETag"] = f'"{version}"'
    body = result.model_dump_json(by_alias=True)
    return Response(body, status_code=operation.status, headers=headers)
