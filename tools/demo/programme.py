"""The decisions of the demo's retailer: loyalty rules, the cards' settings, texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from simulators.oracle.loyalty import POINT, Card, Programme
from tools.demo.retailer import Json, Retailer

NUMBER = "+12065550199"
"""The retailer's origination number, a fictional one."""

ACCRUAL_START = 200
"""In days before the end of the generated year of sales, as are all days here."""

CARDS: Mapping[str, tuple[int | None, int | None]] = {
    "posabit": (120, 2),
    "thsuite": (90, 2),
    "webjoint": (60, 2),
    "auphan": (180, 2),
    "profitek": (30, 2),
}
"""By platform: who purchased in the last so many days is enrolled; in the last so many, is asked
for SMS consent. Few are asked: each text takes the local AWS a moment."""


def programme(now: int, account: Json) -> Programme:
    """The programme of the retailer.

    `now`: the instant (ms) at which the generated year of sales ends. `account`: as the API shows
    it.
    """
    end = datetime.fromtimestamp(now / 1000, tz=UTC).date()

    def ago(days: int | None) -> date | None:
        return None if days is None else end - timedelta(days)

    cards = {name: Card(ago(enroll), ago(ask)) for name, (enroll, ask) in CARDS.items()}
    return Programme(
        today=end,
        cards=cards,
        accrual_start=ago(ACCRUAL_START),
        per_100=100 * POINT,
        per_order=5 * POINT,
        orders_a_day=2,
        exclude_tax=True,
        rounding="nearest",
        zone=account["time_zone"],
        minimum_age=account["minimum_age"],
    )


def put_into_force(retailer: Retailer, wanted: Programme) -> list[str]:
    """Preview and apply whatever is not as wanted, one change after the other.

    Returns the sentence of each preview.
    """
    sentences = []
    if changes := _changes(retailer.get("/loyalty"), _loyalty(wanted)):
        sentences.append(f"points: {retailer.decide('/loyalty', changes)}")
    for platform, card in wanted.cards.items():
        path = f"/integrations/{platform}/settings"
        current = {each["key"]: each["value"] for each in retailer.get(path)["settings"]}
        if changes := _changes(current, _settings(card)):
            sentences.append(f"{platform}: {retailer.decide(path, changes)}")
    return sentences


def allow_texts(retailer: Retailer) -> None:
    """Set an origination number, let requests start at once, and have each number asked only once.

    So no request waits for an hour to be cancelled, and a number that waits was never asked.
    """
    texting = retailer.get("/texting")
    wanted: Json = {"number": NUMBER, "request_limit": 1, "start_after_minutes": 0}
    if changes := _changes(texting, wanted):
        retailer.change("PATCH", "/texting", changes, version=texting["version"])


def _loyalty(wanted: Programme) -> Json:
    return {
        "enabled": wanted.enabled,
        "accrual_start": _iso(wanted.accrual_start),
        "points_per_100": wanted.per_100 / POINT,
        "points_per_order": wanted.per_order / POINT,
        "max_orders_per_day": wanted.orders_a_day,
        "exclude_tax": wanted.exclude_tax,
        "rounding": wanted.rounding,
    }


def _settings(card: Card) -> Json:
    days = {"enroll_after": card.enroll_after, "sms_opt_in_after": card.sms_opt_in_after}
    return {name: _iso(day) for name, day in days.items() if day is not None}


def _changes(current: Mapping[str, object], wanted: Json) -> Json:
    """The wanted values that differ from the current ones."""
    return {name: value for name, value in wanted.items() if current.get(name) != value}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
