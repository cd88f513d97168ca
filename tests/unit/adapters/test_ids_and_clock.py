"""Ids sort by the time of making, also within one millisecond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.ids import LENGTH, UlidIds, encode_ulid
from tests.fakes.common import FakeClock


@given(st.lists(st.integers(min_value=-5, max_value=5), min_size=1, max_size=30))
def test_ids_sort_in_the_order_of_making_even_when_the_clock_stands_or_goes_back(
    steps: list[int],
) -> None:
    clock = FakeClock()
    ids = UlidIds(clock)

    made = []
    for step in steps:
        clock.at += step
        made.append(ids.new("run"))

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_is_its_prefix_and_26_characters_of_base_32() -> None:
    made = UlidIds(SystemClock()).new("crd")

    prefix, ulid = made.split("_")

    assert prefix == "crd"
    assert len(ulid) == LENGTH
    assert set(ulid) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_a_ulid_is_encoded_as_its_specification_does() -> None:
    assert encode_ulid(0, 0) == "0" * 26
    assert encode_ulid((1 << 48) - 1, (1 << 80) - 1) == "7" + "Z" * 25
    assert encode_ulid(1_469_918_176_385, 0).startswith("01ARYZ6S41")
