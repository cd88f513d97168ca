"""What is written as text is read back equal, whatever a POS made up."""

from __future__ import annotations

from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.codec import decode, encode
from chalicelib.adapters.dynamo.run_text import read_view, view_text
from chalicelib.domain.identity import MergeKey, SourceRecord
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer, InventoryItem, LineItem, Sale, Tender
from chalicelib.domain.words import Double
from chalicelib.services.ports.commits import Intent
from chalicelib.services.ports.runs import RunError, RunView, StreamTotals
from chalicelib.services.ports.stored_facts import (
    NO_SALES,
    KeyCarriers,
    SaleId,
    StoredRecord,
    StoredSale,
)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
maybe_text = st.none() | texts
minors = st.integers(-(10**13), 10**13)
maybe_minor = st.none() | minors
instants = st.integers(-(10**12), 10**14)
flags = st.frozensets(texts, max_size=3)
consents = st.sampled_from(["yes", "no", "unknown"])

customers = st.builds(
    Customer,
    ext_id=texts,
    first=texts,
    last=texts,
    phone_raw=maybe_text,
    phone=maybe_text,
    email_raw=maybe_text,
    email=maybe_text,
    birth_date=maybe_text,
    gender=maybe_text,
    type=maybe_text,
    state=maybe_text,
    address=maybe_text,
    pos_loyalty_member=st.none() | st.booleans(),
    pos_points=st.none() | minors,
    sms_consent=consents,
    email_consent=consents,
    terms_agreed=st.none() | st.booleans(),
    active=st.booleans(),
    merged_into=maybe_text,
    store_key=maybe_text,
    created_at=st.none() | instants,
    updated_at=st.none() | instants,
    flags=flags,
)
lines = st.builds(
    LineItem,
    name=texts,
    quantity=texts,
    total=maybe_minor,
    ext_id=maybe_text,
    product_ext_id=maybe_text,
    sku=maybe_text,
    brand=maybe_text,
    category=maybe_text,
    unit_price=maybe_minor,
    subtotal=maybe_minor,
    discount=minors,
    tax=maybe_minor,
    cost=maybe_minor,
    discounts=st.lists(texts, max_size=3).map(tuple),
    returned=st.booleans(),
    discount_ids=st.lists(texts, max_size=3).map(tuple),
)
sales = st.builds(
    Sale,
    ext_id=texts,
    store_key=texts,
    ordered_at=instants,
    ordered_at_text=texts,
    currency=texts,
    total=minors,
    kind=st.sampled_from(["sale", "return", "void"]),
    status=texts,
    is_final=st.booleans(),
    number=maybe_text,
    customer_ext_id=maybe_text,
    original_ext_id=maybe_text,
    channel=maybe_text,
    employee_id=maybe_text,
    employee_name=maybe_text,
    medical=st.none() | st.booleans(),
    subtotal=minors,
    discount=minors,
    tax=minors,
    fees=minors,
    tip=minors,
    cost=maybe_minor,
    tenders=st.lists(st.builds(Tender, texts, minors), max_size=3).map(tuple),
    items=st.lists(lines, max_size=4).map(tuple),
    updated_at=st.none() | instants,
)
items = st.builds(
    InventoryItem,
    ext_id=texts,
    store_key=texts,
    name=texts,
    quantity=texts,
    currency=texts,
    product_ext_id=maybe_text,
    sku=maybe_text,
    price=maybe_minor,
    cost=maybe_minor,
    unit=maybe_text,
    active=st.booleans(),
    updated_at=st.none() | instants,
)
ids = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")
personas = st.builds(
    Persona,
    id=ids,
    members=st.lists(ids, min_size=1, max_size=4).map(tuple),
    first=texts,
    last=texts,
    phone=maybe_text,
    email=maybe_text,
    birth_date=maybe_text,
    sources=st.lists(texts, max_size=3).map(tuple),
    favourite_store=st.none() | st.integers(1, 10**8),
    inserted_at=st.integers(0, 10**14),
    updated_at=st.none() | instants,
    flags=flags,
)
merge_keys = st.builds(MergeKey, st.sampled_from(["phone", "email", "name_dob"]), texts)
sale_ids = st.builds(SaleId, texts, texts, texts)


