"""Pages of the sales of several records."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.services.personas.sale_pages import sale_page

SALES = {"a": ["9", "6", "3"], "b": ["8", "7"], "c": []}
"""Each record's positions, newest first; each stands for its sale, too."""


class Lists:
    def sale_refs(self, uid: str, record: str, limit: int, before: str | None) -> list[Any]:
        assert uid == "1000"
        positions = [p for p in SALES[record] if before is None or p < before]
        return [(position, position) for position in positions[:limit]]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
def test_pages_of_any_size_give_every_sale_once_the_newest_first(limit: int) -> None:
    rows, position = [], None
    while True:
        page, position = sale_page(Lists(), "1000", "abc", limit, position)  # type: ignore[arg-type]
        rows += page
        if position is None:
            break
        assert len(page) == limit

    assert rows == [("a", "9"), ("b", "8"), ("b", "7"), ("a", "6"), ("a", "3")]


def test_a_page_that_takes_the_last_sale_says_that_nothing_follows() -> None:
    assert sale_page(Lists(), "1000", "b", 2, None)[1] is None  # type: ignore[arg-type]
    assert sale_page(Lists(), "1000", "c", 2, None) == ([], None)  # type: ignore[arg-type]
