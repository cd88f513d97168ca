from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import manifest as module
from chalicelib.domain.manifest import Manifest, digest, id_digest, pack_ids, unpack_ids
from chalicelib.domain.records import Customer, LineItem, Sale

numbers = st.integers(0, 2**64 - 1)
entries = st.lists(st.tuples(st.integers(0, 40) | numbers, numbers), max_size=60)


@given(entries, st.lists(st.integers(0, 3), max_size=60), st.integers(1, 12))
def test_a_manifest_is_a_dict_however_it_was_saved_and_folded(
    told: list[tuple[int, int]], saves: list[int], fold_at: int
) -> None:
    module.FOLD_AT, usual = fold_at, module.FOLD_AT
    try:
        known, truth, base, deltas = Manifest(), {}, [], []
        for number, (key, value) in enumerate(told):
            known.remember(key, value)
            truth[key] = value
            action = saves[number] if number < len(saves) else 0
            if action >= 1:
                deltas += known.take_unsaved()
            if action == 2:
                known = Manifest(base, deltas)
            if action == 3:
                base, deltas = list(known.chunks()), []
                known = Manifest(base, deltas)
        deltas += known.take_unsaved()

        read_again = Manifest(base, deltas)

        assert {key: read_again.get(key) for key in truth} == truth
        assert list(read_again.ids()) == sorted(truth)
        assert len(read_again) == len(truth)
        assert all(read_again.get(key) is None for key in range(50) if key not in truth)
    finally:
        module.FOLD_AT = usual


def test_chunks_hold_at_most_eight_thousand_entries() -> None:
    known = Manifest()
    for number in range(20_001):
        known.remember(number, number)

    chunks = list(known.chunks())

    assert [len(chunk) // module.ENTRY_BYTES for chunk in chunks] == [8_000, 8_000, 4_001]


def test_deltas_hold_no_more_than_a_chunk() -> None:
    known = Manifest()
    for number in range(8_001):
        known.remember(number, number)

    deltas = known.take_unsaved()

    assert [len(delta) // module.ENTRY_BYTES for delta in deltas] == [8_000, 1]
    assert known.take_unsaved() == []


def test_a_small_delta_is_not_worth_a_new_base() -> None:
    full = Manifest()
    for number in range(100):
        full.remember(number, number)
    grown = Manifest(full.chunks())

    grown.remember(1, 2)
    grown.take_unsaved()

    assert not grown.overgrown()


def test_digests_differ_with_any_field_and_agree_across_processes() -> None:
    sale = Sale("1", "7", 5, "t", "USD", 100, items=(LineItem("Flower", "1"),))
    other = Sale("1", "7", 5, "t", "USD", 100, items=(LineItem("Flower", "2"),))

    assert digest(sale) != digest(other)
    assert digest(Customer("1", flags=frozenset("ab"))) == 14165771971989617359
    assert id_digest("4410023") == id_digest("4410023") != id_digest("4410024")


@given(st.lists(numbers))
def test_packed_ids_read_back(ids: list[int]) -> None:
    assert list(unpack_ids(pack_ids(ids))) == ids
