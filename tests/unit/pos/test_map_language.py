"""What a map can say of a POS that none of ours is: flags told by a time, returns told by a flag,
customers who became part of another."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.words import Stream
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.mapping import NegatedFlag
from chalicelib.pos.profile.path import Path
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from tests.unit.pos.builders import a_customer_row, a_sale_row

POSABIT = registry.profile("posabit")
NEVER = [None, "", False, 0, "0", "no"]
RAISED = [True, 1, "yes", "2026-05-01T10:00:00Z", "2026-05-01", 1_777_629_600]
UNREADABLE = ["0000-00-00 00:00:00", "soon", {}, [1]]


def read(stream: Stream, row: dict[str, Any], **fields: Any) -> Any:
    """A row as it is read by POSaBIT's profile with some fields mapped otherwise."""
    changed = POSABIT.streams[stream]
    changed = changed.model_copy(update={"map": {**changed.map, **fields}})
    profile = POSABIT.model_copy(update={"streams": {**POSABIT.streams, stream: changed}})
    return Normaliser(profile, stream, Setting("north")).one(row)


def a_customer(row: dict[str, Any], **fields: Any) -> Customer:
    made = read("customers", row, **fields)
    assert isinstance(made, Customer), made
    return made


def a_sale(row: dict[str, Any], **fields: Any) -> Sale:
    made = read("sales", row, **fields)
    assert isinstance(made, Sale), made
    return made


@pytest.mark.parametrize("deleted_at", RAISED)
def test_who_was_deleted_some_day_is_inactive(deleted_at: object) -> None:
    unless = NegatedFlag(unless=Path("deleted_at"))

    made = a_customer(a_customer_row(deleted_at=deleted_at), active=unless)

    assert not made.active
    assert "inactive" in made.flags


@pytest.mark.parametrize("deleted_at", [*NEVER, *UNREADABLE])
def test_who_was_never_deleted_is_active(deleted_at: object) -> None:
    unless = NegatedFlag(unless=Path("deleted_at"))

    made = a_customer(a_customer_row(deleted_at=deleted_at), active=unless)

    assert made.active
    assert "inactive" not in made.flags


def test_who_became_part_of_another_is_inactive_and_has_no_points_of_their_own() -> None:
    made = a_customer(a_customer_row(id=7, part_of=8, points=500), merged_into=Path("part_of"))

    assert (made.merged_into, made.active, made.pos_points) == ("8", False, None)
    assert "inactive" in made.flags
    assert made.phone is not None


@pytest.mark.parametrize("part_of", [None, "", 0, 7, "7"])
def test_who_became_part_of_nobody_else_is_who_they_were(part_of: object) -> None:
    right = a_customer(a_customer_row(id=7, points=500))

    row = a_customer_row(id=7, points=500, part_of=part_of)

    assert a_customer(row, merged_into=Path("part_of")) == right


@pytest.mark.parametrize("is_return", RAISED)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_return_that_a_flag_tells_is_below_zero_whatever_its_sign(
    is_return: object, sign: int
) -> None:
    row = a_sale_row(is_return=is_return, total=sign * 5480, tax=sign * 1480)

    made = a_sale(row, is_return=Path("is_return"))

    assert (made.kind, made.is_final) == ("return", True)
    assert (made.total, made.subtotal, made.tax) == (-5480, -4500, -1480)
    assert all(line.returned for line in made.items)


@pytest.mark.parametrize("is_return", [*NEVER, "soon"])
def test_a_sale_without_the_flag_is_a_return_by_its_total_alone(is_return: object) -> None:
    bought = a_sale(a_sale_row(is_return=is_return), is_return=Path("is_return"))
    given_back = a_sale(a_sale_row(is_return=is_return, total=-5480), is_return=Path("is_return"))

    assert (bought.kind, bought.total) == ("sale", 5480)
    assert (given_back.kind, given_back.total) == ("return", -5480)


@pytest.mark.parametrize("voided_at", RAISED)
def test_a_void_may_be_told_by_when_it_happened(voided_at: object) -> None:
    made = a_sale(a_sale_row(voided_at=voided_at), is_void=Path("voided_at"))

    assert (made.kind, made.is_final) == ("void", False)


def test_points_of_who_became_part_of_another_are_not_even_flagged() -> None:
    row = a_customer_row(part_of="9", points="many")

    made = a_customer(row, merged_into=Path("part_of"))

    assert (made.pos_points, made.merged_into, made.flags) == (None, "9", {"inactive"})


def test_of_contacts_none_of_which_is_usable_the_first_is_kept_as_it_is_written() -> None:
    places = Path("cell"), Path("telephone")

    broken = a_customer(a_customer_row(cell="at the desk", telephone="5"), phone=places)
    second = a_customer(a_customer_row(cell="at the desk"), phone=places)

    assert (broken.phone_raw, broken.phone, broken.flags) == ("at the desk", None, {"bad_phone"})
    assert (second.phone_raw, second.phone) == ("2065550142", "+12065550142")
