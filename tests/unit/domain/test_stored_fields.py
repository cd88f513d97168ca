from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain.stored_fields import from_fields, from_values


@dataclass(frozen=True)
class Note:
    text: str
    count: int = 0


class Pair(NamedTuple):
    left: int
    right: int = 0


def test_fields_that_newer_code_stored_are_passed_over_and_older_rows_take_defaults() -> None:
    assert from_fields(Note, {"text": "a", "count": 2, "colour": "red"}) == Note("a", 2)
    assert from_fields(Note, {"text": "a"}, count=3) == Note("a", 3)


def test_values_that_newer_code_appended_are_passed_over_and_older_rows_take_defaults() -> None:
    assert from_values(Note, ["a", 2, "red"]) == Note("a", 2)
    assert from_values(Pair, [1, 2, 3]) == Pair(1, 2)
    assert from_values(Pair, [1]) == Pair(1)
