"""Exports: a list or audience as CSV, made in the background (product.md §6)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chalicelib.domain.words import AudienceName, ConsentState, Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input, Moment

resource = Resource(__name__, tag="Exports", front=FRONT)


class ExportFilters(Input):
    """As those of the sorted list; null does not narrow it."""

    store: int | None = Field(default=None, ge=1, examples=[1])
    consent: ConsentState | None = Field(default=None, examples=["opted_in"])
    flag: str | None = Field(default=None, max_length=40, examples=["employee"])
    source: str | None = Field(default=None, max_length=40, examples=["posabit"])


class ExportRequest(Input):
    """Which audience, of the latest audience run. `personas` are all."""

    list: AudienceName = Field(examples=["members"])
    filters: ExportFilters = Field(default_factory=ExportFilters, examples=[{"source": "posabit"}])


class ExportAnswer(Answer):
    """How an export stands. `url` gives the file away until `expires_at`, 10 minutes; ask again for
    a new one. It is null until the export is done, and once the file is deleted, after a day.

    `rows`: personas in the file, as of `as_of`; its last line says `# rows` and this number.
    """

    id: str
    state: Literal["queued", "running", "done", "failed"]
    rows: int
    as_of: Moment | None
    url: str | None
    expires_at: Moment | None


@resource.post("/api/accounts/{uid}/exports", right="personas:export", status=202, limit="exports")
def request_export(uid: Uid, body: ExportRequest, caller: Caller) -> ExportAnswer:
    """Queue a CSV of an audience."""
    from chalicelib.domain.audiences import SnapshotFilter

    wanted = body.filters
    filters = SnapshotFilter(
        wanted.store,
        wanted.consent,
        wanted.flag,
        None if wanted.source is None else Platform(wanted.source),
    )
    view = wiring.audiences.exports().request(uid, body.list, filters, caller.actor)
    return ExportAnswer.model_validate(view)


@resource.post(
    "/api/accounts/{uid}/personas/{contact_id}/export",
    right="personas:export",
    status=202,
    limit="exports",
)
def request_persona_export(uid: Uid, contact_id: str, caller: Caller) -> ExportAnswer:
    """Queue a file of all that is kept of a persona, as JSON, for the person it is about."""
    view = wiring.privacy.request_persona_export().request(uid, contact_id, caller.actor)
    return ExportAnswer.model_validate(view)


@resource.get("/api/accounts/{uid}/exports/{export}", right="personas:export")
def get_export(uid: Uid, export: str) -> ExportAnswer:
    """Read how an export stands; once it is done, with a link for 10 minutes."""
    return ExportAnswer.model_validate(wiring.audiences.exports().get(uid, export))
