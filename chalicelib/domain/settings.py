"""The settings of an integration's card: one row each, in the words of the help articles (§7).

The card, previews, stored rules and the dashboard's API read this table and list no setting of
their own. A new setting is a row here and its rule: a field of `domain.rules.Source`, and what
derivation makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["date", "switch"]
Capability = Literal["writable", "market_sync", "imports_points"]

ENROLL_AFTER: Final = "enroll_after"
SMS_OPT_IN_AFTER: Final = "sms_opt_in_after"
ACCRUAL_START: Final = "points_accrual_start"
POINTS_IMPORTED_ON: Final = "points_imported_on"
USE_LAST_BACKUP: Final = "use_last_backup"
SYNC_PERSONAS: Final = "sync_personas"
SYNC_TO_MARKET: Final = "sync_to_market"
TRUST_FLAGS: Final = "trusts_opt_in_flags"

LEAVE_THE_REST_ALONE = (
    "NOTE: Do not touch any other settings in this integration card without consulting an"
    " Onboarding Specialist or Customer Success Manager as they can affect your data and the"
    " shopper's opt-in status!"
)
"""Stands above the settings of a platform that sends opt-ins by itself."""

LOSS = (
    "If this setting is removed after it has been set, it can cause loyalty Personas to be lost if"
    " they only became a member through this setting and did not use a signup form. We do not"
    " recommend changing this after it is set."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSetting:
    """One setting of a card. In its texts `{name}` stands for the platform's name.

    `key`: its name in the API and on the stored card. `kind`: a `date` holds an ISO day, a `switch`
    a bool. `example`: a value for the API's document. `rule`: the field of `domain.rules.Source`
    that holds it, a day or a bool; None while AIQ does not act on it. `needs`: what a platform must
    be able to do to have it; None: every platform has it. `listed`: it stands among the card's
    settings, not as a tick of its own. `days_ahead`: how far after today its day may be.

    `previewed`: it can enrol, message or remove people, or move points, and is only changed by what
    was previewed. `moves_points`: its preview counts balances. `keeps_members`: it makes members,
    who may be kept when its day is removed or moved to a later one. `sends_sms`: shoppers are asked
    for consent because of it, so that the age-gate box must be ticked. `switched`: calls of its own
    turn it on and off, and what a card once stored of it means nothing.
    """

    key: str
    label: str
    kind: Kind
    help: str = ""
    warning: str | None = None
    note: str | None = None
    example: str | bool
    rule: str | None = None
    needs: Capability | None = None
    listed: bool = True
    previewed: bool = False
    moves_points: bool = False
    keeps_members: bool = False
    sends_sms: bool = False
    switched: bool = False
    days_ahead: int = 0


CARD_SETTINGS: tuple[CardSetting, ...] = (
    CardSetting(
        key=ENROLL_AFTER,
        label="Enroll Personas in loyalty program who purchased after",
        kind="date",
        help="Automatically enrolls shoppers in the loyalty program if they had a sale on or after"
        " the date you specify. Enrolled shoppers earn points for sales on or after that date."
        " Takes 24 hours to reflect.",
        warning=LOSS,
        example="2026-01-31",
        rule="enroll_after",
        previewed=True,
        keeps_members=True,
    ),
    CardSetting(
        key=SMS_OPT_IN_AFTER,
        label="Send SMS double opt-ins to Personas who purchased after",
        kind="date",
        help="Sends an SMS double opt-in request to shoppers with a phone number who had a sale on"
        " or after the date you specify. Takes 24 hours to trigger.",
        warning=LOSS,
        example="2026-01-31",
        rule="sms_opt_in_after",
        previewed=True,
        keeps_members=True,
        sends_sms=True,
    ),
    CardSetting(
        key=SYNC_PERSONAS,
        label="Sync Personas / Sync Contacts",
        kind="switch",
        help="Enabling this setting allows AIQ to keep shopper records aligned between {name} and"
        " AIQ. From POS to AIQ: Updates made to shopper profiles in {name} (e.g., name, email,"
        " phone number, or date of birth) will flow into AIQ. From AIQ to POS: If a shopper signs"
        " up through an AIQ form and no existing match is found in {name}, a new shopper profile"
        " will be created in {name} automatically.",
        warning="The POS remains the source of truth — to change a shopper's contact info, update"
        " it directly in {name} so it flows through to AIQ. Syncing begins from the day it is"
        " enabled; existing records will not be retroactively synced.",
        example=True,
        needs="writable",
    ),
    CardSetting(
        key=SYNC_TO_MARKET,
        label="Sync to relevant market / Sync to state",
        kind="switch",
        help="When enabled, AIQ will only sync contacts that belong to the region or state"
        " associated with the given credential.",
        example=True,
        rule="to_market",
        needs="market_sync",
        previewed=True,
        moves_points=True,
    ),
    CardSetting(
        key=POINTS_IMPORTED_ON,
        label="Loyalty points imported on",
        kind="date",
        help="If a date is filled in, AIQ will pull in loyalty points from {name} up to that date"
        " and stop afterwards. Use this in conjunction with Settings > Loyalty > Points accrual"
        " start date, setting that to the following day.",
        note="This is a one-time sync. Once the date is set and points have been imported, this"
        " setting does not need to be updated again.",
        example="2026-01-31",
        rule="imported_on",
        days_ahead=365,
        needs="imports_points",
        previewed=True,
        moves_points=True,
    ),
    CardSetting(
        key=ACCRUAL_START,
        label="Points accrual start date",
        kind="date",
        help="Earlier sales of this source never earn. Overrides Settings > Loyalty > Points"
        " accrual start date for this source.",
        example="2026-02-01",
        rule="accrual_start",
        previewed=True,
        moves_points=True,
        days_ahead=1,
    ),
    CardSetting(
        key=USE_LAST_BACKUP,
        label="Use AIQ's last backup",
        kind="switch",
        help="Freezes data from this source at the last audience run and stops AIQ from hitting the"
        " {name} API for new data.",
        warning="Do not turn this on unless you are switching POS systems and want to retain"
        " existing data.",
        example=False,
        switched=True,
    ),
    CardSetting(
        key=TRUST_FLAGS,
        label="Trust opt-in flags of this source",
        kind="switch",
        example=True,
        rule="trusts_opt_in_flags",
        listed=False,
        previewed=True,
    ),
)


def card_settings() -> tuple[CardSetting, ...]:
    """Return the settings that a card lists, in its order."""
    return tuple(row for row in CARD_SETTINGS if row.listed)


def rule_fields() -> dict[str, CardSetting]:
    """Field of `Source` → the setting it holds."""
    return {row.rule: row for row in CARD_SETTINGS if row.rule is not None}


def previewed_keys() -> frozenset[str]:
    """Return the keys of the settings that change only after a preview."""
    return frozenset(row.key for row in CARD_SETTINGS if row.previewed)


def card_setting(key: str) -> CardSetting | None:
    """Return the row of a setting; None for an unknown key."""
    return next((row for row in CARD_SETTINGS if row.key == key), None)


def setting_label(key: str) -> str:
    """Return what people call the setting; "" for an unknown key."""
    row = card_setting(key)
    return row.label if row else ""


def any_sends_sms(values: Mapping[str, object]) -> bool:
    """Whether one of these settings sends SMS and is being set, not removed."""
    return any(row.sends_sms and values.get(row.key) is not None for row in CARD_SETTINGS)
