"""Statistics of a simulator: counts, pace, and a log without secrets or personal data."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.serving.httpd import Reply

UNKNOWN = "unknown"
READS = ("GET", "HEAD")


@dataclass(slots=True)
class Pace:
    """Counts the requests of one venue and how close together they come, in seconds; gaps are None
    until there are two requests."""

    requests: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    last_start: float | None = None
    last_end: float | None = None
    min_start_gap: float | None = None
    min_idle_gap: float | None = None


@dataclass(slots=True)
class Ticket:
    """One request between its first and its last byte."""

    number: int
    at: float
    resource: str
    venue: str
    entry: dict[str, Any] = field(default_factory=dict)


class Stats:
    """Counts requests, answers and rows, and keeps a log of the latest requests.

    Not thread-safe: the server holds a lock around it. Times come from the caller, in seconds.
    """

    def __init__(self, log_size: int = 20_000) -> None:
        self._log_size = log_size
        self.clear()

    def clear(self) -> None:
        self._count = 0
        self._writes = 0
        self._by_resource: Counter[str] = Counter()
        self._by_status: dict[str, Counter[str]] = {}
        self._rows: Counter[str] = Counter()
        self._paces: dict[str, Pace] = {}
        self._all = Pace()
        self._log: deque[dict[str, Any]] = deque(maxlen=self._log_size)

    def begin(
        self, at: float, resource: str, venue: str | None, entry: Mapping[str, Any]
    ) -> Ticket:
        self._count += 1
        self._writes += entry.get("method", "GET") not in READS
        self._by_resource[resource] += 1
        ticket = Ticket(self._count, at, resource, venue or UNKNOWN)
        ticket.entry = {"n": self._count, "at": at, "resource": resource, "venue": ticket.venue}
        ticket.entry.update(entry)
        self._log.append(ticket.entry)
        for pace in self._paces_of(ticket.venue):
            _start(pace, at)
        return ticket

    def end(self, ticket: Ticket, at: float, status: int | str, reply: Reply) -> None:
        self._by_status.setdefault(ticket.resource, Counter())[str(status)] += 1
        self._rows[ticket.resource] += reply.rows
        spent = round((at - ticket.at) * 1000, 3)
        ticket.entry.update(status=status, rows=reply.rows, bytes=len(reply.body), ms=spent)
        for pace in self._paces_of(ticket.venue):
            pace.in_flight -= 1
            pace.last_end = at

    def _paces_of(self, venue: str) -> tuple[Pace, Pace]:
        return self._all, self._paces.setdefault(venue, Pace())

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        return [entry for entry in self._log if entry["n"] > since]

    def as_dict(self) -> dict[str, Any]:
        return {
            "requests": self._count,
            "writes": self._writes,
            "last_request_at": self._all.last_start,
            "in_flight": self._all.in_flight,
            "max_in_flight": self._all.max_in_flight,
            "min_start_gap_ms": _ms(self._all.min_start_gap),
            "min_idle_gap_ms": _ms(self._all.min_idle_gap),
            "resources": {
                name: {
                    "requests": count,
                    "statuses": dict(self._by_status.get(name, {})),
                    "rows": self._rows[name],
                }
                for name, count in sorted(self._by_resource.items())
            },
            "venues": {
                name: {
                    "requests": pace.requests,
                    "last_request_at": pace.last_start,
                    "max_in_flight": pace.max_in_flight,
                    "min_start_gap_ms": _ms(pace.min_start_gap),
                    "min_idle_gap_ms": _ms(pace.min_idle_gap),
                }
                for name, pace in sorted(self._paces.items())
            },
        }


def mask_params(params: Mapping[str, str], plain: frozenset[str]) -> dict[str, str]:
    """The parameters with `***` for every value that may name a person or open something: all but
    those named in `plain`."""
    return {key: value if key in plain else "***" for key, value in params.items()}


def _start(pace: Pace, at: float) -> None:
    pace.requests += 1
    pace.in_flight += 1
    pace.max_in_flight = max(pace.max_in_flight, pace.in_flight)
    if pace.last_start is not None:
        pace.min_start_gap = _least(pace.min_start_gap, at - pace.last_start)
    if pace.last_end is not None:
        pace.min_idle_gap = _least(pace.min_idle_gap, max(0.0, at - pace.last_end))
    pace.last_start = at


def _least(known: float | None, new: float) -> float:
    return new if known is None else min(known, new)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
