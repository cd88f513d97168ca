"""Each setting through the API, a sync, and what is then to be seen (product.md §7 to §9).

A row of `EFFECTS` is one setting: what is set beside it, the value, where to look, and what must be
seen there. The same retailer without it must look different: else the row shows nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest

from chalicelib.domain.ids import record_id
from chalicelib.domain.settings import CARD_SETTINGS
from chalicelib.entrypoints.dashboard.loyalty import LoyaltyChange
from chalicelib.entrypoints.dashboard.texting import TextingChange, WordingsChange
from simulators.oracle.loyalty import Card, Programme
from simulators.oracle.personas import phone_key
from simulators.retailer.shapes import Shopper
from simulators.retailer.world import Shop
from tests.functional.gateway import OURS as ACCOUNT_UID
from tests.requirements.cards import PLATFORMS
from tests.requirements.synced import (
    ANOTHER_NUMBER,
    NUMBER,
    TODAY,
    ZONE,
    Synced,
    a_synced_retailer,
    ago,
)

Values = dict[str, Any]
Seen = Any

ENROLLED = {"enroll_after": ago(330).isoformat()}
EARNING = {
    "enabled": True,
    "accrual_start": ago(300).isoformat(),
    "points_per_100": 7.77,
    "points_per_order": 1.5,
}
ASKING = {"sms_opt_in_after": ago(330).isoformat()}
TEXTING = {"number": NUMBER, "brand": "Green Leaf"}
LOYAL = {"card": ENROLLED, "loyalty": EARNING}
TEXTED = {"texting": TEXTING, "card": ASKING}


# -- where to look -------------------------------------------------------------------------------


def members(retailer: Synced) -> set[str]:
    """The personas that are members."""
    return {id_ for id_, persona in retailer.personas().items() if persona["member"]}


def points(retailer: Synced) -> dict[str, int]:
    """The balance of each persona, in hundredths."""
    found = retailer.personas().items()
    return {id_: round(persona["points"] * 100) for id_, persona in found}


def busy_day_points(retailer: Synced) -> dict[str, int]:
    """The balances after a day on which shoppers bought more than once."""
    edits = retailer.deployment.pos.server.edits
    edits.apply({"do": "add_sales", "count": 60, "seed": 2})
    retailer.deployment.clock.move(3_600)
    retailer.sync()
    return points(retailer)


def opted_in(retailer: Synced) -> set[str]:
    """The numbers that may be texted."""
    return {
        contact["contact"]
        for id_ in retailer.personas()
        for contact in retailer.persona(id_, "/consent")["contacts"]
        if contact["channel"] == "sms" and contact["state"] == "opted_in"
    }


def texts(retailer: Synced, *moments: tuple[int, int]) -> list[tuple[int, int, str, str, str]]:
    """(day, hour, from, to, text) of all that phones got at these times."""
    outbox, found = retailer.deployment.carrier.outbox, []
    for day, hour in moments or ((0, 8), (0, 12), (0, 20), (1, 8), (8, 12)):
        before = len(outbox)
        retailer.at(day, hour)
        found += [(day, hour, *text) for text in outbox[before:]]
    return found


def late_texts(retailer: Synced) -> Seen:
    return texts(retailer, (0, 20), (1, 8))


def answers(retailer: Synced) -> Seen:
    """The texts to one shopper, who asks for help, says yes, and stop."""
    retailer.at(0, 12)
    outbox = retailer.deployment.carrier.outbox
    number = min(to for _, to, _ in outbox)
    for said in ("HELP", "YES", "STOP"):
        retailer.says(number, said)
    return retailer.deployment.carrier.bodies(number)


def earned_by_joining(retailer: Synced) -> Seen:
    """The points of those who say YES to the request."""
    retailer.at(0, 12)
    for _, number, _ in list(retailer.deployment.carrier.outbox):
        retailer.says(number, "YES")
    return sorted(points(retailer).values())


def imported(retailer: Synced) -> Seen:
    """The balances after three syncs, before each of which the POS counts other points: on the day,
    two days later, and after that."""
    found = []
    for days in DAYS:
        retailer.at(days, 12)
        for shop, row in shoppers_of(retailer):
            change = {"set": {"points": pos_points(row, days)}, "id": f"{shop.key}:{row.id}"}
            retailer.deployment.pos.server.edits.apply({"do": "update", **change})
        retailer.sync()
        found.append(points(retailer))
    return found


def without_oregon(retailer: Synced) -> Seen:
    """Who is left once every third shopper moved to Oregon, of credentials for Washington."""
    for one in retailer.credentials:
        path = f"{retailer.card}/credentials/{one}"
        retailer.ask("PATCH", path, {"fields": {"market": "Washington"}}, path)
    edits = retailer.deployment.pos.server.edits
    for shop, row in shoppers_of(retailer):
        state = "OR" if row.id % 3 == 0 else "WA"
        edits.apply({"do": "update", "set": {"state": state}, "id": f"{shop.key}:{row.id}"})
    retailer.sync()
    return set(retailer.personas())


DAYS = (0, 2, 3)


def pos_points(row: Shopper, days: int) -> int:
    """What the POS counts of a shopper, so many days after today."""
    return 100 * (days + 1) + row.id % 100


# -- what must be seen ---------------------------------------------------------------------------


def programme(settings: dict[str, Values], platform: str) -> Programme:
    """The settings in the words of the simulators' oracle."""

    def day(text: str | None) -> Any:
        return None if text is None else TODAY.fromisoformat(text)

    card, loyalty = settings.get("card", {}), {**settings.get("loyalty", {})}
    days = ("enroll_after", "sms_opt_in_after", "points_accrual_start")
    return Programme(
        today=TODAY,
        cards={platform: Card(*(day(card.get(key)) for key in days))},
        enabled=loyalty.get("enabled", False),
        accrual_start=day(loyalty.get("accrual_start")),
        per_100=round(100 * loyalty.get("points_per_100", 0)),
        per_order=round(100 * loyalty.get("points_per_order", 0)),
        orders_a_day=loyalty.get("max_orders_per_day"),
        exclude_tax=loyalty.get("exclude_tax", False),
        rounding=loyalty.get("rounding", "nearest"),
    )


