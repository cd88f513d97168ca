"""Identifiers that are computed: equal for the same facts, and for no others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.ids import LONGEST_STORE_KEY_ID, store_key_id

endless = st.just("k" * LONGEST_STORE_KEY_ID)


@given(st.text("ab:%3A5", max_size=12), st.just("") | endless)
def test_a_text_cut_into_scope_and_key_at_another_place_is_another_store_key(
    whole: str, more: str
) -> None:
    cuts = [n for n, c in enumerate(whole) if c == ":"]

    ids = {store_key_id("auphan", whole[:n], whole[n + 1 :] + more) for n in cuts}

    assert len(ids) == len(cuts)


def test_the_key_of_an_own_server_is_not_the_longer_key_of_its_neighbour() -> None:
    assert store_key_id("auphan", "1.2.3.4:8080", "A") != store_key_id(
        "auphan", "1.2.3.4", "8080:A"
    )


def test_a_plain_key_reads_as_it_is() -> None:
    assert store_key_id("posabit", "north", "Main: St") == "posabit:north:Main: St"
