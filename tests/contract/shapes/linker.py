"""The URL of the next page in the header `Link`; rows are bare, amounts are dollars as text."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

from simulators.serving.httpd import Request

from .tiny_pos import Denied, TinyPos, after_place, dollars, instant, iso, said


class Linker(TinyPos):
    base_path = "/api/2026"
    typed = {"user": "green", "key": TinyPos.key, "shop_token": "shop-7"}  # noqa: RUF012

    def wire_id(self, stream: str, number: int | None) -> str:  # noqa: ARG002
        return f"x_{number}"

    def answer(self, kind: str, request: Request) -> Any:
        basic = b64encode(f"green:{self.key}".encode()).decode()
        if request.authorization != f"Basic {basic}" or request.headers["x-shop"] != "shop-7":
            raise Denied
        if kind == "stores":
            return {"handle": "s1", "name": "Linker Lane"}
        after = instant(request.params.get("updated_min"))
        rows, place = after_place(self.by_change(kind, after), request.params.get("at"))
        link = f'<{self.host}/>; rel="help"'
        if place:
            query = urlencode({**request.params, "at": place})
            link += f', <{self.host}{request.path}?{query}>; rel="next"; title="more, please"'
        return said([self._written(kind, row) for row in rows], f"Link: {link}")

    def _written(self, kind: str, row: Any) -> Any:
        both = {"id": f"x_{row.id}", "updated_at": iso(row.changed)}
        if kind == "customers":
            return {**both, "first_name": row.first, "phone": row.phone}
        if kind == "sales":
            lines = [{"name": "Tea", "quantity": "1", "price": dollars(row.cents)}]
            bought = {"customer": {"id": f"x_{row.shopper}"}, "created_at": iso(row.made)}
            totals = {"total_price": dollars(row.cents), "financial_status": "paid"}
            return {**both, **bought, **totals, "line_items": lines}
        return {**both, "title": f"Tea {row.id}", "inventory_quantity": 3}


CONTRACT = Linker
