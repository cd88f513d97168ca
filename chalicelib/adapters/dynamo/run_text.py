"""A run's view as JSON text and back."""

from __future__ import annotations

import orjson

from chalicelib.services.ports.runs import RunError, RunView, StreamTotals


def view_text(view: RunView) -> str:
    return orjson.dumps(view).decode()


def read_view(text: str) -> RunView:
    told = orjson.loads(text)
    told["streams"] = {name: StreamTotals(**totals) for name, totals in told["streams"].items()}
    if told["error"] is not None:
        told["error"] = RunError(**told["error"])
    return RunView(**told)
