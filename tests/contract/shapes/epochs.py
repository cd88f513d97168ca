"""Changed since, in seconds since 1970, with more rows of one second than fit a page."""

from __future__ import annotations

from typing import Any

from simulators.serving.httpd import Request

from .tiny_pos import PAGE, Denied, TinyPos


class Epochs(TinyPos):
    base_path = "/rpc"
    typed = {"key": TinyPos.key}  # noqa: RUF012

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        for stream in ("customers", "sales"):  # 25 rows of one second
            when = self.rows[stream][10].changed // 1000 * 1000
            self.touch(stream, range(10, 35), changed=when, cents=777)

    def kind(self, request: Request) -> str | None:
        return request.params.get("list")

    def answer(self, kind: str, request: Request) -> Any:
        params = request.params
        if params.get("apikey") != self.key:
            raise Denied
        if kind == "stores":
            return {"shop": {"no": "s1", "called": "Epochs Tower"}}
        low, high = int(params.get("since", 0)), int(params.get("until", 10**12))
        rows = [row for row in self.by_change(kind) if low <= row.changed // 1000 <= high]
        page = int(params["page"])
        shown = rows[page * PAGE : (page + 1) * PAGE]
        return {"count": len(rows), "rows": [self._written(kind, row) for row in shown]}

    def _written(self, kind: str, row: Any) -> Any:
        both = {"no": row.id, "ts": row.changed // 1000}
        if kind == "customers":
            return {**both, "fn": row.first, "tel": row.phone}
        if kind == "sales":
            bought = {"buyer": row.shopper, "t": row.made // 1000, "st": 3, "sum": row.cents}
            return {**both, **bought, "pos": [{"what": "Tea", "n": 1, "sum": row.cents}]}
        return {**both, "what": f"Tea {row.id}", "n": 3}


CONTRACT = Epochs
