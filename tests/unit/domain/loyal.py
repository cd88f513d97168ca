"""Sales, members and rules for tests of membership and points: say only what matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.acts import Acts, ImportedPoints, Join
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Loyalty, Rules, Source, Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import DAY, utc_day
from chalicelib.domain.words import Day
from tests.unit.domain.builders import NOON

TODAY: Day = utc_day(NOON)
STORE_KEY = "posabit:venue-1:Main St"


def bought(
    ext_id: str,
    days_ago: float = 0,
    *,
    platform: str = "posabit",
    scope: str = "venue-1",
    net: int = 1_000,
    **more: Any,
) -> SaleRef:
    """A sale of 10.00 at noon, so many days ago."""
    at = NOON - int(days_ago * DAY)
    return SaleRef(platform, scope, ext_id, STORE_KEY, at, counts=True, net=net, **more)


def brought_back(ext_id: str, days_ago: float = 0, *, net: int = 1_000, **more: Any) -> SaleRef:
    """A return that names no sale."""
    at = NOON - int(days_ago * DAY)
    place = {"platform": "posabit", "scope": "venue-1", "store_key": STORE_KEY, **more}
    return SaleRef(ext_id=ext_id, ordered_at=at, counts=False, net=net, unlinked=True, **place)


def a_member(
    ext_id: str = "1",
    *joins: Join,
    platform: str = "posabit",
    scope: str = "venue-1",
    imported: ImportedPoints | None = None,
    **fields: Any,
) -> SourceRecord:
    acts = Acts(joins=joins, imported=imported)
    return SourceRecord(ext_id, platform, scope, Customer(ext_id, **fields), NOON, acts)


def terms(
    *,
    posabit: Source | None = None,
    thsuite: Source | None = None,
    as_of: int = NOON,
    zone: str = "UTC",
    zones: Mapping[str, str] | None = None,
    **loyalty: Any,
) -> Terms:
    """One point for each dollar, unless said otherwise."""
    rules = {"enabled": True, "points_per_100": 10_000, **loyalty}
    sources = {"posabit": posabit, "thsuite": thsuite}
    sources = {platform: source for platform, source in sources.items() if source is not None}
    return Terms(as_of, Rules(Loyalty(**rules), sources), zone=zone, zones=zones or {})
