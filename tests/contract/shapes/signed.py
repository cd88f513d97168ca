"""Signed requests, windows of days on the shop's clock, rows by offset."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.times import to_datetime
from simulators.serving.httpd import Request

from .tiny_pos import Denied, Row, TinyPos

ZONE = ZoneInfo("America/Los_Angeles")
CLOCK = "%d.%m.%Y %H:%M:%S"


class Signed(TinyPos):
    base_path = "/pos"
    typed = {"id": "app-1", "key": TinyPos.key}  # noqa: RUF012

    reads_more = ("signed",)  # its sales are filtered by the day they were made

    def answer(self, kind: str, request: Request) -> Any:
        head = request.headers
        text = f"GET\n{request.path}\n{head['x-time']}"
        right = hmac.new(self.key.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, head["x-sign"]) or head["x-app"] != "app-1":
            raise Denied
        assert abs(int(head["x-time"]) - self.now() // 1000) < 60
        if kind == "stores":
            return {"items": [{"Shop": "s1", "Label": "Signed Square"}]}
        rows = sorted(self.rows[kind].values(), key=lambda row: row.id)
        if kind == "sales":
            low, high = (_instant(request.params[name]) for name in ("from", "to"))
            rows = [row for row in rows if low <= row.made < high]
        elif "mod" in request.params:
            low = _instant(request.params["mod"])
            rows = [row for row in rows if row.changed // 1000 * 1000 >= low]
        start, count = int(request.params["skip"]), int(request.params["take"])
        return {"items": [self._written(kind, row) for row in rows[start : start + count]]}

    def _written(self, kind: str, row: Row) -> Any:
        both = {"No": row.id, "Changed": _shown(row.changed)}
        if kind == "customers":
            return {**both, "First": row.first, "Phone": row.phone}
        if kind == "sales":
            bought = {"Customer": row.shopper, "Date": _shown(row.made), "State": "done"}
            lines = [{"Article": "Tea", "Pieces": "1", "Sum": row.cents / 100}]
            return {**both, **bought, "Sum": row.cents / 100, "Lines": lines}
        return {**both, "Article": f"Tea {row.id}", "Pieces": "3"}


def _shown(at: int) -> str:
    return to_datetime(at, ZONE.key).strftime(CLOCK)


def _instant(text: str) -> int:
    return int(datetime.strptime(text, CLOCK).replace(tzinfo=ZONE).timestamp() * 1000)


CONTRACT = Signed