@given(st.one_of(customers, sales, items, personas))
def test_a_fact_is_read_as_it_was_written(fact: object) -> None:
    read = decode(type(fact), encode(fact))

    assert read == fact
    assert hash(read) == hash(fact)


@given(st.one_of(customers, sales, items, personas))
def test_no_field_changes_its_type_on_the_way(fact: object) -> None:
    read = decode(type(fact), encode(fact))

    assert repr(read) == repr(fact) or isinstance(getattr(fact, "flags", None), frozenset)
    assert [type(getattr(read, name)) for name in fact.__slots__] == [
        type(getattr(fact, name)) for name in fact.__slots__
    ]


def test_what_a_later_version_wrote_is_left_out() -> None:
    text = orjson.dumps({"ext_id": "1", "first": "Ana", "shoe_size": 44}).decode()

    assert decode(Customer, text) == Customer("1", first="Ana")


def test_a_line_written_before_a_field_was_added_is_read() -> None:
    text = orjson.dumps(
        {
            "ext_id": "1",
            "store_key": "a",
            "ordered_at": 1,
            "ordered_at_text": "",
            "currency": "USD",
            "total": 1,
            "items": [["Flower", "1"]],
        }
    ).decode()

    assert decode(Sale, text).items == (LineItem("Flower", "1"),)


def test_defaults_take_no_room() -> None:
    assert encode(Customer("1")) == '{"ext_id":"1"}'


@given(customers, st.frozensets(merge_keys, max_size=3), ids, texts, texts, instants)
def test_a_record_row_is_read_as_it_was_made(
    customer: Customer,
    keys: frozenset[MergeKey],
    rid: str,
    platform: str,
    scope: str,
    seen: int,
) -> None:
    stored = StoredRecord(SourceRecord(rid, platform, scope, customer, seen), keys)

    _, row = rows.record_row("1000", stored)

    assert rows.read_record(rid, row) == stored


@given(sale_ids, st.none() | ids, sales, st.sampled_from(get_args(Double)))
def test_a_sale_row_is_read_as_it_was_made(
    sid: SaleId, record: str | None, sale: Sale, double: Double
) -> None:
    stored = StoredSale(sid, record, sale, double=double)
    ref = stored.ref({})

    _, row = rows.sale_row("1000", stored)

    assert rows.read_sale(sid, row) == stored
    assert rows.read_pointer(rows.pointer_row(("pk", "sk"), ref, ())) == ref


@given(personas)
def test_a_persona_row_is_read_as_it_was_made(persona: Persona) -> None:
    assert rows.read_persona(rows.persona_row("1000", ("pk", "sk"), persona), NO_SALES) == persona


@given(
    st.one_of(
        st.builds(KeyCarriers, st.dictionaries(ids, texts, min_size=1, max_size=3)),
        st.builds(
            lambda counts, people: KeyCarriers(counts=counts, people=people),
            st.dictionaries(texts, st.integers(1, 99), min_size=1, max_size=3),
            st.none() | st.dictionaries(texts, st.integers(1, 99), max_size=3),
        ),
    )
)
def test_members_are_read_as_they_were_made(members: KeyCarriers) -> None:
    assert rows.read_carriers(rows.carriers_row(("pk", "sk"), members)) == members


@given(
    st.lists(ids, max_size=3).map(tuple),
    st.lists(merge_keys, max_size=3).map(tuple),
    st.lists(sale_ids, max_size=3).map(tuple),
)
def test_an_intent_is_read_as_it_was_packed(
    records: tuple[str, ...], keys: tuple[MergeKey, ...], named: tuple[SaleId, ...]
) -> None:
    intent = Intent(records, keys, named)

    assert rows.unpack_intent(rows.pack_intent(intent)) == intent


@pytest.mark.parametrize("error", [None, RunError("upstream", "the POS", "Ünwell", "sales")])
def test_a_run_is_read_as_it_was_written(error: RunError | None) -> None:
    view = RunView(
        "run_1",
        "1000",
        "posabit",
        "crd_1",
        "waiting",
        "reread",
        5,
        reread_from=1,
        resume_at=9,
        streams={"sales": StreamTotals(1, 2, 3, 4, 5, 6, done=True)},
        reasons={"bad_date": 2},
        unknown_words={"status=ünknown": 1},
        error=error,
    )

    assert read_view(view_text(view)) == view
