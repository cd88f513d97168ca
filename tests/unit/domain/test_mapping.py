"""Unmapped store keys, and the store a key likely means."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chalicelib.domain.mapping import suggest_store


@dataclass(frozen=True)
class Shop:
    id: int
    name: str
    nickname: str = ""


SHOPS = [
    Shop(1, "Green Leaf Seattle"),
    Shop(2, "Green Leaf Tacoma", nickname="The Depot"),
    Shop(3, "Harbour Café & Cannabis"),
]


@pytest.mark.parametrize(
    ("key", "store"),
    [
        ("Green Leaf Seattle", 1),
        ("GREEN LEAF - SEATTLE", 1),
        ("Seattle Green Leaf LLC", 1),
        ("Green Leaf Tacoma (WA)", 2),
        ("the depot", 2),
        ("Harbour Cafe Cannabis", 3),
    ],
)
def test_a_likely_store_is_suggested_by_name_or_nickname(key: str, store: int) -> None:
    assert suggest_store(key, SHOPS) == store
    assert suggest_store(key, reversed(SHOPS)) == store


@pytest.mark.parametrize("key", ["Venue 17", "", "???", "Zeta"])
def test_an_unlike_name_gets_no_suggestion(key: str) -> None:
    assert suggest_store(key, SHOPS) is None


def test_a_name_that_means_two_stores_alike_gets_no_suggestion() -> None:
    twins = [Shop(1, "Green Leaf East"), Shop(2, "Green Leaf West")]

    assert suggest_store("Green Leaf", twins) is None
    assert suggest_store("Green Leaf", [Shop(1, "Green Leaf"), Shop(2, "Green Leaf")]) is None


def test_stores_with_different_numbers_are_different_stores() -> None:
    assert suggest_store("Green Leaf 2", [Shop(3, "Green Leaf 3")]) is None
    assert suggest_store("Green Leaf 02", [Shop(2, "Green Leaf 2"), Shop(3, "Green Leaf 3")]) == 2


def test_without_stores_there_is_no_suggestion() -> None:
    assert suggest_store("Green Leaf", []) is None


def test_a_name_is_like_another_from_six_tenths_on() -> None:
    assert suggest_store("abcde", [Shop(1, "abcfg")]) == 1
    assert suggest_store("abcdef", [Shop(1, "abcghi")]) is None


def test_a_suggestion_must_be_more_alike_than_any_other_by_a_twentieth() -> None:
    key, near = "abcdefghijklmnopqrst", "abcdefghijklmnop----"
    alike = Shop(1, "abcdefghijkl uvwxyz0"), Shop(2, "abcdefghijk uvwxyz01")

    assert suggest_store(key, [alike[0]]) == 1
    assert suggest_store(key, alike) is None
    assert suggest_store(key, [*alike, Shop(3, near)]) == 3


def test_names_without_a_word_are_like_nothing() -> None:
    assert suggest_store("---", [Shop(1, "Green Leaf"), Shop(2, "", nickname="...")]) is None
    assert suggest_store("Green Leaf", [Shop(2, "---"), Shop(1, "Green Leaf")]) == 1


def test_a_very_long_name_is_like_itself() -> None:
    endless = " ".join(f"leaf{chr(97 + n)}" for n in range(26)) * 3

    assert suggest_store(endless, [Shop(1, endless)]) == 1
