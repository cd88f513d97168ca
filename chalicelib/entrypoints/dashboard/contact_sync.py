"""How contact sync stands with a POS (product.md §7, §11)."""

from __future__ import annotations

from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Moment

resource = Resource(__name__, tag="Integrations", front=FRONT)

CONTACT_SYNC = "/api/accounts/{uid}/integrations/{platform}/contact-sync"


class ShownShopperAnswer(Answer):
    """A signup that a person has to look at: refused by the POS, or there twice. `contact_id`: the
    persona."""

    record: str
    contact_id: str | None
    name: str
    state: str
    message: str
    what_to_do: str
    at: Moment


class ContactSyncAnswer(Answer):
    """`since`: from when signups are created in the POS; null while *Sync Personas* is off.
    `queued`: signups that wait; `waits_for`: the card's state because of which nothing is sent;
    `reasons`: what they wait for, else."""

    since: Moment | None
    queued: int
    waits_for: str | None
    reasons: list[str]
    shown: list[ShownShopperAnswer]


@resource.get(CONTACT_SYNC, right="integrations:read")
def get_contact_sync(uid: Uid, platform: str) -> ContactSyncAnswer:
    """Show which signups wait to be created in the POS, and which a person has to look at."""
    return _answer(uid, Platform(platform))


@resource.post(CONTACT_SYNC + "/{record}/again", right="integrations:write", status=202)
def create_shopper_again(uid: Uid, platform: str, record: str, caller: Caller) -> ContactSyncAnswer:
    """Have a shopper created again, who was deleted in the POS or refused by it."""
    service = wiring.contact_sync.service()
    service.create_again(uid, Platform(platform), record, actor=caller.actor)
    return _answer(uid, Platform(platform))


def _answer(uid: Uid, platform: Platform) -> ContactSyncAnswer:
    state = wiring.contact_sync.service().state(uid, platform)
    return ContactSyncAnswer(
        since=state.since,
        queued=state.queued,
        waits_for=state.waits_for,
        reasons=list(state.reasons),
        shown=[
            ShownShopperAnswer(
                record=each.record,
                contact_id=each.contact_id,
                name=each.name,
                state=each.state,
                message=each.message,
                what_to_do=each.what_to_do,
                at=each.at,
            )
            for each in state.shown
        ],
    )
