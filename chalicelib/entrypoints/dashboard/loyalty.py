"""Settings → Loyalty (product.md §8)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.words import Rounding, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.changes import (
    EXAMPLE,
    JobAnswer,
    PreviewAnswer,
    preview_answer,
)
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import (
    Answer,
    DayIn,
    Input,
    PointsIn,
    PointsOut,
    ProposedChange,
)

resource = Resource(__name__, tag="Loyalty", front=FRONT)

LOYALTY = "/api/accounts/{uid}/loyalty"

MOST_POINTS = 1_000_000
"""In hundredths: ten thousand points."""

PointsGiven = Annotated[PointsIn, Field(ge=0, le=MOST_POINTS)]


class LoyaltyAnswer(Answer):
    """The rules in force. Days are on the account's calendar; null: none. `job`: the latest
    background work after a change of rules or settings."""

    enabled: bool
    accrual_start: str | None
    points_per_100: PointsOut
    points_per_order: PointsOut
    max_orders_per_day: int | None
    exclude_tax: bool
    rounding: Rounding
    expire_after_days: int | None
    earn_only_from_joining: bool
    version: int
    job: JobAnswer | None


class LoyaltyChange(ProposedChange):
    """The rules to change; what is left out stays."""

    enabled: bool = Field(default=False, examples=[True])
    accrual_start: DayIn | None = Field(
        default=None, examples=["2026-02-01"], description="Earlier sales never earn."
    )
    points_per_100: PointsGiven = Field(
        default=0, examples=[100], description="For each 100 of the currency."
    )
    points_per_order: PointsGiven = Field(default=0, examples=[5])
    max_orders_per_day: int | None = Field(default=None, ge=1, le=100, examples=[3])
    exclude_tax: bool = Field(default=False, examples=[True])
    rounding: Rounding = Field(default="nearest", examples=["nearest"])
    expire_after_days: int | None = Field(
        default=None, ge=1, le=3650, examples=[365], description="After the last purchase."
    )
    earn_only_from_joining: bool = Field(default=False, examples=[False])


class LoyaltyApplication(Input):
    token: str = Field(max_length=100, examples=[EXAMPLE])
    changes: LoyaltyChange = Field(
        examples=[{"points_per_100": 100}], description="Exactly what was previewed."
    )


@resource.get(LOYALTY, right="settings:read")
def get_loyalty(uid: Uid) -> LoyaltyAnswer:
    """Read the account's loyalty rules."""
    from chalicelib.domain.rules import loyalty_values

    rules = wiring.outside.rule_book().get(uid)
    job = wiring.outside.changes().latest_job(uid)
    return LoyaltyAnswer.model_validate(
        {
            **loyalty_values(rules.loyalty),
            "version": rules.version,
            "job": None if job is None else JobAnswer.model_validate(job),
        }
    )


@resource.post(f"{LOYALTY}/preview", right="previews:run", status=201, limit="previews")
def preview_loyalty(uid: Uid, body: LoyaltyChange) -> PreviewAnswer:
    """Count what a change of the loyalty rules would do to balances; nothing is changed."""
    proposal = wiring.changes.proposals().loyalty(uid, body.sent_fields())
    return preview_answer(*wiring.changes.apply_change().preview(proposal))


@resource.post(f"{LOYALTY}/apply", right="settings:write", status=202)
def apply_loyalty(uid: Uid, body: LoyaltyApplication, version: int, caller: Caller) -> JobAnswer:
    """Put previewed loyalty rules into force; a background job recomputes the balances."""
    proposal = wiring.changes.proposals().loyalty(uid, body.changes.sent_fields())
    service = wiring.changes.apply_change()
    job = service.apply(proposal, body.token, version, "keep", actor=caller.actor)
    return JobAnswer.model_validate(job)