def expected_loyalty(retailer: Synced, settings: dict[str, Values]) -> dict[str, Any]:
    groups = retailer.expected(programme(settings, retailer.platform))
    return {id_: group["loyalty"] for id_, group in groups.items()}


def asked(retailer: Synced, settings: dict[str, Values]) -> list[str]:
    """The numbers that the oracle would ask."""
    right = expected_loyalty(retailer, settings).values()
    return sorted(loyalty["number"] for loyalty in right if loyalty["number"])


def oracle_balances(retailer: Synced, settings: dict[str, Values], seen: Seen, _: Seen) -> None:
    right = expected_loyalty(retailer, settings)
    assert seen == {id_: loyalty["points"] for id_, loyalty in right.items()}


def oracle_members(retailer: Synced, settings: dict[str, Values], seen: Seen, _: Seen) -> None:
    right = expected_loyalty(retailer, settings)
    assert seen == {id_ for id_, loyalty in right.items() if loyalty["reasons"]}


def oracle_numbers(retailer: Synced, settings: dict[str, Values], seen: Seen, _: Seen) -> None:
    """Everyone whom the oracle would ask, asked twice, from the account's number."""
    numbers = asked(retailer, settings)
    assert numbers
    assert sorted({to for _, _, _, to, _ in seen}) == numbers
    assert {origin for _, _, origin, _, _ in seen} == {settings["texting"]["number"]}


def shoppers_of(retailer: Synced) -> list[tuple[Shop, Shopper]]:
    shops = retailer.deployment.pos.server.world.shops
    return [(shop, row) for shop in shops for row in shop.customers.rows()]


def those_of_the_pos(retailer: Synced, _settings: Any, seen: Seen, without: Seen) -> None:
    """The numbers that said yes to the POS, by no record no; nobody's word counts without trust."""
    yes, no = (
        {key[1] for _, row in shoppers_of(retailer) if says(row) and (key := phone_key(row.phone))}
        for says in (lambda row: row.sms_in and not row.sms_out, lambda row: row.sms_out)
    )
    assert seen == yes - no
    assert without == set()


def locked_balances(retailer: Synced, _settings: Any, seen: Seen, _: Seen) -> None:
    """Those of the POS on the day; those of the first listing after it; these for ever."""
    rows = {(shop.scope, str(row.id)): row for shop, row in shoppers_of(retailer)}
    balances = [
        {
            id_: sum(100 * pos_points(rows[scope, ext], days) for _, scope, ext in group["records"])
            for id_, group in retailer.expected(Programme(TODAY)).items()
        }
        for days in DAYS
    ]
    assert seen == [balances[0], balances[1], balances[1]]


