"""Which settings a platform's card has, in the seed articles' words (product.md §7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.why import SETTING_LABELS
from chalicelib.services.ports.pos import PlatformInfo

Need = Literal["nothing", "writable", "market_sync", "imports_points"]

TOUCH_NOTHING_ELSE = (
    "NOTE: Do not touch any other settings in this integration card without consulting an"
    " Onboarding Specialist or Customer Success Manager as they can affect your data and the"
    " shopper's opt-in status!"
)

LOSS = (
    "If this setting is removed after it has been set, it can cause loyalty Personas to be lost if"
    " they only became a member through this setting and did not use a signup form. We do not"
    " recommend changing this after it is set."
)


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting: a `date` holds an ISO day, a `switch` a bool. `{name}` is the platform's."""

    key: str
    label: str
    kind: Literal["date", "switch"]
    help: str
    warning: str | None = None
    note: str | None = None
    needs: Need = "nothing"


SETTINGS: tuple[SettingSpec, ...] = (
    SettingSpec(
        "enroll_after",
        SETTING_LABELS["enroll_after"],
        "date",
        "Automatically enrolls shoppers in the loyalty program if they had a sale on or after the"
        " date you specify. Enrolled shoppers earn points for sales on or after that date. Takes"
        " 24 hours to reflect.",
        warning=LOSS,
    ),
    SettingSpec(
        "sms_opt_in_after",
        SETTING_LABELS["sms_opt_in_after"],
        "date",
        "Sends an SMS double opt-in request to shoppers with a phone number who had a sale on or"
        " after the date you specify. Takes 24 hours to trigger.",
        warning=LOSS,
    ),
    SettingSpec(
        "sync_personas",
        "Sync Personas / Sync Contacts",
        "switch",
        "Enabling this setting allows AIQ to keep shopper records aligned between {name} and AIQ."
        " From POS to AIQ: Updates made to shopper profiles in {name} (e.g., name, email, phone"
        " number, or date of birth) will flow into AIQ. From AIQ to POS: If a shopper signs up"
        " through an AIQ form and no existing match is found in {name}, a new shopper profile will"
        " be created in {name} automatically.",
        warning="The POS remains the source of truth — to change a shopper's contact info, update"
        " it directly in {name} so it flows through to AIQ. Syncing begins from the day it is"
        " enabled; existing records will not be retroactively synced.",
        needs="writable",
    ),
    SettingSpec(
        "sync_to_market",
        "Sync to relevant market / Sync to state",
        "switch",
        "When enabled, AIQ will only sync contacts that belong to the region or state associated"
        " with the given credential.",
        needs="market_sync",
    ),
    SettingSpec(
        "points_imported_on",
        "Loyalty points imported on",
        "date",
        "If a date is filled in, AIQ will pull in loyalty points from {name} up to that date and"
        " stop afterwards. Use this in conjunction with Settings > Loyalty > Points accrual start"
        " date, setting that to the following day.",
        note="This is a one-time sync. Once the date is set and points have been imported, this"
        " setting does not need to be updated again.",
        needs="imports_points",
    ),
    SettingSpec(
        "points_accrual_start",
        "Points accrual start date",
        "date",
        "Earlier sales of this source never earn. Overrides Settings > Loyalty > Points accrual"
        " start date for this source.",
    ),
    SettingSpec(
        "use_last_backup",
        "Use AIQ's last backup",
        "switch",
        "Freezes data from this source at the last audience run and stops AIQ from hitting the"
        " {name} API for new data.",
        warning="Do not turn this on unless you are switching POS systems and want to retain"
        " existing data.",
    ),
)


def settings_of(info: PlatformInfo) -> tuple[SettingSpec, ...]:
    """The settings the platform's column of the grid allows, in the order of the card."""
    return tuple(spec for spec in SETTINGS if _has(info, spec.needs))


def card_warning(info: PlatformInfo) -> str | None:
    """What stands above the settings of a platform that sends opt-ins by itself."""
    return TOUCH_NOTHING_ELSE if info.pushes_signups else None


def worded(text: str | None, info: PlatformInfo) -> str | None:
    """A text of a setting with the platform's name; the title "THSuite API" names THSuite."""
    return None if text is None else text.format(name=info.title.removesuffix(" API"))


def _has(info: PlatformInfo, need: Need) -> bool:
    match need:
        case "writable":
            return info.writable
        case "market_sync":
            return info.market_sync
        case "imports_points":
            return info.imports_points
        case _:
            return True
