"""What every kind of row can do: be found, guarded, paged, and copied from and to facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from moto import mock_aws
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import (
    Row,
    at_version,
    bind,
    delete_if,
    first_page,
    put_if,
    query_page,
    update_if,
)
from chalicelib.domain.errors import BadPosition

NUMBERED = re.compile(r"N#\d")


@dataclass(frozen=True)
class Shelf:
    owner: str
    name: str
    books: int
    note: str | None = None


class ShelfRow(Row):
    name = UnicodeAttribute()
    books = NumberAttribute()
    note = UnicodeAttribute(null=True)
    version = NumberAttribute(default=1)


class OtherRow(Row):
    name = UnicodeAttribute()


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        bind("rows-under-test", ShelfRow)
        bind("another-table", OtherRow)
        ShelfRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield


def a_shelf(sk: str, books: int = 1) -> ShelfRow:
    return ShelfRow("shelves", sk, name=f"shelf {sk}", books=books)


def test_kinds_of_rows_may_live_in_different_tables() -> None:
    assert ShelfRow.Meta.table_name == "rows-under-test"
    assert OtherRow.Meta.table_name == "another-table"


def test_a_row_that_is_not_stored_is_found_to_be_none() -> None:
    a_shelf("N#1", books=3).save()

    found = ShelfRow.find("shelves", "N#1")

    assert found is not None
    assert (found.name, found.books) == ("shelf N#1", 3)
    assert ShelfRow.find("shelves", "N#2") is None


def test_rows_are_read_by_the_beginning_of_their_sort_key() -> None:
    for sk in ("M#1", "N#2", "N#1", "O#1"):
        a_shelf(sk, books=int(sk[-1])).save()

    assert [row.sk for row in ShelfRow.query_prefix("shelves", "N#")] == ["N#1", "N#2"]
    full = ShelfRow.query_prefix("shelves", "N#", ShelfRow.books > 1)
    assert [row.sk for row in full] == ["N#2"]


def test_a_fact_becomes_a_row_and_a_fact_again() -> None:
    shelf = Shelf("ann", "crime", 12)

    ShelfRow.of(shelf, "shelves", "N#1", version=7).save()
    row = ShelfRow.find("shelves", "N#1")

    assert row is not None
    assert row.version == 7
    assert row.as_fact(Shelf, owner="ann") == shelf


def test_a_value_given_beside_the_fact_wins() -> None:
    row = ShelfRow.of(Shelf("ann", "crime", 12), "shelves", "N#1", books=13)

    assert row.books == 13
    assert row.as_fact(Shelf, owner="ben", name="other") == Shelf("ben", "other", 13)


def test_a_guarded_write_says_whether_it_was_made() -> None:
    absent = ShelfRow.pk.does_not_exist()

    assert put_if(a_shelf("N#1"), absent)
    assert not put_if(a_shelf("N#1", books=9), absent)
    row = a_shelf("N#1")
    assert update_if(row, [ShelfRow.books.add(1)], ShelfRow.pk.exists())
    assert row.books == 2
    assert not update_if(a_shelf("N#2"), [ShelfRow.books.add(1)], ShelfRow.pk.exists())
    assert not delete_if(a_shelf("N#1"), ShelfRow.books == 1)
    assert delete_if(a_shelf("N#1"), ShelfRow.books == 2)
    assert ShelfRow.find("shelves", "N#1") is None


def test_version_0_is_that_of_a_row_never_stored() -> None:
    assert not put_if(a_shelf("N#1"), at_version(ShelfRow.version, 1))
    assert put_if(a_shelf("N#1"), at_version(ShelfRow.version, 0))
    assert not put_if(a_shelf("N#1"), at_version(ShelfRow.version, 0))
    assert put_if(a_shelf("N#1"), at_version(ShelfRow.version, 1))


@pytest.mark.parametrize(
    ("limit", "page", "last"),
    [(1, ["N#1"], "N#1"), (2, ["N#1", "N#2"], None), (3, ["N#1", "N#2"], None)],
)
def test_a_first_page_names_its_last_row_where_more_follow(
    limit: int, page: list[str], last: str | None
) -> None:
    rows, position = first_page([a_shelf("N#1"), a_shelf("N#2")], limit)

    assert ([row.sk for row in rows], position) == (page, last)


def test_pages_follow_each_other_in_either_order() -> None:
    for number in (1, 2, 3):
        a_shelf(f"N#{number}").save()

    rows, position = query_page(ShelfRow, "shelves", 2, None, NUMBERED, newest_first=True)
    rest, end = query_page(ShelfRow, "shelves", 2, position, NUMBERED, newest_first=True)

    assert [row.sk for row in (*rows, *rest)] == ["N#3", "N#2", "N#1"]
    assert (position, end) == ("N#2", None)
    assert [row.sk for row in query_page(ShelfRow, "shelves", 9, "N#1", NUMBERED)[0]] == [
        "N#2",
        "N#3",
    ]


def test_a_position_of_another_form_does_not_reach_the_table() -> None:
    with pytest.raises(BadPosition):
        query_page(ShelfRow, "shelves", 2, "M#1", NUMBERED)
