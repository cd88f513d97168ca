"""Whose word about a shopper counts (product.md §6, §7).

> Updates made to shopper profiles in POSaBIT (e.g., name, email, phone number, or date of birth)
> will flow into AIQ.
"""

from __future__ import annotations

from itertools import permutations

import pytest

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.personas import by_precedence
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Rules, Source
from chalicelib.domain.signups import SIGNUP_SCOPE

SYNCED = Rules(sources={"posabit": Source(pos_wins_from=100)})


def record(name: str, at: int, platform: str = "posabit", scope: str = "north") -> SourceRecord:
    return SourceRecord(name, platform, scope, Customer(name, updated_at=at), at)


def form(name: str, at: int) -> SourceRecord:
    return record(name, at, "aiq", SIGNUP_SCOPE)


@pytest.mark.parametrize(
    ("records", "rules", "order"),
    [
        ([record("pos", 150), form("form", 200)], SYNCED, ["pos", "form"]),
        ([record("pos", 150), form("form", 200)], Rules(), ["form", "pos"]),
        ([record("pos", 99), form("form", 200)], SYNCED, ["form", "pos"]),
        ([record("pos", 150), form("form", 120)], SYNCED, ["pos", "form"]),
        (
            [record("pos", 150), form("form", 200), record("other", 180, "thsuite")],
            SYNCED,
            ["other", "pos", "form"],
        ),
        (
            [record("old", 120, "thsuite"), form("form", 200), record("pos", 110)],
            SYNCED,
            ["old", "pos", "form"],
        ),
        ([record("only", 1)], SYNCED, ["only"]),
    ],
)
def test_an_edit_of_the_pos_since_its_personas_are_synced_goes_before_any_form(
    records: list[SourceRecord], rules: Rules, order: list[str]
) -> None:
    for given in permutations(records):
        assert [customer.ext_id for customer in by_precedence(given, rules)] == order


def test_what_a_till_signed_up_is_a_form_of_its_own() -> None:
    at_till = record("till", 200, "posabit", SIGNUP_SCOPE)

    ordered = by_precedence([at_till, record("pos", 150)], SYNCED)

    assert [customer.ext_id for customer in ordered] == ["pos", "till"]
