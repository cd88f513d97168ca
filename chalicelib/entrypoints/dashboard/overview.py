"""The Overview: figures of the account, and the series of its charts (product.md §13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from chalicelib.domain.times import day_text
from chalicelib.domain.words import POINT, Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, DayIn, Input, Moment, PointsOut

if TYPE_CHECKING:
    from chalicelib.services.audiences.overview import Series

resource = Resource(__name__, tag="Overview", front=FRONT)


class SourceCount(Answer):
    """How many personas a platform of *Sourced from* contributed to."""

    platform: Platform
    personas: int


class OverviewAnswer(Answer):
    """The account at a glance, as its latest audience run left it; `as_of` null before the first.

    `personas_today`: first seen on the present local day, as of then. `points_open`: what members
    may still redeem; balances below zero owe nothing."""

    as_of: Moment | None
    personas: int
    personas_today: int
    members: int
    points_open: PointsOut | None
    sources: list[SourceCount]


class SeriesQuery(Input):
    """Which days; both are part of it."""

    from_: DayIn = Field(alias="from", examples=["2026-01-01"])
    to: DayIn = Field(examples=["2026-03-31"])
    by: Literal["day", "week"] = Field(default="day", examples=["week"])


class BucketAnswer(Answer):
    """A day, or a week from a Monday on. `values`: by source; what is missing is 0. `unread`:
    sources that were not read to the end of it: no data, and no 0."""

    day: str = Field(examples=["2026-03-01"])
    values: dict[str, float]
    unread: list[Platform]


class SeriesAnswer(Answer):
    """A chart of at most 400 buckets, the oldest first; `as_of` null before the first audience
    run."""

    as_of: Moment | None
    sources: list[str]
    buckets: list[BucketAnswer]


@resource.get("/api/accounts/{uid}/overview", right="integrations:read")
def get_overview(uid: Uid) -> OverviewAnswer:
    """Read the account's figures."""
    found = wiring.overview.service().overview(uid)
    sources = sorted((found.sources or {}).items())
    return OverviewAnswer(
        as_of=found.as_of,
        personas=found.personas,
        personas_today=found.personas_today,
        members=found.members,
        points_open=found.points_open,
        sources=[SourceCount(platform=name, personas=count) for name, count in sources],
    )


@resource.get("/api/accounts/{uid}/series/sales", right="integrations:read")
def get_sales_series(uid: Uid, query: SeriesQuery) -> SeriesAnswer:
    """Read sales by local day and source, of the last 100 days, as syncs first saw them."""
    return _answer(wiring.overview.service().series(uid, "sales", *_span(query), query.by))


@resource.get("/api/accounts/{uid}/series/personas", right="integrations:read")
def get_personas_series(uid: Uid, query: SeriesQuery) -> SeriesAnswer:
    """Read new personas by local day and source, each under the first of its sources."""
    return _answer(wiring.overview.service().series(uid, "personas", *_span(query), query.by))


@resource.get("/api/accounts/{uid}/series/points", right="integrations:read")
def get_points_series(uid: Uid, query: SeriesQuery) -> SeriesAnswer:
    """Read what members might redeem, at the last audience run of each local day."""
    series = wiring.overview.service().series(uid, "points", *_span(query), "day")
    return _answer(series, unit=POINT)


class FunnelAnswer(Answer):
    """What became of the shoppers that the source listed; `sent` is the sum of the others.

    `sent`: null until every credential listed all of them once. `merged`: further records of the
    same `personas`. `without_contact`: without a usable phone or e-mail. `as_of`: of the audience
    run that counted; a listing may be younger."""

    as_of: Moment
    sent: int | None
    personas: int
    merged: int
    without_contact: int | None
    set_aside: int
    out_of_market: int


class UnlinkedAnswer(Answer):
    """Of `of` sales in the fullest syncs lately, those that name no shopper AIQ knows."""

    sales: int
    of: int
    as_of: Moment


class StockAnswer(Answer):
    """Products in the last complete catalogues, the oldest of which is of `as_of`."""

    items: int
    as_of: Moment | None


class FlowAnswer(Answer):
    """Where a source's shoppers and sales went; what was not counted yet is null.

    `last_signup_at`: the last signup that the POS sent, among the last 200 calls of its keys."""

    funnel: FunnelAnswer | None
    unlinked: UnlinkedAnswer | None
    stock: StockAnswer | None
    last_signup_at: Moment | None


@resource.get("/api/accounts/{uid}/integrations/{platform}/flow", right="integrations:read")
def get_source_flow(uid: Uid, platform: Platform) -> FlowAnswer:
    """Read where the shoppers and sales of a source went."""
    return FlowAnswer.model_validate(wiring.overview.source_flows().of(uid, platform))


def _span(query: SeriesQuery) -> tuple[int, int]:
    from chalicelib.domain.times import day_from_text

    return day_from_text(query.from_.isoformat()), day_from_text(query.to.isoformat())


def _answer(series: Series, unit: int = 1) -> SeriesAnswer:
    return SeriesAnswer(
        as_of=series.as_of,
        sources=list(series.sources),
        buckets=[
            BucketAnswer(
                day=day_text(bucket.day),
                values={source: value / unit for source, value in bucket.values.items()},
                unread=list(bucket.unread),
            )
            for bucket in series.buckets
        ],
    )
