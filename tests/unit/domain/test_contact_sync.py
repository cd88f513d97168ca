"""Where a shopper is created, and which market a contact is of (product.md §7, §11)."""

from __future__ import annotations

import pytest

from chalicelib.domain.contact_sync import ScopeToWrite, scope_for
from chalicelib.domain.markets import market_code, takes_market

NORTH = ScopeToWrite("crd_2", "north", market="WA", store=1, added_at=2)
SOUTH = ScopeToWrite("crd_1", "south", market="Oregon", store=2, added_at=1)
ANY = ScopeToWrite("crd_3", "any", added_at=3)


@pytest.mark.parametrize(
    ("store", "state", "scope"),
    [
        (1, "OR", "north"),
        (2, None, "south"),
        (9, "Washington State", "north"),
        (None, "ore", "south"),
        (None, "oregon", "south"),
        (None, None, "south"),
        (None, "Texas", "south"),
    ],
)
def test_the_favourite_stores_scope_goes_before_the_states_and_that_before_the_first_connected(
    store: int | None, state: str | None, scope: str
) -> None:
    found = scope_for([NORTH, ANY, SOUTH], store=store, state=state, within_market=False)

    assert found is not None
    assert found.scope == scope


@pytest.mark.parametrize(
    ("scopes", "state", "scope"),
    [
        ([NORTH, SOUTH], "TX", None),
        ([NORTH, SOUTH, ANY], "TX", "any"),
        ([NORTH, SOUTH], "WA", "north"),
        ([NORTH, SOUTH], None, "south"),
        ([], "WA", None),
    ],
)
def test_within_the_market_only_a_credential_that_takes_the_state_counts(
    scopes: list[ScopeToWrite], state: str | None, scope: str | None
) -> None:
    found = scope_for(scopes, store=1 if state == "TX" else None, state=state, within_market=True)

    assert (found and found.scope) == scope


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("wa", "WA"),
        (" Washington ", "WA"),
        ("Washington State", "WA"),
        ("Wash", "WASH"),
        ("D.C.", "DC"),
        ("british columbia", "BC"),
        ("", None),
        (None, None),
        ("Bayern", "BAYERN"),
    ],
)
def test_a_state_has_one_code_however_it_is_written(text: str | None, code: str | None) -> None:
    assert market_code(text) == code


def test_who_told_no_state_and_a_credential_without_a_market_leave_nobody_out() -> None:
    assert takes_market("WA", None)
    assert takes_market(None, "OR")
    assert not takes_market("WA", "Oregon")


def test_beside_a_state_a_word_that_is_none_leaves_nobody_out() -> None:
    assert takes_market("WA", "n/a")
    assert not takes_market("Puget Sound", "WA")
    assert takes_market("Puget Sound", "puget  sound")
