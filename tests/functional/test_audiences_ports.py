"""Audience runs, exports and the bucket on DynamoDB and S3 (moto)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
import requests

from chalicelib.adapters.aws import objects as s3
from chalicelib.adapters.dynamo.audiences import DynamoAudienceRuns, DynamoExports
from chalicelib.domain.audiences import AudienceCount, SnapshotFilter
from chalicelib.domain.errors import BadPosition, NotFound, StaleVersion
from chalicelib.services.ports.audiences import (
    AccountLook,
    AudienceHead,
    AudienceRun,
    Export,
    ObjectMissing,
)
from tests.functional.gateway import OURS, THEIRS, World

MB = 1024 * 1024


@pytest.fixture
def runs(world: World) -> DynamoAudienceRuns:
    return DynamoAudienceRuns("accounts-under-test")


@pytest.fixture
def exports(world: World) -> DynamoExports:
    return DynamoExports("accounts-under-test")


@pytest.fixture
def bucket(world: World) -> Iterator[s3.S3Objects]:
    s3.s3_client.cache_clear()
    boto3.client("s3").create_bucket(Bucket="bucket-under-test")
    yield s3.S3Objects("bucket-under-test")
    s3.s3_client.cache_clear()


def a_run(number: int = 1) -> AudienceRun:
    return AudienceRun(OURS, f"audience_{number:026d}", "night", 7)


def all_looks(runs: DynamoAudienceRuns, until: int) -> list[AccountLook]:
    return [look for shard in range(8) for look in runs.due(shard, until, 10)]


def test_a_run_comes_back_as_it_was_saved(runs: DynamoAudienceRuns) -> None:
    counts = AudienceCount("members", 3, {"posabit": 2, "thsuite": 1}, {7: 3})
    saved = runs.save_run(replace(a_run(), audiences=(counts,), mending=("a", "b"), as_of=9))

    assert runs.run(OURS, saved.id) == saved
    assert saved.seq == 1
    with pytest.raises(NotFound):
        runs.run(THEIRS, saved.id)


def test_of_two_workers_one_saves_a_run(runs: DynamoAudienceRuns) -> None:
    first = runs.save_run(a_run())
    runs.save_run(first)

    with pytest.raises(StaleVersion):
        runs.save_run(first)


def test_head_look_and_run_are_saved_together_or_not_at_all(runs: DynamoAudienceRuns) -> None:
    new = runs.head(OURS)
    assert new == AudienceHead(OURS)
    run = a_run()
    head = runs.save_head(new, replace(new, live=run.id, look_at=500, night=3, again=True), run)

    assert runs.head(OURS) == head
    assert runs.run(OURS, run.id).seq == 1
    with pytest.raises(StaleVersion):
        runs.save_head(new, replace(new, live="audience_2"), a_run(2))
    with pytest.raises(NotFound):
        runs.run(OURS, a_run(2).id)


def test_looks_are_found_when_they_are_due_and_move_with_the_head(
    runs: DynamoAudienceRuns,
) -> None:
    for uid in (OURS, THEIRS):
        runs.save_head(AudienceHead(uid), AudienceHead(uid, look_at=1_000))
    head = runs.head(OURS)
    runs.save_head(head, replace(head, look_at=2_000))

    assert all_looks(runs, 999) == []
    assert all_looks(runs, 1_000) == [AccountLook(THEIRS, 1_000)]
    runs.drop(AccountLook(THEIRS, 1_000))
    assert all_looks(runs, 9_999) == [AccountLook(OURS, 2_000)]


def test_a_saved_head_keeps_its_look(runs: DynamoAudienceRuns) -> None:
    head = runs.save_head(AudienceHead(OURS), AudienceHead(OURS, look_at=1_000))
    runs.save_head(head, replace(head, latest="audience_1"))

    assert all_looks(runs, 1_000) == [AccountLook(OURS, 1_000)]


def test_runs_come_newest_first_in_pages(runs: DynamoAudienceRuns) -> None:
    for number in range(5):
        runs.save_run(a_run(number))

    first, position = runs.recent(OURS, 3, None)
    rest, end = runs.recent(OURS, 3, position)

    assert [run.id for run in [*first, *rest]] == [a_run(n).id for n in (4, 3, 2, 1, 0)]
    assert end is None
    with pytest.raises(BadPosition):
        runs.recent(OURS, 3, "USER#somebody")


def test_an_export_comes_back_as_it_was_saved(exports: DynamoExports) -> None:
    export = Export(OURS, "export_1", "members", SnapshotFilter(store=3, flag="busy"), "ann", 7)
    saved = exports.save(replace(export, parts=('"a"', '"b"')))

    assert exports.get(OURS, "export_1") == saved
    with pytest.raises(StaleVersion):
        exports.save(export)
    with pytest.raises(NotFound):
        exports.get(THEIRS, "export_1")


def test_objects_are_read_whole_and_in_part(bucket: s3.S3Objects) -> None:
    bucket.put("a/1", b"0123456789")

    assert bucket.get("a/1") == b"0123456789"
    assert bucket.get_range("a/1", 3, 4) == b"3456"
    with pytest.raises(ObjectMissing):
        bucket.get("a/2")
    with pytest.raises(ObjectMissing):
        bucket.get_range("a/2", 0, 1)


def test_objects_are_listed_by_prefix_and_deleted(bucket: s3.S3Objects) -> None:
    for name in ("a/1", "a/2", "b/1"):
        bucket.put(name, b"x")

    assert [stored.name for stored in bucket.names("a/")] == ["a/1", "a/2"]
    bucket.delete(["a/1", "a/2", "a/3"])
    assert list(bucket.names("a/")) == []


def test_an_upload_in_parts_is_one_object_once_it_ends(bucket: s3.S3Objects) -> None:
    upload = bucket.begin_upload("a.csv", "text/csv")
    tags = [
        bucket.upload_part("a.csv", upload, number, content)
        for number, content in enumerate([b"x" * 5 * MB, b"end"], 1)
    ]
    assert list(bucket.names("a")) == []

    bucket.end_upload("a.csv", upload, tags)

    assert bucket.get("a.csv") == b"x" * 5 * MB + b"end"
    bucket.abort_upload("a.csv", upload)  # it is no more: nothing to forget


def test_a_link_gives_the_file_away_under_a_name_for_people(bucket: s3.S3Objects) -> None:
    bucket.put("exports/1/2.csv", b"a,b\r\n")

    url = bucket.link("exports/1/2.csv", 600, "members.csv")
    got = requests.get(url, timeout=5)

    assert got.content == b"a,b\r\n"
    assert "X-Amz-Expires=600" in url
    assert got.headers["Content-Disposition"] == 'attachment; filename="members.csv"'
