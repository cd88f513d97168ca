"""A feed with an opaque version to go on from next time, and tombstones for what was deleted."""

from __future__ import annotations

from typing import Any

from simulators.serving.httpd import Reply, Request

from .tiny_pos import Denied, Row, TinyPos, after_place, dollars, iso, said


class Feed(TinyPos):
    base_path = "/feed"
    typed = {"key": TinyPos.key}  # noqa: RUF012
    forgets = 0
    """Versions up to this one are not known any more."""

    def wire_id(self, stream: str, number: int | None) -> str:
        return f"{stream[0]}{number}"

    def answer(self, kind: str, request: Request) -> Any:
        if request.headers.get("x-feed-key") != self.key:
            raise Denied
        if kind == "stores":
            return {"code": "s1", "name": "Feed Farm"}
        version = request.params.get("version")
        if version and int(version, 36) <= self.forgets:
            return Reply(410, b"{}")
        after = int(version, 36) + 1 if version else None
        rows, place = after_place(self.by_change(kind, after), request.params.get("page"))
        newest = max((row.changed for row in self.rows[kind].values()), default=0)
        shown = [self._written(kind, row) for row in rows]
        return said({"changes": shown, "page": place}, f"X-Version: {_base36(newest)}")

    def _written(self, kind: str, row: Row) -> Any:
        both = {"key": f"{kind[0]}{row.id}", "at": iso(row.changed)}
        if row.gone:
            return {**both, "deleted_at": iso(row.changed)}
        if kind == "customers":
            return {**both, "first": row.first, "phone": row.phone, "deleted_at": None}
        if kind == "sales":
            lines = [{"name": "Tea", "qty": 1, "total": dollars(row.cents)}]
            bought = {"who": f"c{row.shopper}", "sold": iso(row.made), "state": "closed"}
            return {**both, **bought, "total": dollars(row.cents), "lines": lines}
        return {**both, "name": f"Tea {row.id}", "qty": 3}


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


CONTRACT = Feed
