"""Sorted pages of a snapshot equal a naive sort of everybody (product.md §6)."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.audiences import (
    SNAPSHOT_SORTS,
    ListedPersona,
    SnapshotFilter,
    TagCounts,
    tags_of,
)
from chalicelib.domain.errors import BadPosition, Unavailable
from chalicelib.domain.names import fold_name
from chalicelib.domain.words import ConsentState, SnapshotSort
from chalicelib.services.audiences import pages, volumes
from chalicelib.services.audiences.checkpoint import Checkpoint
from chalicelib.services.audiences.pages import SnapshotLists
from chalicelib.services.audiences.snapshots import SnapshotManifest, manifest_name
from chalicelib.services.audiences.sorting import ListWriter
from chalicelib.services.audiences.volumes import VolumeBuilder, pack
from chalicelib.services.ports.audiences import AudienceHead, AudienceRun
from tests.fakes.audiences import MemoryAudienceRuns, MemoryObjects

UID, RUN = "1000", "audience_1"

names = st.sampled_from(["", "Ana", "ana", "José", "李", "Zoë", "\n", "O'Neil", "😀"])
lines = st.builds(
    ListedPersona,
    id=st.uuids().map(lambda made: made.hex),
    first=names,
    last=names,
    phone=st.none(),
    email=st.none(),
    sources=st.sets(st.sampled_from(["posabit", "thsuite"]), min_size=1).map(
        lambda found: tuple(sorted(found))
    ),
    favourite_store=st.none() | st.integers(1, 3),
    member=st.booleans(),
    points=st.integers(-3, 3),
    flags=st.sets(st.sampled_from(["employee", "busy"])).map(lambda found: tuple(sorted(found))),
    inserted_at=st.just(0),
    updated_at=st.none(),
    consent=st.sampled_from(get_args(ConsentState)),
    last_purchase=st.none() | st.integers(0, 3),
    lapsed=st.booleans(),
)
filters = st.builds(
    SnapshotFilter,
    store=st.none() | st.integers(1, 3),
    consent=st.none() | st.sampled_from(get_args(ConsentState)),
    flag=st.none() | st.sampled_from(["employee", "busy"]),
    source=st.none() | st.sampled_from(["posabit", "thsuite", "auphan"]),
)


def naive_key(line: ListedPersona, by: SnapshotSort) -> tuple[object, ...]:
    """Product's words: never bought comes first, no name last."""
    if by == "points":
        return line.points, line.id
    if by == "last_purchase":
        return line.last_purchase is not None, line.last_purchase or 0, line.id
    name = fold_name(f"{line.first} {line.last}")
    return name == "", name, line.id


def is_wanted(line: ListedPersona, wanted: SnapshotFilter) -> bool:
    return (
        (wanted.store is None or line.favourite_store == wanted.store)
        and (wanted.consent is None or line.consent == wanted.consent)
        and (wanted.flag is None or wanted.flag in line.flags)
        and (wanted.source is None or wanted.source in line.sources)
    )


def a_snapshot(everybody: list[ListedPersona], spill_rows: int) -> SnapshotLists:
    """What a run makes of these lines."""
    rows, objects = MemoryAudienceRuns(), MemoryObjects()
    checkpoint, counts = Checkpoint(walked=True), TagCounts()
    for line in everybody:
        counts.add(tags_of(line))
    for number, start in enumerate(range(0, len(everybody), spill_rows)):
        spill = {}
        for by in SNAPSHOT_SORTS:
            builder = VolumeBuilder()
            part = everybody[start : start + spill_rows]
            for line in sorted(part, key=lambda line: naive_key(line, by)):
                builder.add(line, pack(line))
            content, spill[by] = builder.build(f"spill-{number}-{by}")
            objects.put(spill[by].name, content)
        checkpoint.spills.append(spill)
    merging, seq = ListWriter(objects, volume_bytes=300), 1
    while merging.next_volume(AudienceRun(UID, RUN, "now", 0, seq=seq), checkpoint):
        seq += 1
    lists = {by: tuple(checkpoint.lists.get(by, ())) for by in SNAPSHOT_SORTS}
    manifest = SnapshotManifest(RUN, 7, len(everybody), counts, lists)
    objects.put(manifest_name(UID, RUN), manifest.packed())
    rows.heads[UID] = AudienceHead(UID, latest=RUN)
    return SnapshotLists(rows, objects)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "BLOCK_ROWS", 3)
    monkeypatch.setattr(pages, "MOST_BLOCKS", 2)