def nobody_of_oregon(retailer: Synced, _settings: Any, seen: Seen, without: Seen) -> None:
    moved = {
        record_id(ACCOUNT_UID, retailer.platform, shop.scope, str(row.id))
        for shop, row in shoppers_of(retailer)
        if row.state == "OR"
    }
    assert without & moved
    assert seen
    assert not seen & moved


def lapsed(retailer: Synced, settings: dict[str, Values], seen: Seen, _: Seen) -> None:
    """What was earned before a pause of more than so many days is gone: as if points accrued only
    since the pause."""
    loyalty = settings["loyalty"]
    since = {id_: last_pause(retailer, id_, loyalty["expire_after_days"]) for id_ in seen}
    for day in set(since.values()):
        start = max(day.isoformat(), loyalty["accrual_start"])
        right = expected_loyalty(
            retailer, {**settings, "loyalty": {**loyalty, "accrual_start": start}}
        )
        for id_ in [id_ for id_, begun in since.items() if begun == day]:
            assert seen[id_] == right[id_]["points"]


def last_pause(retailer: Synced, contact_id: str, days: int) -> date:
    """The day on which somebody bought again after so many days, at the latest today."""
    sales = retailer.persona(contact_id)["sales"]["items"]
    times = (datetime.fromisoformat(sale["ordered_at"]) for sale in sales if sale["is_final"])
    since = TODAY
    for day in sorted((time.astimezone(ZONE).date() for time in times), reverse=True):
        if (since - day).days > days:
            break
        since = day
    return since


def nothing_before_joining(_r: Synced, _settings: Any, seen: Seen, without: Seen) -> None:
    assert sum(seen) == 0 < sum(without)


Judge = Callable[[Synced, dict[str, Values], Seen, Seen], None]


@dataclass(frozen=True)
class Effect:
    """`values` set on a page in addition to what is set `beside`; `look` sees, `judge` asserts of
    (retailer, all settings, what is seen, what is seen without)."""

    page: str
    values: Values
    look: Callable[[Synced], Seen]
    judge: Judge
    beside: dict[str, Values] = field(default_factory=dict)
    platform: str = "posabit"

    def __str__(self) -> str:
        return f"{self.page}-{'-'.join(self.values)}-{self.platform}"

    @property
    def settings(self) -> dict[str, Values]:
        own = {self.page: {**self.beside.get(self.page, {}), **self.values}}
        return {**self.beside, **own}


def of_texts(holds: Callable[[Seen], bool]) -> Judge:
    def judge(_r: Synced, _settings: Any, seen: Seen, _: Seen) -> None:
        assert holds(seen), seen

    return judge


OURS = {
    "request": "{brand}: Say YES to hear of deals. HELP for help, STOP to opt out.",
    "confirmation": "{brand}: Welcome. HELP for help, STOP to opt out.",
    "opt_out": "{brand}: Good bye.",
    "help": "{brand}: Ask in store. STOP to opt out.",
}

EFFECTS = [
    *(Effect("card", ENROLLED, members, oracle_members, platform=p) for p in PLATFORMS),
    *(
        Effect("card", ASKING, texts, oracle_numbers, {"texting": TEXTING}, platform=p)
        for p in PLATFORMS
    ),
    Effect("card", {"points_imported_on": TODAY.isoformat()}, imported, locked_balances),
    Effect("card", {"points_accrual_start": ago(60).isoformat()}, points, oracle_balances, LOYAL),
    Effect("card", {"sync_to_market": True}, without_oregon, nobody_of_oregon),
    Effect("trust", {"trusted": True}, opted_in, those_of_the_pos),
    Effect("box", {"passed": False}, texts, of_texts(lambda seen: seen == []), TEXTED),
    *(
        Effect("loyalty", change, points, oracle_balances, LOYAL)
        for change in (
            {"enabled": False},
            {"accrual_start": ago(60).isoformat()},
            {"points_per_100": 20},
            {"points_per_order": 5},
            {"exclude_tax": True},
            {"rounding": "up"},
        )
    ),
    Effect("loyalty", {"max_orders_per_day": 1}, busy_day_points, oracle_balances, LOYAL),
    Effect("loyalty", {"expire_after_days": 30}, points, lapsed, LOYAL),
    Effect(
        "loyalty",
        {"earn_only_from_joining": True},
        earned_by_joining,
        nothing_before_joining,
        {**TEXTED, "loyalty": EARNING},
    ),
    Effect("texting", {"number": ANOTHER_NUMBER}, texts, oracle_numbers, TEXTED),
    *(
        Effect("texting", change, look, of_texts(holds), TEXTED)
        for change, look, holds in (
            (
                {"brand": "Blue Door"},
                texts,
                lambda seen: all(text.startswith("Blue Door: ") for *_, text in seen),
            ),
            (
                {"request_limit": 1},
                texts,
                lambda seen: len(seen) == len({to for _, _, _, to, _ in seen}),
            ),
            ({"opens": "12:00"}, texts, lambda seen: {hour for _, hour, *_ in seen} <= {12, 20}),
            ({"closes": "20:00"}, late_texts, lambda seen: {day for day, *_ in seen} == {1}),
            ({"daily_cap": 2}, texts, lambda seen: sum(day == 0 for day, *_ in seen) == 2),
            ({"monthly_budget": 3}, texts, lambda seen: 0 < len(seen) <= 3),
            (
                {"start_after_minutes": 6 * 60},
                texts,
                lambda seen: (0, 8) not in {(day, hour) for day, hour, *_ in seen} and seen,
            ),
            (
                {"wordings": OURS},
                answers,
                lambda seen: (
                    seen
                    == [
                        OURS[kind].replace("{brand}", "Green Leaf")
                        for kind in ("request", "help", "confirmation", "opt_out")
                    ]
                ),
            ),
        )
    ),
]

