"""What holds a persona together, and where its profile comes from (product.md §6)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.identity import MergeKey, SourceRecord, connected_components, merge_keys
from chalicelib.domain.persona_parts import joined_pairs, profile_origins
from chalicelib.domain.personas import derive_persona
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Rules, Terms

CUSTOMERS = st.builds(
    Customer,
    ext_id=st.just("1"),
    first=st.sampled_from(["", "Ana", "Bo"]),
    last=st.sampled_from(["", "Ruiz"]),
    phone=st.sampled_from([None, "+12065550001", "+12065550002", "+12065550003"]),
    email=st.sampled_from([None, "a@x.com", "b@x.com"]),
    birth_date=st.sampled_from([None, "1990-12-31"]),
    updated_at=st.one_of(st.none(), st.integers(0, 3)),
)
RECORDS = st.lists(CUSTOMERS, min_size=1, max_size=7).map(
    lambda folk: [SourceRecord(f"r{n}", "posabit", "north", c, n) for n, c in enumerate(folk)]
)


@given(RECORDS, st.booleans(), st.sets(st.just(MergeKey("email", "a@x.com"))))
def test_as_few_pairs_as_can_be_connect_all_records_of_a_persona(
    records: list[SourceRecord], by_name: bool, shared: set[MergeKey]
) -> None:
    for component in connected_components(records, shared, name_and_birth_date=by_name):
        pairs = joined_pairs(component.records, shared, name_and_birth_date=by_name)

        assert len(pairs) == len(component.records) - 1
        by_id = {record.id: record.customer for record in component.records}
        for a, b, kind in pairs:
            ours, theirs = (merge_keys(by_id[r], name_and_birth_date=by_name) for r in (a, b))
            assert kind in {key.kind for key in (ours & theirs) - shared}


@given(RECORDS)
def test_a_field_comes_from_a_record_that_tells_what_the_persona_shows(
    records: list[SourceRecord],
) -> None:
    for component in connected_components(records, frozenset(), name_and_birth_date=False):
        persona = derive_persona(component, {}, Terms(as_of=0))
        if persona is not None:
            customers = {record.id: record.customer for record in component.records}
            origins = profile_origins(component.records, Rules())

            shown = {name: getattr(customers[rid], name) for name, rid in origins.items()}
            assert all(getattr(persona, name) == value for name, value in shown.items())
            told = {n for n in ("first", "last", "phone", "email") if getattr(persona, n)}
            assert told <= shown.keys()


def test_only_phones_hold_a_large_component_together() -> None:
    records = [
        SourceRecord(
            f"r{n}", "posabit", "north", Customer("1", phone="+12065550001", email="a@x"), n
        )
        for n in range(2)
    ]

    [pair] = joined_pairs(records, set(), name_and_birth_date=False, phones_only=True)

    assert pair.key == "phone"
