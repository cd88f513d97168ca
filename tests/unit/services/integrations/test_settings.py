"""Settings of a card: by capability, versioned, audited, in the seeds' words (product.md §7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.domain.errors import Conflict, InvalidInput, StaleVersion
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import day_from_text, to_text
from chalicelib.services.integrations.settings import SettingView
from chalicelib.services.ports.integrations import Integration
from tests.fakes.pos import a_platform
from tests.fakes.retailer import ANN, OTHERS, OURS, Retailer


@pytest.fixture
def shop() -> Retailer:
    return Retailer()


def shown(shop: Retailer, key: str, uid: str = OURS) -> SettingView:
    settings = shop.settings.get(uid, "posabit").settings
    return next(setting for setting in settings if setting.key == key)


def test_a_platform_shows_the_settings_its_capabilities_allow(shop: Retailer) -> None:
    posabit, profitek = (
        [setting.key for setting in shop.settings.get(OURS, platform).settings]
        for platform in ("posabit", "profitek")
    )

    assert posabit == [
        "enroll_after",
        "sms_opt_in_after",
        "sync_personas",
        "sync_to_market",
        "points_imported_on",
        "points_accrual_start",
        "use_last_backup",
    ]
    assert profitek == [
        "enroll_after",
        "sms_opt_in_after",
        "points_accrual_start",
        "use_last_backup",
    ]


def test_settings_are_worded_as_in_the_seed(shop: Retailer) -> None:
    backup = shown(shop, "use_last_backup")

    assert backup.label == "Use AIQ's last backup"
    assert backup.help == (
        "Freezes data from this source at the last audience run and stops AIQ from hitting the"
        " POSaBIT API for new data."
    )
    assert backup.warning == (
        "Do not turn this on unless you are switching POS systems and want to retain existing data."
    )
    assert shown(shop, "points_imported_on").note is not None
    assert "Onboarding Specialist" in str(shop.settings.get(OURS, "posabit").warning)
    assert shop.settings.get(OURS, "profitek").warning is None


def test_a_title_that_ends_in_api_is_not_doubled() -> None:
    shop = Retailer()
    shop.pos.infos = [a_platform(title="THSuite API")]

    assert "hitting the THSuite API for" in shown(shop, "use_last_backup").help


def test_personas_are_synced_from_the_beginning_of_the_day_on_which_that_was_turned_on(
    shop: Retailer,
) -> None:
    """Syncing begins from the day it is enabled; existing records will not be retroactively
    synced."""
    shop.settings.change(OURS, "posabit", 0, {"sync_personas": True}, actor=ANN)
    first = shop.integrations.rows[OURS, "posabit"].personas_synced_from
    shop.clock.move(86_400)
    shop.settings.change(OURS, "posabit", 1, {"sync_personas": True}, actor=ANN)

    card = shop.integrations.rows[OURS, "posabit"]
    assert first is not None
    assert to_text(first).startswith("2026-01-01T08:00")
    assert card.personas_synced_from == first
    setting = shown(shop, "sync_personas")
    assert (setting.value, setting.applied, setting.status) == (True, True, "In effect.")
    shop.settings.change(OURS, "posabit", 2, {"sync_personas": False}, actor=ANN)
    assert shop.integrations.rows[OURS, "posabit"].personas_synced_from is None
    assert shown(shop, "sync_personas", OTHERS).value is None


def test_a_switch_stored_before_contact_sync_existed_is_shown_off(shop: Retailer) -> None:
    shop.integrations.save(Integration(OURS, "posabit", settings={"sync_personas": True}))

    assert shown(shop, "sync_personas").value is False


def test_a_switch_stored_before_freezing_existed_is_shown_off(shop: Retailer) -> None:
    shop.integrations.save(Integration(OURS, "posabit", settings={"use_last_backup": True}))

    assert shown(shop, "use_last_backup").value is False


def test_the_last_backup_is_used_by_calls_of_its_own(shop: Retailer) -> None:
    with pytest.raises(Conflict, match="POST …/freeze"):
        shop.settings.change(OURS, "posabit", 0, {"use_last_backup": True}, actor=ANN)


def test_a_setting_in_force_says_so_and_one_stored_before_it_had_an_effect_does_too(
    shop: Retailer,
) -> None:
    shop.integrations.save(Integration(OURS, "posabit", settings={"enroll_after": "2025-06-01"}))
    before = shown(shop, "enroll_after")
    shop.rules.set(
        OURS, Rules(sources={"posabit": Source(enroll_after=day_from_text("2025-06-01"))})
    )

    after = shown(shop, "enroll_after")

    assert (before.applied, after.applied) == (False, True)
    assert (before.status, after.status) == (
        "Saved, not yet in effect: preview and apply it.",
        "In effect.",
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enroll_after", date(2025, 6, 1)),
        ("sms_opt_in_after", date(2025, 6, 1)),
        ("points_imported_on", date(2025, 6, 1)),
        ("points_accrual_start", date(2025, 6, 1)),
        ("sync_to_market", True),
    ],
)
def test_what_can_enrol_message_remove_or_move_points_is_only_changed_by_a_preview(
    shop: Retailer, key: str, value: date | bool
) -> None:
    """Every setting that can enrol, message, or remove people is previewed (product.md §7)."""
    shop.connecting.tick_age_gate(OURS, "posabit", actor=ANN)

    with pytest.raises(Conflict, match="Preview the change"):
        shop.settings.change(OURS, "posabit", 1, {key: value}, actor=ANN)

    assert shop.integrations.rows[OURS, "posabit"].settings == {}


def test_what_is_left_out_stays_and_null_removes(shop: Retailer) -> None:
    shop.integrations.save(Integration(OURS, "posabit", settings={"enroll_after": "2025-06-01"}))
    shop.settings.change(OURS, "posabit", 1, {"sync_personas": True}, actor=ANN)

    after = shop.settings.change(OURS, "posabit", 2, {"sync_personas": None}, actor=ANN)

    assert after.version == 3
    assert shop.integrations.rows[OURS, "posabit"].settings == {"enroll_after": "2025-06-01"}


@pytest.mark.parametrize("version", [0, 5])
def test_a_stale_write_is_refused(shop: Retailer, version: int) -> None:
    shop.settings.change(OURS, "posabit", 0, {"sync_personas": True}, actor=ANN)

    with pytest.raises(StaleVersion):
        shop.settings.change(OURS, "posabit", version, {"sync_personas": False}, actor=ANN)

    assert shown(shop, "sync_personas").value is True


def test_a_change_is_audited_with_from_and_to_and_a_repetition_is_not(shop: Retailer) -> None:
    shop.settings.change(OURS, "posabit", 0, {"sync_personas": True}, actor=ANN)
    shop.settings.change(OURS, "posabit", 1, {"sync_personas": False}, actor="user:bob")
    shop.settings.change(OURS, "posabit", 2, {"sync_personas": False}, actor="user:bob")

    assert [(entry.actor, entry.before, entry.after) for entry in shop.audited()] == [
        (ANN, {"sync_personas": None}, {"sync_personas": True}),
        ("user:bob", {"sync_personas": True}, {"sync_personas": False}),
    ]


def test_texting_needs_the_box_first(shop: Retailer) -> None:
    wanted = {"sms_opt_in_after": date(2026, 1, 1)}

    with pytest.raises(Conflict, match=r"^Tick the age-gate box first$"):
        shop.settings.change(OURS, "posabit", 0, wanted, actor=ANN)


@pytest.mark.parametrize(
    ("platform", "key", "value", "reason"),
    [
        ("profitek", "points_imported_on", date(2026, 1, 1), "has no such setting"),
        ("posabit", "points_sold", True, "has no such setting"),
        ("posabit", "enroll_after", True, "a day from 1990-01-01 to today (2026-01-01)"),
        ("posabit", "enroll_after", date(1989, 12, 31), "a day from 1990-01-01 to today"),
        ("posabit", "enroll_after", date(2026, 1, 2), "on the account's calendar"),
        ("posabit", "points_accrual_start", date(2026, 1, 3), "to tomorrow (2026-01-02)"),
        ("posabit", "sync_personas", date(2026, 1, 1), "on or off"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_by_name(
    shop: Retailer, platform: str, key: str, value: object, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        shop.settings.change(OURS, platform, 0, {key: value}, actor=ANN)  # type: ignore[dict-item]

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert fault["field"] == key
    assert reason in fault["reason"]
    assert shop.integrations.rows == {}


@pytest.mark.parametrize("whose", ["account", "source"])
def test_importing_points_asks_for_accrual_from_the_following_day(
    shop: Retailer, whose: str
) -> None:
    day = day_from_text("2025-02-28")
    imported = Source(imported_on=day)
    shop.rules.set(OURS, Rules(sources={"posabit": imported}))
    before = shown(shop, "points_imported_on").hint
    if whose == "account":
        loyalty = Loyalty(accrual_start=day + 1)
        shop.rules.set(OURS, Rules(loyalty, {"posabit": imported}))
    else:
        shop.rules.set(OURS, Rules(sources={"posabit": replace(imported, accrual_start=day + 1)}))

    after = shown(shop, "points_imported_on").hint

    assert before is not None
    assert "2025-03-01" in before
    assert after is None


def test_edits_of_the_pos_win_while_its_personas_are_synced_and_no_longer(shop: Retailer) -> None:
    shop.settings.change(OURS, "posabit", 0, {"sync_personas": True}, actor=ANN)
    since = shop.integrations.rows[OURS, "posabit"].personas_synced_from
    assert shop.rules.get(OURS).source("posabit").pos_wins_from == since

    shop.settings.change(OURS, "posabit", 1, {"sync_personas": None}, actor=ANN)

    assert shop.rules.get(OURS).source("posabit").pos_wins_from is None