ELSEWHERE = {
    "trusts_opt_in_flags",  # the row of the page "trust"
    "sync_personas",  # tests/unit/services/contact_sync
    "use_last_backup",  # tests/functional/test_freezing_api.py
}


@contextmanager
def synced_with(settings: dict[str, Values], platform: str) -> Iterator[Synced]:
    with a_synced_retailer(platform) as retailer:
        retailer.connect()
        for page in ("texting", "card", "loyalty", "trust"):
            if page in settings:
                retailer.set(page, **settings[page])
        retailer.sync()
        if "box" in settings:  # needed to connect
            retailer.set("box", **settings["box"])
        yield retailer


@cache
def seen_without(settings: str, look: Callable[[Synced], Seen], platform: str) -> Seen:
    """What is seen with these settings (a dict's `repr`) alone."""
    with synced_with(ast.literal_eval(settings), platform) as retailer:
        return look(retailer)


@pytest.mark.parametrize("effect", EFFECTS, ids=str)
def test_a_setting_has_its_effect_on_what_a_sync_brings(effect: Effect) -> None:
    """What the settings promise:

    - Automatically enrolls shoppers in the loyalty program if they had a sale on or after the date
      you specify.
    - Enrolled shoppers earn points for sales on or after that date.
    - Sends an SMS double opt-in request to shoppers with a phone number who had a sale on or after
      the date you specify.
    - When enabled, AIQ will only sync contacts that belong to the region or state associated with
      the given credential.
    - If a date is filled in, AIQ will pull in loyalty points from POSaBIT up to that date and stop
      afterwards.
    """
    without = seen_without(repr(effect.beside), effect.look, effect.platform)

    with synced_with(effect.settings, effect.platform) as retailer:
        seen = effect.look(retailer)

        effect.judge(retailer, effect.settings, seen, without)
        assert seen != without


def test_no_setting_is_without_such_a_test() -> None:
    tried = {(effect.page, key) for effect in EFFECTS for key in effect.values}

    card = {key for page, key in tried if page == "card"} | ELSEWHERE
    assert card == {row.key for row in CARD_SETTINGS}
    assert {key for page, key in tried if page == "loyalty"} == set(LoyaltyChange.model_fields)
    assert {key for page, key in tried if page == "texting"} == set(TextingChange.model_fields)
    assert set(OURS) == set(WordingsChange.model_fields)


def test_removing_a_date_loses_whom_it_alone_made_members_unless_they_are_kept() -> None:
    """⚠️ Warning: If this setting is removed after it has been set, it can cause loyalty Personas to
    be lost if they only became a member through this setting and did not use a signup form."""
    found = []
    for choice in ("keep", "let_go"):
        with a_synced_retailer() as retailer:
            retailer.connect()
            retailer.set("card", **ENROLLED)
            retailer.sync()
            before = members(retailer)
            retailer.remove("enroll_after", members=choice)
            retailer.sync()
            found.append((before, members(retailer)))

    (kept_before, kept), (lost_before, left) = found
    assert kept == kept_before == lost_before
    assert (bool(kept), left) == (True, set())
