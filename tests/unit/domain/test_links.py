"""Web addresses in names that people type: none of them becomes a link in an e-mail of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.links import has_link, without_links

SHOWN = {
    "green.example": "green[.]example",
    "Visit green.example now": "Visit green[.]example now",
    "a.bc.de": "a[.]bc[.]de",
    "https://localhost": "https[:]//localhost",
    "pay at 10.0.0.12 today": "pay at 10[.]0[.]0[.]12 today",
    "green\u3002example": "green[.]example",
    "gre\u200ben.ex\u00adample": "green[.]example",
    "\uff47reen\uff0eexample": "green[.]example",
}


@pytest.mark.parametrize("text", SHOWN)
def test_a_web_address_is_found_and_spelt_so_that_nobody_can_click_it(text: str) -> None:
    assert has_link(text)
    assert without_links(text) == SHOWN[text]


@pytest.mark.parametrize(
    "text", ["", "Green Leaf", "St. Mary", "No. 5", "v1.2", "10:30", "Joe & Co.", "\uff21 1.2.3"]
)
def test_a_name_that_is_no_web_address_stays_as_it_is(text: str) -> None:
    assert not has_link(text)
    assert without_links(text) == text


@given(st.text("ab1.:/ \u200b\u3002", max_size=20))
def test_what_was_cleaned_holds_no_link(text: str) -> None:
    assert not has_link(without_links(text))