@given(
    everybody=st.lists(lines, max_size=40, unique_by=lambda line: line.id),
    spill_rows=st.integers(1, 20),
    by=st.sampled_from(SNAPSHOT_SORTS),
    wanted=filters,
    limit=st.integers(1, 7),
    descending=st.booleans(),
)
def test_pages_of_a_list_are_those_of_a_naive_sort(
    everybody: list[ListedPersona],
    spill_rows: int,
    by: SnapshotSort,
    wanted: SnapshotFilter,
    limit: int,
    descending: bool,
) -> None:
    lists = a_snapshot(everybody, spill_rows)
    expected = sorted(
        (line for line in everybody if is_wanted(line, wanted)),
        key=lambda line: naive_key(line, by),
        reverse=descending,
    )

    found: list[ListedPersona] = []
    after: str | None = None
    for _ in range(200):
        page = lists.page(UID, by, wanted, limit, after, descending=descending)
        assert (page.as_of, page.total) == (7, len(expected))
        assert len(page.items) <= limit
        found += page.items
        after = page.position
        if after is None:
            break

    assert found == expected


def test_a_page_reads_a_few_blocks_of_a_large_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "BLOCK_ROWS", 500)
    monkeypatch.setattr(pages, "MOST_BLOCKS", 40)
    everybody = [
        ListedPersona(
            f"{n:032x}", f"F{n % 997}", "L", f"+1206{n:07d}", None, ("posabit",), 1, n % 2 == 0,
            n, ("employee",) if n == 7_777 else (), 0, None, "unknown", n % 300, False,
        )
        for n in range(20_000)
    ]  # fmt: skip
    lists = a_snapshot(everybody, 20_000)
    size = sum(map(len, lists.objects.content.values()))  # type: ignore[attr-defined]
    lists.objects.bytes_read = 0  # type: ignore[attr-defined]

    top = lists.page(UID, "points", SnapshotFilter(), 50, None, descending=True)
    rare = lists.page(UID, "points", SnapshotFilter(flag="employee"), 50, None)

    assert [line.points for line in top.items] == list(range(19_999, 19_949, -1))
    assert [line.points for line in rare.items] == [7_777]
    assert lists.objects.bytes_read < size / 10  # type: ignore[attr-defined]


def test_a_forged_position_or_one_of_a_snapshot_that_is_gone_is_refused() -> None:
    lists = a_snapshot([], 1)

    for forged in (
        "audience_2:0",
        "audience_1",
        "../4000/snapshots/x:1",
        "audience_1:-1",
        "x" * 99,
    ):
        with pytest.raises(BadPosition):
            lists.page(UID, "name", SnapshotFilter(), 10, forged)


def test_an_account_without_a_snapshot_has_an_empty_list() -> None:
    lists = SnapshotLists(MemoryAudienceRuns(), MemoryObjects())

    assert lists.page(UID, "name", SnapshotFilter(), 10, None).as_of is None


@pytest.mark.parametrize("damage", ["missing", "cut", "altered"])
def test_a_damaged_volume_is_an_answer_to_try_again(damage: str) -> None:
    lists = a_snapshot(
        [
            ListedPersona(
                "1", "Ana", "", None, None, ("posabit",), None, True, 0, (), 0, None, "unknown",
                None, False,
            )
        ],
        10,
    )  # fmt: skip
    content = lists.objects.content  # type: ignore[attr-defined]
    [name] = [name for name in content if "/name-" in name]
    if damage == "missing":
        del content[name]
    elif damage == "cut":
        content[name] = content[name][:-9]
    else:
        content[name] = content[name][:20] + b"?" + content[name][21:]

    with pytest.raises(Unavailable):
        lists.page(UID, "name", SnapshotFilter(), 10, None)
