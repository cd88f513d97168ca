"""Listings in which each page tells the next one, and what they end with."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.times import DAY, from_text
from chalicelib.pos.paging.response_page import response_page
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.profile.profile import Profile
from chalicelib.services.ports.pos import Cursor, Page, StreamPlan

from .builders import UNHURRIED
from .made_up import a_gateway, a_profile, an_access
from .tiny_server import one_after_another, say, serving

NOW = from_text("2026-05-02T12:00:00Z")
FIRST = StreamPlan("customers", NOW)
LATER = StreamPlan("customers", NOW, since=NOW - DAY)
BY_CURSOR = {"by": "cursor", "param": "after", "size": "per", "limit": 2, "next": "meta.next"}


def a_feed(**page: Any) -> Profile:
    """A made-up POS whose customers are paged like this."""
    profile = a_profile()
    asked = profile.model_dump(exclude_unset=True)
    asked["streams"]["customers"] |= {"rows": "rows", "page": {"pager": BY_CURSOR, **page}}
    return a_profile(streams=asked["streams"])


def read(
    profile: Profile,
    *answers: Any,
    plan: StreamPlan = FIRST,
    headers: tuple[dict[str, str], ...] = (),
) -> tuple[list[dict[str, str]], list[Any], Any]:
    """What was asked, the ids that came, and what follows the last page; cursors go through JSON.
    `answers`: bodies, or what makes one of what is asked."""
    stream = profile.streams["customers"]
    style = style_for(profile, stream)
    asked, seen, cursor = [], [], None
    for number in range(500):
        at = style.position(plan, cursor)
        params = style.params(plan, at)
        url = style.next_url(plan, at)
        asked.append({**params, **({"": url} if url else {})})
        told = answers[min(number, len(answers) - 1)]
        body = told(params) if callable(told) else told
        of_page = headers[number] if number < len(headers) else {}
        page = response_page(body, stream, "customers", of_page)
        style.check(plan, at, page)
        seen += [row["id"] for row in page.rows]
        onward = style.next_page(plan, at, page)
        if onward.cursor is None:
            return asked, seen, onward
        cursor = orjson.loads(orjson.dumps(onward.cursor))
        assert len(orjson.dumps(cursor)) < 8192
    raise AssertionError("the listing never ends")


def rows(*ids: int, onward: Any = None, **more: Any) -> dict[str, Any]:
    return {"rows": [{"id": n} for n in ids], "meta": {"next": onward}, **more}


@pytest.mark.parametrize("last", [None, "", " "])
def test_a_cursor_in_the_body_leads_from_page_to_page(last: str | None) -> None:
    asked, seen, end = read(a_feed(), rows(1, 2, onward="b"), rows(onward=7), rows(3, onward=last))

    assert asked == [{"per": "2"}, {"per": "2", "after": "b"}, {"per": "2", "after": "7"}]
    assert (seen, end.full_listing) == ([1, 2, 3], True)


def test_a_cursor_may_be_told_in_a_header_beside_bare_rows() -> None:
    pager = {"by": "cursor", "param": "c", "size": None, "header": "X-Next"}
    bodies = [{"id": 1}], [{"id": 2}]

    asked, seen, _ = read(a_feed(pager=pager), *bodies, headers=({"X-Next": "b"}, {}))

    assert (asked, seen) == ([{}, {"c": "b"}], [1, 2])


def test_a_filter_goes_along_with_a_cursor_unless_it_stands_alone() -> None:
    by_time = {"by": "time", "field": "at", "after": "since", "format": "seconds"}
    answers = rows(1, onward="b"), rows(2)
    since = str((NOW - DAY) // 1000)

    asked, _, end = read(a_feed(filter=by_time), *answers, plan=LATER)
    alone, _, _ = read(
        a_feed(filter=by_time, pager={**BY_CURSOR, "alone": True}), *answers, plan=LATER
    )

    assert asked == [{"per": "2", "since": since}, {"per": "2", "since": since, "after": "b"}]
    assert alone[1] == {"per": "2", "after": "b"}
    assert not end.full_listing


def test_a_lower_bound_alone_keeps_history_from() -> None:
    bound = {"by": "time", "field": "at", "after": "since", "format": "milliseconds"}
    plan = StreamPlan("customers", NOW, history_from=NOW - 9 * DAY)

    bounded, _, end = read(a_feed(filter={**bound, "from_history": True}), rows(1), plan=plan)
    whole, _, all_there_is = read(a_feed(filter=bound), rows(1), plan=plan)

    assert (bounded, end.full_listing) == ([{"per": "2", "since": str(NOW - 9 * DAY)}], False)
    assert (whole, all_there_is.full_listing) == ([{"per": "2"}], True)


@pytest.mark.parametrize(
    ("more", "last"), [({"more": "more"}, rows(3, onward="c", more=False)), ({}, rows(3))]
)
def test_a_flag_that_nothing_follows_ends_the_listing(more: Any, last: Any) -> None:
    pager = {**BY_CURSOR, **more}

    _, seen, _ = read(a_feed(pager=pager), rows(1, onward="b", more=True), last)

    assert seen == [1, 3]


def test_a_feed_that_always_tells_a_cursor_ends_with_a_page_without_rows() -> None:
    pager = {**BY_CURSOR, "until_empty": True}

    asked, seen, _ = read(a_feed(pager=pager), rows(1, onward="b"), rows(onward="b"))

    assert (len(asked), seen) == (2, [1])


NEXT_URLS = {"by": "url", "size": "per", "limit": 2, "next": "meta.next"}


def test_a_url_in_the_body_or_in_the_link_header_is_asked_as_it_is() -> None:
    url = "https://pos.example.com/api/rows?page=2&tag=a&tag=b"
    link = f'<https://pos.example.com/api/rows?page=1>; rel="first", <{url}>; rel="next"; title="n"'

    told, seen, _ = read(a_feed(pager=NEXT_URLS), rows(1, onward=url), rows(2))
    by_link = {"by": "url", "size": "per", "limit": 2}
    linked, _, _ = read(a_feed(pager=by_link), rows(1), rows(2), headers=({"Link": link}, {}))

    assert told == linked == [{"per": "2"}, {"": url}]
    assert seen == [1, 2]


@pytest.mark.parametrize(
    "link", ["", "<", "<u>", '<u>; rel="prev"', '<u>; rel="nextish"', "u; rel=next"]
)
def test_a_link_header_without_a_next_page_ends_the_listing(link: str) -> None:
    _, seen, _ = read(a_feed(pager={"by": "url", "size": None}), rows(1), headers=({"Link": link},))

    assert seen == [1]


def test_a_url_that_carries_the_key_is_kept_without_it() -> None:
    url = "https://pos.example.com/api/rows?key=•••&page=2"

    asked, _, _ = read(a_feed(pager=NEXT_URLS), rows(1, onward=url), rows(2))

    assert asked[1] == {"": "https://pos.example.com/api/rows?page=2"}


def test_a_cursor_that_does_not_move_is_refused() -> None:
    with pytest.raises(UnexpectedAnswer, match="The cursor of customers does not move"):
        read(a_feed(), rows(1, onward="b"), rows(2, onward="b"))


@UNHURRIED
@given(st.integers(0, 20), st.integers(2, 20))
def test_a_circle_of_cursors_ends_however_long_it_is(before: int, around: int) -> None:
    def answer(params: dict[str, str]) -> Any:
        at = int(params.get("after", "0"))
        onward = at + 1 if at < before + around - 1 else before
        return rows(at, onward=str(onward))

    with pytest.raises(UnexpectedAnswer, match="A cursor of customers came twice"):
        read(a_feed(), answer)


@UNHURRIED
@given(st.integers(0, 60))
def test_cursors_that_are_all_different_are_followed_to_the_end(pages: int) -> None:
    def answer(params: dict[str, str]) -> Any:
        at = int(params.get("after", "0"))
        return rows(at, onward=at + 1 if at < pages else None)

    assert read(a_feed(), answer)[1] == list(range(pages + 1))


def test_a_page_that_comes_again_under_another_cursor_is_refused() -> None:
    with pytest.raises(UnexpectedAnswer, match="Another page of customers came"):
        read(a_feed(), rows(1, onward="b"), rows(1, onward="c"))


def test_a_cursor_that_is_longer_than_a_checkpoint_holds_is_refused() -> None:
    with pytest.raises(UnexpectedAnswer, match="too long"):
        read(a_feed(), rows(1, onward="x" * 3_001))


# On the wire


def fetched(monkeypatch: Any, profile: Profile, *scripts: Any, plan: StreamPlan = FIRST) -> Any:
    """The pages and the request lines of a listing, in one session."""
    pages: list[Page] = []
    with serving(one_after_another(*scripts)) as server:
        session = a_gateway(monkeypatch, profile, server.url).open(an_access(api_key="abcd1234"))
        cursor: Cursor | None = None
        try:
            while not pages or cursor is not None:
                pages.append(session.fetch(plan, cursor))
                cursor = pages[-1].cursor
        finally:
            asked = [line.split(" ")[1] for line in server.requests]
            session.close()
    return pages, asked


def told(body: Any, status: str = "200 OK", **headers: str) -> Any:
    return say(orjson.dumps(body), status, **headers)


def test_a_next_url_on_another_host_costs_the_run_and_the_key_goes_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = a_feed(pager=NEXT_URLS)

    with pytest.raises(UnexpectedAnswer, match="another server"):
        fetched(monkeypatch, profile, told(rows(1, onward="https://evil.example.com/api/rows")))


def test_a_cursor_that_the_pos_forgot_has_the_listing_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = told({}, "410 Gone")
    answers = told(rows(1, onward="b")), gone, told(rows(1, onward="c")), told(rows(2))

    pages, asked = fetched(monkeypatch, a_feed(), *answers)

    first, forgotten = "/api/rows?per=2", "/api/rows?per=2&after=b"
    assert asked == [first, forgotten, first, "/api/rows?per=2&after=c"]
    assert [page.began_over for page in pages] == [False, True, False]
    assert sum(page.retries for page in pages) == 0
    assert [page.fetched for page in pages] == [1, 1, 1]
    assert pages[-1].full_listing


def test_a_pos_that_forgets_every_cursor_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = told({}, "410 Gone")
    once = told(rows(1, onward="b")), gone

    with pytest.raises(UnexpectedAnswer, match="status 410"):
        fetched(monkeypatch, a_feed(), *once, *once, *once, gone, gone)


def test_the_status_of_a_forgotten_cursor_means_nothing_where_none_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = [told({}, "410 Gone")] * 3

    with pytest.raises(UnexpectedAnswer, match="status 410"):
        fetched(monkeypatch, a_feed(), *gone)


# Bookmarks


MARKED = {"bookmark": {"param": "version", "next": "version"}}


def test_what_the_last_page_tells_is_asked_for_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = a_feed(**MARKED)
    first = told(rows(1, onward="b", version=7)), told(rows(2, version=8))

    whole, _ = fetched(monkeypatch, profile, *first)
    onward, asked = fetched(
        monkeypatch,
        profile,
        told(rows(3, onward="c", version=9)),
        told(rows(4)),
        plan=StreamPlan("customers", NOW, since=NOW - DAY, bookmark="8"),
    )

    assert [page.bookmark for page in whole] == [None, "8"]
    assert whole[-1].full_listing
    assert asked == ["/api/rows?version=8&per=2", "/api/rows?version=8&per=2&after=c"]
    assert (onward[-1].bookmark, onward[-1].full_listing) == ("9", False)


def test_a_quiet_feed_keeps_its_bookmark(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = StreamPlan("customers", NOW, since=NOW - DAY, bookmark="8")

    [page], asked = fetched(monkeypatch, a_feed(**MARKED), told(rows()), plan=plan)

    assert (page.bookmark, page.fetched, len(asked)) == ("8", 0, 1)


def test_a_bookmark_goes_before_the_filter_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    by_time = {"by": "time", "field": "at", "after": "since", "format": "seconds"}
    profile = a_feed(filter=by_time, **MARKED)
    plan = StreamPlan("customers", NOW, since=NOW - DAY, bookmark="8")

    _, asked = fetched(monkeypatch, profile, told(rows()), plan=plan)
    _, without = fetched(monkeypatch, profile, told(rows()), plan=LATER)

    assert asked == ["/api/rows?version=8&per=2"]
    assert without == [f"/api/rows?per=2&since={(NOW - DAY) // 1000}"]


def test_a_bookmark_that_the_pos_no_longer_knows_has_everything_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = StreamPlan("customers", NOW, since=NOW - DAY, bookmark="8")
    answers = told({}, "410 Gone"), told(rows(1, onward="b")), told(rows(2, version=9))

    pages, asked = fetched(monkeypatch, a_feed(**MARKED), *answers, plan=plan)

    assert asked == ["/api/rows?version=8&per=2", "/api/rows?per=2", "/api/rows?per=2&after=b"]
    assert [page.began_over for page in pages] == [True, False]
    assert (pages[-1].bookmark, pages[-1].full_listing) == ("9", True)
