"""Switching from one POS to another as a guided act (product.md §10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, DayIn, Input, Listing, Moment

if TYPE_CHECKING:
    from chalicelib.services.ports.switching import DoubledPair, PosSwitch, SaleOfPair, SwitchCheck
    from chalicelib.services.switching.switch import SwitchView

resource = Resource(__name__, tag="Switches", front=FRONT)

SWITCHES = "/api/accounts/{uid}/switches"
SWITCH = f"{SWITCHES}/{{switch}}"

Step = Literal["freeze", "connect", "dates", "sync", "check", "finished", "abandoned"]


class SwitchInput(Input):
    from_: str = Field(alias="from", max_length=40, examples=["posabit"])
    to: str = Field(max_length=40, examples=["thsuite"])
    day: DayIn | None = Field(
        default=None,
        examples=["2026-05-02"],
        description="The day of the switch on the account's clock; today unless said.",
    )


class DecisionInput(Input):
    same: bool | None = Field(
        examples=[True], description="One sale, or two; null takes back what was said."
    )
    left_out: Literal["a", "b"] = Field(
        default="b",
        examples=["b"],
        description="Which of them is left out of points, where it is one sale.",
    )


class DecisionOfAllInput(Input):
    same: bool = Field(examples=[True], description="One sale each, or two.")


class DoubledSaleAnswer(Answer):
    """A sale as one POS tells it. `amount`: without tip and fees, in minor units."""

    platform: Platform
    scope: str
    ext_id: str
    ordered_at: Moment
    amount: int


class DoubledPairAnswer(Answer):
    """Two sales of one person and day that look like one: `a` of the old POS, `b` of the new (after
    a switch back it may be the other way round).

    `same`: what somebody said, null as long as nobody did; `b`, or `a` where `left_out` says so,
    earns nothing unless they are two.
    """

    n: str
    contact_id: str
    day: str
    a: DoubledSaleAnswer
    b: DoubledSaleAnswer
    same: bool | None
    left_out: Literal["a", "b"] | None


class DoubledPage(Answer):
    items: list[DoubledPairAnswer]
    next_cursor: str | None


class SwitchCheckAnswer(Answer):
    """A check under way: how many personas it looked at."""

    personas: int
    requested_at: Moment


class SwitchSummary(Answer):
    """A switch. `step`: what is to be done next. The counts are those of the last check: personas
    whom both POS know, the old one alone, the new one alone; pairs of sales that look doubled, and
    those of which nobody said yet what they are."""

    id: str
    from_: Platform = Field(serialization_alias="from")
    to: Platform
    day: str
    state: Literal["open", "finished", "abandoned"]
    step: Step
    proposed: dict[str, str] = Field(
        description="Settings of the new source that are not set yet, with the proposed day."
    )
    by: str
    begun_at: Moment
    ended_at: Moment | None
    checked_at: Moment | None
    checking: SwitchCheckAnswer | None
    joined: int | None
    only_old: int | None
    only_new: int | None
    doubled_sales: int | None
    undecided: int | None


class SwitchAnswer(SwitchSummary):
    """`doubled`: the first of the pairs; `GET …/doubled` lists them all."""

    doubled: list[DoubledPairAnswer]


class SwitchList(Answer):
    items: list[SwitchSummary]


@resource.post(SWITCHES, right="integrations:write", status=201, limit="credential_changes")
def begin_switch(uid: Uid, body: SwitchInput, caller: Caller) -> SwitchAnswer:
    """Begin a switch, which is remembered between its steps.

    Purchases that both POS tell earn once from now on.
    """
    from chalicelib.domain.times import day_from_text

    service = wiring.switching.switch_service()
    day = None if body.day is None else day_from_text(body.day.isoformat())
    begun = service.begin(uid, Platform(body.from_), Platform(body.to), day, actor=caller.actor)
    return _answer(uid, begun)


@resource.get(SWITCHES, right="integrations:read")
def list_switches(uid: Uid) -> SwitchList:
    """List the account's switches, newest first."""
    views = wiring.switching.switch_service().all(uid)
    return SwitchList(items=[SwitchSummary(**_values(view)) for view in views])


@resource.get(SWITCH, right="integrations:read")
def get_switch(uid: Uid, switch: str) -> SwitchAnswer:
    """Read what is to be done next, and what the last check found."""
    return _answer(uid, wiring.switching.switches().get(uid, switch))


