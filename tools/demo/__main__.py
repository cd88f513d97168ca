"""python -m tools.demo [--once] [--fresh]"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tools.demo import comparison, steps, story
from tools.demo.memory import Memory
from tools.demo.retailer import Json, Refused, Retailer
from tools.demo.simulator import Simulator
from tools.docs_page import BUILD, build
from tools.paths import LOCAL
from tools.stack import LocalStack
from tools.stack.__main__ import running as running_stack
from tools.stack.emulator import free_port
from tools.steps import StepFailed, step
from tools.web import upload_dashboard

WORLD = {"seed": 7, "stores": 2, "shoppers": 2000, "sales": 8000}
SAMPLE = 20
"""Of the personas of one record, each so-and-so-many-th is read in full for the comparison."""
FUNCTIONS = ("APIHandler", "SyncWorker", "AccountJobs", "PlanSyncs")


@dataclass(frozen=True, slots=True)
class Running:
    """Everything that is up."""

    stack: LocalStack
    simulator: Simulator
    memory: Memory


@contextmanager
def running(data_dir: Path) -> Iterator[Running]:
    """The simulated POSaBIT and the product, told of each other as production is told: base URL
    and the name of the integrator's token are parameters of the stack."""
    if running_stack(data_dir):
        raise StepFailed("take the data folder", f"another demo runs in {data_dir}")
    memory = Memory.recall(data_dir)
    if not memory.settled:
        shutil.rmtree(data_dir, ignore_errors=True)
    memory = replace(memory, port=free_port(memory.port or None), settled=False)
    memory.keep(data_dir)
    world = WORLD | {"now": memory.now}
    log = data_dir / "logs" / "posabit.log"
    with Simulator(port=memory.port, world=world, log=log) as simulator:
        stack = LocalStack(
            data_dir=data_dir,
            parameters={
                "PosBaseUrls": json.dumps({"posabit": simulator.base_url}),
                "IntegratorParameters": json.dumps({"posabit": steps.INTEGRATOR_PARAMETER}),
            },
        )
        with stack, _functions_logs(stack):
            steps.keep_integrator_token(stack, simulator)
            yield Running(stack, simulator, memory)


@contextmanager
def _functions_logs(stack: LocalStack) -> Iterator[None]:
    """When something fails, keep what the functions said: their logs end with the local AWS."""
    try:
        yield
    except Exception as error:
        log = stack.logs_dir / "functions.log"
        with log.open("w", encoding="utf-8") as out:
            for function in FUNCTIONS:
                out.writelines(f"{function} {line}\n" for line in _said(stack, function))
        if isinstance(error, StepFailed):
            raise StepFailed(error.step, error.reason, error.log or log) from error
        raise StepFailed("act as the retailer", f"{type(error).__name__}: {error}", log) from error


def _said(stack: LocalStack, function: str) -> list[str]:
    try:
        return stack.log_lines(function)
    except Exception as error:  # noqa: BLE001 the failure to report is another one
        return [f"no logs: {error}"]


@dataclass(frozen=True, slots=True)
class Synced:
    """The retailer after two syncs; `second` are the runs of the later one."""

    retailer: Retailer
    card: Json
    second: list[Json]


def act(up: Running) -> Synced:
    """The whole path of a retailer, from log-in to the second sync."""
    retailer = steps.log_in(up.stack, up.memory)
    card = steps.connect(retailer, up.simulator)
    print("  first sync", file=sys.stderr)
    if not steps.first_sync(retailer, card, up.simulator):
        print("  was done before", file=sys.stderr)
    print("  sync again", file=sys.stderr)
    second = steps.sync_again(retailer, card, up.simulator)
    return Synced(retailer, card, second)


def once(data_dir: Path) -> int:
    """Everything from nothing, compared with the oracle; one line of JSON on stdout."""
    started = time.monotonic()
    with running(data_dir) as up:
        synced = act(up)
        with step("compare with the oracle"):
            runs = synced.retailer.runs()
            since = min(each["history_from"] for each in synced.card["credentials"])
            oracle = up.simulator.oracle(since)
            found = comparison.outcome(synced.retailer, oracle, runs, every=SAMPLE)
            wrong = comparison.differences(found, oracle)
    result = story.in_json(found, synced.second, wrong, time.monotonic() - started)
    print(json.dumps(result), flush=True)
    if wrong or result["second_sync"]["persona_writes"]:
        print(f"state and logs: {data_dir}", file=sys.stderr)
        return 1
    shutil.rmtree(data_dir, ignore_errors=True)
    return 0


def stay(data_dir: Path) -> int:
    """The demo that stays until Ctrl-C; its data stays for the next start."""
    with running(data_dir) as up:
        with step("put the API's pages behind the front"):
            build(BUILD)
            upload_dashboard(up.stack.client("s3"), up.stack.outputs["BucketWeb"], BUILD)
        synced = act(up)
        replace(up.memory, settled=True).keep(data_dir)
        with step("look at the personas"):
            personas = synced.retailer.personas(source="posabit")
        told = story.in_words(
            up.stack,
            synced.retailer,
            up.memory,
            card=synced.card,
            personas=personas,
            second=synced.second,
        )
        print(f"{told}\n\nCtrl-C stops it; its data stays in {data_dir}.", flush=True)
        while True:
            signal.pause()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo")
    parser.add_argument("--once", action="store_true", help="check the outcome, print JSON, stop")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo left")
    options = parser.parse_args(arguments)
    _stop_once()
    data_dir = LOCAL / (f"demo-once-{os.getpid()}" if options.once else "demo")
    if options.fresh:
        shutil.rmtree(data_dir, ignore_errors=True)
    try:
        return once(data_dir) if options.once else stay(data_dir)
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    except Refused as refused:
        print(f"failed: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130 if options.once else 0


def _stop_once() -> None:
    """The first signal interrupts; later ones must not leave half of it running."""

    def stop(*_: object) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, stop)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


if __name__ == "__main__":
    sys.exit(main())
