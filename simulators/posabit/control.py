"""The control plane under `/_sim/`: JSON in, JSON out, no credentials (loopback only)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

from simulators.httpd import Reply, Request
from simulators.options import instant_of
from simulators.oracle import answer
from simulators.shapes import WorldSpec
from simulators.world import World

from . import wire

if TYPE_CHECKING:
    from .server import PosabitServer

Body = dict[str, Any]


class Control:
    """Raises nothing: what cannot be done is a 400 with the reason."""

    def __init__(self, server: PosabitServer) -> None:
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
            ("GET", "permissions"): lambda _: self._permissions(),
            ("POST", "permissions"): self._permit,
            ("GET", "settings"): lambda _: asdict(server.api.settings),
            ("POST", "settings"): self._set,
            ("GET", "world"): lambda _: self._world(),
            ("POST", "reset"): self._reset,
            ("GET", "oracle"): self._oracle,
            ("POST", "warm"): lambda _: {"bytes": server.api.warm()},
        }

    def answer(self, request: Request) -> Reply:
        call = self._calls.get((request.method, request.path.removeprefix("/_sim/").strip("/")))
        if call is None:
            return Reply(404, wire.encode({"error": "no such control"}))
        try:
            body = json.loads(request.body) if request.body else dict(request.params)
            with self._server.lock:
                result = call(body)
        except (ValueError, KeyError, TypeError) as error:
            return Reply(400, wire.encode({"error": f"{type(error).__name__}: {error}"}))
        return Reply(200, wire.encode({"ok": True} if result is None else result))

    def _add_faults(self, body: Body | list[Body]) -> list[Body]:
        for rule in body if isinstance(body, list) else [body]:
            self._server.faults.add(rule)
        return self._server.faults.as_list()

    def _edit(self, body: Body | list[Body]) -> Body:
        changed: list[int] = []
        scheduled = 0
        for edit in body if isinstance(body, list) else [body]:
            if "before" in edit or "after" in edit:
                self._server.edits.schedule(edit)
                scheduled += 1
            else:
                changed += self._server.edits.apply(edit)
        return {"changed": changed, "scheduled": scheduled}

    def _permissions(self) -> Body:
        return {
            code: {**asdict(permissions), "degraded": sorted(permissions.degraded)}
            for code, permissions in self._server.api.permissions.items()
        }

    def _permit(self, body: Body) -> Body:
        """`venue` limits the change to one; the others keep theirs."""
        api = self._server.api
        for code in [body["venue"]] if "venue" in body else list(api.permissions):
            api.permissions[code] = api.permissions[code].changed(body)
        return self._permissions()

    def _set(self, body: Body) -> Body:
        self._server.api.settings = replace(self._server.api.settings, **body)
        return asdict(self._server.api.settings)

    def _world(self) -> Body:
        return describe(self._server)

    def _oracle(self, body: Body) -> Body:
        """`?history_from=` ISO 8601 or milliseconds; `?groups=0` leaves the partition out."""
        since = instant_of(body["history_from"]) if "history_from" in body else None
        found = answer(self._server.world, since)
        if body.get("groups") == "0":
            del found["groups"]
        return found

    def _reset(self, body: Body) -> Body:
        """Another world: any of the fields of its spec, the rest as before."""
        known = {each.name for each in fields(WorldSpec)}
        if set(body) - known:
            raise ValueError(f"unknown: {sorted(set(body) - known)}")
        self._server.reset(World(replace(self._server.world.spec, **body)))
        return self._world()


def describe(server: PosabitServer) -> Body:
    """Where the simulator listens and what opens it; all of it made up from the seed."""
    world = server.world
    return {
        "port": server.port,
        "url": server.url,
        "base_url": f"{server.url}/api",
        "integrator_token": world.integrator_token,
        "spec": world.spec.as_dict(),
        "venues": [
            {
                "code": shop.venue.code,
                "name": shop.venue.name,
                "license": shop.venue.license,
                "timezone": shop.venue.rails_zone,
                "token": shop.venue.token,
                "feed_key": shop.venue.feed_key,
                "customers": len(shop.customers),
                "sales_histories": len(shop.sales),
                "inventories": len(shop.inventories),
            }
            for shop in world.shops
        ],
    }
