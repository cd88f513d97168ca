"""A CSV of very many personas: whole or none, and in little memory, wherever its worker dies."""

from __future__ import annotations

import tracemalloc

import pytest

from chalicelib.domain.audiences import SNAPSHOT_SORTS, ListedPersona, SnapshotFilter, TagCounts
from chalicelib.domain.audiences import tags_of as tags
from chalicelib.services.audiences.export_worker import PART_BYTES, ExportWorker
from chalicelib.services.audiences.exports import ExportService, export_name
from chalicelib.services.audiences.snapshots import SnapshotManifest, manifest_name
from chalicelib.services.audiences.volumes import VolumeBuilder, pack
from chalicelib.services.job_messages.account_jobs import ExportMessage, account_job
from chalicelib.services.ports.audiences import AudienceHead
from tests.fakes.audiences import MemoryAudienceRuns, MemoryExports, MemoryObjects
from tests.fakes.common import NOON, FakeClock, FakeIds, MemoryQueue
from tests.fakes.facts import Crash
from tests.worlds.backroom import UID

RUN = "audience_1"
VOLUME_ROWS = 40_000


class Bucket(MemoryObjects):
    """The worker dies at the upload of the part `dies_at`."""

    dies_at = 0

    def upload_part(self, name: str, upload: str, number: int, content: bytes) -> str:
        if number == self.dies_at:
            self.dies_at = 0
            raise Crash
        return super().upload_part(name, upload, number, content)


def listed(number: int) -> ListedPersona:
    return ListedPersona(
        id=f"{number:032x}",
        first="Shopper",
        last=f"Number {number:07d}",
        phone=f"+1206{number:07d}",
        email=f"shopper{number}@example.com",
        sources=("posabit",),  # type: ignore[arg-type]
        favourite_store=number % 7 or None,
        member=number % 2 == 0,
        points=number * 10,
        flags=(),
        inserted_at=NOON,
        updated_at=NOON,
        consent="unknown",
        last_purchase=20_000,
        lapsed=False,
    )


def a_snapshot(bucket: MemoryObjects, personas: int) -> None:
    """As an audience run leaves it; all lists are the one by name."""
    counts, volumes = TagCounts(), []
    for first in range(0, personas, VOLUME_ROWS):
        builder = VolumeBuilder()
        for number in range(first, min(first + VOLUME_ROWS, personas)):
            line = listed(number)
            counts.add(tags(line))
            builder.add(line, pack(line))
        content, volume = builder.build(f"{UID}/snapshots/{RUN}/name-{first:08d}.jsonl.gz")
        bucket.put(volume.name, content)
        volumes.append(volume)
    lists = dict.fromkeys(SNAPSHOT_SORTS, tuple(volumes))
    manifest = SnapshotManifest(RUN, NOON, personas, counts, lists)
    bucket.put(manifest_name(UID, RUN), manifest.packed())


def exported(personas: int, part_bytes: int, dies_at: int) -> tuple[bytes, float, list[str]]:
    """The file, the most MB that its workers held, and the states it was seen in."""
    bucket, runs, rows = Bucket(), MemoryAudienceRuns(), MemoryExports()
    jobs, clock = MemoryQueue(), FakeClock()
    a_snapshot(bucket, personas)
    runs.heads[UID] = AudienceHead(UID, latest=RUN)
    service = ExportService(runs, rows, bucket, jobs, FakeIds(), clock)
    worker = ExportWorker(
        runs=runs, exports=rows, objects=bucket, jobs=jobs, clock=clock, part_bytes=part_bytes
    )
    export = service.request(UID, "personas", SnapshotFilter(), "user:ann").id
    [body] = jobs.take()
    message = account_job(body)
    assert isinstance(message, ExportMessage)
    bucket.dies_at, states, peak = dies_at, [], 0
    for _ in range(10):
        tracemalloc.start()
        kept = sum(map(len, bucket.uploads.get(export, {}).values()))
        try:
            worker.handle(message, lambda: True)
        except Crash:
            states.append("died")
        parts = sum(len(part) for upload in bucket.uploads.values() for part in upload.values())
        peak = max(peak, tracemalloc.get_traced_memory()[1] - parts + kept)
        tracemalloc.stop()
        view = service.get(UID, export)
        states.append(view.state)
        assert (view.url is not None) == (view.state == "done")
        if view.state == "done":
            return bucket.content[export_name(UID, export)], peak / 1024 / 1024, states
    raise AssertionError("it never ends")


def is_whole(personas: int, part_bytes: int = PART_BYTES) -> None:
    file, megabytes, states = exported(personas, part_bytes, dies_at=3)

    assert states == ["died", "running", "done"]
    assert megabytes <= 256 - 61  # beside what a function imports
    lines = file.decode("utf-8-sig").split("\r\n")
    assert lines[-2:] == [f"# rows {personas}", ""]
    assert len({line.partition(",")[0] for line in lines[1:-2]}) == len(lines[1:-2]) == personas


def test_an_export_whose_worker_died_half_way_is_whole() -> None:
    is_whole(20_000, part_bytes=500_000)


@pytest.mark.full
def test_an_export_of_three_hundred_thousand_whose_worker_died_half_way_is_whole() -> None:
    is_whole(300_000)
