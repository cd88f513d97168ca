"""One rule for names that people read: what cannot be seen is refused, or cleaned away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.shown_text import has_hidden, without_hidden

HIDDEN = {
    "NUL": "\x00",
    "line break": "\n",
    "tab": "\t",
    "DEL": "\x7f",
    "C1 control": "\x9b",
    "soft hyphen": "\xad",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "right-to-left override": "\u202e",
    "right-to-left isolate": "\u2067",
    "line separator": "\u2028",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
    "private use": "\ue000",
    "Hangul filler": "\u3164",
    "half a character": "\ud83d",
}


@pytest.mark.parametrize("sign", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_cannot_be_seen_is_found_wherever_it_stands_and_cleaned_away(sign: str) -> None:
    for text in (f"{sign}Leaf", f"Green{sign}Leaf", f"Zoë's{sign}"):
        assert has_hidden(text)
        assert not has_hidden(without_hidden(text))
    assert without_hidden(f"Zoë{sign}Müller").replace(" ", "") == "ZoëMüller"


@pytest.mark.parametrize(
    "name", ["Green Leaf", "Zoë & Søn #2 (北京)", "Ana\xa0Ruiz", "Кофе", "❤️ Buds", ""]
)
def test_what_can_be_seen_is_left_alone(name: str) -> None:
    assert not has_hidden(name)
    assert without_hidden(name) == name


def test_the_mark_of_lost_bytes_is_refused_from_a_person_and_shown_of_a_pos() -> None:
    assert has_hidden("Jos\ufffd")
    assert without_hidden("Jos\ufffd") == "Jos\ufffd"


def test_a_line_break_becomes_a_blank() -> None:
    assert without_hidden("12 Main St\r\nApt 4") == "12 Main St Apt 4"


@given(st.text(st.characters(exclude_characters="\ufffd")))
def test_a_cleaned_text_passes_and_is_cleaned_once(text: str) -> None:
    clean = without_hidden(text)

    assert not has_hidden(clean)
    assert without_hidden(clean) == clean
