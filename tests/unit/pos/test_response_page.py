"""An answer taken apart: what no shop would send is refused before it costs anything."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.paging.response_page import MOST_ROWS, response_page
from chalicelib.pos.profile import registry


@pytest.mark.parametrize(
    ("platform", "wrap"),
    [
        ("profitek", list),
        ("auphan", lambda rows: [{"Customer ID": "1"}, *rows]),
        ("posabit", lambda rows: {"customers": rows, "total_records": 1}),
    ],
)
def test_a_flood_of_empty_rows_is_refused(platform: str, wrap: Any) -> None:
    stream = registry.profile(platform).streams["customers"]

    with pytest.raises(UnexpectedAnswer, match="rows"):
        response_page(wrap([0] * (MOST_ROWS + 1)), stream, "customers")
