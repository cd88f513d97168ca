"""Personas through the API; the service behind is in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.persona_parts import JoinedPair
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.personas import (
    PersonaFilter,
    PersonaMember,
    PersonaRow,
    PersonaSale,
    PersonaView,
    SaleLine,
)
from tests.fakes.common import NOON
from tests.functional.gateway import OURS, THEIRS, Gateway, World

PERSONAS = f"/api/accounts/{OURS}/personas"

JANE = PersonaRow(
    id="a" * 32,
    first="Jane",
    last="Doe",
    phone="+12065550100",
    email="jane@example.com",
    sources=("posabit",),
    favourite_store=1,
    member=False,
    points=0,
    flags=("shared_key",),
    inserted_at=NOON,
    updated_at=None,
)


@dataclass
class Shelf:
    """A `PersonaViews` that hands out its rows in order and notes what it was asked."""

    rows: list[PersonaRow] = field(default_factory=lambda: [JANE])
    asked: list[Any] = field(default_factory=list)

    def search(
        self, uid: str, wanted: PersonaFilter, limit: int, after: str | None
    ) -> tuple[list[PersonaRow], str | None]:
        self.asked.append((uid, wanted, limit, after))
        start = int(after or 0)
        end = start + limit
        return self.rows[start:end], str(end) if end < len(self.rows) else None

    def get(self, uid: str, contact_id: str) -> PersonaView:
        for row in self.rows:
            if uid == OURS and contact_id in (row.id, "b" * 32):
                pair = JoinedPair(row.id, "b" * 32, "phone")
                return PersonaView(
                    row,
                    "1990-12-31",
                    ("b" * 32,),
                    (a_member(row.id),),
                    joins=(pair,),
                    won={"first": row.id},
                )
        raise NotFound("There is no such persona.")

    def sales(
        self, uid: str, contact_id: str, limit: int, after: str | None
    ) -> tuple[list[PersonaSale], str | None]:
        self.get(uid, contact_id)
        self.asked.append((uid, contact_id, limit, after))
        return [a_sale()], "more" if after is None else None


def a_member(record: str) -> PersonaMember:
    return PersonaMember(
        id=record,
        platform="posabit",
        scope="venue-1",
        ext_id="1834",
        first="Jane",
        last="Doe",
        phone="+12065550100",
        email=None,
        birth_date=None,
        first_seen=NOON,
        updated_at=NOON,
        flags=(),
    )


def a_sale() -> PersonaSale:
    line = SaleLine(
        name="Tea", quantity="1.5", total=450, category=None, brand=None, returned=False
    )
    return PersonaSale(
        platform="posabit",
        scope="venue-1",
        ext_id="77",
        record="a" * 32,
        number="T-77",
        kind="sale",
        status="completed",
        is_final=True,
        gone=False,
        ordered_at=NOON,
        ordered_at_text="2026-01-01 04:00:00 -0800",
        store_key="Ballard",
        store=1,
        currency="USD",
        total=495,
        discount=0,
        tax=45,
        items=(line,),
    )


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, world: World) -> Shelf:
    made = Shelf()
    monkeypatch.setattr(wiring.personas, "personas", lambda: made)
    return made


def test_a_persona_is_listed_with_where_it_is_sourced_from(api: Gateway, shelf: Shelf) -> None:
    got = api.get(PERSONAS)

    assert got.status == 200
    assert got.json == {
        "items": [
            {
                "id": "a" * 32,
                "first": "Jane",
                "last": "Doe",
                "phone": "+12065550100",
                "email": "jane@example.com",
                "sources": ["posabit"],
                "favourite_store": 1,
                "member": False,
                "points": 0.0,
                "flags": ["shared_key"],
                "inserted_at": "2026-01-01T12:00:00Z",
                "updated_at": None,
                "consent": "unknown",
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, PersonaFilter()),
        ({"phone": "(206) 555-0100"}, PersonaFilter(phone="(206) 555-0100")),
        ({"email": "Jane@Example.com"}, PersonaFilter(email="Jane@Example.com")),
        ({"contact_id": "a" * 32}, PersonaFilter(contact_id="a" * 32)),
        ({"source_id": "1834"}, PersonaFilter(source_id="1834")),
        ({"name": "jo"}, PersonaFilter(name="jo")),
        ({"is": "member"}, PersonaFilter(member=True)),
        ({"source": "posabit", "name": "j"}, PersonaFilter(source="posabit", name="j")),
    ],
)
def test_a_search_asks_for_what_was_typed(
    api: Gateway, shelf: Shelf, query: dict[str, str], wanted: PersonaFilter
) -> None:
    assert api.post(f"{PERSONAS}/search", query).status == 200

    assert shelf.asked == [(OURS, wanted, 50, None)]


def test_a_list_is_sorted_and_narrowed_by_its_query(api: Gateway, shelf: Shelf) -> None:
    assert api.get(PERSONAS, source="posabit", sort="name").status == 200

    wanted = PersonaFilter(source="posabit", sort="name", descending=False)
    assert shelf.asked == [(OURS, wanted, 50, None)]


@pytest.mark.parametrize("personal", ["phone", "email", "name", "source_id"])
def test_what_says_who_somebody_is_has_no_place_in_a_url(
    api: Gateway, shelf: Shelf, personal: str
) -> None:
    assert api.get(PERSONAS, **{personal: "x"}).status == 422
    assert shelf.asked == []


@pytest.mark.parametrize(
    "query", [{"is": "vip"}, {"is_": "member"}, {"phone": "5" * 41}, {"sort": "spent"}]
)
def test_a_search_nobody_offers_is_refused(
    api: Gateway, shelf: Shelf, query: dict[str, str]
) -> None:
    got = api.post(f"{PERSONAS}/search", query)

    assert got.status == 422
    assert shelf.asked == []


def test_pages_follow_one_another_without_loss(api: Gateway, shelf: Shelf) -> None:
    shelf.rows = [replace(JANE, id=f"{number:032d}") for number in range(5)]

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = api.get(PERSONAS, limit=2, **cursor).json
        seen += [row["id"] for row in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}

    assert seen == [row.id for row in shelf.rows]
    assert cursor == {}


def test_a_cursor_belongs_to_its_search_and_its_account(
    world: World, api: Gateway, shelf: Shelf
) -> None:
    shelf.rows = [JANE, JANE]
    search = f"{PERSONAS}/search"
    cursor = api.post(search, {"limit": 1, "name": "j"}).json["next_cursor"]

    other_search = api.post(search, {"limit": 1, "name": "k", "cursor": cursor})
    changed = api.post(search, {"limit": 1, "name": "j", "cursor": cursor[:-4] + "AAAA"})
    other_account = world.gateway("Owner", THEIRS).post(
        f"/api/accounts/{THEIRS}/personas/search", {"limit": 1, "name": "j", "cursor": cursor}
    )

    assert [got.status for got in (other_search, changed, other_account)] == [422, 422, 422]
    assert len(shelf.asked) == 1


def test_a_persona_is_read_whole(api: Gateway, shelf: Shelf) -> None:
    got = api.get(f"{PERSONAS}/{'a' * 32}").json

    assert got["merged_ids"] == ["b" * 32]
    assert got["birth_date"] == "1990-12-31"
    assert got["members"][0]["ext_id"] == "1834"
    assert got["joins"] == [{"a": "a" * 32, "b": "b" * 32, "key": "phone"}]
    assert got["won"] == {"first": "a" * 32}
    [sale] = got["sales"]["items"]
    assert (sale["total"], sale["store"], sale["items"][0]["quantity"]) == (495, 1, "1.5")
    assert sale["ordered_at_text"] == "2026-01-01 04:00:00 -0800"


def test_a_merged_id_leads_to_the_persona(api: Gateway, shelf: Shelf) -> None:
    assert api.get(f"{PERSONAS}/{'b' * 32}").json["id"] == "a" * 32


def test_the_sales_of_the_page_go_on_in_the_list_of_sales(api: Gateway, shelf: Shelf) -> None:
    cursor = api.get(f"{PERSONAS}/{'a' * 32}").json["sales"]["next_cursor"]

    got = api.get(f"{PERSONAS}/{'a' * 32}/sales", cursor=cursor, limit=5)

    assert got.json["next_cursor"] is None
    assert shelf.asked[-1] == (OURS, "a" * 32, 5, "more")


@pytest.mark.parametrize("rest", ["", "/sales"])
def test_an_unknown_persona_is_not_found(api: Gateway, shelf: Shelf, rest: str) -> None:
    got = api.get(f"{PERSONAS}/{'c' * 32}{rest}")

    assert (got.status, got.json["code"]) == (404, "not_found")
