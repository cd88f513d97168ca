from __future__ import annotations

import tracemalloc
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import manifest as module
from chalicelib.domain.manifest import (
    NO_ROW,
    Manifest,
    digest,
    id_digest,
    pack_ids,
    row_digester,
    unpack_ids,
)
from chalicelib.domain.records import Customer, LineItem, Sale

numbers = st.integers(0, 2**64 - 1)
entries = st.lists(st.tuples(st.integers(0, 40) | numbers, numbers, numbers), max_size=60)


@given(
    entries, st.lists(st.integers(0, 3), max_size=60), st.integers(1, 12), st.sampled_from((1, 64))
)
def test_a_manifest_is_a_dict_however_it_was_saved_and_merged(
    told: list[tuple[int, int, int]], saves: list[int], chunk: int, small: int
) -> None:
    usual = module.CHUNK_ENTRIES, module.FEWEST_BUCKETS_BITS, module.MOST_IN_A_BUCKET
    module.CHUNK_ENTRIES = chunk
    module.FEWEST_BUCKETS_BITS, module.MOST_IN_A_BUCKET = min(small, 6), small
    try:
        known, truth, base, deltas = Manifest(), {}, [], []
        for number, (key, value, row) in enumerate(told):
            known.upsert(key, value, row)
            truth[key] = value, row
            action = saves[number] if number < len(saves) else 0
            if action >= 1:
                deltas += known.take_deltas()
            if action == 2:
                known = Manifest(base, deltas)
            if action == 3:
                base, deltas = list(known.base_chunks()), []
                known = Manifest(base, deltas)
        deltas += known.take_deltas()

        read_again = Manifest(base, deltas)

        assert {key: read_again.get(key) for key in truth} == {k: v for k, (v, _) in truth.items()}
        assert all(
            read_again.was_read_from(key, row) is (row != NO_ROW) for key, (_, row) in truth.items()
        )
        assert not any(read_again.was_read_from(key, row ^ 1) for key, (_, row) in truth.items())
        assert list(read_again.ids()) == sorted(truth)
        assert len(read_again) == len(truth)
        assert all(read_again.get(key) is None for key in range(50) if key not in truth)
    finally:
        module.CHUNK_ENTRIES, module.FEWEST_BUCKETS_BITS, module.MOST_IN_A_BUCKET = usual


