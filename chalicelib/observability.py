"""Logs and metrics that cannot carry personal data or secrets (product.md §14, practice.md E.6).

A log line is a constant event name (`sync.page`) plus fields from an allow-list. An exception is
logged by its type and the places it passed, never by its message: messages quote what they choked
on.
"""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

if TYPE_CHECKING:
    from aws_lambda_powertools.logging.types import LogRecord

SERVICE = "aiq"

ALLOWED_FIELDS = frozenset(
    {
        # where the line comes from
        "level", "message", "timestamp", "service", "location", "function_name", "cold_start",
        "request_id", "function_request_id", "correlation_id", "xray_trace_id", "stage",
        # what was asked and how it went
        "route", "method", "status", "ms", "code", "actor", "retriable", "error", "exception",
        "exception_name", "attempt", "outcome",
        # ids and counts
        "uid", "platform", "credential", "store", "run", "hop", "stream", "job", "kind", "queue",
        "message_id", "count", "pages", "fetched", "new", "changed", "unchanged", "set_aside",
        "requests", "retries", "seconds", "shard", "fence", "depth", "wait", "due", "sent",
        "received", "personas", "records", "sales", "version",
    }
)  # fmt: skip

CODE_WRITTEN_FIELDS = frozenset({"location", "timestamp", "exception", "exception_name"})
PLAIN_TEXT = re.compile(r"[\w:./{}-]{0,200}", re.ASCII)
"""Ids, codes, routes and event names look like this; sentences, e-mails and +phones do not."""

WITHHELD = "(withheld)"


class AllowListFormatter(LambdaPowertoolsFormatter):
    """Drops every field that is not on the list, and every exception's message."""

    def serialize(self, log: LogRecord) -> str:
        allowed = {
            name: _safe(name, value) for name, value in log.items() if name in ALLOWED_FIELDS
        }
        return super().serialize(cast("LogRecord", allowed))

    def formatException(  # noqa: N802  # the name is logging's
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        if ei[0] is None:
            return ""
        frames = traceback.extract_tb(ei[2])
        return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[::-1])


def _safe(name: str, value: object) -> object:
    if name in CODE_WRITTEN_FIELDS or isinstance(value, int | float | None):
        return value
    if isinstance(value, str) and PLAIN_TEXT.fullmatch(value):
        return value
    return WITHHELD


@cache
def logger() -> Logger:
    """Return the one logger. `logger().info("sync.page", run=…, pages=…)`: event name, then fields.

    Loggers of libraries are held at WARNING and get a formatter that drops their words.
    """
    level = os.environ.get("LOG_LEVEL", "INFO")
    ours = Logger(service=SERVICE, level=level, logger_formatter=AllowListFormatter())
    logging.getLogger(SERVICE).propagate = False
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    for handler in root.handlers:
        handler.setFormatter(LibraryFormatter())
    return ours


class LibraryFormatter(AllowListFormatter):
    """Formats the lines of libraries: the logger's name, level and place, but not its words, which
    may quote data."""

    def format(self, record: logging.LogRecord) -> str:
        wordless = logging.makeLogRecord(
            {
                "name": record.name,
                "levelname": record.levelname,
                "levelno": record.levelno,
                "pathname": record.pathname,
                "filename": record.filename,
                "funcName": record.funcName,
                "lineno": record.lineno,
                "msg": f"library.{record.name}",
                "exc_info": record.exc_info,
            }
        )
        return super().format(wordless)


NAMESPACE = "AIQ/POS"


def count(metric: str, value: float = 1, **dimensions: str) -> None:
    """Write a count for CloudWatch as one line of the embedded metric format.

    Its dimensions are `service`, `stage` and those given.
    """
    measure({metric: value}, **dimensions)


def measure(figures: Mapping[str, float], **dimensions: str) -> None:
    """Write figures under the same dimensions as one line; those named `…Seconds` are seconds, all
    others counts. The `Measure` of the services."""
    writer = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
    writer.add_dimension("stage", os.environ.get("STAGE") or "none")
    for name, of_what in dimensions.items():
        writer.add_dimension(name, of_what)
    for metric, value in figures.items():
        unit = MetricUnit.Seconds if metric.endswith("Seconds") else MetricUnit.Count
        writer.add_metric(metric, unit, value)
    writer.flush_metrics()
