"""Account off-boarding: export all of an account, delete all of it (product.md §14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input, Moment

if TYPE_CHECKING:
    from chalicelib.services.ports.privacy import Offboarding

resource = Resource(__name__, tag="Off-boarding", front=FRONT)

ACCOUNT = "/api/accounts/{uid}/offboarding"


class OffboardPreviewAnswer(Answer):
    """`confirm`: what is to be typed."""

    confirm: str
    token: str


class OffboardInput(Input):
    token: str = Field(
        max_length=100, examples=["9f86d081884c7d659a2feaa0"], description="Of the preview."
    )
    typed: str = Field(
        max_length=200, examples=["Green Leaf"], description="The account's name, as it is."
    )


class OffboardingAnswer(Answer):
    """How far the deletion of an account is. Keep the `id`: it alone opens the certificate, also
    when the account is no more."""

    id: str
    state: Literal["working", "done"]
    requested_at: Moment
    ended_at: Moment | None
    certificate: dict[str, Any] | None


class AccountExportAnswer(Answer):
    """How far the export of an account is. `urls` give its files away for 10 minutes: JSON lines,
    compressed, a line a row; ask again for new ones. They are empty until it is done, and once the
    files are deleted, after a day."""

    id: str
    state: Literal["working", "done"]
    rows: int
    urls: list[str]


@resource.post(f"{ACCOUNT}/preview", right="account:erase")
def preview_offboarding(uid: Uid) -> OffboardPreviewAnswer:
    """Say what confirms the deletion of the account; nothing is changed."""
    return OffboardPreviewAnswer.model_validate(wiring.privacy.offboard_service().preview(uid))


@resource.post(ACCOUNT, right="account:erase", status=202)
def offboard(uid: Uid, body: OffboardInput, caller: Caller) -> OffboardingAnswer:
    """Delete everything of the account. It cannot be undone."""
    service = wiring.privacy.offboard_service()
    return _answer(service.delete(uid, body.token, body.typed, actor=caller.actor))


@resource.post(f"{ACCOUNT}/exports", right="account:erase", status=202, limit="exports")
def export_account(uid: Uid, caller: Caller) -> AccountExportAnswer:
    """Queue files of all rows of the account; secrets are left out."""
    found = wiring.privacy.offboard_service().export(uid, actor=caller.actor)
    return AccountExportAnswer(id=found.id, state=found.state, rows=0, urls=[])


@resource.get(f"{ACCOUNT}/exports/{{offboarding}}", right="account:erase")
def get_account_export(uid: Uid, offboarding: str) -> AccountExportAnswer:
    """Read how far the export of the account is; once it is done, with links for 10 minutes."""
    found, urls = wiring.privacy.offboard_service().get_export(uid, offboarding)
    rows = sum(found.rows.values())
    return AccountExportAnswer(id=found.id, state=found.state, rows=rows, urls=urls)


@resource.get("/api/offboardings/{offboarding}", public=True)
def get_offboarding(offboarding: str) -> OffboardingAnswer:
    """Read how far the deletion of an account is, and its certificate; whoever has the id may."""
    return _answer(wiring.privacy.offboard_service().certificate(offboarding))


def _answer(found: Offboarding) -> OffboardingAnswer:
    return OffboardingAnswer(
        id=found.id,
        state=found.state,
        requested_at=found.requested_at,
        ended_at=found.ended_at,
        certificate=dict(found.certificate) or None,
    )
