"""Loops over listed ids: every parent once, whoever reads on, and no cursor of all of them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import FilterIgnored
from chalicelib.domain.records import Sale
from chalicelib.pos.parents import ParentLoop, ParentsPage
from chalicelib.pos.profile.profile import Profile
from chalicelib.services.ports.pos import Cursor, Page, StreamPlan
from tests.fakes.common import NOON

from .builders import UNHURRIED
from .made_up import a_gateway, a_profile, an_access, faults_of
from .tiny_server import Script, TinyServer, say, serving

ROWS_EACH = 2
"""Pages of rows that every parent has."""


class Listed:
    """Parents in pages, as a POS lists them; `asked` counts the requests."""

    def __init__(self, *pages: tuple[str, ...]) -> None:
        self.pages = list(pages)
        self.asked = 0

    def page(self, on: Cursor | None) -> ParentsPage:
        self.asked += 1
        number = on["page"] if on else 0
        is_last = number + 1 >= len(self.pages)
        ids = self.pages[number] if self.pages else ()
        return ParentsPage(ids, None if is_last else {"page": number + 1}, is_last)


def read(listed: Listed, dies_after: set[int] = frozenset()) -> tuple[list[str], bool]:  # type: ignore[assignment]
    """Whose pages of rows are read in order, by processes that die after these pages; and whether
    the listing was full."""
    loop, cursor, met = ParentLoop(listed.page), None, []
    for number in range(1000):
        parent, position = loop.next_rows(cursor)
        rows: Any = None
        if parent is not None:
            page = (position.at or {"n": 0})["n"]
            met.append(f"{parent}{page}")
            rows = {"n": page + 1} if page + 1 < ROWS_EACH else None
        cursor, full = loop.after(position, rows, full=True)
        if cursor is None:
            return met, full
        cursor = orjson.loads(orjson.dumps(cursor))
        if number in dies_after:
            loop = ParentLoop(listed.page)
    raise AssertionError("the loop never ends")


def rows_of(*parents: str) -> list[str]:
    return [f"{parent}{page}" for parent in parents for page in range(ROWS_EACH)]


def test_every_parent_of_every_page_is_read_once() -> None:
    listed = Listed(("a", "b"), (), ("c",))

    assert read(listed) == (rows_of("a", "b", "c"), True)
    assert listed.asked == 3


def test_a_list_of_nobody_is_a_full_one_of_nothing() -> None:
    assert read(Listed(())) == ([], True)


@given(
    pages=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    dies_after=st.sets(st.integers(0, 40)),
)
@UNHURRIED
def test_whoever_reads_on_reads_all_and_no_row_twice(
    pages: list[int], dies_after: set[int]
) -> None:
    ids = iter(f"p{number}-" for number in range(100))
    listed = Listed(*[tuple(next(ids) for _ in range(size)) for size in pages])

    met, full = read(listed, dies_after)

    assert full
    assert met == rows_of(*[parent for page in listed.pages for parent in page])
    assert listed.asked <= len(pages) + len(dies_after)


def test_a_parent_that_left_its_page_costs_the_page_and_no_row() -> None:
    listed = Listed(("a", "b", "c"))
    loop = ParentLoop(listed.page)
    _, position = loop.next_rows(None)
    cursor, _ = loop.after(position, None, full=True)
    listed.pages = [("a", "c")]

    again = ParentLoop(listed.page)
    parent, _ = again.next_rows(cursor)

    assert parent == "a"


def test_a_cursor_does_not_grow_with_the_parents() -> None:
    listed = Listed(tuple(f"parent-{number:030d}" for number in range(5000)))
    loop = ParentLoop(listed.page)
    _, position = loop.next_rows(None)
    cursor, _ = loop.after(position, None, full=True)

    assert len(orjson.dumps(cursor)) < 200


REGISTERS = {"endpoint": "registers", "rows": "data", "id": "id"}
SALE = {
    "customer": "c1",
    "at": "2026-05-01T10:00:00Z",
    "status": "complete",
    "total": 500,
    "lines": [],
}


def a_looped_pos(each: dict[str, Any], path: str = "/registers/{register}/sales") -> Profile:
    """A POS whose sales are asked for register by register."""
    plain = a_profile().model_dump(mode="json", exclude_none=True)
    sales = {**plain["streams"]["sales"], "endpoint": "sales", "each": each}
    sales["map"] = {**sales["map"], "employee_id": "register"}
    return a_profile(
        streams={**plain["streams"], "sales": sales},
        endpoints={
            "shop": {"path": "/shop"},
            "rows": {"path": "/rows"},
            "sales": {"path": path},
            "registers": {"path": "/registers"},
        },
    )


def answers(**by_path: Any) -> Script:
    """A server that answers by the path alone."""

    def script(connection: Any, number: int) -> None:
        path = server_of[0].requests[number].split()[1].removeprefix("/api/")
        say(orjson.dumps(by_path[path.replace("/", "_")]))(connection, number)

    server_of: list[TinyServer] = []
    script.server_of = server_of  # type: ignore[attr-defined]
    return script


def read_sales(
    monkeypatch: pytest.MonkeyPatch, profile: Profile, script: Script
) -> tuple[list[Page], list[str]]:
    """All pages, each by a process of its own, and the paths that were asked."""
    with serving(script) as server:
        script.server_of.append(server)  # type: ignore[attr-defined]
        gateway = a_gateway(monkeypatch, profile, server.url)
        pages: list[Page] = []
        cursor: Cursor | None = None
        while not pages or cursor:
            session = gateway.open(an_access(api_key="k3y-abcdef"))
            pages.append(session.fetch(StreamPlan("sales", now=NOON), cursor))
            cursor = pages[-1].cursor and orjson.loads(orjson.dumps(pages[-1].cursor))
            session.close()
        return pages, [request.split()[1] for request in server.requests]


def test_sales_of_every_register_are_read_and_say_whose_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each = {"param": "register", "of": REGISTERS, "into": "register"}
    script = answers(
        registers={"data": [{"id": 7}, {"id": "b"}, {"id": 7}]},
        registers_7_sales=[{"id": 1, **SALE}, {"id": 2, **SALE}],
        registers_b_sales=[{"id": 3, **SALE}],
    )

    pages, paths = read_sales(monkeypatch, a_looped_pos(each), script)

    sales = [fact for page in pages for fact in page.facts if isinstance(fact, Sale)]
    assert [(s.ext_id, s.employee_id) for s in sales] == [("1", "7"), ("2", "7"), ("3", "b")]
    assert paths == [
        *("/api/registers", "/api/registers/7/sales"),
        *("/api/registers", "/api/registers/b/sales"),
    ]
    assert [page.full_listing for page in pages] == [False, True]


def test_a_listing_without_parents_is_empty_and_not_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each = {"param": "register", "of": REGISTERS, "into": "register"}

    [page], _ = read_sales(monkeypatch, a_looped_pos(each), answers(registers={"data": []}))

    assert (page.facts, page.fetched, page.cursor) == ((), 0, None)


def test_a_parent_without_an_id_leaves_the_listing_incomplete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each = {"param": "register", "of": REGISTERS, "into": "register"}
    script = answers(registers={"data": [{"id": None}, {"id": "b"}]}, registers_b_sales=[])

    [page], _ = read_sales(monkeypatch, a_looped_pos(each), script)

    assert not page.full_listing


def test_a_pos_that_passes_over_whose_rows_are_asked_for_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each = {"param": "register", "of": REGISTERS, "at": "register"}
    rows = [{"id": n, "register": "other", **SALE} for n in range(6)]
    script = answers(registers={"data": [{"id": "b"}]}, **{"sales?register=b": rows})

    with pytest.raises(FilterIgnored, match="The rows of another parent came"):
        read_sales(monkeypatch, a_looped_pos(each, "/sales"), script)


@pytest.mark.parametrize(
    ("each", "path", "fault"),
    [
        (
            {"param": "register", "of": REGISTERS, "into": "register"},
            "/sales",
            "streams.sales.each.into: register may be passed over",
        ),
        (
            {"param": "other", "of": REGISTERS, "at": "register"},
            "/registers/{register}/sales",
            "endpoints.sales: {register} is no field of the credential",
        ),
    ],
)
def test_a_loop_that_cannot_be_meant_is_told(each: dict[str, Any], path: str, fault: str) -> None:
    assert any(line.startswith(fault) for line in faults_of(a_looped_pos(each, path)))
    good = a_looped_pos({"param": "register", "of": REGISTERS, "into": "register"})
    assert faults_of(good) == []


@pytest.mark.parametrize(
    "each",
    [
        {"param": "shop", "field": None},
        {"param": "register", "of": {**REGISTERS, "endpoint": "shop"}, "at": "register"},
    ],
    ids=["shops", "parents"],
)
def test_a_loop_whose_listings_tell_a_bookmark_each_is_refused(each: dict[str, Any]) -> None:
    streams = a_profile().model_dump(exclude_unset=True)["streams"]
    cursor = {"by": "cursor", "param": "after", "next": "next", "size": None}
    page = {"pager": cursor, "bookmark": {"param": "version", "next": "version"}}
    streams["customers"] |= {"rows": "rows", "page": page}
    assert faults_of(a_profile(streams=streams)) == []

    streams["customers"]["each"] = each
    with pytest.raises(
        ValueError, match=r"customers\.page\.bookmark: a loop \(each\) goes on from no"
    ):
        a_profile(streams=streams)
