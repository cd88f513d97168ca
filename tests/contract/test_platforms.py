"""What every platform promises the sync worker, whatever its POS does.

A platform takes part by the line `BENCH = …` in the module of its name beside this one.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from chalicelib.domain.errors import (
    AiqError,
    FilterIgnored,
    KeyRejected,
    PermissionMissing,
    RateLimited,
    ServerUnreachable,
    UnexpectedAnswer,
    UpstreamError,
)
from chalicelib.domain.records import Sale
from chalicelib.domain.times import DAY, HOUR
from chalicelib.domain.words import Stream
from chalicelib.pos.profile import registry
from chalicelib.services.ports.pos import StreamPlan

from .bench import NOW, Bench, bench_of, id_of, pages, read, read_by_many_processes

PLATFORMS = [bench_of(name) for name in registry.names()]

STREAMS: tuple[Stream, ...] = ("stores", "customers", "sales", "inventory")
YEARS_AGO = NOW - 3 * 365 * DAY


@pytest.fixture(params=PLATFORMS, ids=lambda each: each.__name__)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with request.param() as started:
        yield started


@pytest.mark.parametrize("stream", STREAMS)
def test_a_first_pass_meets_every_row(bench: Bench, stream: Stream) -> None:
    reading = read(bench, stream, history_from=YEARS_AGO)

    assert reading.ids == set(bench.truth(stream))
    assert len(reading.rejects) == bench.set_aside(stream)
    assert all(page.cursor is None or not page.full_listing for page in reading.pages)
    assert reading.pages[-1].full_listing is (stream != "sales")


@pytest.mark.parametrize("stream", STREAMS)
def test_what_cannot_be_used_is_set_aside_once(bench: Bench, stream: Stream) -> None:
    rows = [repr(reject.row) for reject in read(bench, stream, history_from=YEARS_AGO).rejects]

    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("stream", STREAMS)
def test_pages_count_what_they_hold(bench: Bench, stream: Stream) -> None:
    reading = read(bench, stream, history_from=YEARS_AGO)

    for page in reading.pages:
        assert len(page.facts) + len(page.rejects) <= page.fetched
        assert (page.requests, page.retries) == (1, 0)


@pytest.mark.parametrize("stream", STREAMS)
def test_another_process_goes_on_from_any_cursor_without_a_gap(
    bench: Bench, stream: Stream
) -> None:
    plan = StreamPlan(stream, NOW, history_from=YEARS_AGO)
    reading = read_by_many_processes(bench.gateway, bench.access, plan)

    assert reading.ids == set(bench.truth(stream))


def test_only_what_changed_since_is_read(bench: Bench) -> None:
    for stream in bench.filtered:
        changed = sorted(bench.truth(stream))[3:8]
        bench.clock.move(3600)
        bench.touch(stream, changed)

        reading = read(bench, stream, since=NOW + HOUR // 2)

        assert reading.ids == set(changed)
        assert not reading.pages[-1].full_listing


def test_a_quiet_stream_costs_one_request(bench: Bench) -> None:
    for stream in bench.filtered:
        reading = read(bench, stream, since=NOW + DAY)

        assert [(page.requests, page.fetched) for page in reading.pages] == [(1, 0)]


def test_rows_that_move_between_pages_are_all_met(bench: Bench) -> None:
    for stream in bench.filtered:
        first = [id_of(fact) for fact in read(bench, stream).pages[0].facts]
        bench.touch(stream, first[:5], after=[1])

        reading = read(bench, stream, history_from=YEARS_AGO)

        # What changed after the run began is the next run's: it asks for all since the run began.
        later = read(bench, stream, since=NOW - 1)
        assert reading.ids | later.ids == set(bench.truth(stream))


def nothing(_ext_id: str, _row: int) -> bool:
    return False


@pytest.mark.parametrize("stream", ["customers", "sales"])
def test_rows_known_from_the_last_pass_are_counted_and_not_read_again(
    bench: Bench, stream: Stream
) -> None:
    first = read(bench, stream, history_from=YEARS_AGO, known=nothing)
    rows = first.rows

    again = read(bench, stream, history_from=YEARS_AGO, known=lambda e, row: rows.get(e) == row)

    assert set(rows) <= first.ids
    assert len(rows) > len(first.ids) / 2
    assert again.ids == first.ids - set(rows)
    assert (again.fetched, len(again.rejects)) == (first.fetched, len(first.rejects))
    assert again.pages[-1].full_listing == first.pages[-1].full_listing


def test_a_row_that_changed_is_read_again_and_no_other(bench: Bench) -> None:
    for stream in bench.filtered:
        first = read(bench, stream, history_from=YEARS_AGO, known=nothing)
        rows, facts = first.rows, {id_of(fact): fact for fact in first.facts}
        changed = sorted(set(rows) & set(bench.truth(stream)))[3:8]
        bench.clock.move(3600)
        bench.touch(stream, changed)

        again = read(
            bench, stream, history_from=YEARS_AGO, known=lambda e, row, r=rows: r.get(e) == row
        )

        assert set(changed) <= again.ids
        assert again.ids - set(changed) == first.ids - set(rows)
        assert all(facts[id_of(f)] != f for f in again.facts if id_of(f) in changed)


def test_rows_are_no_longer_known_when_they_would_be_read_otherwise(bench: Bench) -> None:
    rows = read(bench, "sales", history_from=YEARS_AGO, known=nothing).rows
    here, elsewhere = bench.access(), replace(bench.access(), currency="CAD", time_zone="UTC")
    assert (here.currency, here.time_zone) != (elsewhere.currency, elsewhere.time_zone)

    again = read(
        bench,
        "sales",
        history_from=YEARS_AGO,
        known=lambda e, row: rows.get(e) == row,
        access=elsewhere,
    )

    assert set(rows) <= again.ids
    assert not set(rows.values()) & set(again.rows.values())


FINAL: list[tuple[str, dict[str, Any], type[AiqError], int]] = [
    ("403", {}, PermissionMissing, 1),
    ("429", {"retry_after": 7}, RateLimited, 1),
    ("429", {}, RateLimited, 1),
    ("400", {}, UnexpectedAnswer, 3),
    ("422", {}, UnexpectedAnswer, 3),
    ("500", {}, UpstreamError, 3),
    ("502", {}, UpstreamError, 3),
    ("503", {}, UpstreamError, 3),
    ("504", {}, UpstreamError, 3),
    ("reset", {}, UpstreamError, 3),
    ("html", {}, UnexpectedAnswer, 3),
    ("not_json", {}, UnexpectedAnswer, 3),
    ("wrong_shape", {}, UnexpectedAnswer, 3),
    ("error_object", {}, UnexpectedAnswer, 3),
    ("cut", {}, UnexpectedAnswer, 3),
    ("oversized", {"bytes": 11_000_000}, UnexpectedAnswer, 3),
]


@pytest.mark.parametrize(("kind", "options", "error", "tries"), FINAL)
@pytest.mark.parametrize("stream", ["stores", "sales"])
def test_a_lasting_fault_has_its_error_and_its_number_of_tries(
    bench: Bench, stream: Stream, kind: str, options: Any, error: type[AiqError], tries: int
) -> None:
    bench.fault(stream, kind, **options)

    session = bench.gateway.open(bench.access())
    with pytest.raises(error) as failed:
        session.fetch(StreamPlan(stream, NOW), None)

    assert type(failed.value) is error
    assert session._transport.requests == tries


def test_a_rejected_key_is_told_once_every_way_in_was_tried(bench: Bench) -> None:
    for stream in STREAMS:
        with pytest.raises(KeyRejected):
            read_with(bench, stream, "not-the-key")


def test_a_limit_says_how_long_to_wait_and_nobody_sleeps(bench: Bench) -> None:
    bench.fault(None, "429", retry_after=7)
    slept = bench.clock.slept

    with pytest.raises(RateLimited) as limited:
        read(bench, "customers")

    assert limited.value.details["retry_after"] == 7
    assert bench.clock.slept == slept


@pytest.mark.parametrize(
    "kind", ["500", "503", "html", "cut", "reset", "not_json", "wrong_shape", "empty"]
)
def test_a_passing_fault_changes_nothing_but_the_retries(bench: Bench, kind: str) -> None:
    for stream in bench.counted if kind == "empty" else bench.listed:
        bench.fault(stream, kind, requests=[2, 3])

        reading = read(bench, stream, history_from=YEARS_AGO)

        assert reading.ids == set(bench.truth(stream))
        assert reading.retries == 2


def test_an_empty_page_in_the_middle_fails_the_listing(bench: Bench) -> None:
    for stream in bench.counted:
        bench.fault(stream, "empty", requests=[2, 3, 4])

        with pytest.raises(UnexpectedAnswer):
            read(bench, stream, history_from=YEARS_AGO)


def test_a_filter_that_is_ignored_fails_the_listing(bench: Bench) -> None:
    for stream in bench.dated:
        bench.fault(stream, "ignore_filter")

        with pytest.raises(FilterIgnored):
            read(bench, stream, since=NOW - HOUR)


def test_right_data_under_a_wrong_type_is_data(bench: Bench) -> None:
    bench.fault("customers", "wrong_type")

    assert read(bench, "customers").ids == set(bench.truth("customers"))


def take_every_connection_away(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    """Connecting takes as long as it is given, on the clock of the bench, and leads nowhere."""

    def black_hole(connection: socket.socket, _address: object) -> None:
        seconds = connection.gettimeout()
        assert seconds is not None, "waits for ever"
        bench.clock.sleep(seconds)
        raise TimeoutError

    patch.setattr(socket.socket, "connect", black_hole)


def test_a_dead_server_costs_less_than_eight_seconds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_every_connection_away(bench, monkeypatch)
    begun = bench.clock.monotonic()

    with pytest.raises(ServerUnreachable):
        read(bench, "customers")

    assert 3 <= bench.clock.monotonic() - begun <= 8


def test_a_check_tells_what_the_key_opens(bench: Bench) -> None:
    checked = bench.gateway.check(bench.access())

    assert checked.outcome == "ok"
    assert checked.scope == bench.access().scope
    assert sorted(store.key for store in checked.stores) == sorted(bench.truth("stores"))


def test_a_check_with_another_key_is_rejected(bench: Bench) -> None:
    assert bench.gateway.check(bench.access(key="not-the-key")).outcome == "key_rejected"


@pytest.mark.parametrize(
    ("kind", "options", "outcome"),
    [
        ("401", {}, "key_rejected"),
        ("500", {}, "unexpected_answer"),
        ("429", {"retry_after": 60}, "unexpected_answer"),
        ("404", {}, "unexpected_answer"),
        ("html", {}, "unexpected_answer"),
        ("cut", {}, "unexpected_answer"),
        ("wrong_shape", {}, "unexpected_answer"),
        ("reset", {}, "unexpected_answer"),
    ],
)
def test_a_check_never_raises_and_says_what_is_wrong(
    bench: Bench, kind: str, options: Any, outcome: str
) -> None:
    bench.fault(None, kind, **options)

    checked = bench.gateway.check(bench.access())

    assert checked.outcome == outcome
    assert checked.message


@pytest.mark.parametrize("fault", ["404", "500"])
def test_a_check_of_a_slow_server_takes_at_most_eight_seconds(
    bench: Bench, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = HTTPAdapter.send

    def send_slowly(adapter: HTTPAdapter, request: Any, **options: Any) -> Any:
        bench.clock.sleep(min(3.0, options["timeout"].total))
        return send(adapter, request, **options)

    monkeypatch.setattr(HTTPAdapter, "send", send_slowly)
    bench.fault(None, fault)
    begun = bench.clock.monotonic()

    bench.gateway.check(bench.access())

    assert 3 <= bench.clock.monotonic() - begun <= 8


def test_a_check_of_a_key_that_may_read_nothing_names_what_it_may_not(bench: Bench) -> None:
    bench.fault(None, "403")

    checked = bench.gateway.check(bench.access())

    known = registry.profile(bench.platform)
    assert checked.outcome == "permission_missing"
    assert checked.missing_permissions
    assert set(checked.missing_permissions) <= {*known.permissions, *known.endpoints}
    assert all(name in checked.message for name in checked.missing_permissions)


def test_a_check_of_a_dead_server_says_that_it_cannot_be_reached(bench: Bench) -> None:
    bench.stop()

    assert bench.gateway.check(bench.access()).outcome == "server_unreachable"


def test_a_check_of_a_server_that_swallows_connections_takes_at_most_eight_seconds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_every_connection_away(bench, monkeypatch)
    begun = bench.clock.monotonic()

    assert bench.gateway.check(bench.access()).outcome == "server_unreachable"
    assert 3 <= bench.clock.monotonic() - begun <= 8


def test_requests_keep_the_pace_of_the_profile(bench: Bench) -> None:
    slept = bench.clock.slept
    gap = registry.profile(bench.platform).pace.gap_ms / 1000

    reading = read(bench, "customers")

    assert bench.clock.slept - slept == pytest.approx(gap * (len(reading.pages) - 1))


def test_sales_carry_the_store_key_of_the_credential(bench: Bench) -> None:
    keys = {fact.store_key for fact in read(bench, "sales").facts if isinstance(fact, Sale)}

    assert keys <= set(bench.truth("stores"))


def test_no_secret_reaches_an_error_a_log_or_a_repr(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = []

    for kind, options, _, _ in FINAL:
        bench.fault("customers", kind, times=3, **options)
        session = bench.gateway.open(bench.access())
        try:
            session.fetch(StreamPlan("customers", NOW), None)
        except AiqError as error:
            told.append(f"{error!r} {error.details} {error.__cause__!r} {error.__context__!r}")
        told.append(f"{session!r} {session._auth._keyring!r} {bench.access()!r}")

    assert len(told) == 2 * len(FINAL)
    assert bench.key not in "".join(told) + caplog.text


def read_with(bench: Bench, stream: Stream, key: str) -> list[Any]:
    session = bench.gateway.open(bench.access(key=key))
    return list(pages(session, StreamPlan(stream, NOW)))
