"""The table of a card's settings: one row each, its rule, and the words of the help articles."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.rules import (
    Loyalty,
    Source,
    loyalty_values,
    setting_values,
    with_loyalty,
    with_settings,
)
from chalicelib.domain.settings import (
    CARD_SETTINGS,
    ENROLL_AFTER,
    LEAVE_THE_REST_ALONE,
    TRUST_FLAGS,
    CardSetting,
    any_sends_sms,
    card_setting,
    card_settings,
    previewed_keys,
    rule_fields,
    setting_label,
)

ARTICLES = Path(__file__).parents[3] / "docs" / "articles"
OURS_ALONE = "points_accrual_start"
"""A setting of the account that a card may override: the articles name it, no card of theirs."""

DAYS = st.none() | st.integers(7_305, 30_000)
SOURCES = st.builds(
    Source,
    enroll_after=DAYS,
    sms_opt_in_after=DAYS,
    accrual_start=DAYS,
    imported_on=DAYS,
    trusts_opt_in_flags=st.booleans(),
)


def article(platform: str) -> str:
    """What the help article of the platform says, in one line."""
    return " ".join((ARTICLES / f"{platform}.txt").read_text().replace("•", " ").split())


def by_key(row: CardSetting) -> str:
    return row.key


def test_no_setting_and_no_rule_stands_twice() -> None:
    keys = Counter(row.key for row in CARD_SETTINGS)
    rules = Counter(row.rule for row in CARD_SETTINGS if row.rule)

    assert {*keys.values(), *rules.values()} == {1}


@pytest.mark.parametrize("row", rule_fields().values(), ids=by_key)
def test_the_rule_of_a_setting_is_a_field_of_the_source_and_unset_at_first(
    row: CardSetting,
) -> None:
    defaults = {field.name: field.default for field in fields(Source)}

    assert defaults[row.rule] is (None if row.kind == "date" else False)


@pytest.mark.parametrize("row", CARD_SETTINGS, ids=by_key)
def test_what_enrols_messages_or_moves_points_is_previewed_and_has_a_rule(row: CardSetting) -> None:
    """Every setting that can enrol, message, or remove people is previewed (product.md §7)."""
    acts = row.moves_points or row.keeps_members or row.sends_sms

    assert row.previewed or not acts
    assert row.rule is not None or not row.previewed


@pytest.mark.parametrize("row", [r for r in card_settings() if r.key != OURS_ALONE], ids=by_key)
def test_a_setting_is_labelled_and_explained_word_for_word_as_in_the_article(
    row: CardSetting,
) -> None:
    lines = {line.strip() for line in (ARTICLES / "posabit.txt").read_text().splitlines()}
    texts = [text.format(name="POSaBIT") for text in (row.help, row.warning, row.note) if text]

    assert row.label in lines
    assert all(text in article("posabit") for text in texts)


def test_the_other_words_come_from_the_article_too() -> None:
    start = card_setting(OURS_ALONE)

    assert start is not None
    assert f"Settings > Loyalty > {start.label}, setting that" in article("posabit")
    assert f"Warning: {LEAVE_THE_REST_ALONE}" in article("posabit")


@pytest.mark.parametrize("platform", ["posabit", "thsuite", "webjoint", "auphan", "profitek"])
def test_an_article_lists_the_settings_that_every_platform_has(platform: str) -> None:
    every = [r.label for r in card_settings() if r.needs is None and r.key != OURS_ALONE]

    assert len(every) == 3
    assert all(name in article(platform) for name in every)


def test_what_is_no_setting_has_no_row_and_no_label() -> None:
    assert (card_setting("points_sold"), setting_label("points_sold")) == (None, "")
    assert setting_label(ENROLL_AFTER) == "Enroll Personas in loyalty program who purchased after"


def test_the_tick_of_an_owner_is_previewed_but_not_listed_on_the_card() -> None:
    assert TRUST_FLAGS in previewed_keys()
    assert TRUST_FLAGS not in {row.key for row in card_settings()}


def test_a_removed_setting_sends_nothing() -> None:
    assert any_sends_sms({"sms_opt_in_after": "2026-01-31"})
    assert not any_sends_sms({"sms_opt_in_after": None})
    assert not any_sends_sms({"enroll_after": "2026-01-31"})


@given(before=SOURCES, after=SOURCES)
def test_the_values_of_a_source_make_the_same_source_again(before: Source, after: Source) -> None:
    assert with_settings(before, setting_values(after)) == after


def test_what_is_not_among_the_values_stays_and_what_no_rule_holds_is_passed_over() -> None:
    source = Source(enroll_after=20_000, imported_on=20_001)

    after = with_settings(source, {"enroll_after": None, "sync_personas": True})

    assert after == Source(imported_on=20_001)


@given(
    st.builds(
        Loyalty,
        enabled=st.booleans(),
        accrual_start=DAYS,
        points_per_100=st.integers(0, 1_000),
        max_orders_per_day=st.none() | st.integers(1, 9),
        rounding=st.sampled_from(["up", "none"]),
    )
)
def test_the_values_of_loyalty_rules_make_the_same_rules_again(loyalty: Loyalty) -> None:
    assert with_loyalty(Loyalty(), loyalty_values(loyalty)) == loyalty
