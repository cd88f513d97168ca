"""The Chalice app: what every request gets, whichever route it takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Chalice

from chalicelib.entrypoints.http import problem
from chalicelib.entrypoints.http.request_id import request_id_of
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.routing import Operation

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

FRAMEWORK_PROBLEMS: dict[int, tuple[str, str]] = {
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take that method; see `Allow`."),
    415: ("unsupported_media_type", "Send the body as application/json."),
}
"""What Chalice itself answers before a view runs."""


class App(Chalice):
    """Every answer carries security headers and the request id; every request leaves one line."""

    def __init__(self, app_name: str) -> None:
        super().__init__(app_name, configure_logs=False)
        self.operations: list[Operation] = []
        self.log.disabled = True  # it would log paths and messages; ours has another name

    def register_blueprint(
        self, blueprint: Blueprint, name_prefix: str | None = None, url_prefix: str | None = None
    ) -> None:
        super().register_blueprint(blueprint, name_prefix, url_prefix)
        self.operations.extend(getattr(blueprint, "operations", ()))

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        request_id = request_id_of(event)
        log = logger()
        log.thread_safe_clear_keys()
        log.thread_safe_append_keys(request_id=request_id)

        response = self._answer(event, context, request_id)

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

    def _answer(
        self,
        event: Any,
        context: Any,
        request_id: str,
    ) -> dict[str, Any]:
        if event.get("requestContext", {}).get("resourcePath") not in self.routes:
            code, message = FRAMEWORK_PROBLEMS[404]
            return problem.render(404, code, message, request_id).to_dict()
        response: dict[str, Any] = super().__call__(event, context)
        headers = response.get("headers", {})
        if response["statusCode"] < 400 or headers.get("Content-Type") == problem.CONTENT_TYPE:
            return response
        status = response["statusCode"]
        code, message = FRAMEWORK_PROBLEMS.get(status, ("internal", problem.INTERNAL))
        actor = "you" if status in FRAMEWORK_PROBLEMS else "us"
        rewritten = problem.render(status, code, message, request_id, actor=actor).to_dict()
        if "Allow" in headers:
            rewritten["headers"]["Allow"] = headers["Allow"]
        return rewritten
