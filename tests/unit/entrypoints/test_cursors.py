"""Cursors: encrypted, and worth something only for the list they came from."""

from __future__ import annotations

import base64
import json
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidInput
from chalicelib.entrypoints.http.cursors import Cursors
from tests.fakes.common import PlainBox

texts = st.text(max_size=40)
positions = st.text(min_size=1, max_size=40)
CURSORS = Cursors(PlainBox())


def plain_cursor(position: str, uid: str, *listing: object) -> str:
    """A cursor as they were made before they were encrypted; anyone can make one."""
    text = json.dumps([uid, list(listing), position], default=str)
    checksum = blake2b(text.encode(), digest_size=9).hexdigest()
    document = json.dumps([checksum, position], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


@given(positions, texts, st.lists(texts, max_size=3))
def test_a_cursor_leads_back_to_its_position(position: str, uid: str, listing: list[str]) -> None:
    cursor = CURSORS.seal(position, uid, *listing)

    assert cursor is not None
    assert CURSORS.unseal(cursor, uid, *listing) == position
    assert CURSORS.unseal(plain_cursor(position, uid, *listing), uid, *listing) == position


@given(positions, st.lists(texts, min_size=2, max_size=2, unique=True))
def test_a_cursor_of_another_account_or_list_is_refused(position: str, two: list[str]) -> None:
    for mine, other in (((two[0],), (two[1],)), (("1", two[0]), ("1", two[1]))):
        for cursor in (CURSORS.seal(position, *mine), plain_cursor(position, *mine)):
            with pytest.raises(InvalidInput):
                CURSORS.unseal(cursor, *other)


@given(texts)
def test_any_text_is_a_cursor_or_refused_never_a_crash(text: str) -> None:
    for cursor in (text, "WyI" + text):
        with pytest.raises(InvalidInput):
            CURSORS.unseal(cursor, "3912", "personas")


@pytest.mark.parametrize("position", ["", "x" * 1_025, "é" * 513, "\ud800"])
def test_a_position_that_no_key_can_hold_is_refused(position: str) -> None:
    with pytest.raises(ValueError, match="1,024 bytes"):
        CURSORS.seal(position, "3912", "personas")
    with pytest.raises(InvalidInput):
        CURSORS.unseal(plain_cursor(position, "3912", "personas"), "3912", "personas")


def test_no_position_is_no_cursor() -> None:
    assert CURSORS.seal(None, "3912", "personas") is None
    assert CURSORS.unseal(None, "3912", "personas") is None


def test_the_filters_of_a_list_are_not_in_what_the_key_service_logs() -> None:
    cursor = CURSORS.seal("position", "3912", "personas", "Jane Doe")

    assert cursor is not None
    assert b"Jane" not in base64.urlsafe_b64decode(cursor + "==")
