"""Pagers, filters and proofs in combinations that none of today's platforms has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import FilterIgnored
from chalicelib.domain.times import DAY, HOUR, from_text, to_text
from chalicelib.pos.paging.response_page import response_page
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.profile.faults import Faults
from chalicelib.pos.profile.profile import Profile
from chalicelib.services.ports.pos import StreamPlan

from .builders import UNHURRIED
from .made_up import a_profile

NOW = from_text("2026-05-02T12:00:00Z")
NUMBER = {"by": "number", "param": "page", "size": "per", "limit": 50}
OFFSET = {"by": "offset", "param": "from", "size": "per", "limit": 50}
SPAN = {"by": "range", "param": "items", "limit": 50, "form": "{first}-{last}"}
DAYS = {"by": "days", "after": "first", "before": "until", "format": "%Y-%m-%d", "field": "at"}
DAYS |= {"days": 2, "max_days": 8, "grow_below": 3}
TIMES = {"by": "time", "after": "first", "before": "until", "field": "at", "window_days": 7}
PLAN = StreamPlan("sales", NOW, history_from=NOW - 30 * DAY)
HOURS_AGO = st.integers(0, 29 * 24).map(lambda hours: NOW - hours * HOUR)
ROWS = st.dictionaries(st.integers(1, 60), HOURS_AGO)
FILTERS = st.sampled_from([None, DAYS, TIMES])
PLACES = st.sampled_from([OFFSET, SPAN])
OVERLAP = {"by": "overlap", "id": "id"}
COUNTED = {**NUMBER, "total": "n"}
CURSOR = {"by": "cursor", "param": "c", "size": None}


def paged(**page: Any) -> Profile:
    """A made-up POS whose sales are paged like this."""
    asked = a_profile().model_dump(exclude_unset=True)["streams"]
    asked["sales"] |= {"rows": "rows", "page": page}
    return a_profile(streams=asked)


class Listing:
    """Rows by id → when they were made, asked for by any of the pagers and filters above."""

    def __init__(self, rows: dict[int, int], cap: int, **envelope: str) -> None:
        self.rows, self.cap, self.envelope = rows, cap, envelope

    def __call__(self, params: dict[str, str]) -> dict[str, Any]:
        chosen = [
            (number, at)
            for number, at in sorted(self.rows.items())
            if _instant(params.get("first"), 0) <= at < _instant(params.get("until"), NOW * 2)
        ]
        size, at = min(self.cap, int(params.get("per", "50"))), 0
        if "items" in params:
            at, last = map(int, params["items"].split("-"))
            size = min(self.cap, last - at + 1)
        elif "from" in params:
            at = int(params["from"])
        elif "page" in params:
            at = int(params["page"]) * size
        told = {
            "total": len(chosen),
            "pages": -(-len(chosen) // size),
            "more": at + size < len(chosen),
        }
        rows = [{"id": number, "at": to_text(at)} for number, at in chosen[at : at + size]]
        return {"rows": rows} | {name: told[what] for what, name in self.envelope.items()}


def _instant(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def ids(profile: Profile, listing: Listing) -> list[int]:
    stream = profile.streams["sales"]
    style = style_for(profile, stream)
    seen, cursor = [], None
    for _ in range(500):
        at = style.position(PLAN, cursor)
        page = response_page(listing(style.params(PLAN, at)), stream, "sales")
        style.check(PLAN, at, page)
        seen += [row["id"] for row in style.new_rows(PLAN, at, page)]
        onward = style.next_page(PLAN, at, page)
        if onward.cursor is None:
            return seen
        cursor = orjson.loads(orjson.dumps(onward.cursor))
    raise AssertionError("the listing never ends")


ENVELOPES = [{}, {"total": "n"}, {"pages": "n"}, {"more": "n"}]


@UNHURRIED
@given(ROWS, st.integers(2, 9), st.sampled_from(ENVELOPES), FILTERS)
def test_numbered_pages_have_every_row_whatever_the_envelope_and_the_filter(
    rows: dict[int, int], cap: int, envelope: dict[str, str], filtered: Any
) -> None:
    page: dict[str, Any] = {"pager": {**NUMBER, "first": 0, **envelope}}
    page |= {"filter": filtered, "proof": {"by": "downwards", "changed": "at"}}

    seen = ids(paged(**page), Listing(rows, cap, **envelope))

    assert set(seen) == set(rows)


@UNHURRIED
@given(ROWS, st.integers(2, 9), PLACES, FILTERS)
def test_places_that_overlap_have_every_row_whatever_the_filter(
    rows: dict[int, int], cap: int, pager: Any, filtered: Any
) -> None:
    page = {"pager": pager, "filter": filtered, "proof": {"by": "overlap", "id": "id"}}

    seen = ids(paged(**page), Listing(rows, cap))

    assert set(seen) == set(rows)


@UNHURRIED
@given(ROWS, st.integers(2, 9), PLACES)
def test_places_read_newest_first_have_every_row_once(
    rows: dict[int, int], cap: int, pager: Any
) -> None:
    page = {"pager": pager, "proof": {"by": "newest_first", "changed": "at"}}

    assert sorted(ids(paged(**page), Listing(rows, cap))) == sorted(rows)


@UNHURRIED
@given(ROWS, st.sampled_from([DAYS, TIMES]))
def test_whole_answers_have_every_row_of_their_windows(rows: dict[int, int], filtered: Any) -> None:
    assert set(ids(paged(filter=filtered), Listing(rows, 60))) == set(rows)


@pytest.mark.parametrize(
    ("layout", "text", "inside", "outside"),
    [
        ("seconds", "1777636800", "2026-05-01T12:00:00Z", "2026-05-01T11:59:58Z"),
        ("milliseconds", "1777636800999", "2026-05-01T12:00:01Z", "2026-05-01T12:00:00Z"),
        ("%Y%m%d", "20260501", "2026-05-01T00:00:00Z", "2026-04-29T00:00:00Z"),
    ],
)
def test_a_bound_is_written_as_the_pos_wants_it_and_judged_as_finely(
    layout: str, text: str, inside: str, outside: str
) -> None:
    filtered = {"by": "time", "after": "first", "field": "at", "format": layout}
    profile = paged(filter=filtered)
    stream = profile.streams["sales"]
    style = style_for(profile, stream)
    plan = StreamPlan("sales", NOW, since=NOW - DAY + 999)

    def judge(at: str) -> None:
        body = {"rows": [{"id": n, "at": at} for n in range(5)]}
        style.check(plan, style.start(plan), response_page(body, stream, "sales"))

    assert style.params(plan, style.start(plan)) == {"first": text}
    judge(inside)
    with pytest.raises(FilterIgnored):
        judge(outside)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ({"pager": NUMBER}, "say what shows that no row was missed (proof)"),
        ({"pager": NUMBER, "proof": OVERLAP}, "overlap needs a pager by offset or range"),
        ({"pager": OFFSET, "proof": {"by": "downwards"}}, "needs a pager by number, not by offset"),
        (
            {"pager": NUMBER, "filter": TIMES, "proof": {"by": "keyset"}},
            "the number of rows in all",
        ),
        ({"pager": COUNTED, "proof": {"by": "keyset"}}, "keyset needs a filter by time"),
        ({"pager": COUNTED, "filter": TIMES, "proof": {"by": "count"}}, "count takes no filter"),
        ({"pager": {**CURSOR, "next": "n", "lost": [429]}}, "429 means something else"),
        ({"pager": CURSOR}, "say where the cursor is told"),
        ({"bookmark": {"param": "v", "next": "v", "header": "V"}}, "where the bookmark is told"),
        ({"pager": {**SPAN, "form": "{first}"}, "proof": OVERLAP}, "form needs {first} and {last}"),
    ],
)
def test_axes_that_cannot_go_together_are_refused(page: Any, said: str) -> None:
    with pytest.raises((Faults, ValueError), match=r".") as refused:
        paged(**page)

    assert said in str(refused.value)
