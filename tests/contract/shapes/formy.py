"""A form by POST, the page's number in the path, a refresh token that is spent by each use, limits
in headers, and sales in two currencies."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from simulators.serving.httpd import Reply, Request

from .tiny_pos import PAGE, Denied, Row, TinyPos, dollars, instant, iso, said


class Formy(TinyPos):
    base_path = "/x"
    typed = {"refresh": "r0-canary"}  # noqa: RUF012
    key = "r0-canary"

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.spent = 0
        self.left = 1000
        self.foreign: set[int] = set()

    def kind(self, request: Request) -> str | None:
        return request.path.split("/")[2]

    def answer(self, kind: str, request: Request) -> Any:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if kind == "token":
            return self._token(form)
        if request.authorization != f"Bearer a{self.spent}" or request.method != "POST":
            raise Denied
        self.left -= 1
        limits = (f"X-Left: {self.left}", f"X-Again: {self.now() // 1000 + 120}")
        if kind == "stores":
            return said({"list": [{"id": "s1", "name": "Formy Field"}]}, *limits)
        page = int(request.path.rpartition("/")[2])
        rows = sorted(self.rows[kind].values(), key=lambda row: row.id)
        low = instant(form.get("changed"))
        rows = [row for row in rows if low is None or row.changed >= low]
        shown, more = rows[(page - 1) * PAGE : page * PAGE], len(rows) > page * PAGE
        assert form["rows"] in ("1", str(PAGE))
        written = [self._written(kind, row) for row in shown]
        return said({"list": written, "more": more}, *limits)

    def _token(self, form: dict[str, str]) -> Reply:
        wanted = f"r{self.spent}-canary"
        if form.get("refresh_token") != wanted:
            return said({"error": "invalid_grant"}, status=400)
        self.spent += 1
        renewed = {"access_token": f"a{self.spent}", "refresh_token": f"r{self.spent}-canary"}
        return said({**renewed, "expires_in": 1800})

    def _written(self, kind: str, row: Row) -> Any:
        both = {"id": row.id, "modified": iso(row.changed)}
        if kind == "customers":
            return {**both, "first": row.first, "phone": row.phone}
        if kind == "sales":
            money = {
                "value": dollars(row.cents),
                "unit": "CAD" if row.id in self.foreign else "USD",
            }
            bought = {"customer": row.shopper, "sold": iso(row.made), "state": "ok", "sum": money}
            return {**both, **bought, "lines": [{"name": "Tea", "qty": 1}]}
        return {**both, "name": f"Tea {row.id}", "qty": 3}


CONTRACT = Formy
