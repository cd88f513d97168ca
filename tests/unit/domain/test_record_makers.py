"""A record that is made fast is the one that its class makes."""

from __future__ import annotations

import copy
import pickle
from dataclasses import MISSING, FrozenInstanceError, fields, replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.record_makers import maker_of
from chalicelib.domain.records import Customer, InventoryItem, LineItem, Sale, StoreFact, Tender

CLASSES = (StoreFact, Customer, LineItem, Tender, Sale, InventoryItem)
VALUES = (
    st.none()
    | st.text(max_size=5)
    | st.integers(-(2**63), 2**63 - 1)
    | st.frozensets(st.text(max_size=3))
)


@pytest.mark.parametrize("record", CLASSES)
@given(data=st.data())
def test_it_is_the_same_record_in_every_way(record: Any, data: st.DataObject) -> None:
    size = len(fields(record))
    values = data.draw(st.lists(VALUES, min_size=size, max_size=size))

    made, usual = maker_of(record)(*values), record(*values)

    assert type(made) is record
    assert (made, hash(made), repr(made)) == (usual, hash(usual), repr(usual))
    assert orjson.dumps(made, default=sorted) == orjson.dumps(usual, default=sorted)
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == usual  # noqa: S301 - our own
    changed = {fields(record)[0].name: "other"}
    assert replace(made, **changed) == replace(usual, **changed)
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(record)[0].name, "other")


@pytest.mark.parametrize("record", CLASSES)
def test_what_is_left_out_is_as_usual(record: Any) -> None:
    needed = [field for field in fields(record) if field.default is MISSING]

    assert maker_of(record)(*range(len(needed))) == record(*range(len(needed)))


def test_a_value_too_few_is_refused() -> None:
    with pytest.raises(TypeError):
        maker_of(Tender)("Cash")
