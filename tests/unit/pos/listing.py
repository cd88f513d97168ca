"""A listing in memory that filters, sorts and pages as POSaBIT does, while rows change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from chalicelib.domain.times import from_text, to_text
from chalicelib.domain.words import Stream
from chalicelib.pos.paging.response_page import ResponsePage, response_page
from chalicelib.pos.paging.style import NextPage
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.profile import registry
from chalicelib.services.ports.pos import Cursor, StreamPlan

PROFILE = registry.profile("posabit")


class Listing:
    """Rows by id → instant of the last change; `size` caps what a page holds."""

    def __init__(self, stream: Stream, rows: dict[int, int], size: int = 5) -> None:
        self.stream = stream
        self.rows = dict(rows)
        self.size = size
        self.asked: list[dict[str, str]] = []

    def answer(self, params: dict[str, str]) -> dict[str, Any]:
        self.asked.append(params)
        chosen = list(self.rows.items())
        if "q[updated_at_gt]" in params:
            after = from_text(params["q[updated_at_gt]"])
            chosen = [(n, at) for n, at in chosen if at > after]
        if "q[updated_at_lt]" in params:
            before = from_text(params["q[updated_at_lt]"])
            chosen = [(n, at) for n, at in chosen if at < before]
        by_id = params["q[s]"] == "id asc"
        chosen.sort(key=lambda row: row[0] if by_id else (row[1], row[0]))
        page, size = int(params["page"]), min(int(params["per_page"]), self.size)
        rows = [self._row(*row) for row in chosen[(page - 1) * size : page * size]]
        key = PROFILE.streams[self.stream].rows
        assert key is not None
        return {
            "total_records": len(chosen),
            "current_page": page,
            "total_pages": -(-len(chosen) // size),
            "per_page": size,
            key: rows,
        }

    def _row(self, number: int, at: int) -> dict[str, Any]:
        row = {"id": number, "updated_at": to_text(at)}
        return {"customer": row} if self.stream == "customers" else row


def fetch(
    listing: Listing, plan: StreamPlan, cursor: Cursor | None
) -> tuple[ResponsePage, NextPage[Any]]:
    """One page and what is new on it; the cursor goes through JSON as between processes."""
    stream = PROFILE.streams[listing.stream]
    style = style_for(PROFILE, stream)
    if cursor is not None:
        packed = orjson.dumps(cursor)
        assert len(packed) < 8192
        cursor = orjson.loads(packed)
    at = style.position(plan, cursor)
    page = response_page(listing.answer(style.params(plan, at)), stream, listing.stream)
    style.check(plan, at, page)
    new = replace(page, rows=style.new_rows(plan, at, page))
    return new, style.next_page(plan, at, page)


def read_all(
    listing: Listing,
    plan: StreamPlan,
    between: Callable[[Listing, int], None] = lambda _listing, _page: None,
    most: int = 1000,
) -> tuple[list[tuple[int, int]], NextPage[Any]]:
    """Every row seen as (id, instant), and what follows the last page; `between` runs after
    each."""
    seen: list[tuple[int, int]] = []
    cursor: Cursor | None = None
    for number in range(most):
        page, onward = fetch(listing, plan, cursor)
        seen += [(row["id"], from_text(row["updated_at"])) for row in page.rows]
        if onward.cursor is None:
            return seen, onward
        cursor = onward.cursor
        between(listing, number)
    raise AssertionError("the listing never ends")
