"""A loop over locations in the path, shoppers inside of orders, merges, gift cards beside
payments; the cursor stands in a header, and the listing ends with an empty page."""

from __future__ import annotations

from typing import Any

from simulators.serving.httpd import Reply, Request

from .tiny_pos import PAGE, Denied, Row, TinyPos, after_place, instant, iso, said


class Parents(TinyPos):
    base_path = "/v1"
    shops = ("s1", "s2")
    typed = {"key": TinyPos.key, "locations": ""}  # noqa: RUF012
    merged: dict[int, int] = {}  # noqa: RUF012 - none, until a test says so
    closed: tuple[str, ...] = ()

    def kind(self, request: Request) -> str | None:
        name = super().kind(request)
        return {"locations": "stores", "orders": "sales", "stock": "inventory"}.get(name or "")

    def answer(self, kind: str, request: Request) -> Any:
        if request.headers.get("authorization") != f"Key {self.key}":
            raise Denied
        if kind == "stores":
            return {"locations": [{"id": shop, "name": f"Parents {shop}"} for shop in self.shops]}
        shop = request.path.split("/")[-2]
        if shop in self.closed:
            return Reply(409, b'{"error": {"type": "location_closed"}}')
        after = instant(request.params.get("since"))
        rows = [row for row in self.by_change(kind, after) if row.shop == shop]
        shown, place = after_place(rows, request.headers.get("x-cursor"))
        if place is None and shown:  # an empty page follows
            place = f"{shown[-1].changed}-{shown[-1].id}"
        headers = (f"X-Next-Cursor: {place}",) if place else ()
        assert len(shown) <= PAGE
        return said({"data": [self._written(kind, row) for row in shown]}, *headers)

    def _written(self, kind: str, row: Row) -> Any:
        both = {"id": row.id, "location": row.shop, "updated": iso(row.changed)}
        if kind == "inventory":
            return {**both, "name": f"Tea {row.id}", "left": 3}
        shopper = self.rows["customers"][row.shopper or 0]
        buyer = {"id": shopper.id, "name": shopper.first, "phone": shopper.phone}
        buyer["merged_into"] = self.merged.get(shopper.id)
        paid = {"payments": [{"method": "Cash", "amount": row.cents - 100}]}
        paid["gift_cards"] = [{"code": "g", "used": 100}]
        lines = [{"name": "Tea", "qty": 1, "total": row.cents}]
        bought = {"placed": iso(row.made), "state": "complete", "total": row.cents}
        return {**both, **bought, **paid, "buyer": buyer, "lines": lines}


CONTRACT = Parents
