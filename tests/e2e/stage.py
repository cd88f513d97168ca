"""The retailer, the POS and the deployed stack of the end-to-end tests."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from simulators.oracle import answer_all
from simulators.oracle.loyalty import Programme
from tools.account import create_account
from tools.demo import comparison
from tools.demo.retailer import LIVE, Json, Retailer
from tools.demo.simulator import Simulator
from tools.stack import LocalStack

EVERY_FUNCTION = ("APIHandler", "PlanSyncs", "SyncWorker", "OwnServerSyncWorker", "AccountJobs")
SILENT_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Stage:
    """One retailer, one POSaBIT, on the deployed stack."""

    stack: LocalStack
    posabit: Simulator
    retailer: Retailer

    def prepare(self, history_from: str | None = None) -> None:
        """Add every store's credential and tick the box."""
        prepare(self.retailer, self.posabit, history_from)

    def connect(self) -> list[Json]:
        """Press Connect. Returns the runs that this queued."""
        self.retailer.connect()
        return [run for run in self.retailer.runs() if run["state"] in LIVE]

    def open(self) -> list[Json]:
        self.prepare()
        return self.connect()

    def sync(self) -> list[Json]:
        """Press *Sync now* on every credential. Returns the runs as they ended."""
        cards = self.retailer.card()["credentials"]
        return self.finish([self.retailer.sync_now(each["id"]) for each in cards])

    def finish(self, runs: Sequence[Json], seconds: float = SILENT_SECONDS) -> list[Json]:
        return self.retailer.finish(runs, seconds=seconds, every=0.3)

    def differences(self, every: int = 1, every_of_several: int = 1) -> list[str]:
        return differences(self.retailer, self.posabit, every, every_of_several)


def differences(
    retailer: Retailer, posabit: Simulator, every: int = 1, every_of_several: int = 1
) -> list[str]:
    """Where the API, stores not mapped yet, differs from the oracle of the POS as it is now.

    What was set aside is compared by the run that read it, where a test says so: a run that failed
    and its repetition both count.
    """
    since = min(each["history_from"] for each in retailer.card()["credentials"])
    oracle = answer_all([posabit.reading(since)], {}, nothing_decided(retailer))
    api = comparison.read(retailer, oracle, every=every, every_of_several=every_of_several)
    return comparison.differences(api, oracle)


def nothing_decided(retailer: Retailer) -> Programme:
    """A retailer without a loyalty programme, today on their calendar."""
    account = retailer.get("")
    today = datetime.now(ZoneInfo(account["time_zone"])).date()
    return Programme(today, enabled=False, minimum_age=account["minimum_age"])


def prepare(retailer: Retailer, posabit: Simulator, history_from: str | None = None) -> None:
    for venue in posabit.venues:
        fields = {"store_name": venue["name"], "key": venue["token"]}
        retailer.add_credential(fields, history_from)
    retailer.tick_age_gate()


def new_retailer(stack: LocalStack) -> Retailer:
    """A new account with its Owner logged in."""
    email, password = f"owner-{secrets.token_hex(6)}@example.com", "Correct-horse-7"
    account = create_account(
        stack.client, stack.outputs, name="Green Leaf", owner=email, password=password
    )
    return Retailer(stack, email, password, account.uid)


@contextmanager
def changed(
    stack: LocalStack, functions: Sequence[str], *, timeout: int | None = None, **variables: str
) -> Iterator[None]:
    """Give the functions other environment variables or another timeout while this is open."""
    client = stack.client("lambda")
    before = {
        name: client.get_function_configuration(FunctionName=stack.resources[name])
        for name in functions
    }
    for name, was in before.items():
        wanted = was["Environment"]["Variables"] | variables
        _configure(client, stack.resources[name], timeout or was["Timeout"], wanted)
    try:
        yield
    finally:
        for name, was in before.items():
            variables = was["Environment"]["Variables"]
            _configure(client, stack.resources[name], was["Timeout"], variables)


def _configure(client: Any, name: str, timeout: int, variables: dict[str, str]) -> None:
    client.update_function_configuration(
        FunctionName=name, Timeout=timeout, Environment={"Variables": variables}
    )


def workers(stack: LocalStack, function: str) -> list[int]:
    """The process ids of a function's running environments, of this stack only."""
    prefix = str(stack.data_dir / "tmp" / f"ministack-lambda-{stack.resources[function]}-")
    pids = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            if prefix in command:
                pids.append(int(process.name))
    return pids


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def peak_mb(pid: int) -> float:
    """The most memory in MB that a live process has used so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)
