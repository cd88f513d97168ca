"""The product's sync worker as one process: `python -m benchmarks.worker JOB`, JOB in JSON.

`{"do": "prepare", "base_url", "token"}` makes a connected account. `{"do": "sync", "trigger"}` asks
for a run and does it, taking its messages from the queue like the function would, through the real
adapters; only waiting between two requests to the POS is left out. `{"do": "raw", "token"}` reads
the same pages and parses them. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import orjson

import app  # noqa: F401 -- what a function has imported before its first message
import chalicelib.adapters.aws.crypto
import chalicelib.adapters.aws.queues
import chalicelib.adapters.dynamo.facts
import chalicelib.pos.session
import chalicelib.pos.transport.transport  # noqa: F401 -- peers are measured after their imports, too
from benchmarks.account import CREDENTIAL, PLATFORM, SCOPE, UID, bench_account
from benchmarks.units import Meter, indexes_of_tables
from chalicelib.adapters.clock import SystemClock
from chalicelib.config import config
from chalicelib.domain.times import DAY
from chalicelib.domain.words import RunTrigger
from chalicelib.entrypoints import wiring
from chalicelib.services.job_messages.sync_messages import sync_message
from chalicelib.services.ports.pos import (
    CredentialAccess,
    Cursor,
    KnownRow,
    Page,
    PosSession,
    StreamPlan,
)
from chalicelib.services.ports.runs import RunView

HISTORY_DAYS = 366
LIMIT_SECONDS = 900.0


class SleeplessClock(SystemClock):
    """A clock that waits for nothing: the pace a POS asks for is not measured."""

    def sleep(self, seconds: float) -> None:
        pass


class Sections:
    """Measures CPU and wall time of each stream, and tells the meter whose calls it counts."""

    def __init__(self, meter: Meter) -> None:
        self.cpu: dict[str, float] = {}
        self.wall: dict[str, float] = {}
        self._meter = meter
        self._mark = (cpu_seconds(), time.monotonic(), meter.own_seconds)

    def enter(self, name: str) -> None:
        """End the current section and begin the next. Time since the last call is the former's."""
        cpu, wall, own = cpu_seconds(), time.monotonic(), self._meter.own_seconds
        ended, (cpu_before, wall_before, own_before) = self._meter.section, self._mark
        counting = own - own_before
        self.cpu[ended] = self.cpu.get(ended, 0.0) + cpu - cpu_before - counting
        self.wall[ended] = self.wall.get(ended, 0.0) + wall - wall_before - counting
        self._meter.section = name
        self._mark = (cpu, wall, own)


class WatchedSession:
    """A session of the POS that enters the section of each stream that is read."""

    def __init__(self, session: PosSession, sections: Sections) -> None:
        self._session = session
        self._sections = sections
        self._stream = ""

    @property
    def reading(self) -> str:
        return self._session.reading

    def fetch(self, plan: StreamPlan, cursor: Cursor | None, known: KnownRow | None = None) -> Page:
        if plan.stream != self._stream:
            self._stream = plan.stream
            self._sections.enter(plan.stream)
        page = self._session.fetch(plan, cursor, known)
        if plan.stream == "inventory" and page.cursor is None:
            self._sections.enter("end")
        return page

    def close(self) -> None:
        self._session.close()


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_megabytes() -> float:
    """The peak of this program alone: `ru_maxrss` starts at what our parent had when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make an account with one connected credential, as the API would leave them."""
    from chalicelib.services.ports.accounts import User
    from chalicelib.services.ports.integrations import Credential, Integration

    now = wiring.outside.clock().now()
    account = bench_account("America/Los_Angeles", now)
    wiring.outside.accounts().create(account, User(UID, "bench", "owner@example.com", "Owner"))
    wiring.outside.integrations().save(Integration(UID, PLATFORM, state="connected"))
    sealed = wiring.outside.key_ring().seal(UID, CREDENTIAL, {"key": job["token"]})
    wiring.outside.credentials().add(
        Credential(
            uid=UID,
            platform=PLATFORM,
            id=CREDENTIAL,
            scope=SCOPE,
            fields={"store_name": "Bench"},
            sealed=sealed.sealed,
            history_from=now - HISTORY_DAYS * DAY,
            created_at=now,
        )
    )
    return {}


