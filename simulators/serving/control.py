"""The control plane under `/_sim/`: JSON in, JSON out, no credentials (loopback only)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any, Protocol

from simulators.oracle import answer
from simulators.oracle.reading import Reading, read
from simulators.retailer.options import instant_of
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.serving.httpd import Reply, Request
from simulators.serving.pos_api import json_reply

Body = dict[str, Any]


class Controlled(Protocol):
    """A running simulator, as the control plane uses it."""

    api: Any
    faults: Any
    edits: Any
    stats: Any
    lock: Any

    @property
    def world(self) -> World: ...

    def describe(self) -> Body: ...

    def reset(self, world: World) -> None: ...


class Control:
    """Answers the requests under `/_sim/`. Raises nothing: what cannot be done is a 400."""

    def __init__(self, server: Controlled) -> None:
        self._server = server
        self._calls: dict[tuple[str, str], Callable[[Body], Any]] = {
            ("GET", "stats"): lambda _: server.stats.as_dict(),
            ("DELETE", "stats"): lambda _: server.stats.clear(),
            ("GET", "log"): lambda body: server.stats.log(int(body.get("since", 0))),
            ("GET", "faults"): lambda _: server.faults.as_list(),
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): lambda body: server.faults.clear(body.get("resource")),
            ("POST", "edits"): self._edit,
            ("DELETE", "edits"): lambda _: server.edits.clear(),
            ("GET", "settings"): lambda _: asdict(server.api.settings),
            ("POST", "settings"): self._change_settings,
            ("GET", "world"): lambda _: server.describe(),
            ("POST", "reset"): self._reset,
            ("GET", "oracle"): self._oracle,
            ("GET", "reading"): lambda body: self._read(body).as_dict(),
            ("POST", "warm"): lambda _: {"bytes": server.api.warm()},
            **server.api.controls(),
        }

    def answer(self, request: Request) -> Reply:
        call = self._calls.get((request.method, request.path.removeprefix("/_sim/").strip("/")))
        if call is None:
            return json_reply({"error": "no such control"}, 404)
        try:
            body = json.loads(request.body) if request.body else dict(request.params)
            with self._server.lock:
                result = call(body)
        except (ValueError, KeyError, TypeError) as error:
            return json_reply({"error": f"{type(error).__name__}: {error}"}, 400)
        return json_reply({"ok": True} if result is None else result)

    def _add_faults(self, body: Body | list[Body]) -> list[Body]:
        for rule in body if isinstance(body, list) else [body]:
            self._server.faults.add(rule)
        rules: list[Body] = self._server.faults.as_list()
        return rules

    def _edit(self, body: Body | list[Body]) -> Body:
        changed: list[int | str] = []
        scheduled = 0
        for edit in body if isinstance(body, list) else [body]:
            if "before" in edit or "after" in edit:
                self._server.edits.schedule(edit)
                scheduled += 1
            else:
                changed += self._server.edits.apply(edit)
        return {"changed": changed, "scheduled": scheduled}

    def _change_settings(self, body: Body) -> Body:
        self._server.api.settings = replace(self._server.api.settings, **body)
        return asdict(self._server.api.settings)

    def _oracle(self, body: Body) -> Body:
        """The oracle's answer. `?history_from=` ISO 8601 or milliseconds; `?stores=` and
        `?customers=` keys with commas between; `?groups=0` leaves the groups out."""
        expected = answer(self._server.world, *_reading_options(body))
        if body.get("groups") == "0":
            del expected["groups"]
        return expected

    def _read(self, body: Body) -> Reading:
        """The oracle's reading of the world, by the same options."""
        return read(self._server.world, *_reading_options(body))

    def _reset(self, body: Body) -> Body:
        """Serve another world: `body` has the fields of its spec that change."""
        known = {each.name for each in fields(WorldSpec)}
        if set(body) - known:
            raise ValueError(f"unknown: {sorted(set(body) - known)}")
        world = self._server.world
        self._server.reset(World(replace(world.spec, **body), world.platform))
        return self._server.describe()


def _reading_options(body: Body) -> tuple[int | None, list[str] | None, list[str] | None]:
    """(history_from, stores, customers)"""
    since = instant_of(body["history_from"]) if "history_from" in body else None
    stores, customers = (
        body[name].split(",") if name in body else None for name in ("stores", "customers")
    )
    return since, stores, customers
