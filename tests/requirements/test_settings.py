"""The settings on each card in the words of its article (articles, "Additional AIQ Settings")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.gateway import Gateway
from tests.requirements.cards import ARTICLES, PLATFORMS, card
from tools.articles import named

OURS_ALONE = "Points accrual start date"
"""A setting of the account that a card may override; the articles name it, no card of theirs."""


def shown(api: Gateway, platform: str) -> dict[str, Any]:
    """Label → setting, without those that no article lists."""
    settings = {setting["label"]: setting for setting in card(api, platform)["settings"]}
    del settings[OURS_ALONE]
    return settings


def written(platform: str) -> dict[str, str]:
    """Label → all the article says of the setting, in one line."""
    article = ARTICLES[platform]
    labels = [each.section for each in article.sentences if each.text == each.section]
    return {
        label: " ".join(
            named(sentence.text, platform)
            for sentence in article.sentences
            if sentence.section == label and sentence.text != label
        )
        for label in labels
    }


def test_the_card_lists_the_settings_of_its_article(api: Gateway) -> None:
    """The following additional settings are available on the {title} integration card in AIQ.

    On every card:

    - Enroll Personas in loyalty program who purchased after
    - Send SMS double opt-ins to Personas who purchased after
    - Use AIQ's last backup

    POSaBIT only:

    - Sync Personas / Sync Contacts
    - Sync to relevant market / Sync to state
    - Loyalty points imported on
    """
    every = [
        "Enroll Personas in loyalty program who purchased after",
        "Send SMS double opt-ins to Personas who purchased after",
        "Use AIQ's last backup",
    ]
    posabit = [
        "Sync Personas / Sync Contacts",
        "Sync to relevant market / Sync to state",
        "Loyalty points imported on",
    ]

    for platform in PLATFORMS:
        expected = every[:2] + (posabit if platform == "posabit" else []) + every[2:]
        assert list(shown(api, platform)) == list(written(platform)) == expected


@pytest.mark.parametrize("platform", PLATFORMS)
def test_help_warning_and_note_are_those_of_the_article(api: Gateway, platform: str) -> None:
    settings, article = shown(api, platform), written(platform)
    enroll, texts = list(settings)[:2]
    # The one warning below both dates speaks of either.
    assert settings[enroll]["warning"] == settings[texts]["warning"]

    for label, setting in settings.items():
        warning = None if label == enroll else setting["warning"]
        told = setting["help"]
        told += f" \N{WARNING SIGN}\N{VARIATION SELECTOR-16} Warning: {warning}" if warning else ""
        if setting["note"]:
            told += f" \N{INFORMATION SOURCE}\N{VARIATION SELECTOR-16} Note: {setting['note']}"
        assert told.replace("\N{BULLET} ", "") == article[label]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_backup_is_offered_with_its_warning(api: Gateway, platform: str) -> None:
    """Warning: Do not turn this on unless you are switching POS systems and want to retain existing
    data.
    """
    backup = shown(api, platform)["Use AIQ's last backup"]

    assert backup["value"] in (None, False)
    assert backup["warning"] == (
        "Do not turn this on unless you are switching POS systems and want to retain existing data."
    )


def test_posabits_card_warns_of_everything_but_the_minimum(api: Gateway) -> None:
    """Warning: NOTE: Do not touch any other settings in this integration card without consulting an
    Onboarding Specialist or Customer Success Manager as they can affect your data and the shopper's
    opt-in status!
    """
    warnings = {platform: card(api, platform)["settings_warning"] for platform in PLATFORMS}

    assert warnings.pop("posabit") == (
        "NOTE: Do not touch any other settings in this integration card without consulting an"
        " Onboarding Specialist or Customer Success Manager as they can affect your data and the"
        " shopper's opt-in status!"
    )
    assert set(warnings.values()) == {None}
