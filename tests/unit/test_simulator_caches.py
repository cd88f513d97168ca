"""Values that simulators cache, and how careless POS write them."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.retailer.tables import LatestValues
from simulators.serving.paging import rows_of_page
from simulators.serving.wire_values import as_text, pick, two_decimals


def test_a_value_is_made_once_for_each_state() -> None:
    values, made = LatestValues[int](), []

    def make() -> int:
        made.append(len(made))
        return made[-1]

    seen = [values.get("orders", state, make) for state in (1, 1, 2, 2, 1)]

    assert seen == [0, 0, 1, 1, 2]


def test_keys_do_not_disturb_each_other() -> None:
    values = LatestValues[str]()

    values.get("a", 1, lambda: "first")
    values.get("b", 2, lambda: "second")

    assert values.get("a", 1, lambda: "anew") == "first"


def test_a_state_may_be_anything_that_can_be_compared() -> None:
    values = LatestValues[str]()

    values.get("a", ([1], {"s": "id"}), lambda: "first")

    assert values.get("a", ([1], {"s": "id"}), lambda: "anew") == "first"
    assert values.get("a", ([1], {"s": "updated"}), lambda: "anew") == "anew"


def test_a_page_past_the_end_is_empty() -> None:
    rows = [1, 2, 3]

    assert [rows_of_page(rows, page, 2) for page in (1, 2, 3)] == [[1, 2], [3], []]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, 1), (False, 0), (7, "7"), (-3, "-3"), (3.5, "3.5"), ("a", "a"), (None, None)],
)
def test_numbers_become_text_and_booleans_numbers(value: Any, text: Any) -> None:
    assert (as_text(value), type(as_text(value))) == (text, type(text))


def test_a_platform_decides_how_its_fractions_are_written() -> None:
    assert as_text(12.5, two_decimals) == "12.50"


def test_equal_numbers_pick_equal_values() -> None:
    assert [pick("ab", number) for number in range(4)] == ["a", "b", "a", "b"]
