"""Settings of a card: by capability, versioned, audited, in the seeds' words (product.md §7)."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.domain.errors import Conflict, InvalidInput, StaleVersion
from chalicelib.services.settings import SettingView
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


def test_what_is_set_is_stored_shown_and_said_to_be_without_effect(shop: Retailer) -> None:
    shop.settings.change(OURS, "posabit", 0, {"enroll_after": date(2026, 1, 31)}, actor=ANN)

    setting = shown(shop, "enroll_after")
    assert (setting.value, setting.applied) == ("2026-01-31", False)
    assert "not yet in effect" in setting.status
    assert shown(shop, "enroll_after", OTHERS).value is None


def test_what_is_left_out_stays_and_null_removes(shop: Retailer) -> None:
    first = {"enroll_after": date(2026, 1, 31), "sync_to_market": True}
    shop.settings.change(OURS, "posabit", 0, first, actor=ANN)

    after = shop.settings.change(OURS, "posabit", 1, {"enroll_after": None}, actor=ANN)

    assert after.version == 2
    assert shop.integrations.rows[OURS, "posabit"].settings == {"sync_to_market": True}


@pytest.mark.parametrize("version", [0, 5])
def test_a_stale_write_is_refused(shop: Retailer, version: int) -> None:
    shop.settings.change(OURS, "posabit", 0, {"sync_personas": True}, actor=ANN)

    with pytest.raises(StaleVersion):
        shop.settings.change(OURS, "posabit", version, {"sync_personas": False}, actor=ANN)

    assert shown(shop, "sync_personas").value is True


def test_a_change_is_audited_with_from_and_to_and_a_repetition_is_not(shop: Retailer) -> None:
    shop.settings.change(OURS, "posabit", 0, {"enroll_after": date(2026, 1, 1)}, actor=ANN)
    shop.settings.change(OURS, "posabit", 1, {"enroll_after": date(2026, 2, 1)}, actor="user:bob")
    shop.settings.change(OURS, "posabit", 2, {"enroll_after": date(2026, 2, 1)}, actor=ANN)

    assert [(entry.actor, entry.before, entry.after) for entry in shop.audited()] == [
        (ANN, {"enroll_after": None}, {"enroll_after": "2026-01-01"}),
        ("user:bob", {"enroll_after": "2026-01-01"}, {"enroll_after": "2026-02-01"}),
    ]


def test_texting_needs_the_box_first(shop: Retailer) -> None:
    wanted = {"sms_opt_in_after": date(2026, 1, 1)}

    with pytest.raises(Conflict, match=r"^Tick the age-gate box first$"):
        shop.settings.change(OURS, "posabit", 0, wanted, actor=ANN)
    shop.connecting.tick_age_gate(OURS, "posabit", actor=ANN)
    shop.settings.change(OURS, "posabit", 1, wanted, actor=ANN)

    assert shown(shop, "sms_opt_in_after").value == "2026-01-01"


@pytest.mark.parametrize(
    ("platform", "key", "value", "reason"),
    [
        ("profitek", "points_imported_on", date(2026, 1, 1), "has no such setting"),
        ("posabit", "points_sold", True, "has no such setting"),
        ("posabit", "enroll_after", True, "a day from 2000-01-01 on"),
        ("posabit", "enroll_after", date(1999, 12, 31), "a day from 2000-01-01 on"),
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


def test_importing_points_asks_for_accrual_from_the_following_day(shop: Retailer) -> None:
    shop.settings.change(OURS, "posabit", 0, {"points_imported_on": date(2026, 2, 28)}, actor=ANN)
    before = shown(shop, "points_imported_on").hint
    shop.settings.change(OURS, "posabit", 1, {"points_accrual_start": date(2026, 3, 1)}, actor=ANN)

    assert before is not None
    assert "2026-03-01" in before
    assert shown(shop, "points_imported_on").hint is None
