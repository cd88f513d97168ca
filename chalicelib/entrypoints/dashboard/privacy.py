"""Erase a persona everywhere, and the certificate of it (product.md §14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input, Moment, PointsOut

if TYPE_CHECKING:
    from chalicelib.services.ports.privacy import Erasure

resource = Resource(__name__, tag="Privacy", front=FRONT)

PERSONA = "/api/accounts/{uid}/personas/{contact_id}"


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
    """Erase the persona everywhere: records, sales, points, messages, backups. It cannot be
    undone; a new signup of their own lifts it."""
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
