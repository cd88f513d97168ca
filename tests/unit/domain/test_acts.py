"""A POS's flag is told once: each channel and contact has its own last word (product.md §9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.acts import MOST_WORDS, NO_ACTS, Acts, FlagWord, flag_words, hear_flags
from chalicelib.domain.records import Customer

NOBODY = Customer("")
PHONE, OTHER, MAIL = "+12065550123", "+12065550124", "ana@m.org"
ANA = Customer("1", phone=PHONE, email=MAIL, sms_consent="no", email_consent="yes", updated_at=10)


def heard(*versions: Customer, acts: Acts = NO_ACTS, before: Customer = NOBODY) -> Acts:
    """The acts after these versions, each fetched 100 ms after the one before it."""
    for number, version in enumerate(versions, 1):
        acts, before = hear_flags(acts, before, version, now=number * 100), version
    return acts


def said(acts: Acts) -> list[tuple[str, str, str]]:
    return [(word.channel, word.contact, word.value) for word in acts.words]


def edited(**changes: Any) -> Customer:
    return replace(ANA, updated_at=150, **changes)


def test_both_channels_tell_their_first_words() -> None:
    assert said(heard(ANA)) == [("sms", PHONE, "no"), ("email", MAIL, "yes")]


def test_no_edit_elsewhere_tells_an_old_word_again() -> None:
    for change in (
        {"last": "Reyes"},
        {"email_consent": "no"},
        {"email": "a@m.org"},
        {"sms_consent": "unknown"},
        {"phone": None},
        {"phone": OTHER},
    ):
        before = [word for word in heard(ANA).words if word.channel == "sms"]
        after = heard(ANA, edited(**change), replace(ANA, updated_at=250))

        assert [word for word in after.words if word.contact == PHONE] == before


def test_a_flag_that_changed_and_came_back_is_a_new_word() -> None:
    acts = heard(ANA, edited(sms_consent="yes"), replace(ANA, updated_at=250))

    assert [word for word in acts.words if word.channel == "sms"] == [
        FlagWord("sms", PHONE, "no", 4, 250)
    ]


def test_a_word_counts_from_when_the_record_was_changed_else_from_its_fetch() -> None:
    def at(updated_at: int | None) -> set[int]:
        return {word.at for word in heard(replace(ANA, updated_at=updated_at)).words}

    assert (at(10), at(None), at(5_000)) == ({10}, {100}, {100})


def test_a_record_written_before_there_were_words_has_told_what_it_says() -> None:
    old = Acts(flags=3, flags_at=50)

    assert [(word.value, word.seq, word.at) for word in flag_words(old, ANA)] == [
        ("no", 3, 50),
        ("yes", 3, 50),
    ]
    assert heard(edited(last="Reyes"), acts=old, before=ANA) == old
    changed = heard(edited(email_consent="no"), acts=old, before=ANA)
    assert changed.words == (
        FlagWord("sms", PHONE, "no", 3, 50),
        FlagWord("email", MAIL, "no", 4, 100),
    )


versions = st.builds(
    Customer,
    ext_id=st.just("1"),
    phone=st.sampled_from([None, PHONE, OTHER]),
    email=st.sampled_from([None, MAIL]),
    sms_consent=st.sampled_from(["unknown", "no", "yes"]),
    email_consent=st.sampled_from(["unknown", "no", "yes"]),
)


@given(st.lists(versions, max_size=12))
def test_every_word_differs_from_the_last_one_of_its_contact(history: list[Customer]) -> None:
    last: dict[tuple[str, str], str] = {}
    new = 0
    for version in history:
        for channel, contact, value in (
            ("sms", version.phone, version.sms_consent),
            ("email", version.email, version.email_consent),
        ):
            if contact and value != "unknown":
                new += last.get((channel, contact)) != value
                last[channel, contact] = value

    acts = heard(*history)

    assert acts.flags == new
    assert {(word.channel, word.contact): word.value for word in acts.words} == last


def test_only_so_many_words_are_kept_the_latest_ones() -> None:
    acts = heard(*(replace(ANA, phone=f"+1206555{n:04d}") for n in range(30)))

    assert len(acts.words) == MOST_WORDS
    assert acts.words[-1].contact == "+12065550029"


def test_flags_are_heard_when_they_were_fetched() -> None:
    assert heard(ANA).flags_at == 100
    assert heard(ANA, ANA).flags_at == 100
    assert heard(ANA, edited(sms_consent="yes")).flags_at == 200
