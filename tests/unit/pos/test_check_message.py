"""What a check says of the shops that a key opens."""

from __future__ import annotations

from chalicelib.domain.records import StoreFact
from chalicelib.pos.check import LONGEST_NAME, MOST_NAMED, _shops_text


def test_a_chain_is_named_by_its_first_shops_and_the_number_of_the_others() -> None:
    chain = [StoreFact(f"s{n}", f"Shop {n}") for n in range(20_000)]

    text = _shops_text(chain)

    assert text.startswith("Shop 0, Shop 1, ")
    assert text.endswith(f"Shop {MOST_NAMED - 1} and {20_000 - MOST_NAMED} more")


def test_a_shop_with_an_endless_name_is_named_by_its_beginning() -> None:
    assert _shops_text([StoreFact("s", "x" * 10_000)]) == "x" * LONGEST_NAME


def test_a_shop_without_a_name_is_named_by_its_key() -> None:
    assert _shops_text([StoreFact("north", "")]) == "north"
