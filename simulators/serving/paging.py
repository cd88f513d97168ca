"""Page numbers and sizes as forgiving servers read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def page_bounds(
    params: Mapping[str, str], size: str, default_size: int, max_size: int
) -> tuple[int, int]:
    """(page, rows per page) from the parameters `page` and `size`: nonsense is read as the default,
    too much is cut to the maximum."""
    page = _positive(params.get("page"), 1)
    return page, min(_positive(params.get(size), default_size), max_size)


def rows_of_page(rows: list[T], page: int, size: int) -> list[T]:
    return rows[(page - 1) * size : page * size]


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else default