def test_chunks_hold_at_most_eight_thousand_entries() -> None:
    known = Manifest()
    for number in range(20_001):
        known.upsert(number, number)

    chunks = list(known.base_chunks())

    assert [len(chunk) // module.ENTRY_BYTES for chunk in chunks] == [8_000, 8_000, 4_001]


def test_deltas_hold_no_more_than_a_chunk() -> None:
    known = Manifest()
    for number in range(8_001):
        known.upsert(number, number)

    deltas = list(known.take_deltas())

    assert [len(delta) // module.ENTRY_BYTES for delta in deltas] == [8_000, 1]
    assert list(known.take_deltas()) == []


def test_a_small_delta_is_not_worth_a_new_base() -> None:
    full = Manifest()
    for number in range(100):
        full.upsert(number, number)
    grown = Manifest(full.base_chunks())

    grown.upsert(1, 2)
    grown.take_deltas()

    assert not grown.needs_compaction()


def test_another_row_that_says_the_same_is_known_at_once_but_not_worth_a_write() -> None:
    known = Manifest()
    known.upsert(1, 100, 7)
    known.take_deltas()

    known.replace_row_digest(1, 8)
    known.replace_row_digest(2, 9)

    assert known.was_read_from(1, 8)
    assert not known.was_read_from(1, 7)
    assert known.get(1) == 100
    assert known.get(2) is None
    assert list(known.take_deltas()) == []
    assert Manifest(known.base_chunks()).was_read_from(1, 8)


def test_what_is_written_anyway_has_the_row_that_came_last() -> None:
    known = Manifest()
    known.upsert(1, 100, 7)
    known.replace_row_digest(1, 8)

    assert Manifest((), known.take_deltas()).was_read_from(1, 8)


def test_many_rows_that_say_the_same_in_another_way_are_worth_a_new_base() -> None:
    known = Manifest()
    for number in range(100):
        known.upsert(number, number, 1)
    read_again = Manifest(known.base_chunks())

    for number in range(25):
        read_again.replace_row_digest(number, 2)
        read_again.replace_row_digest(number, 2)
    assert not read_again.has_many_row_changes()
    read_again.replace_row_digest(99, 2)

    assert read_again.has_many_row_changes()


def test_rows_differ_by_all_they_hold_and_by_how_they_are_read() -> None:
    row = {"id": 1, "lines": [{"total": "1.00"}]}
    nested: list[object] = []
    for _ in range(1_000):
        nested = [nested]

    assert row_digester(b"a")(row) == row_digester(b"a")(dict(row))
    assert row_digester(b"a")(row) != row_digester(b"b")(row)
    assert row_digester(b"a")(row) != row_digester(b"a")({"id": 1, "lines": [{"total": "1.0"}]})
    assert row_digester(b"a")({"id": 1, "notes": nested}) == NO_ROW


def test_digests_differ_with_any_field_and_agree_across_processes() -> None:
    sale = Sale("1", "7", 5, "t", "USD", 100, items=(LineItem("Flower", "1"),))
    other = Sale("1", "7", 5, "t", "USD", 100, items=(LineItem("Flower", "2"),))

    assert digest(sale) != digest(other)
    assert digest(Customer("1", flags=frozenset("ab"))) == 14165771971989617359
    assert id_digest("4410023") == id_digest("4410023") != id_digest("4410024")


@given(st.lists(numbers))
def test_packed_ids_read_back(ids: list[int]) -> None:
    assert list(unpack_ids(pack_ids(ids))) == ids


def test_rows_that_say_the_same_in_another_way_can_be_written_for_who_goes_on() -> None:
    known = Manifest()
    known.upsert(1, 100, 7)
    known.take_deltas()
    known.replace_row_digest(1, 8)

    known.save_row_changes()

    assert not known.has_row_changes
    assert Manifest((), known.take_deltas()).was_read_from(1, 8)
    assert list(known.take_deltas()) == []


def test_what_no_row_tells_is_no_part_of_a_digest() -> None:
    sale = Sale("s1", "1", 0, "", "USD", 100)

    assert digest(replace(sale, gone=True)) == digest(sale)
    assert digest(replace(sale, total=101)) != digest(sale)


def test_reading_and_rewriting_a_manifest_takes_little_more_than_its_entries() -> None:
    size = 200_000
    keys = sorted(id_digest(str(number)) for number in range(size))
    chunks = [
        pack_ids(number for key in keys[start : start + 8_000] for number in (key, 1, 2))
        for start in range(0, size, 8_000)
    ]
    tracemalloc.start()
    try:
        known = Manifest(iter(chunks[:20]), iter(chunks[20:]))
        for number in range(2_000):
            known.upsert(id_digest(f"new-{number}"), 1)
        written = sum(len(chunk) for chunk in known.base_chunks())

        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert written == 24 * (size + 2_000)
    assert peak < 1.5 * written


class Compared(int):
    """A key that counts how often it is compared."""

    times = 0

    def __gt__(self, other: int) -> bool:
        self.times += 1
        return int(self) > other


def test_a_record_is_looked_up_in_as_few_steps_however_many_are_known() -> None:
    known = {size: _read(size) for size in (1_000, 400_000)}
    known[60_000] = grown = Manifest()
    for number in range(60_000):
        grown.upsert(id_digest(str(number)), 1, 2)

    steps = {}
    for size, manifest in known.items():
        keys = [Compared(id_digest(str(number))) for number in range(0, size, size // 1_000)]
        assert all(manifest.was_read_from(key, 2) for key in keys)
        steps[size] = sum(key.times for key in keys) / len(keys)

    assert max(steps.values()) < 7


def _read(size: int) -> Manifest:
    keys = sorted(id_digest(str(number)) for number in range(size))
    return Manifest([pack_ids(number for key in keys for number in (key, 1, 2))])


def test_what_is_stored_stays_what_it_is() -> None:
    """Manifests of years hang on these: another digest would write every record again."""
    known = Manifest()
    known.upsert(1, 2, 3)

    assert pack_ids([1, 2**63]) == bytes.fromhex("00000000000000018000000000000000")
    assert list(known.take_deltas()) == list(known.base_chunks()) == [pack_ids([1, 2, 3])]
    assert id_digest("4410023") == 12845078419324698883
    assert row_digester(b"salt")({"id": 1, "total": "1.00"}) == 9433568583143177958
    sale = Sale("1", "7", 5, "t", "USD", 100, items=(LineItem("Flower", "1"),))
    assert digest(sale) == 11245385217715467776


def test_a_record_that_is_not_known_was_read_from_no_row() -> None:
    known = Manifest()
    known.upsert(5, 100, 7)

    assert [known.was_read_from(key, 7) for key in (4, 5, 6)] == [False, True, False]
    assert not known.was_read_from(2**64 - 1, 7)


def test_a_field_added_later_counts_beside_all_others_once_it_says_something() -> None:
    flagged = {Sale("s1", "1", 0, "", "USD", total, flags=frozenset("a")) for total in (100, 101)}
    plain = Sale("s1", "1", 0, "", "USD", 100)

    assert len({digest(sale) for sale in (*flagged, plain)}) == 3


def test_ids_of_discounts_make_no_known_sale_a_changed_one() -> None:
    with_id, without = (
        Sale("s1", "1", 0, "", "USD", 100, items=(LineItem("-", "1", discount_ids=ids),))
        for ids in (("7",), ())
    )

    assert digest(with_id) == digest(without)


def test_deltas_of_over_a_quarter_of_the_base_are_merged_into_a_new_one() -> None:
    full = Manifest()
    for number in range(100):
        full.upsert(number, number)
    grown = Manifest(full.base_chunks())

    for number in range(25):
        grown.upsert(number, 1)
    list(grown.take_deltas())
    at_a_quarter = grown.needs_compaction()
    grown.upsert(1, 2)
    list(grown.take_deltas())

    assert (at_a_quarter, grown.needs_compaction()) == (False, True)
    assert not Manifest().needs_compaction()
    assert not Manifest(full.base_chunks()).needs_compaction()
