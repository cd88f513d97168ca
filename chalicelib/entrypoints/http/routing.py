"""Resources: a function and its annotations are the whole route (see `entrypoints/dashboard`).

Each resource belongs to a front, which says who may call and how answers and errors look.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar, get_type_hints
from urllib.parse import unquote

from chalice.app import Authorizer, Blueprint, Request, Response
from pydantic import BaseModel

from chalicelib.domain.errors import AiqError, StaleVersion, Unavailable
from chalicelib.domain.words import Uid
from chalicelib.entrypoints.http import reading
from chalicelib.entrypoints.http.reading import BODY_LIMIT
from chalicelib.entrypoints.http.request_id import request_id_of
from chalicelib.observability import logger

ANSWERED = "X-Answered-By-Front"
"""Marks what a front rendered, for `App` to tell it from Chalice's own errors; never sent."""

UNAVAILABLE = "AWS does not answer at the moment. Try again; what you sent may be stored already."

REST = "{proxy+}"
"""API Gateway's word for the rest of an address."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_GIVEN = frozenset({"caller", "query", "body", "version", "idempotency_key"})
"""What a function may ask for beside the path's variables."""

V = TypeVar("V", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Front:
    """Says what one API asks of its callers, and how its answers and errors look.

    `rights`: what a route may ask for as its `right`.
    `identify`: takes the request, returns the caller, of whatever type the front's functions take.
    Raises what a stranger is refused with.
    `admit`: takes the caller and the `uid` of the path, returns the caller as someone of that
    account. Raises what is answered to those whose account it is not or who lack the right.
    `answer`: renders what the route's function returned; None is an answer without a body.
    `count`: takes caller, the name of the route's `limit` and the `uid` of the path, and counts the
    request. Raises what one too many is refused with. `limits`: the names it knows.
    `refuse`: renders an error, given the request's id; a bug comes as a plain AiqError.
    `authorizer`: checks in API Gateway, before any code of ours runs; public routes go without.
    `last_change`: says of what a path names who changed it last, for those who come too late.
    `unknown_fields`: takes caller, operation and the names of the query's and body's fields that
    the route does not know, which are then passed over; None refuses such a request.
    `body_limit`: bytes, where the route says no other.
    `around`: takes caller, operation, request and what serves the request. It answers every request
    whose caller is known, as a rule with what serving it answered; what it raises is refused.
    `prefixes`: beginnings of addresses whose errors are this front's where no route answers.
    """

    rights: frozenset[str]
    identify: Callable[[Request, Operation], Any]
    admit: Callable[[Any, Operation, Uid], Any]
    answer: Callable[[Operation, BaseModel | None], Response]
    refuse: Callable[[AiqError, str], Response]
    authorizer: Authorizer | None = None
    last_change: Callable[[Operation, Mapping[str, Any]], Mapping[str, object]] | None = None
    count: Callable[[Any, str, Uid], None] | None = None
    limits: frozenset[str] = frozenset()
    unknown_fields: Callable[[Any, Operation, list[str]], None] | None = None
    body_limit: int = BODY_LIMIT
    around: Callable[[Any, Operation, Request, Callable[[], Response]], Response] | None = None
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, as its decorator and its function's annotations declare it.

    `path_kinds`: the path's variables, `str` or `int`. `versioned`: the function takes `version`,
    so the route needs `If-Match`; `keyed`: `idempotency_key`, so it needs `Idempotency-Key`.
    `limit`: what the front counts the request as. `limited`: the service behind it refuses what is
    too much by a limit of its own. `body_limit`: bytes.
    """

    front: Front
    method: str
    path: str
    view: Callable[..., Any]
    tag: str
    status: int
    right: str | None
    public: bool
    path_kinds: dict[str, type]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    answer: type[BaseModel] | None
    versioned: bool
    wants_caller: bool
    keyed: bool = False
    limit: str | None = None
    limited: bool = False
    body_limit: int = BODY_LIMIT

    @property
    def name(self) -> str:
        return self.view.__name__


class Resource(Blueprint):
    """A Chalice blueprint whose routes check, parse and shape; `operations` feeds OpenAPI."""

    def __init__(self, import_name: str, tag: str, front: Front) -> None:
        super().__init__(import_name)
        self.tag = tag
        self.front = front
        self.operations: list[Operation] = []

    def get(self, path: str, *, right: str | None = None, public: bool = False) -> Callable[[V], V]:
        """A route that reads."""
        return self._add("GET", path, right, 200, public=public)

    def head(self, path: str, *, right: str | None = None) -> Callable[[V], V]:
        """A route that says without a body what reading would say."""
        return self._add("HEAD", path, right, 200)

    def elsewhere(self, path: str, *, right: str | None = None) -> Callable[[V], V]:
        """Register what answers all other addresses under `path`.

        It stands in no document, and its function is given nothing of the address.
        """

        def register(view: V) -> V:
            for method in METHODS:
                self._serve(_operation(self, method, f"{path}/{REST}", view, 200, right))
            return view

        return register

    def post(
        self,
        path: str,
        *,
        right: str | None = None,
        status: int = 200,
        limit: str | None = None,
        limited: bool = False,
        body_limit: int | None = None,
    ) -> Callable[[V], V]:
        """A route that makes something (`status=201`), starts something (202) or does something."""
        return self._add(
            "POST", path, right, status, limit=limit, limited=limited, body_limit=body_limit
        )

    def put(
        self, path: str, *, right: str | None = None, status: int = 200, limit: str | None = None
    ) -> Callable[[V], V]:
        """A route that replaces."""
        return self._add("PUT", path, right, status, limit=limit)

    def patch(
        self, path: str, *, right: str | None = None, status: int = 200, limit: str | None = None
    ) -> Callable[[V], V]:
        """A route that changes the fields given."""
        return self._add("PATCH", path, right, status, limit=limit)

    def delete(
        self, path: str, *, right: str | None = None, status: int = 204, limit: str | None = None
    ) -> Callable[[V], V]:
        """A route that removes."""
        return self._add("DELETE", path, right, status, limit=limit)

    def _add(
        self,
        method: str,
        path: str,
        right: str | None,
        status: int,
        *,
        public: bool = False,
        limit: str | None = None,
        limited: bool = False,
        body_limit: int | None = None,
    ) -> Callable[[V], V]:
        def register(view: V) -> V:
            operation = _operation(self, method, path, view, status, right, public=public)
            operation = replace(
                operation,
                limit=limit,
                limited=limited,
                body_limit=body_limit or self.front.body_limit,
            )
            _check_limit(operation)
            self.operations.append(operation)
            self._serve(operation)
            return view

        return register

    def _serve(self, operation: Operation) -> None:
        def answer(**path_values: str) -> Response:
            return _answer(operation, self.current_request, path_values)

        answer.__name__ = operation.name
        authorizer = None if operation.public else self.front.authorizer
        self.route(operation.path, methods=[operation.method], authorizer=authorizer)(answer)


def _operation(
    resource: Resource,
    method: str,
    path: str,
    view: Callable[..., Any],
    status: int,
    right: str | None,
    *,
    public: bool = False,
) -> Operation:
    hints = get_type_hints(view)
    answer = hints.pop("return")
    asked_for = set(inspect.signature(view).parameters)
    steps = [step for step in path.split("/") if step.startswith("{") and step != REST]
    path_names = [step[1:-1] for step in steps]
    if strange := asked_for - set(path_names) - _GIVEN:
        raise TypeError(f"{view.__name__} wants {strange}, which no route gives")
    if "uid" in path_names and right is None:
        raise TypeError(f"{view.__name__}: say which right {path} needs")
    if right is not None and right not in resource.front.rights:
        raise TypeError(f"{view.__name__}: there is no right {right}")
    return Operation(
        front=resource.front,
        method=method,
        path=path,
        view=view,
        tag=resource.tag,
        status=204 if answer is type(None) else status,
        right=right,
        public=public,
        path_kinds={name: hints.get(name, str) for name in path_names},
        query=hints.get("query"),
        body=hints.get("body"),
        answer=None if answer is type(None) else answer,
        versioned="version" in asked_for,
        wants_caller="caller" in asked_for,
        keyed="idempotency_key" in asked_for,
    )


def _check_limit(operation: Operation) -> None:
    limit = operation.limit
    if limit is None:
        return
    if limit not in operation.front.limits:
        raise TypeError(f"{operation.name}: there is no limit {limit}")
    if "uid" not in operation.path_kinds:
        raise TypeError(f"{operation.name}: only an account's requests are counted")


def _answer(operation: Operation, request: Request, path_values: dict[str, str]) -> Response:
    """Run one request through its operation; whatever is raised on the way is refused."""
    front = operation.front

    def answer() -> Response:
        caller = None if operation.public else front.identify(request, operation)

        def serve() -> Response:
            arguments = _arguments(operation, request, path_values, caller)
            return front.answer(operation, _checked(operation, perform(operation, arguments)))

        if front.around is None or caller is None:
            return serve()
        return front.around(
            caller, operation, request, lambda: _refusing(operation, request, serve)
        )

    response = _refusing(operation, request, answer)
    response.headers[ANSWERED] = "yes"
    return response


def _refusing(operation: Operation, request: Request, answer: Callable[[], Response]) -> Response:
    """Return the response of `answer`, or the front's refusal of the error it raises.

    This is the only place that may catch any error.
    """
    log = logger()
    try:
        return answer()
    except Exception as error:
        refused = _refusal_for(error)
        log.thread_safe_append_keys(code=refused.code, actor=refused.actor)
        response = operation.front.refuse(refused, request_id_of(request.to_original_event()))
        if refused.code == AiqError.code:
            log.exception("request.crashed")
        elif response.status_code >= 500:
            log.exception("request.failed")
        return response


def _refusal_for(error: Exception) -> AiqError:
    """The error that the caller is told of."""
    if isinstance(error, AiqError):
        return error
    from chalicelib.adapters.aws.outages import is_outage  # here: few requests need it

    return Unavailable(UNAVAILABLE, retry_after=5) if is_outage(error) else AiqError("a bug")


def perform(operation: Operation, arguments: dict[str, Any]) -> object:
    """Call the route's function, its caller admitted and its input read."""
    last_change = operation.front.last_change
    try:
        return operation.view(**arguments)
    except StaleVersion as late:
        if last_change is not None:
            late.details.update(last_change(operation, arguments))
        raise


def _checked(operation: Operation, result: object) -> BaseModel | None:
    if not isinstance(result, BaseModel | None):
        raise TypeError(f"{operation.name} answered with {type(result).__name__}")
    return result


def _arguments(
    operation: Operation, request: Request, path_values: dict[str, str], caller: Any
) -> dict[str, Any]:
    front = operation.front
    arguments: dict[str, Any] = {
        name: reading.path_value(unquote(path_values[name]), kind)
        for name, kind in operation.path_kinds.items()
    }
    if caller is not None and "uid" in arguments:
        caller = front.admit(caller, operation, arguments["uid"])
        logger().thread_safe_append_keys(uid=arguments["uid"])
    if operation.wants_caller:
        arguments["caller"] = caller
    pass_over = front.unknown_fields and partial(front.unknown_fields, caller, operation)
    if operation.query is not None:
        arguments["query"] = reading.query(request, operation.query, pass_over)
    else:
        reading.no_query(request, pass_over)
    if operation.versioned:
        arguments["version"] = reading.if_match(request.headers)
    if operation.body is not None:
        arguments["body"] = reading.body(request, operation.body, operation.body_limit, pass_over)
    else:
        reading.raw_body(request, operation.body_limit)
    if operation.keyed:
        arguments["idempotency_key"] = reading.idempotency_key(request.headers)
    if operation.limit is not None and front.count is not None:
        front.count(caller, operation.limit, arguments["uid"])
    asked_for = inspect.signature(operation.view).parameters
    return {name: value for name, value in arguments.items() if name in asked_for}
