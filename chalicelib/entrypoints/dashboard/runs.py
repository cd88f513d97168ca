"""Sync runs: history, live progress, *Sync now*, and what was set aside (product.md §5)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from chalicelib.domain.words import CredentialId, Platform, RunState, RunTrigger, Stream, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, DayIn, Input, Listing, Moment

resource = Resource(__name__, tag="Sync runs", front=FRONT)

PLATFORM = "/api/accounts/{uid}/integrations/{platform}"


class StreamTotalsAnswer(Answer):
    """What the run did with one stream; `fetched` = new + changed + unchanged + set aside.

    `expected`: rows of the last listing, where this run lists everything, too; null where nobody
    can tell how many come. A listing may have more or less."""

    pages: int
    fetched: int
    new: int
    changed: int
    unchanged: int
    set_aside: int
    done: bool
    expected: int | None


class RunErrorAnswer(Answer):
    """Why it failed. `actor` must act: `you`, `the POS` or `us`."""

    code: str
    actor: str
    message: str
    stream: Stream | None


class Reread(Input):
    """`from`: the first day to read again, in the account's time zone."""

    from_: DayIn = Field(alias="from", examples=["2026-01-01"])


class RunAnswer(Answer):
    """One sync run, live or ended."""

    id: str
    platform: Platform
    credential: CredentialId
    state: RunState
    trigger: RunTrigger
    queued_at: Moment
    started_at: Moment | None
    heartbeat_at: Moment | None
    ended_at: Moment | None
    stream: Stream | None
    streams: dict[Stream, StreamTotalsAnswer]
    sales_linked: int
    sales_unlinked: int
    sales_out_of_market: int
    requests: int
    retries: int
    hops: int
    persona_writes: int
    members_left: int
    reasons: dict[str, int]
    unknown_words: dict[str, int]
    error: RunErrorAnswer | None
    began_over: tuple[Stream, ...]


class RunPage(Answer):
    items: list[RunAnswer]
    next_cursor: str | None


class RunList(Answer):
    """The syncs that are under way; none while nothing runs."""

    items: list[RunAnswer]


class WhichRuns(Input):
    """`live`: those under way. The history of a platform is a list of its own."""

    live: Literal["true"] = Field(default="true", examples=["true"])


class SetAsideAnswer(Answer):
    """A record that could not be used, as the POS sent it, with the reason."""

    number: int
    stream: Stream
    reason: str
    field: str
    ext_id: str | None
    row: dict[str, Any]


class SetAsidePage(Answer):
    items: list[SetAsideAnswer]
    next_cursor: str | None


@resource.get("/api/accounts/{uid}/runs", right="runs:read")
def list_live_runs(uid: Uid, query: WhichRuns) -> RunList:  # noqa: ARG001 -- read by its name
    """List the account's syncs that are under way, of all platforms at once."""
    live = wiring.integrations.cards().live_runs(uid)
    return RunList(items=[RunAnswer.model_validate(run) for run in live])


@resource.get(f"{PLATFORM}/runs", right="runs:read")
def list_runs(uid: Uid, platform: Platform, query: Listing) -> RunPage:
    """List a platform's sync runs, the newest first."""
    wiring.gateways.pos_gateway().platform(platform)  # of none there is no empty list
    before = cursors().unseal(query.cursor, uid, "runs", platform)
    recent, position = wiring.sync.runs().recent(uid, platform, query.limit, before)
    return RunPage(
        items=[RunAnswer.model_validate(run) for run in recent],
        next_cursor=cursors().seal(position, uid, "runs", platform),
    )


@resource.get(f"{PLATFORM}/runs/{{run}}", right="runs:read")
def get_run(uid: Uid, platform: Platform, run: str) -> RunAnswer:
    """Read one run, with its progress while it runs."""
    return RunAnswer.model_validate(wiring.sync.runs().get(uid, platform, run))


@resource.get(f"{PLATFORM}/runs/{{run}}/set-aside", right="runs:read")
def list_set_aside(uid: Uid, platform: Platform, run: str, query: Listing) -> SetAsidePage:
    """List the records a run set aside."""
    after = cursors().unseal(query.cursor, uid, "set-aside", run)
    records, position = wiring.sync.runs().set_aside(uid, platform, run, query.limit, after)
    return SetAsidePage(
        items=[SetAsideAnswer.model_validate(record) for record in records],
        next_cursor=cursors().seal(position, uid, "set-aside", run),
    )


@resource.post(
    f"{PLATFORM}/credentials/{{credential}}/sync", right="runs:write", status=202, limit="syncs"
)
def sync_now(uid: Uid, platform: Platform, credential: CredentialId) -> RunAnswer:
    """Queue a sync now; while one runs, that run is answered."""
    return RunAnswer.model_validate(
        wiring.sync.sync_control().start(uid, platform, credential, "now")
    )


@resource.post(
    f"{PLATFORM}/credentials/{{credential}}/reread", right="runs:write", status=202, limit="rereads"
)
def reread_history(
    uid: Uid, platform: Platform, credential: CredentialId, body: Reread
) -> RunAnswer:
    """Queue a run that reads everything from a day on again; what did not change is not written."""
    from chalicelib.services.credentials.history_from import history_start

    zone = wiring.outside.accounts().get(uid).time_zone
    since = history_start(body.from_, wiring.outside.clock().now(), zone, field="from")
    return RunAnswer.model_validate(
        wiring.sync.sync_control().reread(uid, platform, credential, since)
    )
