"""Identifiers that are computed: equal for the same facts, and for no others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.ids import (
    LONGEST_STORE_KEY_ID,
    adjustment_id,
    id_in_shop,
    is_record_id,
    number_tag,
    record_id,
    store_key_id,
)

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


def test_an_id_that_is_stored_stays_what_it_is() -> None:
    """Rows of years hang on these: another way to compute one would lose them all."""
    assert record_id("3912", "posabit", "venue-1", "77") == "1ac1fd728c35e62e74dea858a86bbd04"
    assert adjustment_id("sub-1", "key-1") == "88584a7b0daa3e3a5dd4888dca20d41e"
    assert number_tag("a" * 32, "+12065550123") == "7e3f8d1b6ae24c3e86cb34b28eeb068d"


@given(st.lists(st.text("ab1", min_size=1, max_size=2), min_size=4, max_size=4))
def test_each_part_of_a_record_counts_in_its_id(parts: list[str]) -> None:
    uid, platform, scope, ext_id = parts
    own = record_id(uid, platform, scope, ext_id)

    assert is_record_id(own)
    assert own != record_id(uid + "x", platform, scope, ext_id)
    assert own != record_id(uid, platform + "x", scope, ext_id)
    assert own != record_id(uid, platform, scope + "x", ext_id)
    assert own != record_id(uid, platform, scope, ext_id + "x")


def test_only_thirty_two_hex_characters_are_a_record_id() -> None:
    assert is_record_id("0123456789abcdef" * 2)
    for other in ("", "a" * 31, "a" * 33, "g" + "a" * 31, "A" * 32):
        assert not is_record_id(other)


def test_a_store_key_over_four_hundred_bytes_is_cut_and_told_from_its_neighbours() -> None:
    whole = store_key_id("auphan", "1.2.3.4:80", "k" * 380)
    cut, neighbour = (store_key_id("auphan", "1.2.3.4:80", "k" * n) for n in (381, 382))

    assert whole == "auphan:1.2.3.4%3A80:" + "k" * 380
    assert len(whole.encode()) == 400
    assert cut == whole[:60] + "…c66d9cd739b5d5e9ba70113781c35a9c"
    assert cut != neighbour


def test_an_invoice_is_told_from_that_of_another_shop() -> None:
    assert id_in_shop("9:A%", "1001") == "9%3AA%25:1001"
    assert id_in_shop("9", "A:1001") != id_in_shop("9:A", "1001")
    assert id_in_shop("s" * 100, "1") == "s" * 100 + ":1"
    assert id_in_shop("s" * 101, "1") == "ssssssssssss…4e27a3b39b909b64df64dad4131b2efd:1"
