"""Sync runs through the API; the service behind is in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.times import to_text
from chalicelib.domain.words import Instant, RunTrigger
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.runs import RunError, RunView, SetAside, StreamTotals
from tests.fakes.common import NOON
from tests.functional.gateway import OURS, Gateway, World

POSABIT = f"/api/accounts/{OURS}/integrations/posabit"

LIVE = RunView(
    id="run_1",
    uid=OURS,
    platform="posabit",
    credential="crd_1",
    state="running",
    trigger="now",
    queued_at=NOON,
    started_at=NOON + 500,
    stream="customers",
    streams={"customers": StreamTotals(pages=2, fetched=100, new=90, unchanged=8, set_aside=2)},
    requests=3,
    reasons={"bad_date": 2},
)
FAILED = replace(
    LIVE,
    id="run_0",
    state="failed",
    ended_at=NOON,
    error=RunError("key_rejected", "you", "POSaBIT rejected the key.", "customers"),
)


@dataclass
class Ledger:
    """A `RunViews` and a `SyncControl`."""

    runs: list[RunView] = field(default_factory=lambda: [LIVE, FAILED])
    asked: list[Any] = field(default_factory=list)
    refusal: Exception | None = None

    def recent(
        self, uid: str, platform: str, limit: int, before: str | None
    ) -> tuple[list[RunView], str | None]:
        found = [run for run in self.runs if (run.uid, run.platform) == (uid, platform)]
        start = int(before or 0)
        end = start + limit
        return found[start:end], str(end) if end < len(found) else None

    def get(self, uid: str, platform: str, run: str) -> RunView:
        for found in self.runs:
            if (found.uid, found.platform, found.id) == (uid, platform, run):
                return found
        raise NotFound("There is no such run.")

    def set_aside(
        self, uid: str, platform: str, run: str, limit: int, after: str | None
    ) -> tuple[list[SetAside], str | None]:
        self.get(uid, platform, run)
        rows = [SetAside(1, "customers", "bad_date", "dob", "9", {"id": 9, "dob": "yesterday"})]
        return rows[int(after or 0) :][:limit], None

    def start(self, uid: str, platform: str, credential: str, trigger: RunTrigger) -> RunView:
        if self.refusal:
            raise self.refusal
        self.asked.append((uid, platform, credential, trigger))
        return LIVE

    def reread(self, uid: str, platform: str, credential: str, since: Instant) -> RunView:
        self.asked.append((uid, platform, credential, since))
        return LIVE


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch, world: World) -> Ledger:
    made = Ledger()
    give: Callable[[], Ledger] = lambda: made  # noqa: E731 -- the wiring's shape
    monkeypatch.setattr(wiring.sync, "runs", give)
    monkeypatch.setattr(wiring.sync, "sync_control", give)
    return made


def test_a_live_run_shows_its_progress(api: Gateway, ledger: Ledger) -> None:
    got = api.get(f"{POSABIT}/runs/run_1").json

    assert (got["state"], got["stream"], got["requests"]) == ("running", "customers", 3)
    assert got["streams"]["customers"]["fetched"] == 100
    assert (got["queued_at"], got["started_at"]) == (
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00.500Z",
    )
    assert (got["ended_at"], got["error"]) == (None, None)


def test_a_failed_run_says_who_must_act(api: Gateway, ledger: Ledger) -> None:
    got = api.get(f"{POSABIT}/runs/run_0").json

    assert got["error"] == {
        "code": "key_rejected",
        "actor": "you",
        "message": "POSaBIT rejected the key.",
        "stream": "customers",
    }


def test_runs_are_listed_page_by_page(api: Gateway, ledger: Ledger) -> None:
    first = api.get(f"{POSABIT}/runs", limit=1).json
    second = api.get(f"{POSABIT}/runs", limit=1, cursor=first["next_cursor"]).json

    assert [run["id"] for run in first["items"] + second["items"]] == ["run_1", "run_0"]
    assert second["next_cursor"] is None


def test_records_set_aside_are_listed_with_the_reason(api: Gateway, ledger: Ledger) -> None:
    [aside] = api.get(f"{POSABIT}/runs/run_1/set-aside").json["items"]

    assert (aside["reason"], aside["field"], aside["ext_id"]) == ("bad_date", "dob", "9")
    assert aside["row"] == {"id": 9, "dob": "yesterday"}


def test_sync_now_queues_a_run_and_answers_it(api: Gateway, ledger: Ledger) -> None:
    got = api.post(f"{POSABIT}/credentials/crd_1/sync")

    assert (got.status, got.json["id"]) == (202, "run_1")
    assert ledger.asked == [(OURS, "posabit", "crd_1", "now")]


def test_history_is_read_again_from_the_start_of_a_day(api: Gateway, ledger: Ledger) -> None:
    got = api.post(f"{POSABIT}/credentials/crd_1/reread", {"from": "2026-01-01"})

    assert got.status == 202
    [(uid, platform, credential, since)] = ledger.asked
    assert (uid, platform, credential) == (OURS, "posabit", "crd_1")
    assert to_text(since) == "2026-01-01T08:00:00Z"


@pytest.mark.parametrize("day", ["1999-12-31", "2999-01-01", "yesterday", None])
def test_a_day_history_cannot_have_is_refused(
    api: Gateway, ledger: Ledger, day: str | None
) -> None:
    got = api.post(f"{POSABIT}/credentials/crd_1/reread", {"from": day})

    assert got.status == 422
    assert got.json["errors"][0]["field"] == "from"
    assert ledger.asked == []


def test_sync_now_of_a_frozen_source_is_a_conflict(api: Gateway, ledger: Ledger) -> None:
    ledger.refusal = Conflict("The source is frozen: switch Use AIQ's last backup off first.")

    got = api.post(f"{POSABIT}/credentials/crd_1/sync")

    assert (got.status, got.json["code"]) == (409, "conflict")


@pytest.mark.parametrize("rest", ["runs/run_9", "runs/run_9/set-aside"])
def test_an_unknown_run_is_not_found(api: Gateway, ledger: Ledger, rest: str) -> None:
    assert api.get(f"{POSABIT}/{rest}").status == 404


def test_a_run_of_another_platform_is_not_found(api: Gateway, ledger: Ledger) -> None:
    assert api.get(f"/api/accounts/{OURS}/integrations/auphan/runs/run_1").status == 404


def test_the_runs_of_a_platform_that_is_none_are_not_found(ledger: Ledger, api: Gateway) -> None:
    got = api.get(f"/api/accounts/{OURS}/integrations/lightspeed/runs")

    assert (got.status, got.json["code"]) == (404, "not_found")
    assert ledger.asked == []


def test_the_account_lists_the_syncs_that_are_under_way_in_one_request(
    api: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cards:
        def live_runs(self, uid: str) -> list[RunView]:
            assert uid == OURS
            return [LIVE]

    monkeypatch.setattr(wiring.integrations, "cards", Cards)

    got = api.get(f"/api/accounts/{OURS}/runs", live="true")

    assert [run["id"] for run in got.json["items"]] == ["run_1"]
