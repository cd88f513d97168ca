"""The ranges of ids that AIQ has seen: whatever was seen is held, and what lies beyond is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.id_ranges import NO_IDS_SEEN, IdRange, may_hold

pages = st.lists(st.lists(st.text(max_size=4), max_size=4), max_size=4)


@given(pages, pages, pages)
def test_every_id_that_was_seen_is_held(
    records: list[list[str]], sales: list[list[str]], returned: list[list[str]]
) -> None:
    seen = NO_IDS_SEEN
    for page in records:
        seen = seen.with_ids(records=page)
    for page in sales:
        seen = seen.with_ids(sales=page)
    for page in returned:
        seen = seen.with_ids(returned=page)

    assert all(may_hold(seen.records, each) for page in records for each in page)
    assert all(may_hold(seen.sales, each) for page in sales for each in page)
    assert all(may_hold(seen.returned, each) for page in returned for each in page)


@pytest.mark.parametrize(("ext_id", "held"), [("98", False), ("99", True), ("1000", True)])
def test_numbers_lie_in_the_order_in_which_a_pos_counts(ext_id: str, *, held: bool) -> None:
    seen = NO_IDS_SEEN.with_ids(records=["101", "99", "1001"])

    assert seen.records == IdRange("99", "1001")
    assert may_hold(seen.records, ext_id) is held
    assert not may_hold(seen.records, "1002")


def test_of_what_was_never_seen_nothing_is_held() -> None:
    assert not may_hold(NO_IDS_SEEN.with_ids(records=["1"]).sales, "1")
