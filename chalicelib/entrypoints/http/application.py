"""The Chalice app: what every request gets, whichever route it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from chalice.app import Blueprint, Chalice

from chalicelib.domain.errors import AiqError, NotFound
from chalicelib.entrypoints.http.errors import MethodNotAllowed, UnsupportedMediaType
from chalicelib.entrypoints.http.request_id import request_id_of
from chalicelib.entrypoints.http.routing import ANSWERED, Front, Operation
from chalicelib.observability import logger

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

FRAMEWORK_ERRORS: dict[int, AiqError] = {
    404: NotFound("There is nothing here."),
    405: MethodNotAllowed("This address does not take that method; see `Allow`."),
    415: UnsupportedMediaType("Send the body as application/json."),
}
"""What Chalice itself answers before a view runs."""


class App(Chalice):
    """Every answer carries security headers and the request id; every request leaves one line.

    `front` answers for the addresses that no route has and no other front claims. It and the
    `resources` are asked for once all routes are: their modules are most of what importing the app
    would cost (architecture.md §7). `serving` gives the names of the modules whose resources serve
    a path: a request imports no others; where it gives none, all are.
    """

    def __init__(
        self,
        app_name: str,
        front: Callable[[], Front],
        resources: Callable[[], Iterable[Blueprint]] = tuple,
        serving: Callable[[str], Iterable[str]] = lambda _path: (),
    ) -> None:
        self._routes: dict[str, Any] = {}
        self._operations: list[Operation] = []
        self._registered: list[Blueprint] = []
        self._front = front
        self._serving = serving
        self._is_open = True
        self._resources: Callable[[], Iterable[Blueprint]] | None = None
        super().__init__(app_name, configure_logs=False)
        self._resources = resources
        self.log.disabled = True  # it would log paths and messages; ours has another name

    @property
    def routes(self) -> dict[str, Any]:
        """Chalice's routes by path and method: all of them, but within `_as_registered`."""
        if self._is_open:
            self._register_resources()
        return self._routes

    @routes.setter
    def routes(self, routes: dict[str, Any]) -> None:
        self._routes = routes

    @property
    def operations(self) -> list[Operation]:
        """The routes as they are declared, of every front."""
        self._register_resources()
        return self._operations

    def _register_resources(self) -> None:
        resources, self._resources = self._resources, None
        if resources is not None:
            for resource in resources():
                self.register_blueprint(resource)

    @contextmanager
    def _as_registered(self) -> Iterator[None]:
        """Let Chalice see the routes that are registered, and import no others for it."""
        before, self._is_open = self._is_open, False
        try:
            yield
        finally:
            self._is_open = before

    def register_routes_of(self, path: str) -> None:
        """Import what serves this path; where nothing does, everything."""
        if path not in self._routes:
            for module in self._serving(path):
                self.register_blueprint(import_module(module).resource)
        if path not in self._routes:
            self._register_resources()

    def register_blueprint(
        self, blueprint: Blueprint, name_prefix: str | None = None, url_prefix: str | None = None
    ) -> None:
        if blueprint in self._registered:
            return
        self._registered.append(blueprint)
        with self._as_registered():
            super().register_blueprint(blueprint, name_prefix, url_prefix)
        self._operations.extend(getattr(blueprint, "operations", ()))

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        request_id = request_id_of(event)
        log = logger()
        log.thread_safe_clear_keys()
        log.thread_safe_append_keys(request_id=request_id)

        response = self._answer(event, context)

        response["headers"] = {
            **SECURITY_HEADERS,
            "X-Request-Id": request_id,
            **response.get("headers", {}),
        }
        log.info(
            "request",
            route=event.get("resource") or "unknown",
            method=event.get("httpMethod") or "unknown",
            status=response["statusCode"],
            ms=round((time.perf_counter() - started) * 1000, 1),
        )
        return response

    def _answer(self, event: Any, context: Any) -> dict[str, Any]:
        """The route's answer; where Chalice refuses before the route runs, its front's words."""
        path = event.get("requestContext", {}).get("resourcePath")
        self.register_routes_of(str(path))
        if path not in self._routes:
            return self._refusal(event, 404)
        with self._as_registered():
            response: dict[str, Any] = super().__call__(event, context)
        headers = response.setdefault("headers", {})
        if headers.pop(ANSWERED, None) or response["statusCode"] < 400:
            return response
        refusal = self._refusal(event, response["statusCode"])
        if "Allow" in headers:
            refusal["headers"]["Allow"] = headers["Allow"]
        return refusal

    def _refusal(self, event: Any, status: int) -> dict[str, Any]:
        error = FRAMEWORK_ERRORS.get(status, AiqError("the framework failed"))
        refusal = self._front_of(event).refuse(error, request_id_of(event))
        rendered: dict[str, Any] = refusal.to_dict()
        return rendered

    def _front_of(self, event: Any) -> Front:
        """The front of the address's routes, else the one that claims it, else the app's."""
        route = event.get("requestContext", {}).get("resourcePath")
        path = str(event.get("path") or "")
        own = next((o.front for o in self._operations if o.path == route), None)
        if own is not None:
            return own
        claiming = (o.front for o in self.operations if path.startswith(o.front.prefixes))
        return next(claiming, None) or self._front()
