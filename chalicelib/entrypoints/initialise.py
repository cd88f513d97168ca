"""Builds while Lambda initialises what the first request would wait for (architecture.md §6).

Initialising has the CPU of a whole core, a request only its function's share of one. Whoever
imports `app` elsewhere (tests, tools) gets it as light as ever.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.application import App

IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
API = "app.app"
"""Lambda's handler of the API; what people wait for."""
ASKED_FIRST = ("/api/me", "/api/v2/loyalty", "/api/v2/wallet")
"""What a browser asks for before anything else, and a till; other routes are imported by the first
request for one of their resource."""


def initialise_in_lambda(app: App) -> None:
    """Build the clients of DynamoDB and the routes asked for first, if this is a function of
    Lambda's.

    A failure is logged and left to the requests: `/api/health` says what is wrong.
    """
    if IN_LAMBDA not in os.environ:
        return
    try:
        _build(app)
    except Exception:  # noqa: BLE001 -- the requests meet it again, and answer for it
        logger().exception("initialise.failed")
    # What is there by now stays: the first request need not look through it for garbage (80 ms).
    gc.freeze()


def _build(app: App) -> None:
    from chalicelib.adapters.dynamo.base import connect
    from chalicelib.entrypoints import wiring

    connect()
    wiring.outside.batch_table()
    wiring.accounts.account_service()
    if os.environ.get("_HANDLER") == API:
        for path in ASKED_FIRST:
            app.register_routes_of(path)
        wiring.integrations.cards()
        wiring.notifications.digest_choices()
        wiring.personas.personas()
