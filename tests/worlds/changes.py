"""Words for tests of changes: whoever wants one, previews it, and applies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from chalicelib.domain.records import Sale
from chalicelib.domain.rules import Loyalty, Rules
from chalicelib.domain.times import local_day
from chalicelib.domain.words import MembersChoice
from chalicelib.services.changes.preview import token_of
from chalicelib.services.ports.changes import Job, Preview, PreviewCounts
from chalicelib.services.ports.integrations import AgeGate
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom

ZONE = "America/Los_Angeles"
ANN = "user:ann"


def today(room: Backroom) -> date:
    return local_day(room.clock.now(), ZONE)


def ago(room: Backroom, days: int) -> date:
    return today(room) - timedelta(days=days)


def bought(room: Backroom, who: str, days: int, **changes: Any) -> Sale:
    """A sale of 10.00 so many days ago."""
    at = room.clock.now() - days * 86_400_000
    fields: dict[str, Any] = {"total": 1_000, "customer_ext_id": who, **changes}
    return Sale(f"s-{who}-{days}", "north", at, "", "USD", **fields)


def sell(room: Backroom, *sales: Sale) -> None:
    room.commits.commit(UID, PLATFORM, SCOPE, sales=sales)


def tick(room: Backroom) -> None:
    held = room.integrations.get(UID, PLATFORM)
    room.integrations.save(replace(held, age_gate=AgeGate(ANN, room.clock.now())))


def preview(room: Backroom, **changes: Any) -> Preview:
    """Of settings, counted to its end."""
    made, _ = room.changing.preview(room.proposals.settings(UID, PLATFORM, changes))
    return made


def preview_loyalty(room: Backroom, **changes: Any) -> Preview:
    made, _ = room.changing.preview(room.proposals.loyalty(UID, changes))
    return made


def start(room: Backroom, members: MembersChoice = "keep", **changes: Any) -> Job:
    """Preview and apply settings; the job waits in the queue."""
    token = token_of(preview(room, **changes))
    proposal = room.proposals.settings(UID, PLATFORM, changes)
    assert token is not None
    assert proposal.card is not None
    return room.changing.apply(proposal, token, proposal.card.version, members, actor=ANN)


def apply(room: Backroom, members: MembersChoice = "keep", **changes: Any) -> Job:
    """Preview, apply and work off settings."""
    job = start(room, members, **changes)
    room.work_off()
    return room.changes.job(UID, job.id)


def apply_loyalty(room: Backroom, **changes: Any) -> Job:
    token = token_of(preview_loyalty(room, **changes))
    proposal = room.proposals.loyalty(UID, changes)
    assert token is not None
    job = room.changing.apply(proposal, token, proposal.rules.version, "keep", actor=ANN)
    room.work_off()
    return room.changes.job(UID, job.id)


def members(room: Backroom) -> set[str]:
    return {p.first for p in room.facts.shown(UID) if p.member}


def points(room: Backroom) -> dict[str, int]:
    return {p.first: p.points for p in room.facts.shown(UID)}


def standing(room: Backroom) -> dict[str, tuple[bool, bool, int]]:
    """By persona: member, to be asked, points."""
    return {p.id: (p.member, bool(p.asked_by), p.points) for p in room.facts.shown(UID)}


def difference(
    before: Mapping[str, tuple[bool, bool, int]], after: Mapping[str, tuple[bool, bool, int]]
) -> PreviewCounts:
    """What came about, counted as a preview counts it; without the largest."""
    pairs = [(before[name], after[name]) for name in before]
    return PreviewCounts(
        personas=len(pairs),
        enrolled=sum(now[0] and not was[0] for was, now in pairs),
        lost=sum(was[0] and not now[0] for was, now in pairs),
        messages=sum(now[1] and not was[1] for was, now in pairs),
        balances=sum(was[2] != now[2] for was, now in pairs),
        points=sum(now[2] - was[2] for was, now in pairs),
    )


def in_force(room: Backroom, **loyalty: Any) -> None:
    """Loyalty rules from the beginning, without a preview."""
    rules = room.rules.get(UID)
    room.rules.set(UID, Rules(Loyalty(enabled=True, **loyalty), rules.sources, rules.version + 1))


def never() -> bool:
    """Time is up after each page."""
    return False
