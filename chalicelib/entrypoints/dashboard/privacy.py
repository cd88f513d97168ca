"""Erase a persona everywhere, with a certificate (product.md §14); *Remove this source's data*
(§3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from chalicelib.domain.integration_states import IntegrationState
from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input, Moment, PointsOut

if TYPE_CHECKING:
    from chalicelib.services.ports.integrations import Integration
    from chalicelib.services.ports.privacy import Erasure

resource = Resource(__name__, tag="Privacy", front=FRONT)

PERSONA = "/api/accounts/{uid}/personas/{contact_id}"
DATA = "/api/accounts/{uid}/integrations/{platform}/data"


class ErasePreviewAnswer(Answer):
    """What would be erased: source records, sales that lose their shopper, points, entries of the
    consent log, numbers and addresses. `confirm`: of what the last four are to be typed."""

    records: int
    sales: int
    points: PointsOut
    consents: int
    contacts: int
    confirm: str
    token: str


class EraseInput(Input):
    token: str = Field(
        max_length=100, examples=["9f86d081884c7d659a2feaa0"], description="Of the preview."
    )
    typed: str = Field(
        max_length=10,
        examples=["0142"],
        description="The last four digits of the phone number; without one, the last four"
        " characters of the contact id.",
    )


class ErasureAnswer(Answer):
    """How far an erasure is; once it is done, its certificate, which holds no personal data."""

    id: str
    state: Literal["erasing", "done"]
    step: str | None
    requested_at: Moment
    by: str
    ended_at: Moment | None
    certificate: dict[str, Any] | None


class ErasureList(Answer):
    items: list[ErasureAnswer]


@resource.post(f"{PERSONA}/erase/preview", right="personas:erase")
def preview_erase(uid: Uid, contact_id: str) -> ErasePreviewAnswer:
    """Count what would be erased; nothing is changed."""
    return ErasePreviewAnswer.model_validate(
        wiring.privacy.erase_service().preview(uid, contact_id)
    )


@resource.post(f"{PERSONA}/erase", right="personas:erase", status=202)
def erase_persona(uid: Uid, contact_id: str, body: EraseInput, caller: Caller) -> ErasureAnswer:
    """Erase the persona everywhere: records, sales, points, messages, backups.

    It cannot be undone; a new signup of their own lifts it.
    """
    service = wiring.privacy.erase_service()
    return _answer(service.erase(uid, contact_id, body.token, body.typed, actor=caller.actor))


@resource.get("/api/accounts/{uid}/erasures", right="personas:erase")
def list_erasures(uid: Uid) -> ErasureList:
    """List erasures, newest first."""
    found = wiring.privacy.erasures().of_account(uid)
    return ErasureList(items=[_answer(each) for each in found])


@resource.get("/api/accounts/{uid}/erasures/{erasure}", right="personas:erase")
def get_erasure(uid: Uid, erasure: str) -> ErasureAnswer:
    """Read how far an erasure is, and its certificate."""
    return _answer(wiring.privacy.erase_service().get(uid, erasure))


class RemovalPreviewAnswer(Answer):
    """What would be removed: shoppers and sales of this source; `personas`: who leaves the lists;
    `members`: who is a member no more; `points`: by how much all balances together change. Without
    `complete`, the last three are at least so many. `confirm`: what is to be typed."""

    shoppers: int
    sales: int
    personas: int
    members: int
    points: PointsOut
    complete: bool
    confirm: str
    token: str


class RemoveInput(Input):
    token: str = Field(
        max_length=100, examples=["9f86d081884c7d659a2feaa0"], description="Of the preview."
    )
    typed: str = Field(
        max_length=40, examples=["POSaBIT"], description="The title of the source's card."
    )


class RemovalAnswer(Answer):
    """How far a removal is. `removing` and `restoring`: `done` of `total` facts; `removed`: it can
    be undone until `gone_at`; `deleting`: no more. `kept`: nothing is removed. `problem`: why
    nothing could be."""

    platform: Platform
    state: IntegrationState
    data: Literal["kept", "removing", "removed", "restoring", "deleting"]
    by: str | None
    since: Moment | None
    gone_at: Moment | None
    done: int
    total: int
    problem: str | None


@resource.post(f"{DATA}/preview", right="sources:erase", limit="previews")
def preview_removal(uid: Uid, platform: Platform) -> RemovalPreviewAnswer:
    """Count what *Remove this source's data* would remove; nothing is changed."""
    found = wiring.privacy.remove_source().preview(uid, platform)
    counts = found.counts
    return RemovalPreviewAnswer(
        shoppers=counts.shoppers,
        sales=counts.sales,
        personas=counts.personas,
        members=counts.members,
        points=counts.points,
        complete=counts.is_complete,
        confirm=found.confirm,
        token=found.token,
    )


@resource.post(f"{DATA}/remove", right="sources:erase", status=202)
def remove_data(uid: Uid, platform: Platform, body: RemoveInput, caller: Caller) -> RemovalAnswer:
    """Stop all calls and remove the source's data.

    Signups, consents and redemptions stay. It can be undone for 7 days.
    """
    service = wiring.privacy.remove_source()
    card = service.remove(uid, platform, body.token, body.typed, actor=caller.actor)
    return _removal(card)


@resource.post(f"{DATA}/restore", right="sources:erase", status=202)
def restore_data(uid: Uid, platform: Platform, caller: Caller) -> RemovalAnswer:
    """Undo the removal: the data is put where it was, without the POS."""
    return _removal(wiring.privacy.remove_source().restore(uid, platform, actor=caller.actor))


@resource.get(DATA, right="integrations:read")
def get_removal(uid: Uid, platform: Platform) -> RemovalAnswer:
    """Read how far the removal of the source's data is."""
    return _removal(wiring.integrations.cards().get(uid, platform).integration)


def _removal(card: Integration) -> RemovalAnswer:
    frozen = card.frozen if card.frozen is not None and card.frozen.removes else None
    doing: dict[str | None, Literal["removing", "removed", "restoring", "deleting"]] = {
        "back": "removing",
        "forth": "restoring",
        "ending": "restoring",
        "gone": "deleting",
        None: "removed",
    }
    return RemovalAnswer(
        platform=card.platform,
        state=card.state,
        data=doing[frozen.rolling] if frozen else "kept",
        by=frozen.by if frozen else None,
        since=frozen.at if frozen else None,
        gone_at=frozen.gone_at if frozen else None,
        done=frozen.done if frozen else 0,
        total=frozen.total if frozen else 0,
        problem=(frozen.problem or None) if frozen else None,
    )


def _answer(erasure: Erasure) -> ErasureAnswer:
    return ErasureAnswer(
        id=erasure.id,
        state=erasure.state,
        step=erasure.step or None,
        requested_at=erasure.requested_at,
        by=erasure.by,
        ended_at=erasure.ended_at,
        certificate=dict(erasure.certificate) or None,
    )
