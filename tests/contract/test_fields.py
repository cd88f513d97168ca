"""Every field of every row is read as the POS means it, and a profile that mistakes one is told."""

from __future__ import annotations

import pytest

from chalicelib.domain.records import STREAMS
from chalicelib.domain.words import Stream
from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.faults import line_of
from tests.contract.bench import id_of
from tests.contract.fields import differences, heard_of, wrong_fields
from tests.contract.mistakes import (
    Mistake,
    exchanged_fields,
    misplaced_fields,
    moved_words,
    other_settings,
)

PLATFORMS = registry.names()


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_field_of_every_row_is_what_the_pos_means(platform: str, stream: Stream) -> None:
    profile, heard = registry.profile(platform), heard_of(platform)[stream]
    last = {id_of(fact): fact for fact in heard.facts}

    wrong = {
        name: what
        for fact in last.values()
        for name, what in differences(profile, stream, fact, heard)
    }

    assert set(last) == heard.ids
    assert not wrong, "\n".join(with_line(platform, *each) for each in wrong.items())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_two_fields_that_are_exchanged_are_told(platform: str) -> None:
    mistakes = [
        (stream, mistake)
        for stream in STREAMS
        for mistake in exchanged_fields(registry.profile(platform), stream)
    ]

    assert len(mistakes) > 50
    assert not missed(platform, mistakes)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_field_that_is_read_from_another_place_is_told(platform: str) -> None:
    mistakes = [
        (stream, mistake)
        for stream in STREAMS
        for mistake in misplaced_fields(registry.profile(platform), stream)
    ]

    assert len(mistakes) > 100
    assert not missed(platform, mistakes)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_word_of_a_sale_that_means_something_else_is_told(platform: str) -> None:
    profile = registry.profile(platform)
    fields = profile.streams["sales"].map
    said = {
        str(row.get(fields.get(field)) or "").lower()
        for _, row in heard_of(platform)["sales"].rows
        for field in ("status", "sale_type")
    }
    mistakes = [("sales", mistake) for mistake in moved_words(profile, said)]

    assert len(mistakes) > 5
    assert not missed(platform, mistakes)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_another_unit_clock_or_region_is_told(platform: str) -> None:
    assert not missed(platform, list(other_settings(registry.profile(platform))))


def with_line(platform: str, name: str, what: str) -> str:
    """What is wrong with a field, and the line of the profile that says where it is."""
    stream, *fields = name.split(".")
    path = ["streams", stream]
    for field in fields:
        path += ["map", field]
    text = (load.FOLDER / platform / load.FILE).read_text(encoding="utf-8")
    return f"{platform}/{load.FILE}:{line_of(text, path)}: {name}: {what}"


def missed(platform: str, mistakes: list[tuple[Stream, Mistake]]) -> list[str]:
    """The mistakes for none of whose fields the suite fails."""
    return [
        f"{stream}: {mistake.what}"
        for stream, mistake in mistakes
        if not mistake.fields & wrong_fields(mistake.profile, platform, stream, mistake.fields)
    ]
