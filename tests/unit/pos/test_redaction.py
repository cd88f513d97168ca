"""Secrets are hidden by value."""

from __future__ import annotations

from chalicelib.pos.transport.redaction import HIDDEN, Redactor


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
