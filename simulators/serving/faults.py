"""Faults by resource and request count, and edits scheduled by request count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.retailer.names import words

STATUSES = frozenset(words("400 401 403 404 422 429 500 502 503 504"))
KINDS = STATUSES | {
    "slow",  # seconds: wait, then answer well
    "drip",  # seconds: the body trickles out over that time
    "cut",  # Content-Length says more than is sent
    "html",  # an HTML page with status 200
    "wrong_type",  # the right JSON under text/plain
    "not_json",  # a body that is no JSON
    "wrong_shape",  # JSON without the listing's keys
    "error_object",  # {"error": …} with status 200
    "empty",  # no rows while the totals say more
    "ignore_filter",  # as if no filter had been sent
    "reset",  # the connection is reset instead of an answer
    "oversized",  # bytes: a body that large
}


@dataclass(slots=True)
class Trigger:
    """Fires on requests of a resource ("*" = any) at a venue (None = any) by their number.

    Requests are counted from 1 since the trigger was set. `requests` lists the numbers it fires on
    (None = all), `times` limits how often.
    """

    resource: str
    venue: str | None = None
    requests: frozenset[int] | None = None
    times: int | None = None
    seen: int = 0
    fired: int = 0

    def fires(self, resource: str, venue: str | None) -> bool:
        if self.resource not in ("*", resource) or self.venue not in (None, venue):
            return False
        self.seen += 1
        if self.requests is not None and self.seen not in self.requests:
            return False
        if self.times is not None and self.fired >= self.times:
            return False
        self.fired += 1
        return True


@dataclass(slots=True)
class Fault:
    kind: str
    trigger: Trigger
    options: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "fault": self.kind,
            "resource": self.trigger.resource,
            "venue": self.trigger.venue,
            "requests": sorted(self.trigger.requests) if self.trigger.requests else None,
            "times": self.trigger.times,
            "seen": self.trigger.seen,
            "fired": self.trigger.fired,
            **self.options,
        }


def read_trigger(rule: dict[str, Any], aliases: Mapping[str, str]) -> Trigger:
    """Make a trigger of `resource`, `venue`, `requests`, `times`, which are taken out of `rule`."""
    resource = str(rule.pop("resource", "*"))
    requests = rule.pop("requests", None)
    return Trigger(
        resource=aliases.get(resource, resource),
        venue=rule.pop("venue", None),
        requests=None if requests is None else frozenset(int(number) for number in requests),
        times=rule.pop("times", None),
    )


class Faults:
    """Holds the faults that are set. The first that fires wins, but all of them count requests.

    `aliases`: other names of resources.
    """

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self._aliases = aliases
        self._set: list[Fault] = []

    def add(self, rule: dict[str, Any]) -> None:
        """`{"resource", "fault", "requests"?, "times"?, "venue"?, …options}`.

        Raises ValueError for a fault that does not exist.
        """
        rule = dict(rule)
        kind = str(rule.pop("fault", ""))
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}")
        self._set.append(Fault(kind, read_trigger(rule, self._aliases), rule))

    def clear(self, resource: str | None = None) -> None:
        name = self._aliases.get(resource, resource) if resource else None
        self._set = [fault for fault in self._set if name and fault.trigger.resource != name]

    def match(self, resource: str, venue: str | None) -> Fault | None:
        hits = [fault for fault in self._set if fault.trigger.fires(resource, venue)]
        return hits[0] if hits else None

    def as_list(self) -> list[dict[str, Any]]:
        return [fault.as_dict() for fault in self._set]
