"""Secrets are hidden by value."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.pos.transport.redaction import HIDDEN, SHORTEST_IN_DATA, Redactor


def test_every_form_of_every_secret_is_hidden() -> None:
    hide = Redactor(["a+b/c=9", "other-key"])

    told = hide("a+b/c=9 a%2Bb%2Fc%3D9 YStiL2M9OQ== other-key and the rest")

    assert told == f"{HIDDEN} {HIDDEN} {HIDDEN} {HIDDEN} and the rest"


def test_a_secret_inside_a_longer_one_does_not_give_the_longer_away() -> None:
    hide = Redactor(["abcd", "abcd-efgh"])

    assert hide("abcd-efgh") == HIDDEN


def test_values_too_short_to_be_secret_leave_the_sentence_alone() -> None:
    assert Redactor(["", "a"])("a banana") == "a banana"


def test_a_redactor_does_not_tell_what_it_hides() -> None:
    assert "other-key" not in repr(Redactor(["other-key"]))


@given(secret=st.text(min_size=SHORTEST_IN_DATA).filter(lambda text: text.isprintable()))
@example(secret='canary/4f"1c')
def test_no_json_that_echoes_a_secret_carries_it_on(secret: str) -> None:
    hide = Redactor([secret])

    for ascii_only in (True, False):
        body = json.dumps({"name": f"Shop {secret}"}, ensure_ascii=ascii_only)
        for written in (body, body.replace("/", r"\/")):
            assert json.loads(hide.in_data(written.encode())) == {"name": f"Shop {HIDDEN}"}


def test_data_without_a_secret_is_what_it_was() -> None:
    body = b'{"name": "a banana", "total": 1234}'

    assert Redactor(["1234", "banana+b"]).in_data(body) is body
