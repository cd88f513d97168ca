"""Exports: CSV of an audience from its snapshot (product.md §6; cases of CSV that ends early)."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pytest

from chalicelib.domain.audiences import SnapshotFilter
from chalicelib.domain.csv_text import text_of
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.records import Customer
from chalicelib.domain.times import MINUTE
from chalicelib.services.audiences.export_worker import COLUMNS, ExportWorker
from chalicelib.services.audiences.exports import ExportService, export_name
from chalicelib.services.job_messages.account_jobs import ExportMessage, account_job
from tests.fakes.common import FakeIds, MemoryQueue
from tests.fakes.facts import Crash
from tests.worlds.audiences import ALWAYS, NEVER, AudienceRoom
from tests.worlds.backroom import UID

EVERYBODY = SnapshotFilter()


class ExportRoom:
    """Exports of an account whose audiences were run."""

    def __init__(self, *folk: Customer, part_bytes: int = 300) -> None:
        self.audience = AudienceRoom()
        self.audience.tell(*folk)
        self.audience.run_now()
        audience, guard = self.audience, self.audience.room.wire.guard
        self.clock, self.rows, self.objects = audience.clock, audience.exports, audience.objects
        self.jobs = MemoryQueue()
        self.service = ExportService(
            audience.rows, self.rows, self.objects, self.jobs, FakeIds(), self.clock
        )
        self.worker = ExportWorker(
            runs=audience.rows,
            exports=guard(self.rows),
            objects=guard(self.objects),
            jobs=guard(self.jobs),
            clock=self.clock,
            part_bytes=part_bytes,
        )

    def ask(self, audience: str = "personas", filters: SnapshotFilter = EVERYBODY) -> str:
        return self.service.request(UID, audience, filters, "user:ann").id  # type: ignore[arg-type]

    def work_off(self, time_left: object = ALWAYS) -> None:
        for _ in range(1_000):
            bodies = self.jobs.take()
            if not bodies:
                return
            for body in bodies:
                message = account_job(body)
                assert isinstance(message, ExportMessage)
                self.worker.handle(message, time_left)  # type: ignore[arg-type]
        raise AssertionError("the messages never end")

    def file(self, export: str) -> list[list[str]]:
        text = self.objects.content[export_name(UID, export)].decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline="")))


def shoppers(amount: int) -> list[Customer]:
    return [
        Customer(str(n), first=f"Shopper {n:03d}", phone=f"+1206555{n:04d}") for n in range(amount)
    ]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.audiences.export_worker.ROWS_AT_ONCE", 2)
    monkeypatch.setattr("chalicelib.services.audiences.volumes.BLOCK_ROWS", 3)


def test_a_file_has_everybody_once_and_ends_with_how_many() -> None:
    room = ExportRoom(*shoppers(20))

    export = room.ask()
    room.work_off()

    rows = room.file(export)
    assert rows[0] == list(COLUMNS)
    assert [row[1] for row in rows[1:-1]] == [f"Shopper {n:03d}" for n in range(20)]
    assert [row[3] for row in rows[1:-1]] == [f"+1206555{n:04d}" for n in range(20)]
    assert rows[-1] == ["# rows 20"]


def test_a_file_is_utf_8_with_a_mark_and_ends_its_lines_by_crlf() -> None:
    room = ExportRoom(Customer("1", first="José Ñandú 😀 李", phone="+12065550101"))

    export = room.ask()
    room.work_off()

    content = room.objects.content[export_name(UID, export)]
    assert content.startswith(b"\xef\xbb\xbfcontact_id,")
    assert content.endswith(b"\r\n# rows 1\r\n")
    assert room.file(export)[1][1] == "José Ñandú 😀 李"


def test_names_that_compute_come_back_and_points_stay_numbers() -> None:
    names = ["=1+1", "+cmd", "@x", "-2+3", 'a,"b"\nc']
    folk = [Customer(str(n), first=name, phone=f"+1206555010{n}") for n, name in enumerate(names)]
    room = ExportRoom(*folk)
    shown = room.audience.room.facts.shown(UID)
    room.audience.room.commits.adjust(UID, shown[0].id, "a1", -2_050, note="", actor="user:ann")
    room.audience.run_now()

    export = room.ask()
    room.work_off()

    rows = room.file(export)[1:-1]
    assert sorted(text_of(row[1]) for row in rows) == sorted(names)
    assert all(row[1][0] not in "=+-@" for row in rows)
    assert Decimal("-20.5") in {Decimal(row[8]) for row in rows}


def test_a_filter_and_an_audience_narrow_the_file() -> None:
    room = ExportRoom(*shoppers(6))
    some = [p.id for p in room.audience.room.facts.shown(UID)][:2]
    room.audience.room.commits.join_all(UID, some, "form", 0)
    room.audience.run_now()

    members = room.ask("members")
    nobody = room.ask("members", SnapshotFilter(source="auphan"))
    room.work_off()

    assert {row[0] for row in room.file(members)[1:-1]} == set(some)
    assert room.file(nobody)[1:] == [["# rows 0"]]


def test_a_link_is_good_for_ten_minutes_and_there_is_none_before_the_end() -> None:
    room = ExportRoom(*shoppers(2))
    export = room.ask()
    assert room.service.get(UID, export).url is None

    room.work_off()

    view = room.service.get(UID, export)
    assert (view.state, view.rows) == ("done", 2)
    assert view.expires_at == room.clock.now() + 10 * MINUTE
    assert view.url is not None
    room.clock.move(86_400)
    assert room.service.get(UID, export).url is None


def test_another_accounts_export_is_not_found() -> None:
    room = ExportRoom(*shoppers(1))
    export = room.ask()

    with pytest.raises(NotFound):
        room.service.get("2000", export)


def test_before_the_first_run_there_is_nothing_to_export() -> None:
    room = ExportRoom()
    room.audience.rows.heads.clear()

    with pytest.raises(Conflict, match="Run the audiences"):
        room.ask()
    assert room.jobs.bodies == []


def test_a_file_in_many_slices_is_the_same() -> None:
    room = ExportRoom(*shoppers(40))
    whole, sliced = room.ask(), room.ask()
    [first, second] = room.jobs.take()
    room.worker.handle(account_job(first), ALWAYS)  # type: ignore[arg-type]

    room.jobs.send(second)
    room.work_off(NEVER)

    names = [export_name(UID, export) for export in (whole, sliced)]
    assert room.objects.content[names[0]] == room.objects.content[names[1]]
    assert len(room.rows.get(UID, sliced).parts) > 3


def test_a_worker_killed_at_any_call_leaves_a_whole_file_or_none() -> None:
    def play(at: int | None) -> tuple[ExportRoom, str, bool]:
        room = ExportRoom(*shoppers(12))
        wire = room.audience.room.wire
        export = room.ask()
        [body] = room.jobs.take()
        wire.calls, wire.at, died = 0, at, False
        try:
            room.jobs.send(body)
            room.work_off(NEVER)
        except Crash:
            died = True
            view = room.service.get(UID, export)
            assert view.state != "done" or export_name(UID, export) in room.objects.content
        wire.at = None
        room.jobs.send(body)  # SQS delivers it again
        room.work_off(NEVER)
        return room, export, died

    alive, export, _ = play(None)
    expected = alive.objects.content[export_name(UID, export)]
    kills = 0
    for at in range(1, alive.audience.room.wire.calls + 1):
        room, export, died = play(at)
        kills += died
        assert room.service.get(UID, export).state == "done", at
        assert room.objects.content[export_name(UID, export)] == expected, at
        assert not any(room.objects.uploads.values()), at  # an empty one the bucket forgets
    assert kills > 20


def test_an_export_whose_snapshot_is_gone_begins_anew_with_the_latest() -> None:
    room = ExportRoom(*shoppers(20))
    export = room.ask()
    [body] = room.jobs.take()
    room.worker.handle(account_job(body), NEVER)  # type: ignore[arg-type]
    assert room.rows.get(UID, export).parts
    room.audience.tell(Customer("new", first="Zoe", phone="+12065559999"))
    for _ in range(3):
        room.audience.run_now()

    room.work_off(NEVER)

    rows = room.file(export)
    assert rows[-1] == ["# rows 21"]
    assert len({row[0] for row in rows[1:-1]}) == 21


def test_an_export_that_fails_at_every_try_fails_without_a_link() -> None:
    room = ExportRoom(*shoppers(3))
    export = room.ask()
    [body] = room.jobs.take()

    def refuse(name: str, content_type: str) -> str:
        raise OSError("the bucket does not answer")

    room.objects.begin_upload = refuse  # type: ignore[method-assign]
    for _ in range(8):
        with pytest.raises(OSError, match="bucket"):
            room.worker.handle(account_job(body), ALWAYS)  # type: ignore[arg-type]
    room.worker.handle(account_job(body), ALWAYS)  # type: ignore[arg-type]

    view = room.service.get(UID, export)
    assert (view.state, view.url, view.rows) == ("failed", None, 0)


def test_a_damaged_list_is_never_a_short_file() -> None:
    room = ExportRoom(*shoppers(20))
    export = room.ask()
    content = room.objects.content
    for name in [name for name in content if "/name-" in name]:
        content[name] = content[name][:-5]

    room.work_off()

    assert room.service.get(UID, export).state == "failed"
    assert export_name(UID, export) not in content
    assert room.objects.uploads == {}


def test_a_message_of_an_export_that_was_never_stored_does_nothing() -> None:
    room = ExportRoom()

    assert room.worker.handle(ExportMessage(UID, "export_1"), ALWAYS) == 0


def test_a_message_that_comes_twice_writes_one_file() -> None:
    room = ExportRoom(*shoppers(3))
    export = room.ask()
    room.work_off()
    before = replace(room.rows.get(UID, export))

    assert room.worker.handle(ExportMessage(UID, export), ALWAYS) == 0
    assert room.rows.get(UID, export) == before
