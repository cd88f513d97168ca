"""Unmapped store keys, and the store a key likely means."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chalicelib.domain.mapping import suggest_store, unmapped_keys


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


def test_unmapped_keys_are_those_without_a_store_each_once_and_sorted() -> None:
    assert unmapped_keys(["c", "a", "b", "a"], {"b": 1, "z": 2}) == ["a", "c"]


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
