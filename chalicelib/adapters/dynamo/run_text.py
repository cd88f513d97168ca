"""Run views as JSON text."""

from __future__ import annotations

import orjson

from chalicelib.domain.stored_fields import from_fields
from chalicelib.services.ports.runs import RunError, RunView, StreamTotals


def view_text(view: RunView) -> str:
    return orjson.dumps(view).decode()


def read_view(text: str) -> RunView:
    values = orjson.loads(text)
    values["streams"] = {
        name: from_fields(StreamTotals, totals) for name, totals in values["streams"].items()
    }
    if values["error"] is not None:
        values["error"] = from_fields(RunError, values["error"])
    values["began_over"] = tuple(values.get("began_over", ()))
    return from_fields(RunView, values)