def sync(job: dict[str, Any]) -> dict[str, Any]:
    """Do one run from its first message to its last. Returns what it cost."""
    meter = Meter(indexes_of_tables(tables()))
    with meter.listen():
        queued = queue_run(job["trigger"])
        meter.forget()
        return _measure(queued, meter)


def _measure(queued: RunView, meter: Meter) -> dict[str, Any]:
    sections = Sections(meter)
    _watch_streams(sections)
    wiring.sync.sync_worker("sync")  # what it imports, a function has after its first message
    baseline, began, cpu = peak_megabytes(), time.monotonic(), cpu_seconds()
    view = work_until_ended(queued, meter)
    sections.enter("nothing")
    own = meter.own_seconds
    if view.state != "succeeded":
        raise SystemExit(f"the run {view.state}: {view.error}")
    return {
        "streams": {name: _counts(totals) for name, totals in view.streams.items()},
        "persona_writes": view.persona_writes,
        "requests": view.requests,
        "hops": view.hops,
        "wall_seconds": time.monotonic() - began - own,
        "cpu_seconds": cpu_seconds() - cpu - own,
        "cpu_by_stream": sections.cpu,
        "wall_by_stream": sections.wall,
        "peak_mb": peak_megabytes(),
        "imported_mb": baseline,
        **meter.as_dict(),
    }


def raw(job: dict[str, Any]) -> dict[str, float]:
    """Read and parse the pages of a run with no change, and do nothing else with them."""
    from benchmarks.raw_pages import raw_costs

    since = SystemClock().now() - HISTORY_DAYS * DAY
    base_url = config().pos_base_urls[PLATFORM]
    return raw_costs(base_url, job["token"], ("customers", "sales", "inventory"), since)


def queue_run(trigger: RunTrigger) -> RunView:
    """Queue the run, as the API or the planner does: not the worker's work, so not counted."""
    service = wiring.sync.run_service()
    if trigger == "reread":
        since = wiring.outside.clock().now() - HISTORY_DAYS * DAY
        return service.reread(UID, PLATFORM, CREDENTIAL, since)
    return service.start(UID, PLATFORM, CREDENTIAL, trigger)


def tables() -> dict[str, str]:
    names = config()
    return {
        "AccountsTable": names.table_accounts,
        "IntegrationsTable": names.table_integrations,
        "StoresTable": names.table_stores,
        "PersonasTable": names.table_personas,
        "SyncTable": names.table_sync,
    }


def _watch_streams(sections: Sections) -> None:
    from chalicelib.pos.gateway import Gateway

    class WatchedGateway(Gateway):
        def open(self, access: CredentialAccess) -> WatchedSession:  # type: ignore[override]
            return WatchedSession(super().open(access), sections)

    base_urls = config().pos_base_urls
    gateway = WatchedGateway(SleeplessClock(), base_urls, lambda _platform: None)
    wiring.gateways.pos_gateway = lambda: gateway


def work_until_ended(queued: RunView, meter: Meter) -> RunView:
    """Take messages like the function does, until the run has ended."""
    from chalicelib.adapters.aws.client import client

    queue = config().queue_sync_url
    while True:
        answer = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)
        for received in answer.get("Messages", ()):
            message = sync_message(orjson.loads(received["Body"]))
            ends = time.monotonic() + LIMIT_SECONDS
            wiring.sync.sync_worker("sync").handle(message, lambda: ends - time.monotonic())  # noqa: B023
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
        meter.section = "nothing"
        view = wiring.outside.sync_states().run(UID, PLATFORM, queued.id)
        if view.ended_at is not None:
            return view


def _counts(totals: Any) -> dict[str, int]:
    return {
        name: getattr(totals, name)
        for name in ("pages", "fetched", "new", "changed", "unchanged", "set_aside")
    }


def main() -> None:
    job = json.loads(sys.argv[1])
    os.environ.setdefault("POS_BASE_URLS", json.dumps({PLATFORM: job.get("base_url", "")}))
    answer = {"prepare": prepare, "sync": sync, "raw": raw}[job["do"]](job)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
