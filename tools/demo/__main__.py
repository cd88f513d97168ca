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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from simulators.oracle import answer_all
from simulators.oracle.loyalty import Programme
from simulators.phone.web import PhoneServer
from tools.demo import comparison, opening, programme, steps, story, texts
from tools.demo.memory import Memory
from tools.demo.platforms import LOOPBACK, RETAILER, filled
from tools.demo.retailer import Json, Refused, Retailer
from tools.demo.simulator import Simulator
from tools.docs_page import BUILD, build
from tools.paths import LOCAL
from tools.signals import interrupt_once
from tools.stack import LocalStack
from tools.stack.__main__ import running_stack
from tools.stack.emulator import free_port
from tools.steps import StepFailed, step
from tools.web import upload_dashboard

SAMPLE = 20
SAMPLE_OF_SEVERAL = 2
"""Each so-and-so-many-th persona, of one record and of several, is read in full to compare."""
FUNCTIONS = (
    "APIHandler",
    "SyncWorker",
    "OwnServerSyncWorker",
    "AccountJobs",
    "PlanSyncs",
    "ReleaseTexts",
    "SendDigests",
    "TextWorker",
    "InboundSms",
)


@dataclass(frozen=True, slots=True)
class Running:
    """Everything that is up."""

    stack: LocalStack
    simulators: dict[str, Simulator]
    memory: Memory


@contextmanager
def running(data_dir: Path) -> Iterator[Running]:
    """The simulated POS and the product, told of each other as production is told: base URLs, the
    name of the integrator's token and, of test servers, the range are parameters of the stack; the
    retailer's own servers are typed with their credentials."""
    if running_stack(data_dir):
        raise StepFailed("take the data folder", f"another demo runs in {data_dir}")
    memory = Memory.recall(data_dir)
    ports = {pos.platform: free_port(memory.ports.get(pos.platform)) for pos in RETAILER}
    if not memory.settled or ports != memory.ports:  # own servers are typed with their port
        shutil.rmtree(data_dir, ignore_errors=True)
    memory = replace(memory, ports=ports, settled=False)
    memory.keep(data_dir)
    with ExitStack() as closing:
        with step("start the simulated POS"):
            simulators = {
                pos.platform: closing.enter_context(
                    Simulator(
                        pos.platform,
                        port=ports[pos.platform],
                        world=pos.world(memory.now),
                        log=data_dir / "logs" / f"{pos.platform}.log",
                    )
                )
                for pos in RETAILER
            }
        stack = closing.enter_context(LocalStack(data_dir=data_dir, parameters=_told(simulators)))
        closing.enter_context(_functions_logs(stack))
        steps.keep_integrator_token(stack, simulators["posabit"])
        yield Running(stack, simulators, memory)


def _told(simulators: dict[str, Simulator]) -> dict[str, str]:
    """The stack's parameters."""
    hosted = [pos.platform for pos in RETAILER if "host" not in pos.fields]
    return {
        "PosBaseUrls": json.dumps({name: simulators[name].base_url for name in hosted}),
        "IntegratorParameters": json.dumps({"posabit": steps.INTEGRATOR_PARAMETER}),
        "EgressAllowedRanges": json.dumps(LOOPBACK),
    }


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


def connected(up: Running) -> tuple[Retailer, dict[str, Json]]:
    """The retailer, logged in and connected to every POS, and the cards by platform."""
    retailer = steps.log_in(up.stack, up.memory)
    return retailer, steps.connect(retailer, up.simulators)


def synced(retailer: Retailer, cards: dict[str, Json]) -> None:
    """The first sync of every credential."""
    print("  first sync", file=sys.stderr)
    if not steps.first_sync(retailer, cards):
        print("  was done before", file=sys.stderr)


def synced_again(retailer: Retailer, cards: dict[str, Json]) -> list[Json]:
    """The runs of a second one."""
    print("  sync again", file=sys.stderr)
    return steps.sync_again(retailer, cards)


def oracle(
    up: Running, cards: dict[str, Json], stores: dict[tuple[str, str], int], decided: Programme
) -> Json:
    """What is right for the retailer, all POS together."""
    readings = []
    for pos in RETAILER:
        simulator = up.simulators[pos.platform]
        since = min(each["history_from"] for each in cards[pos.platform]["credentials"])
        reading = simulator.reading(since, **filled(pos.reading, simulator.facts))
        readings.append(pos.known(reading, simulator.facts))
    return answer_all(readings, stores, decided)


def decided(up: Running, retailer: Retailer, cards: dict[str, Json]) -> Json:
    """The retailer's decisions, made after the first sync and in force; what is right then."""
    with step("open a shop where it is day"):
        stores = opening.open_shop(retailer)
        wanted = programme.programme(up.memory.now, retailer.get(""))
        right = oracle(up, cards, stores, wanted)
        opening.wait_for_favourites(retailer, right)
    with step("preview and apply loyalty rules and settings"):
        programme.allow_texts(retailer)
        said = programme.put_into_force(retailer, wanted)
        texts.release(up.stack)
    for sentence in said:
        print(f"    {sentence}", file=sys.stderr)
    return right


def once(data_dir: Path) -> int:
    """Everything from nothing, compared with the oracle; one line of JSON on stdout."""
    started = time.monotonic()
    with running(data_dir) as up:
        retailer, cards = connected(up)
        synced(retailer, cards)
        right = decided(up, retailer, cards)
        second = synced_again(retailer, cards)
        with step("wait for the texts"):
            texts.settle(retailer, right)
        with step("compare with the oracle"):
            shown = comparison.read(
                retailer, right, every=SAMPLE, every_of_several=SAMPLE_OF_SEVERAL
            )
            wrong = comparison.differences(shown, right)
        with step("answer YES and STOP"):
            answers = texts.say_yes_and_stop(retailer, texts.network(up.stack))
            wrong += comparison.unlike("answers", answers, texts.ANSWERED)
    result = story.in_json(shown, second, answers, wrong, time.monotonic() - started)
    print(json.dumps(result), flush=True)
    if wrong or result["second_sync"]["persona_writes"]:
        print(f"state and logs: {data_dir}", file=sys.stderr)
        return 1
    shutil.rmtree(data_dir, ignore_errors=True)
    return 0


def stay(data_dir: Path) -> int:
    """The demo that stays until Ctrl-C; its data stays for the next start."""
    with ExitStack() as closing:
        up = closing.enter_context(running(data_dir))
        with step("put the API's pages behind the front"):
            build(BUILD)
            upload_dashboard(up.stack.client("s3"), up.stack.outputs["BucketWeb"], BUILD)
        phone = closing.enter_context(PhoneServer(texts.network(up.stack)))
        retailer, cards = connected(up)
        print(story.addresses(up.stack, up.memory, phone.url), flush=True)
        synced(retailer, cards)
        decided(up, retailer, cards)
        second = synced_again(retailer, cards)
        replace(up.memory, settled=True).keep(data_dir)
        with step("send the digest of what needs a person"):
            up.stack.tick("SendDigests")
        with step("look at the personas"):
            told = story.in_words(retailer, cards, second)
            told += story.of_digests(up.stack)
        print(f"{told}\n\nCtrl-C stops it; its data stays in {data_dir}.", flush=True)
        while True:
            signal.pause()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo")
    parser.add_argument("--once", action="store_true", help="check the outcome, print JSON, stop")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo left")
    options = parser.parse_args(arguments)
    interrupt_once()
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


if __name__ == "__main__":
    sys.exit(main())
