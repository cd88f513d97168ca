"""The state of sync runs: the fake and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any

import orjson
import pytest
from moto import mock_aws

from chalicelib.adapters.dynamo.keys import sync_keys
from chalicelib.adapters.dynamo.set_aside import LONGEST_RECORD
from chalicelib.adapters.dynamo.stream_states import StreamsRow
from chalicelib.adapters.dynamo.sync_states import DynamoSyncStates, StateRow
from chalicelib.domain.errors import LeaseLost, NotFound
from chalicelib.domain.records import Reject
from chalicelib.services.ports.runs import (
    Lease,
    LeaseBusy,
    ManifestAddress,
    RunError,
    RunGone,
    RunView,
    StreamState,
    StreamTotals,
    SyncStates,
)
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import FakeClock
from tests.fakes.sync_state import MemorySyncStates

PLATFORM, CREDENTIAL = "posabit", "crd_1"
HOUR = 3_600
_uids = count(1_000)


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as env, mock_aws():
        set_aws_environment(env)
        DynamoSyncStates("sync-under-test", FakeClock())
        StateRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield


@dataclass
class Office:
    """One account of its own in a table that all tests share."""

    states: SyncStates
    clock: FakeClock
    uid: str = field(default_factory=lambda: str(next(_uids)))

    def run(self, number: int = 1, credential: str = CREDENTIAL) -> RunView:
        return RunView(
            id=f"run_{number:05d}",
            uid=self.uid,
            platform=PLATFORM,
            credential=credential,
            state="queued",
            trigger="now",
            queued_at=self.clock.now(),
        )

    def claim(self, number: int = 1) -> RunView:
        return self.states.claim(self.run(number), self.clock.now())

    def lease(self, number: int = 1, hop: int = 0) -> Lease:
        return self.states.acquire(
            self.uid, PLATFORM, CREDENTIAL, f"run_{number:05d}", hop, self.clock.now()
        )

    def leased(self, number: int = 1) -> Lease:
        self.claim(number)
        return self.lease(number)

    def overtaken(self) -> tuple[Lease, Lease]:
        """A worker that slept through its lease, and the one that has it now."""
        late = self.leased()
        self.clock.move(200)
        return late, self.lease()

    def end(self, lease: Lease, **changes: Any) -> None:
        ended = replace(lease.view, state="succeeded", ended_at=self.clock.now())
        self.states.finish(lease, replace(ended, **changes))

    def manifest(self, name: str, *place: int) -> tuple[list[bytes], list[bytes]]:
        at = ManifestAddress(*place)
        pieces = self.states.manifests(self.uid, CREDENTIAL, {name: at})
        return list(islice(pieces, at.chunks)), list(pieces)

    def live(self) -> RunView | None:
        return self.states.live(self.uid, CREDENTIAL)


@pytest.fixture(params=["fake", "table"])
def office(request: pytest.FixtureRequest) -> Office:
    clock = FakeClock()
    if request.param == "fake":
        return Office(MemorySyncStates(clock), clock)
    request.getfixturevalue("aws")
    return Office(DynamoSyncStates("sync-under-test", clock), clock)


def test_a_run_asked_for_is_the_live_one(office: Office) -> None:
    asked = office.claim()

    assert office.live() == asked == office.run()
    assert office.states.run(office.uid, PLATFORM, asked.id) == asked


def test_whoever_asks_while_a_run_lives_gets_that_run(office: Office) -> None:
    first = office.claim(1)

    assert office.claim(2) == first
    assert office.states.runs(office.uid, PLATFORM, 10, None)[0] == [first]


def test_credentials_and_accounts_have_lives_of_their_own(office: Office) -> None:
    office.claim(1)

    other = office.states.claim(office.run(2, "crd_2"), office.clock.now())

    assert office.states.live(office.uid, "crd_2") == other
    assert office.states.live("9" + office.uid, CREDENTIAL) is None
    with pytest.raises(NotFound):
        office.states.run("9" + office.uid, PLATFORM, "run_00001")


@pytest.mark.parametrize("begun", ["never", "ended"])
def test_of_two_who_ask_at_the_same_time_one_wins_and_both_get_its_run(
    aws: None, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    office = Office(DynamoSyncStates("sync-under-test", FakeClock()), FakeClock())
    if begun == "ended":
        office.end(office.leased(9))
    usual, first = StateRow.update, []

    def after_another(row: StateRow, **given: Any) -> Any:
        if not first:
            first.append(True)
            first.append(office.claim(2))
        return usual(row, **given)

    monkeypatch.setattr(StateRow, "update", after_another)

    assert office.claim(1) == first[1] == office.live()


def test_an_ended_run_makes_room_for_the_next(office: Office) -> None:
    office.end(office.leased(1))

    assert office.live() is None
    assert office.claim(2).id == "run_00002"


def test_a_run_unheard_of_for_hours_is_given_up(office: Office) -> None:
    office.leased(1)
    office.clock.move(6 * HOUR + 1)

    following = office.claim(2)

    given_up = office.states.run(office.uid, PLATFORM, "run_00001")
    assert following.id == "run_00002"
    assert (given_up.state, given_up.error and given_up.error.code) == ("failed", "abandoned")


def test_a_run_that_waits_for_long_is_not_given_up_before_it_may_go_on(office: Office) -> None:
    lease = office.leased(1)
    resume_at = office.clock.now() + 20 * HOUR * 1000
    office.states.hand_over(lease, {}, replace(lease.view, state="waiting", resume_at=resume_at), 1)
    office.clock.move(20 * HOUR)

    assert office.claim(2).id == "run_00001"


def test_a_run_whose_message_waits_for_a_slot_is_alive(office: Office) -> None:
    office.claim(1)
    for _ in range(3):
        office.clock.move(3 * HOUR)
        office.states.note_waiting(office.uid, CREDENTIAL, "run_00001", office.clock.now())

    alive = office.claim(2)

    assert (alive.id, alive.heartbeat_at) == ("run_00001", office.clock.now())


def test_of_a_run_that_is_worked_on_or_over_nobody_says_that_it_waits(office: Office) -> None:
    lease = office.leased(1)
    began = office.clock.now()
    office.clock.move(60)
    office.states.note_waiting(office.uid, CREDENTIAL, "run_00001", office.clock.now())
    office.states.note_waiting(office.uid, CREDENTIAL, "run_00002", office.clock.now())
    office.states.note_waiting(office.uid, "crd_unknown", "run_00001", office.clock.now())

    assert office.claim(2).heartbeat_at in (None, began)
    office.end(lease)
    office.states.note_waiting(office.uid, CREDENTIAL, "run_00001", office.clock.now())
    assert office.live() is None
    assert office.states.live(office.uid, "crd_unknown") is None


def test_the_abandoned_worker_finds_its_run_replaced(office: Office) -> None:
    lease = office.leased(1)
    office.clock.move(6 * HOUR + 1)
    office.claim(2)

    with pytest.raises(LeaseLost):
        office.states.checkpoint(lease, {}, lease.view)
    with pytest.raises(RunGone):
        office.lease(1)


def test_a_lease_is_for_one_worker_at_a_time(office: Office) -> None:
    lease = office.leased()

    with pytest.raises(LeaseBusy) as busy:
        office.lease()

    assert lease.fence == 1
    assert lease.view == office.run()
    assert lease.checkpoint is None
    assert office.clock.now() < busy.value.until <= office.clock.now() + 180_000


def test_of_two_who_take_the_lease_at_the_same_time_one_wins(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(DynamoSyncStates("sync-under-test", FakeClock()), FakeClock())
    office.claim()
    usual, taken = StateRow.update, []

    def after_another(row: StateRow, **given: Any) -> Any:
        if not taken:
            taken.append(True)
            taken.append(office.lease())
        return usual(row, **given)

    monkeypatch.setattr(StateRow, "update", after_another)

    with pytest.raises(LeaseBusy):
        office.lease()
    assert office.states.checkpoint(taken[1], {}, taken[1].view)


def test_a_lease_not_renewed_passes_on_with_a_higher_fence(office: Office) -> None:
    late, now = office.overtaken()

    assert now.fence > late.fence


def test_leases_are_counted_until_the_run_moves_on(office: Office) -> None:
    takes = [office.leased().takes]
    for _ in range(2):
        office.clock.move(200)
        lease = office.lease()
        takes.append(lease.takes)

    office.states.checkpoint(lease, {}, lease.view)
    office.clock.move(200)
    takes.append(office.lease().takes)

    assert takes == [1, 2, 3, 1]


def test_a_checkpoint_renews_the_lease_and_is_handed_to_the_next(office: Office) -> None:
    lease = office.leased()
    told = {"streams": {"sales": {"cursor": {"page": 7}}}, "names": {"Käse #1": ["x", None]}}
    office.clock.move(170)
    shown = replace(lease.view, state="running", streams={"sales": StreamTotals(pages=7)})

    assert office.states.checkpoint(lease, told, shown)

    office.clock.move(170)
    with pytest.raises(LeaseBusy):
        office.lease()
    office.clock.move(20)
    following = office.lease()
    assert (following.checkpoint, following.view) == (told, shown)
    assert office.states.run(office.uid, PLATFORM, "run_00001") == shown


def test_a_lease_knows_for_how_long_the_run_was_worked_on(office: Office) -> None:
    first = office.leased()
    office.clock.move(20)
    office.states.checkpoint(first, {}, first.view)
    office.clock.move(10)
    assert first.worked_until(office.clock.now()) == 30_000
    office.states.hand_over(first, {}, first.view, 1)
    office.clock.move(500)

    second = office.lease(hop=1)

    assert second.worked_until(office.clock.now()) == 30_000, "waiting is no work"
    office.clock.move(5)
    office.states.checkpoint(second, {}, second.view)
    office.clock.move(200)
    assert office.lease(hop=1).worked == 35_000, "what a dead worker did since is not known"
    office.clock.move(6 * HOUR + 1)
    assert office.leased(2).worked == 0


def test_after_a_hand_over_only_the_continuation_goes_on(office: Office) -> None:
    lease = office.leased()
    office.states.hand_over(lease, {"at": 1}, lease.view, 1)

    with pytest.raises(RunGone):
        office.lease(hop=0)
    following = office.lease(hop=1)

    assert following.checkpoint == {"at": 1}
    assert following.fence == lease.fence + 1


def test_a_continuation_may_come_before_the_hand_over_that_announced_it(office: Office) -> None:
    office.leased()
    office.clock.move(200)

    assert office.lease(hop=1).fence == 2


def test_a_message_of_a_run_that_ended_or_never_was_does_nothing(office: Office) -> None:
    with pytest.raises(RunGone):
        office.lease()
    office.end(office.leased(1))
    with pytest.raises(RunGone):
        office.lease(1)
    office.claim(2)
    with pytest.raises(RunGone):
        office.lease(1)


Act = Callable[[SyncStates, Lease], object]


@pytest.mark.parametrize(
    "act",
    [
        lambda states, lease: states.checkpoint(lease, {"stolen": 1}, lease.view),
        lambda states, lease: states.hand_over(lease, {"stolen": 1}, lease.view, 9),
        lambda states, lease: states.finish(lease, replace(lease.view, ended_at=1, state="failed")),
    ],
    ids=["checkpoint", "hand over", "finish"],
)
def test_a_worker_that_was_overtaken_changes_nothing(office: Office, act: Act) -> None:
    late, now = office.overtaken()
    office.states.checkpoint(now, {"mine": 1}, replace(now.view, requests=5))

    with pytest.raises(LeaseLost):
        act(office.states, late)

    shown = office.states.run(office.uid, PLATFORM, "run_00001")
    assert (shown.requests, shown.ended_at) == (5, None)
    office.clock.move(200)
    assert office.lease().checkpoint == {"mine": 1}


def test_what_a_later_lease_saved_of_streams_and_manifests_stays(office: Office) -> None:
    late, now = office.overtaken()
    office.states.save_streams(now, {"sales": StreamState(watermark=2, deltas=1)})
    office.states.put_delta(now, "sales", 0, 1, b"new")

    with pytest.raises(LeaseLost):
        office.states.save_streams(late, {"sales": StreamState(watermark=1)})
    with pytest.raises(LeaseLost):
        office.states.put_delta(late, "sales", 0, 1, b"old")

    assert office.states.streams(office.uid, CREDENTIAL)["sales"].watermark == 2
    assert office.manifest("sales", 0, 0, 1) == ([], [b"new"])


def test_a_stop_is_heard_at_the_next_checkpoint(office: Office) -> None:
    lease = office.leased()
    assert office.states.checkpoint(lease, {}, lease.view)

    office.states.request_stop(office.uid, CREDENTIAL)

    assert not office.states.checkpoint(lease, {}, lease.view)


def test_a_stop_is_known_to_whoever_takes_the_run_up(office: Office) -> None:
    office.claim()
    office.states.request_stop(office.uid, CREDENTIAL)

    assert office.lease().stopping


def test_a_stop_asked_of_no_run_does_not_stop_the_next(office: Office) -> None:
    office.states.request_stop(office.uid, CREDENTIAL)
    office.end(office.leased(1))
    office.states.request_stop(office.uid, CREDENTIAL)

    lease = office.leased(2)

    assert not lease.stopping
    assert office.states.checkpoint(lease, {}, lease.view)


def test_an_ended_run_keeps_what_it_came_to(office: Office) -> None:
    lease = office.leased()
    error = RunError("upstream", "the POS", "It broke.", "sales")
    streams = {"sales": StreamTotals(3, 700, 600, 90, 9, 1), "stores": StreamTotals(done=True)}

    office.end(lease, state="failed", error=error, streams=streams, reasons={"bad_date": 1})

    kept = office.states.run(office.uid, PLATFORM, "run_00001")
    assert (kept.state, kept.error, kept.streams) == ("failed", error, streams)
    assert kept.reasons == {"bad_date": 1}
    office.claim(2)
    assert office.states.run(office.uid, PLATFORM, "run_00001") == kept


def test_what_outlives_a_run_is_read_as_it_was_saved(office: Office) -> None:
    sales = StreamState(5, 3, 1, 2, 700, {"Käse #1": 4}, {"20454": 4}, "run_00001")
    assert office.states.streams(office.uid, CREDENTIAL) == {}

    office.states.save_streams(office.leased(), {"sales": sales, "stores": StreamState()})

    assert office.states.streams(office.uid, CREDENTIAL) == {
        "sales": sales,
        "stores": StreamState(),
    }
    assert office.states.streams(office.uid, "crd_2") == {}


def test_a_manifest_holds_its_base_and_the_deltas_a_checkpoint_names(office: Office) -> None:
    lease = office.leased()
    office.states.put_base(lease, "sales", 1, [bytes([n]) for n in range(12)])
    for number in range(1, 13):
        office.states.put_delta(lease, "sales", 1, number, bytes([100 + number]))

    base, deltas = office.manifest("sales", 1, 12, 11)

    assert base == [bytes([n]) for n in range(12)]
    assert deltas == [bytes([100 + n]) for n in range(1, 12)]


def test_manifests_larger_than_one_read_come_whole(office: Office) -> None:
    lease = office.leased()
    office.states.put_base(lease, "sales", 1, [bytes([n]) for n in range(70)])

    assert office.manifest("sales", 1, 70, 0) == ([bytes([n]) for n in range(70)], [])


def test_generations_and_streams_of_a_manifest_do_not_mix(office: Office) -> None:
    lease = office.leased()
    office.states.put_delta(lease, "sales", 1, 1, b"old")
    office.states.put_delta(lease, "sales", 11, 1, b"new")
    office.states.put_delta(lease, "inventory-seen", 1, 1, b"seen")

    places = {"sales": ManifestAddress(11, 0, 1), "inventory-seen": ManifestAddress(1, 0, 1)}

    office.states.drop_manifest(office.uid, CREDENTIAL, "sales", 1)

    found = list(office.states.manifests(office.uid, CREDENTIAL, places))
    assert found == [b"new", b"seen"]
    with pytest.raises(KeyError):
        office.manifest("sales", 1, 0, 1)


def test_streams_that_are_forgotten_are_read_from_the_start(office: Office) -> None:
    lease = office.leased()
    office.states.save_streams(lease, {"sales": StreamState(watermark=7, generation=3)})

    office.states.forget_streams(office.uid, CREDENTIAL)

    assert office.states.streams(office.uid, CREDENTIAL) == {}


def test_what_later_code_says_of_a_stream_is_no_hindrance_to_older_code(office: Office) -> None:
    lease = office.leased()
    plain = StreamState(watermark=1)
    left = StreamState(watermark=2, aside_from=3, words_from=4, judged_by="r", bookmark="v7")

    office.states.save_streams(lease, {"customers": plain, "sales": left})

    assert office.states.streams(office.uid, CREDENTIAL) == {"customers": plain, "sales": left}
    if isinstance(office.states, DynamoSyncStates):
        row = StreamsRow.get(
            sync_keys.credential_state(office.uid, CREDENTIAL), sync_keys.STREAMS_SK
        )
        assert not any("aside_from" in state for state in orjson.loads(row.states).values())


def test_sales_shown_are_read_by_day_and_each_day_is_replaced_whole(office: Office) -> None:
    lease = office.leased()
    office.states.put_sale_day(lease, 20_500, [b"a", b"b", b"c"])
    office.states.put_sale_day(lease, 20_501, [b"d"])
    office.states.put_sale_day(lease, 20_499, [b"too old"])
    office.states.put_sale_day(lease, 20_500, [b"e", b"f"])

    found = office.states.sale_days(office.uid, CREDENTIAL, 20_500)

    assert found == [b"d", b"e", b"f"]
    assert office.states.sale_days(office.uid, "crd_2", 0) == []


def test_a_worker_that_lost_its_lease_cannot_say_which_sales_were_shown(office: Office) -> None:
    first, second = office.overtaken()
    office.states.put_sale_day(second, 20_500, [b"new"])

    with pytest.raises(LeaseLost):
        office.states.put_sale_day(first, 20_500, [b"old"])


def rejects(amount: int, stream: Any = "sales") -> list[Reject]:
    return [Reject(stream, "bad_date", "at", {"n": n, "é": None}, str(n)) for n in range(amount)]


def test_set_aside_records_are_listed_page_by_page_without_gap_or_double(office: Office) -> None:
    lease = office.leased()
    office.states.add_aside(lease, 0, rejects(13, "customers"))
    office.states.add_aside(lease, 13, rejects(29))

    found, after, pages = [], None, 0
    while pages == 0 or after is not None:
        page, after = office.states.asides(office.uid, lease.run, 5, after)
        assert len(page) <= 5
        found += page
        pages += 1
        assert pages < 20

    assert sorted(aside.number for aside in found) == list(range(42))
    first = found[0]
    assert (first.stream, first.reason, first.field, first.ext_id) == (
        "customers",
        "bad_date",
        "at",
        "0",
    )
    assert first.row == {"n": 0, "é": None}


def test_set_aside_records_said_twice_are_kept_once(office: Office) -> None:
    lease = office.leased()

    office.states.add_aside(lease, 0, rejects(3))
    office.states.add_aside(lease, 0, rejects(3))

    assert len(office.states.asides(office.uid, lease.run, 10, None)[0]) == 3
    assert office.states.asides("9" + office.uid, lease.run, 10, None) == ([], None)


def test_runs_are_listed_newest_first_the_live_one_as_it_stands(office: Office) -> None:
    for number in range(1, 8):
        office.end(office.leased(number))
    live = office.leased(8)
    office.states.checkpoint(live, {}, replace(live.view, state="running", requests=42))

    found, before = [], None
    for _ in range(4):
        page, before = office.states.runs(office.uid, PLATFORM, 3, before)
        found += page
        if before is None:
            break

    assert [view.id for view in found] == [f"run_{n:05d}" for n in range(8, 0, -1)]
    assert (found[0].state, found[0].requests) == ("running", 42)
    assert {view.state for view in found[1:]} == {"succeeded"}
    assert office.states.runs(office.uid, "thsuite", 3, None) == ([], None)


def test_an_enormous_record_set_aside_is_cut_not_refused(aws: None) -> None:
    office = Office(DynamoSyncStates("sync-under-test", FakeClock()), FakeClock())
    lease = office.leased()
    row = {"id": 7, "blob": "é" * 300_000}

    office.states.add_aside(lease, 0, [Reject("sales", "wrong_shape", "", row, "7")])

    [aside], _ = office.states.asides(office.uid, lease.run, 10, None)
    assert (aside.ext_id, aside.reason) == ("7", "wrong_shape")
    assert len(str(aside.row)) < LONGEST_RECORD * 2


def test_a_run_costs_few_calls(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(DynamoSyncStates("sync-under-test", FakeClock()), FakeClock())
    office.claim()
    calls: list[str] = []
    import botocore.client

    usual = botocore.client.BaseClient._make_api_call

    def counted(self: Any, name: str, given: Any) -> Any:
        calls.append(name)
        return usual(self, name, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counted)

    lease = office.lease()
    office.states.streams(office.uid, CREDENTIAL)
    office.states.checkpoint(lease, {}, lease.view)
    office.states.save_streams(lease, {"sales": StreamState()})
    office.end(lease)

    assert calls == ["UpdateItem", "GetItem", "UpdateItem", "PutItem", "TransactWriteItems"]


def many_store_keys() -> dict[str, int]:
    """More than a row of a table takes."""
    return {f"Till {number:05d} of the harbor shop": number for number in range(13_000)}


def test_a_checkpoint_with_thousands_of_store_keys_is_read_back(office: Office) -> None:
    lease, counts = office.leased(), many_store_keys()
    office.states.checkpoint(lease, {"counts": counts}, lease.view)
    office.states.hand_over(lease, {"counts": counts, "more": 1}, lease.view, 1)

    assert office.lease(hop=1).checkpoint == {"counts": counts, "more": 1}


def test_streams_with_thousands_of_store_keys_are_read_back(office: Office) -> None:
    lease, counts = office.leased(), many_store_keys()
    sales = StreamState(watermark=1, store_key_sales=counts, aside_from=5)
    more = replace(sales, store_key_sales=counts | {"one more": 1})
    few = StreamState(watermark=2, store_key_sales={"north": 1})

    office.states.save_streams(lease, {"sales": sales, "customers": few})
    assert office.states.streams(office.uid, CREDENTIAL) == {"sales": sales, "customers": few}
    for later in (more, few):
        office.states.save_streams(lease, {"sales": later, "customers": few})
        left = office.states.streams(office.uid, CREDENTIAL)
        assert left == {"sales": later, "customers": few}


def test_older_code_reads_streams_with_thousands_of_store_keys_without_them(aws: None) -> None:
    office = Office(DynamoSyncStates("sync-under-test", clock := FakeClock()), clock)
    lease = office.leased()
    office.states.save_streams(lease, {"sales": StreamState(1, store_key_sales=many_store_keys())})

    row = StreamsRow.get(sync_keys.credential_state(office.uid, CREDENTIAL), sync_keys.STREAMS_SK)

    assert orjson.loads(row.states)["sales"]["store_key_sales"] == {}
    assert orjson.loads(row.states)["sales"]["watermark"] == 1


def test_what_a_worker_that_lost_its_lease_puts_in_pieces_harms_nobody(office: Office) -> None:
    late, now = office.overtaken()
    counts = many_store_keys()
    office.states.checkpoint(now, {"counts": counts}, now.view)
    office.states.save_streams(now, {"sales": StreamState(2, store_key_sales=counts)})

    with pytest.raises(LeaseLost):
        office.states.checkpoint(late, {"counts": counts | {"late": 1}}, late.view)
    with pytest.raises(LeaseLost):
        office.states.save_streams(late, {"sales": StreamState(1, store_key_sales=counts)})
    office.states.hand_over(now, {"counts": counts}, now.view, 1)

    assert office.lease(hop=1).checkpoint == {"counts": counts}
    assert office.states.streams(office.uid, CREDENTIAL)["sales"].store_key_sales == counts


def test_the_live_runs_of_many_credentials_are_read_together(office: Office) -> None:
    ended = office.leased(1)
    office.end(ended)
    office.states.claim(office.run(2, "crd_2"), office.clock.now())

    asked = [CREDENTIAL, "crd_2", "crd_never_synced"]
    assert [run.credential for run in office.states.live_among(office.uid, asked)] == ["crd_2"]
    assert office.states.live_among(office.uid, []) == []
    assert office.states.live_among("4000", asked) == []
