"""Audience runs, and the sorted lists of personas that they leave (product.md §6, §10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from chalicelib.domain.words import AudienceName, ConsentState, Platform, SnapshotSort, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.dashboard.personas import PersonaAnswer
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Listing, Moment

if TYPE_CHECKING:
    from chalicelib.domain.audiences import ListedPersona

resource = Resource(__name__, tag="Audiences", front=FRONT)


class AudienceCountAnswer(Answer):
    """How many personas an audience has. `by_source`: by platform of *Sourced from*; who has
    several counts under each. `by_store`: by number of the favourite store."""

    name: AudienceName
    total: int
    by_source: dict[Platform, int]
    by_store: dict[int, int]


class AudienceRunAnswer(Answer):
    """One audience run. `personas`: how many it has been through; `drifted`: how many differed from
    what their facts say, and were corrected: should be 0; `recomputed`: how many had to follow a
    change or the time. `audiences`: once it is done. `as_of`: what its lists show."""

    id: str
    trigger: Literal["night", "now", "first_sync"]
    state: Literal["queued", "running", "done", "failed"]
    phase: Literal["backups", "recompute", "sort", "finish"]
    requested_at: Moment
    started_at: Moment | None
    as_of: Moment | None
    heartbeat_at: Moment | None
    ended_at: Moment | None
    personas: int
    drifted: int
    recomputed: int
    audiences: list[AudienceCountAnswer]
    actor: str
    actor_name: str = ""


class AudienceRunPage(Answer):
    items: list[AudienceRunAnswer]
    next_cursor: str | None


class SnapshotQuery(Listing):
    """A sorted list of an audience. What may stand in a URL: nothing that says who somebody is."""

    list: AudienceName = Field(
        default="personas", examples=["members"], description="Which audience; `personas` are all."
    )

    sort: SnapshotSort = Field(default="points", examples=["last_purchase"])
    dir: Literal["asc", "desc"] | None = Field(
        default=None, examples=["asc"], description="`asc` for `name`, else `desc`, unless said."
    )
    store: int | None = Field(
        default=None, ge=1, examples=[1], description="Number of the favourite store."
    )
    consent: ConsentState | None = Field(
        default=None,
        examples=["opted_in"],
        description="Of the number at which the person may be texted.",
    )
    flag: str | None = Field(default=None, max_length=40, examples=["employee"])
    source: str | None = Field(
        default=None,
        max_length=40,
        examples=["posabit"],
        description="One platform of *Sourced from*.",
    )


class ListedPersonaAnswer(PersonaAnswer):
    """One persona in a snapshot's list, as it was then. `last_purchase`: a local day."""

    last_purchase: str | None


class SnapshotAnswer(Answer):
    """A page of the list, as it was at `as_of`; null where there is no snapshot yet. `total`: of
    the whole list with these filters."""

    as_of: Moment | None
    total: int
    items: list[ListedPersonaAnswer]
    next_cursor: str | None


@resource.get("/api/accounts/{uid}/audience-runs", right="audiences:read")
def list_audience_runs(uid: Uid, query: Listing) -> AudienceRunPage:
    """List the audience runs, the newest first, with the counts of the standing audiences."""
    before = cursors().unseal(query.cursor, uid, "audience-runs")
    runs, position = wiring.audiences.lists().runs_of(uid, query.limit, before)
    names = wiring.accounts.names().names_of(uid, [run.actor for run in runs])
    return AudienceRunPage(
        items=[
            AudienceRunAnswer.model_validate(run).model_copy(
                update={"actor_name": names.get(run.actor, run.actor)}
            )
            for run in runs
        ],
        next_cursor=cursors().seal(position, uid, "audience-runs"),
    )


@resource.post(
    "/api/accounts/{uid}/audience-runs", right="audiences:write", status=202, limit="audience_runs"
)
def run_audiences(uid: Uid, caller: Caller) -> AudienceRunAnswer:
    """Run the audiences now; while a run is under way, that one is answered."""
    run = wiring.audience_starts.starter().request(uid, "now", actor=caller.actor)
    return AudienceRunAnswer.model_validate(run)


@resource.get("/api/accounts/{uid}/personas/snapshot", right="personas:read")
def list_snapshot(uid: Uid, query: SnapshotQuery) -> SnapshotAnswer:
    """List personas sorted by points, last purchase or name, as the latest audience run left them.

    A page may be short while `next_cursor` goes on, in the snapshot it began in.
    """
    from chalicelib.domain.audiences import SnapshotFilter

    source = None if query.source is None else Platform(query.source)
    wanted = SnapshotFilter(query.store, query.consent, query.flag, source)
    descending = query.sort != "name" if query.dir is None else query.dir == "desc"
    of_some = () if query.list == "personas" else (query.list,)
    listing = ("snapshot", query.sort, descending, wanted, *of_some)
    after = cursors().unseal(query.cursor, uid, *listing)
    page = wiring.audiences.lists().page(
        uid, query.sort, wanted, query.limit, after, descending=descending, audience=query.list
    )
    return SnapshotAnswer(
        as_of=page.as_of,
        total=page.total,
        items=[_listed(line) for line in page.items],
        next_cursor=cursors().seal(page.position, uid, *listing),
    )


def _listed(line: ListedPersona) -> ListedPersonaAnswer:
    from chalicelib.domain.times import day_text

    last = None if line.last_purchase is None else day_text(line.last_purchase)
    return ListedPersonaAnswer.model_validate({**line._asdict(), "last_purchase": last})
