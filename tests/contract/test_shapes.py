"""Contracts that nobody has, each in another corner of what a profile can say: what the engine
promises of every POS (`test_platforms.py`) it promises of these, with no line that knows them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.errors import (
    AiqError,
    FilterIgnored,
    KeyRejected,
    LoginExpired,
    RateLimited,
    UnexpectedAnswer,
    UpstreamError,
)
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.times import DAY, HOUR
from chalicelib.domain.words import Platform, Stream
from chalicelib.pos.asking.tokens import SessionTokens
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.profile import Profile
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess, StreamPlan
from simulators.serving.httpd import Reply
from tests.fakes.common import FakeClock
from tools.paths import ROOT

from .bench import NOW, Reading, id_of, pages, read_by_many_processes
from .shapes.tiny_pos import TinyPos, said

HOME = Path(__file__).parent / "shapes"
SHAPES = sorted(path.stem for path in HOME.glob("*.yaml"))
STREAMS: tuple[Stream, ...] = ("customers", "sales", "inventory")
LONG_AGO = NOW - 365 * DAY
MOST_LINES = 150


@dataclass
class Shape:
    """A contract with its POS and a way to it."""

    name: str
    profile: Profile
    pos: Any
    clock: FakeClock
    gateway: Gateway
    tokens: SessionTokens

    def access(self, **changes: str) -> CredentialAccess:
        return CredentialAccess(
            Platform(self.name),
            {**self.pos.typed, **changes},
            time_zone="America/Los_Angeles",
            tokens=self.tokens,
            permit=do_nothing,
        )

    def read(self, stream: Stream, access: CredentialAccess | None = None, **plan: Any) -> Reading:
        session = self.gateway.open(access or self.access())
        try:
            return Reading(list(pages(session, StreamPlan(stream, self.clock.now(), **plan))))
        finally:
            session.close()

    def ids(self, stream: Stream, *numbers: int) -> set[str]:
        """The ids of rows as facts have them; of all rows, where none is named."""
        wanted = numbers or self.pos.rows[stream]
        return {self.pos.wire_id(stream, number) for number in wanted}

    def secret_field(self) -> str:
        return self.profile.secret_fields[0]


def open_shape(name: str, patch: pytest.MonkeyPatch) -> Iterator[Shape]:
    text = (HOME / f"{name}.yaml").read_text(encoding="utf-8")
    profile = load.parse(text, f"{name}/{load.FILE}")
    patch.setattr(registry, "profile", lambda _name: profile)
    clock = FakeClock(NOW)
    with import_module(f"tests.contract.shapes.{name}").CONTRACT(clock.now) as pos:
        gateway = Gateway(clock, {name: pos.url}, lambda _platform: None)
        yield Shape(name, profile, pos, clock, gateway, SessionTokens())


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shape]:
    yield from open_shape(request.param, monkeypatch)


@pytest.fixture
def one(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shape]:
    """The shape that a test is named for: its first word behind `test_`."""
    yield from open_shape(request.function.__name__.split("_")[1], monkeypatch)


def test_there_are_eight_of_them_and_each_is_short() -> None:
    assert len(SHAPES) == 8
    for name in SHAPES:
        assert len((HOME / f"{name}.yaml").read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_no_line_of_the_engine_knows_any_of_them() -> None:
    titles = {name.capitalize() for name in SHAPES}
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in titles, path
                assert not any(f"{name}.example" in node.value for name in SHAPES), path


def test_a_first_pass_meets_every_row_as_the_pos_means_it(shape: Shape) -> None:
    for stream in STREAMS:
        reading = shape.read(stream, history_from=LONG_AGO)

        assert reading.ids == shape.ids(stream)
        assert reading.rejects == []
        for fact in reading.facts:
            number = shape.pos.number_of(id_of(fact))
            row = shape.pos.rows[stream][number]
            if isinstance(fact, Customer):
                assert (fact.first, fact.phone) == (row.first, row.phone)
                assert fact.updated_at is not None
            if isinstance(fact, Sale):
                assert (fact.total, fact.ordered_at // 1000) == (row.cents, row.made // 1000)
                assert fact.customer_ext_id == shape.pos.wire_id("customers", row.shopper)
                assert (fact.kind, fact.is_final) == ("sale", True)
                assert [line.name for line in fact.items] == ["Tea"]


def test_each_page_is_one_request_and_each_token_one_more(shape: Shape) -> None:
    reading = shape.read("inventory", history_from=LONG_AGO)

    tokens, stores = shape.pos.asked["token"], shape.pos.asked["stores"]
    assert sum(page.requests for page in reading.pages) == sum(shape.pos.asked.values())
    assert len(reading.pages) == sum(shape.pos.asked.values()) - tokens - stores
    assert (tokens <= 1, stores <= 1) == (True, True)


def test_another_process_goes_on_from_any_cursor_without_a_gap(shape: Shape) -> None:
    for stream in STREAMS:
        plan = StreamPlan(stream, NOW, history_from=LONG_AGO)
        reading = read_by_many_processes(shape.gateway, shape.access, plan)

        assert reading.ids == shape.ids(stream)


@pytest.mark.parametrize("kind", ["500", "html", "cut", "reset"])
def test_a_passing_fault_changes_nothing_but_the_retries(shape: Shape, kind: str) -> None:
    shape.pos.faults.add({"resource": "sales", "fault": kind, "requests": [2, 3]})

    reading = shape.read("sales", history_from=LONG_AGO)

    assert reading.ids == shape.ids("sales")
    assert reading.retries == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [("500", UpstreamError), ("html", UnexpectedAnswer), ("400", AiqError), ("429", RateLimited)],
)
def test_a_lasting_fault_fails_the_listing_and_names_who_must_act(
    shape: Shape, kind: str, error: type[AiqError]
) -> None:
    shape.pos.faults.add({"resource": "sales", "fault": kind, "retry_after": 7})

    with pytest.raises(error) as failed:
        shape.read("sales", history_from=LONG_AGO)

    assert failed.value.actor == "the POS"
    if kind == "429":
        assert failed.value.details["retry_after"] == 7


def test_late_edits_are_read_and_nothing_else_where_the_pos_filters(shape: Shape) -> None:
    both: tuple[Stream, ...] = ("customers", "sales")
    marks = {each: shape.read(each, history_from=LONG_AGO).pages[-1].bookmark for each in both}
    shape.clock.move(3600)
    shape.pos.touch("customers", [3, 40])
    shape.pos.touch("sales", [5, 60])
    since = NOW + HOUR // 2

    changed = {"customers": (3, 40), "sales": (5, 60)}
    if shape.profile.streams["customers"].within:  # who bought what changed
        changed["customers"] = tuple(shape.pos.rows["sales"][n].shopper for n in (5, 60))
    if shape.name in shape.pos.reads_more:
        del changed["sales"]

    for stream, mark in marks.items():
        reading = shape.read(stream, since=since, bookmark=mark)

        if stream in changed:
            assert reading.ids == shape.ids(stream, *changed[stream])
            assert not reading.pages[-1].full_listing


def test_rows_that_move_while_they_are_read_are_all_met(shape: Shape) -> None:
    for stream in STREAMS:
        shape.pos.edits[stream, shape.pos.asked[stream] + 1] = lambda s=stream: shape.pos.touch(
            s, range(1, 6)
        )

        reading = shape.read(stream, history_from=LONG_AGO)

        later = shape.read(stream, since=NOW - 1) if stream != "inventory" else Reading()
        assert reading.ids | later.ids == shape.ids(stream)


def test_a_key_that_is_refused_is_told_as_that(shape: Shape) -> None:
    access = shape.access(**{shape.secret_field(): "not-the-key"})

    with pytest.raises(KeyRejected):
        shape.read("sales", access)
    shape.tokens.token = None
    assert shape.gateway.check(access).outcome == "key_rejected"


def test_a_check_names_what_the_key_opens(shape: Shape) -> None:
    checked = shape.gateway.check(shape.access())

    assert (checked.outcome, checked.message) == ("ok", checked.message)
    assert [store.key for store in checked.stores] == list(shape.pos.shops)


def test_no_key_is_shown(shape: Shape, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    shape.pos.faults.add({"resource": "sales", "fault": "400"})
    session = shape.gateway.open(shape.access())

    with pytest.raises(AiqError) as failed:
        session.fetch(StreamPlan("sales", NOW), None)

    told = f"{failed.value!r} {failed.value.details} {session!r} {shape.access()!r} {caplog.text}"
    assert "canary" not in told


def test_harbor_exchanges_its_token_again_when_it_ends_inside_a_listing(one: Shape) -> None:
    one.pos.edits["sales", 2] = one.pos.end_tokens

    reading = one.read("sales", history_from=LONG_AGO)

    assert reading.ids == one.ids("sales")
    assert one.pos.asked["token"] == 2
    assert len([n for n in reading.pages if n.requests > 1]) == 2, "one exchange, one page again"


def test_harbor_refuses_a_cursor_that_does_not_move(one: Shape) -> None:
    stuck = said({"data": [], "meta": {"next": "1-1"}})
    one.pos.answer = lambda kind, request, usual=one.pos.answer: (
        stuck if kind == "sales" else usual(kind, request)
    )

    with pytest.raises(UnexpectedAnswer, match="does not move"):
        one.read("sales", history_from=LONG_AGO)


def test_harbor_tells_a_filter_that_is_ignored(one: Shape) -> None:
    one.pos.by_change = lambda kind, _after=None: TinyPos.by_change(one.pos, kind)

    with pytest.raises(FilterIgnored):
        one.read("sales", since=NOW - HOUR)


@pytest.mark.parametrize(
    "url", ["https://evil.example/sales", "//evil.example/sales", "http://127.0.0.1:1/sales"]
)
def test_linker_follows_no_url_to_another_host(one: Shape, url: str) -> None:
    written = one.pos.answer

    def answer(kind: str, request: Any) -> Any:
        made = written(kind, request)
        return replace(made, headers=(f'Link: <{url}>; rel="next"',)) if kind == "sales" else made

    one.pos.answer = answer

    with pytest.raises(UnexpectedAnswer):
        one.read("sales", history_from=LONG_AGO)


def test_graphy_is_asked_to_wait_under_status_200(one: Shape) -> None:
    one.pos.answer = lambda _kind, _request: said(
        {"errors": [{"extensions": {"code": "THROTTLED"}}]}
    )

    with pytest.raises(RateLimited):
        one.read("sales", history_from=LONG_AGO)


def test_feed_goes_on_from_its_bookmark_and_marks_what_was_deleted(one: Shape) -> None:
    first = one.read("sales", history_from=LONG_AGO)
    one.clock.move(3600)
    one.pos.touch("sales", [7], gone=True)
    one.pos.touch("sales", [9])

    again = one.read("sales", since=NOW, bookmark=first.pages[-1].bookmark)

    gone, changed = sorted(again.facts, key=id_of)
    assert isinstance(gone, Sale)
    assert isinstance(changed, Sale)
    assert (gone.ext_id, gone.kind, gone.happened) == ("s7", "void", False)
    assert (changed.ext_id, changed.total) == ("s9", one.pos.rows["sales"][9].cents)
    assert again.fetched == 2


def test_feed_begins_over_where_its_bookmark_is_forgotten(one: Shape) -> None:
    first = one.read("customers", history_from=LONG_AGO)
    one.pos.forgets = NOW

    again = one.read("customers", since=NOW, bookmark=first.pages[-1].bookmark)

    assert again.ids == one.ids("customers")
    assert again.pages[0].began_over


def test_parents_passes_over_a_location_that_is_closed(one: Shape) -> None:
    one.pos.closed = ("s1",)

    reading = one.read("sales", history_from=LONG_AGO)

    open_ones = [row.id for row in one.pos.rows["sales"].values() if row.shop == "s2"]
    assert reading.ids == one.ids("sales", *open_ones)
    assert not reading.pages[-1].full_listing


def test_parents_tells_merges_gift_cards_and_shoppers_of_orders(one: Shape) -> None:
    one.pos.merged = {4: 5}

    shoppers = {id_of(fact): fact for fact in one.read("customers", history_from=LONG_AGO).facts}
    (sale, *_) = one.read("sales", history_from=LONG_AGO).facts

    merged = shoppers["4"]
    assert isinstance(merged, Customer)
    assert (merged.merged_into, merged.active) == ("5", False)
    assert isinstance(sale, Sale)
    assert [tender.name for tender in sale.tenders] == ["Cash", "Gift card"]
    assert sum(tender.amount or 0 for tender in sale.tenders) == sale.total


def test_formy_spends_each_refresh_token_once(one: Shape) -> None:
    for _ in range(2):
        one.read("sales", history_from=LONG_AGO)
    assert one.pos.spent == 1, "what is kept is used"
    one.clock.move(3600)

    one.read("sales", history_from=LONG_AGO)

    assert one.pos.spent == 2
    one.tokens.token = None  # as if the card held the first one, which is spent
    with pytest.raises(LoginExpired):
        one.read("sales", history_from=LONG_AGO)


def test_formy_is_not_asked_while_no_request_is_left(one: Shape) -> None:
    one.pos.left = 3
    asked = one.pos.asked

    with pytest.raises(RateLimited) as limited:
        one.read("sales", history_from=LONG_AGO)

    assert limited.value.details["retry_after"] == pytest.approx(120, abs=1)
    assert asked["sales"] + asked["stores"] == 3, "none was asked in vain"


def test_formy_sets_sales_in_another_currency_aside(one: Shape) -> None:
    one.pos.foreign = {3, 60}

    reading = one.read("sales", history_from=LONG_AGO)

    told = {(r.ext_id, r.reason, r.field) for r in reading.rejects}
    assert told == {("3", "other_currency", "sum.unit"), ("60", "other_currency", "sum.unit")}
    assert reading.ids == one.ids("sales") - {"3", "60"}


def test_epochs_meets_more_rows_of_one_second_than_fit_a_page(one: Shape) -> None:
    same = {row.changed for row in one.pos.rows["sales"].values() if row.cents == 777}
    assert len(same) == 1

    ids = [id_of(fact) for fact in one.read("sales", history_from=LONG_AGO).facts]

    assert set(ids) == one.ids("sales")


def test_signed_is_refused_with_another_key(one: Shape) -> None:
    one.pos.denied = lambda: Reply(403, b"{}")

    checked = one.gateway.check(one.access(key="not-the-key"))

    assert checked.outcome == "permission_missing"