@resource.post(f"{SWITCH}/check", right="integrations:write", status=202, limit="audience_runs")
def check_switch(uid: Uid, switch: str) -> SwitchCheckAnswer:
    """Look at everybody and list the sales that look doubled; one under way is answered."""
    return SwitchCheckAnswer.model_validate(wiring.switching.start_check().start(uid, switch))


@resource.get(f"{SWITCH}/doubled", right="integrations:read")
def list_doubled_sales(uid: Uid, switch: str, query: Listing) -> DoubledPage:
    """List the sales that look doubled, as the last check found them, the earliest day first."""
    after = cursors().unseal(query.cursor, uid, "doubled", switch)
    pairs, position = wiring.switching.decide_doubled().pairs(uid, switch, query.limit, after)
    return DoubledPage(
        items=[_pair(pair) for pair in pairs],
        next_cursor=cursors().seal(position, uid, "doubled", switch),
    )


@resource.post(f"{SWITCH}/doubled/{{pair}}", right="integrations:write")
def decide_doubled_sale(
    uid: Uid, switch: str, pair: str, body: DecisionInput, caller: Caller
) -> DoubledPairAnswer:
    """Say whether two sales that look doubled are one; points follow at once."""
    service = wiring.switching.decide_doubled()
    return _pair(
        service.decide(
            uid, switch, pair, same=body.same, left_out=body.left_out, actor=caller.actor
        )
    )


@resource.post(f"{SWITCH}/doubled", right="integrations:write", status=202, limit="audience_runs")
def decide_doubled_sales(
    uid: Uid, switch: str, body: DecisionOfAllInput, caller: Caller
) -> SwitchAnswer:
    """Say the same of all sales that look doubled of which nobody said anything.

    It goes on in the background; then the switch is checked once more.
    """
    service = wiring.switching.decide_all()
    service.request(uid, switch, same=body.same, actor=caller.actor)
    return _answer(uid, wiring.switching.switches().get(uid, switch))


@resource.post(f"{SWITCH}/finish", right="integrations:write")
def finish_switch(uid: Uid, switch: str, caller: Caller) -> SwitchAnswer:
    """End a switch that was gone through; later sales that look alike are two."""
    service = wiring.switching.switch_service()
    return _answer(uid, service.finish(uid, switch, actor=caller.actor))


@resource.post(f"{SWITCH}/abandon", right="integrations:write")
def abandon_switch(uid: Uid, switch: str, caller: Caller) -> SwitchAnswer:
    """End a switch wherever it stands. The sources stay as they are."""
    service = wiring.switching.switch_service()
    return _answer(uid, service.abandon(uid, switch, actor=caller.actor))


def _answer(uid: Uid, switch: PosSwitch) -> SwitchAnswer:
    view = wiring.switching.switch_service().view(uid, switch.id)
    pairs, _ = wiring.switching.decide_doubled().pairs(uid, switch.id, 50, None)
    return SwitchAnswer(**_values(view), doubled=[_pair(pair) for pair in pairs])


def _values(view: SwitchView) -> dict[str, object]:
    from chalicelib.domain.times import day_text
    from chalicelib.services.switching.switch import proposed_settings

    switch, check = view.switch, view.check
    return {
        "id": switch.id,
        "from_": switch.old,
        "to": switch.new,
        "day": day_text(switch.day),
        "state": switch.state,
        "step": view.step,
        "proposed": proposed_settings(view),
        "by": switch.by,
        "begun_at": switch.begun_at,
        "ended_at": switch.ended_at,
        "checked_at": check.ended_at if check else None,
        "checking": view.checking,
        **_counts(check),
    }


def _counts(check: SwitchCheck | None) -> dict[str, int | None]:
    return {
        "joined": check.joined if check else None,
        "only_old": check.only_old if check else None,
        "only_new": check.only_new if check else None,
        "doubled_sales": check.doubled if check else None,
        "undecided": check.undecided if check else None,
    }


def _pair(pair: DoubledPair) -> DoubledPairAnswer:
    from chalicelib.domain.times import day_text

    left_out: Literal["a", "b"] | None = None
    if "left_out" in (pair.old.double, pair.new.double):
        left_out = "a" if pair.old.double else "b"
    same = True if left_out else False if pair.new.double == "own" else None
    return DoubledPairAnswer(
        n=pair.n,
        contact_id=pair.persona,
        day=day_text(pair.day),
        a=_sale(pair.old),
        b=_sale(pair.new),
        same=same,
        left_out=left_out,
    )


def _sale(sale: SaleOfPair) -> DoubledSaleAnswer:
    return DoubledSaleAnswer.model_validate(sale)
