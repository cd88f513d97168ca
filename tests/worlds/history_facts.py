"""Facts, settings and accidents for random histories, each drawn as one number.

One draw per fact keeps thousands of histories cheap; number 0 is the plainest, so failures shrink.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, NamedTuple

from hypothesis import strategies as st

from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty
from tests.fakes.common import NOON

HOUR = 3_600_000
DAY = 24 * HOUR
TODAY = NOON // DAY
"""The day number on which every history begins."""


class Place(NamedTuple):
    platform: str
    scope: str


PLACES = (Place("posabit", "north"), Place("posabit", "south"), Place("thsuite", "east"))
PLATFORMS = ("posabit", "thsuite")
STORE_KEYS = ("1", "2")
ZONES = ("America/Los_Angeles", "Pacific/Kiritimati", "America/New_York")

PHONES = ("+12065550001", "+12065550002", "+12065550003", None)
EMAILS = (None, "a@example.com", None, "b@example.com", "c@example.com")
DAYS = (TODAY - 20, None, TODAY - 5, TODAY - 1, TODAY - 60, TODAY + 1)

_BUYERS = ("1", "2", "1", "3", "2", None)
_DAYS_AGO = (1, 0, 2, 5, 6, 19, 20, 21, 60, -2, -3, -7, -13_000)
_HOURS = (0, -5, -4, 11)
"""From noon in UTC: around the local midnights of `ZONES` too."""
_TOTALS = (1_000, 4_550, 333, 20_000, 9_999, 0)
_KINDS = (*["sale"] * 8, "linked", "unlinked", "void", "open")

_SPREAD = 1_000_003
"""A prime: times it, modulo the count of all combinations, every number stays another one."""


def drawn(make: Callable[..., Any], **choices: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """`make` with one of each of the choices, told by the digits of one number.

    Small numbers are drawn more often than others: spread, they do not mean first choices only.
    """
    size = prod(map(len, choices.values()))
    numbers = st.integers(0, size - 1).map(lambda number: number * _SPREAD % size)

    @st.composite
    def decoded(draw: st.DrawFn) -> Any:
        number = draw(numbers)
        chosen = {}
        for name, options in choices.items():
            number, digit = divmod(number, len(options))
            chosen[name] = options[digit]
        return make(**chosen)

    return decoded()


def _customer(*, marks: frozenset[str], changed: int, **fields: Any) -> Customer:
    return Customer(flags=marks, updated_at=NOON - DAY + changed, **fields)


def _sale(
    *,
    days_ago: int,
    hours: int,
    told: str,
    named: str,
    changed: int,
    extra: int,
    zoneless: bool,
    **more: Any,
) -> Sale:
    kinds = {"linked": "return", "unlinked": "return", "void": "void"}
    at = NOON - days_ago * DAY + hours * HOUR
    return Sale(
        ordered_at=at,
        wall_clock=at if zoneless else None,
        ordered_at_text="",
        currency="USD",
        kind=kinds.get(told, "sale"),  # type: ignore[arg-type]
        is_final=told != "open",
        original_ext_id=named if told == "linked" else None,
        tip=extra,
        tax=extra * 7,
        updated_at=NOON - DAY + changed,
        **more,
    )


def customers_of(*ext_ids: str, **otherwise: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """`otherwise`: other choices than these for a field."""
    choices: dict[str, tuple[Any, ...]] = {
        "ext_id": ext_ids,
        "phone": PHONES,
        "email": EMAILS,
        "pos_points": (None, 0, 15, 120.29, -60),
        "sms_consent": ("unknown", "no", "yes"),
        "changed": (0, 0, 0, 1, 2),
        "marks": (
            *[frozenset[str]()] * 9,
            *map(frozenset, (["employee"], ["minor"], ["inactive"], ["test"])),
        ),
        "first": ("", "Ana", "Bo", "."),
        "last": ("", "Ruiz", "Lee"),
    }
    return drawn(_customer, **{**choices, **otherwise})


_IDS = ("1", "2", "3")
customers = customers_of(*_IDS)
beginnings = st.tuples(*map(customers_of, _IDS))
"""Three shoppers of a place."""

sales = drawn(
    _sale,
    ext_id=tuple(f"s{n}" for n in range(6)),
    customer_ext_id=_BUYERS,
    days_ago=_DAYS_AGO,
    told=_KINDS,
    total=_TOTALS,
    hours=_HOURS,
    named=tuple(f"s{n}" for n in range(5)),
    changed=(0, 0, 1, 2),
    store_key=STORE_KEYS,
    extra=(0, 13),
    zoneless=(False, False, True),
)
loyalties = drawn(
    Loyalty,
    enabled=(*[True] * 9, False),
    points_per_100=(10_000, 333, 10_000, 0),
    points_per_order=(0, 500, 25),
    max_orders_per_day=(None, None, 2, 1),
    accrual_start=(*[None] * 6, *DAYS),
    exclude_tax=(False, True),
    rounding=("nearest", "up", "down", "none"),
    expire_after_days=(None, 15, 3, 15),
    earn_only_from_joining=(False, False, True),
)


def timed(place: Place, told: Sequence[Any]) -> list[Any]:
    """A POS tells the times of all changes or of none: THSuite tells none here."""
    silent = place.platform == "thsuite"
    return [
        replace(fact, updated_at=None if silent else fact.updated_at or NOON - DAY) for fact in told
    ]


def moved(sale: Sale, by: int) -> Sale:
    """The sale so many milliseconds later."""
    shown = None if sale.wall_clock is None else sale.wall_clock + by
    return replace(sale, ordered_at=sale.ordered_at + by, wall_clock=shown)


places = st.sampled_from(PLACES)
platforms = st.sampled_from(PLATFORMS)
days = st.sampled_from(DAYS)
early_days = st.sampled_from((TODAY - 60, TODAY - 20, None))


class SettingsMove(NamedTuple):
    """The dates to enrol and to ask as they are after a change, and what becomes of members."""

    enroll: int | None
    ask: int | None
    keep: bool


settings_moves = drawn(SettingsMove, enroll=(None, *DAYS), ask=(None, *DAYS), keep=(True, False))


class Accident(NamedTuple):
    """The worker dies after so many rows; then the same again, or another commit first."""

    rows: int | None
    other_first: bool
    order: int


NO_ACCIDENT = Accident(None, other_first=False, order=0)

accidents = drawn(
    Accident,
    rows=(*[None] * 30, *range(30)),
    other_first=(False, True),
    order=tuple(range(64)),
)
