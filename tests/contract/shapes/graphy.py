"""GraphQL: everything is a POST, rows stand deep in the body, errors come under status 200."""

from __future__ import annotations

import json
from typing import Any

from simulators.serving.httpd import Reply, Request

from .tiny_pos import TinyPos, after_place, instant, iso, said

NAMES = {"shop": "stores", "customers": "customers", "orders": "sales", "items": "inventory"}


class Graphy(TinyPos):
    base_path = "/graphql"
    typed = {"key": TinyPos.key}  # noqa: RUF012

    def wire_id(self, stream: str, number: int | None) -> str:
        return f"gid://{stream}/{number}"

    def kind(self, request: Request) -> str | None:
        asked = json.loads(request.body or b"{}").get("query", "")
        return next((kind for name, kind in NAMES.items() if f"{{{name}(" in asked), None)

    def denied(self) -> Reply:
        return said({"errors": [{"extensions": {"code": "UNAUTHENTICATED"}}], "data": None})

    def answer(self, kind: str, request: Request) -> Any:
        if request.method != "POST" or request.headers.get("x-token") != self.key:
            return self.denied()
        name = next(name for name, each in NAMES.items() if each == kind)
        if kind == "stores":
            return {"data": {"shop": {"id": "s1", "name": "Graphy Grove", "tz": "Etc/UTC"}}}
        given = json.loads(request.body)["variables"]
        assert isinstance(given["first"], int), "a number is a number"
        after = instant(given.get("since"))
        rows, place = after_place(self.by_change(kind, after), given.get("after"))
        info = {"hasNextPage": place is not None, "endCursor": place or "the-end"}
        edges = [{"node": self._written(kind, row)} for row in rows]
        return {"data": {name: {"edges": edges, "pageInfo": info}}}

    def _written(self, kind: str, row: Any) -> Any:
        both = {"id": f"gid://{kind}/{row.id}", "updatedAt": iso(row.changed)}
        if kind == "customers":
            return {**both, "firstName": row.first, "phone": {"number": row.phone}}
        if kind == "sales":
            lines = {"nodes": [{"title": "Tea", "quantity": 1}]}
            buyer = {"id": f"gid://customers/{row.shopper}"}
            money = {"amount": f"{row.cents / 100}", "currencyCode": "USD"}
            bought = {"processedAt": iso(row.made), "status": "PAID", "total": money}
            return {**both, **bought, "customer": buyer, "lines": lines}
        return {**both, "title": f"Tea {row.id}", "available": 3}


CONTRACT = Graphy
