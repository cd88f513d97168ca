"""How a source is: one computed state that list, card, Overview and bell show (product.md §3).

A card is as well as its worst credential, and as fresh as the one that was synced longest ago.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Actor, actor_of
from chalicelib.domain.schedule import STALE_AFTER
from chalicelib.domain.words import CredentialId, HealthLevel, Instant
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.runs import RunView

_WORST_FIRST: tuple[HealthLevel, ...] = ("bad", "warn", "busy", "good")


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """The state of a source in a code. `actor` must act, None where nobody must; `credential`: the
    one that is meant; `since`: from when it has been so, as far as that is known.

    Codes: `not_connected`, `disconnected`, `freezing`, `frozen`, `rolling_back`, `unfreezing`,
    `syncing`, `waiting` (for its first sync), `connected`, `stale`, and the codes of failed runs.
    """

    level: HealthLevel
    code: str
    actor: Actor | None = None
    credential: CredentialId | None = None
    since: Instant | None = None


def oldest_good_sync(credentials: Sequence[Credential]) -> Instant | None:
    """Return when the last good run of the credential began that has waited longest for one; None
    while one has never had any."""
    times = [credential.last_good_run_at for credential in credentials]
    known = [at for at in times if at is not None]
    return min(known) if known and len(known) == len(times) else None


def last_shopper(credentials: Sequence[Credential], live: Sequence[RunView]) -> Instant | None:
    """Return when the latest shopper came that AIQ did not have before."""
    times = [credential.last_shopper_at for credential in credentials]
    times += [run.heartbeat_at for run in live if _new_shoppers(run)]
    return max((at for at in times if at is not None), default=None)


def source_health(
    card: Integration, credentials: Sequence[Credential], live: Sequence[RunView], now: Instant
) -> SourceHealth:
    """Return how the source is. `live`: the runs under way of its credentials."""
    match card.state:
        case "draft":
            return SourceHealth("idle", "not_connected")
        case "disconnected":
            return SourceHealth("idle", "disconnected")
        case "freezing" | "frozen" | "unfreezing":
            return _frozen(card)
        case "connected":
            running = {run.credential: run for run in live}
            found = [_of_credential(each, running.get(each.id), now) for each in credentials]
            return min(found, key=_badness, default=SourceHealth("idle", "no_credential", "you"))


def _frozen(card: Integration) -> SourceHealth:
    frozen = card.frozen
    if card.state != "frozen" or frozen is None:
        return SourceHealth("frozen", card.state, since=frozen.at if frozen else None)
    code = "rolling_back" if frozen.rolling == "back" else "frozen"
    return SourceHealth("frozen", code, since=frozen.frozen_at or frozen.at)


def _of_credential(credential: Credential, live: RunView | None, now: Instant) -> SourceHealth:
    good_at = credential.last_good_run_at
    error = credential.last_error
    if error is not None:
        actor = actor_of(error)
        level: HealthLevel = "bad" if actor == "you" else "warn"
        return SourceHealth(level, error, actor, credential.id, good_at or credential.created_at)
    if good_at is not None and now - good_at >= STALE_AFTER:
        return SourceHealth("warn", "stale", "us", credential.id, good_at)
    if live is not None:
        began = live.started_at or live.queued_at
        return SourceHealth("busy", "syncing", None, credential.id, began)
    if good_at is None:
        return SourceHealth("busy", "waiting", None, credential.id, credential.created_at)
    return SourceHealth("good", "connected", None, credential.id, good_at)


def _badness(health: SourceHealth) -> tuple[int, Instant]:
    """Return the sort key of a state: the worst first, of equals the one that has lasted
    longest."""
    return _WORST_FIRST.index(health.level), health.since or 0


def _new_shoppers(run: RunView) -> int:
    totals = run.streams.get("customers")
    return totals.new if totals else 0
