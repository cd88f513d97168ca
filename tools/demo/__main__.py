"""python -m tools.demo [--once] [--fresh]"""

from __future__ import annotations

import argparse
import json
import os
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
from tools.demo import comparison, counter, opening, programme, steps, story, switch, texts
from tools.demo.memory import Memory
from tools.demo.platforms import LOOPBACK, RETAILER, fill_in
from tools.demo.retailer import Json, Refused, Retailer
from tools.demo.simulator import Simulator
from tools.docs_page import BUILD, build
from tools.number import assign
from tools.paths import LOCAL
from tools.signals import interrupt_once
from tools.stack import LocalStack
from tools.stack.__main__ import running_stack
from tools.stack.emulator import free_port
from tools.stack.thrown_away import throw_away
from tools.steps import StepFailed, step
from tools.web import upload_dashboard

SAMPLE = 20
SAMPLE_OF_SEVERAL = 2
"""Every how many personas, of all and of those of several records, one is read in full."""
FUNCTIONS = (
    "APIHandler",
    "SyncWorker",
    "OwnServerSyncWorker",
    "AccountJobs",
    "PlanSyncs",
    "ReleaseTexts",
    "SendDigests",
    "TextWorker",
    "WebhookWorker",
    "InboundSms",
)


@dataclass(frozen=True, slots=True)
class Running:
    """The stack and the simulators of a running demo. `is_first`: it begins with no data."""

    stack: LocalStack
    simulators: dict[str, Simulator]
    memory: Memory
    is_first: bool


@contextmanager
def running(data_dir: Path) -> Iterator[Running]:
    """Run the simulated POS and the product while this is open.

    They are connected as in production: base URLs, the name of the integrator's token and the range
    of test servers are parameters of the stack; the retailer's own servers are typed with their
    credentials. Raises StepFailed.
    """
    if running_stack(data_dir):
        raise StepFailed("take the data folder", f"another demo runs in {data_dir}")
    memory = Memory.load(data_dir)
    ports = {pos.platform: _same_port(memory, pos.platform) for pos in RETAILER}
    is_first = not memory.settled or ports != memory.ports  # own servers are typed with their port
    if is_first:
        throw_away(data_dir)
    with ExitStack() as closing:
        with step("start the simulated POS"):
            simulators = {
                pos.platform: Simulator(
                    pos.platform,
                    port=ports[pos.platform],
                    world=pos.world(memory.now),
                    log=data_dir / "logs" / f"{pos.platform}.log",
                )
                for pos in RETAILER
            }
            for simulator in simulators.values():
                closing.callback(simulator.stop)
                simulator.begin()
            for simulator in simulators.values():
                simulator.wait()
        ports = {name: simulator.port for name, simulator in simulators.items()}
        memory = replace(memory, ports=ports, settled=not is_first)
        memory.save(data_dir)
        stack = closing.enter_context(
            LocalStack(data_dir=data_dir, parameters=stack_parameters(simulators), dashboard=True)
        )
        closing.enter_context(_functions_logs(stack))
        for simulator in simulators.values():
            closing.callback(simulator.begin_to_stop)  # while the local AWS writes its state
        steps.keep_integrator_token(stack, simulators["posabit"])
        yield Running(stack, simulators, memory, is_first)


def _same_port(memory: Memory, platform: str) -> int:
    """Return the port that the simulated POS had, if it is free; else 0, so that it takes one."""
    known = memory.ports.get(platform)
    return known if known and free_port(known) == known else 0


def stack_parameters(simulators: dict[str, Simulator]) -> dict[str, str]:
    hosted = [pos.platform for pos in RETAILER if "host" not in pos.fields]
    return {
        "PosBaseUrls": json.dumps({name: simulators[name].base_url for name in hosted}),
        "IntegratorParameters": json.dumps({"posabit": steps.INTEGRATOR_PARAMETER}),
        "EgressAllowedRanges": json.dumps(LOOPBACK),
    }


@contextmanager
def _functions_logs(stack: LocalStack) -> Iterator[None]:
    """Write the functions' logs to a file when something fails: they end with the local AWS."""
    try:
        yield
    except Exception as error:
        log = stack.logs_dir / "functions.log"
        with log.open("w", encoding="utf-8") as out:
            for function in FUNCTIONS:
                out.writelines(f"{function} {line}\n" for line in _log_lines(stack, function))
        if isinstance(error, StepFailed):
            raise StepFailed(error.step, error.reason, error.log or log) from error
        raise StepFailed("act as the retailer", f"{type(error).__name__}: {error}", log) from error


def _log_lines(stack: LocalStack, function: str) -> list[str]:
    try:
        return stack.log_lines(function)
    except Exception as error:  # noqa: BLE001 the failure to report is another one
        return [f"no logs: {error}"]


def log_in_and_connect(up: Running) -> tuple[Retailer, dict[str, Json]]:
    """Log in as the retailer and connect every POS. Returns them and the cards by platform.

    At a later start the cards are as somebody left them.
    """
    retailer = steps.log_in(up.stack, up.memory)
    if up.is_first:
        return retailer, steps.connect(retailer, up.simulators)
    return retailer, steps.all_cards(retailer)


def sync_first(retailer: Retailer, cards: dict[str, Json]) -> None:
    """Wait for the first sync of every credential."""
    print("  first sync", file=sys.stderr)
    steps.first_sync(retailer, cards)


def sync_second(retailer: Retailer, cards: dict[str, Json]) -> list[Json]:
    """Sync every credential again. Returns the runs."""
    print("  sync again", file=sys.stderr)
    return steps.sync_again(retailer, cards)


def expected_answer(
    up: Running, cards: dict[str, Json], stores: dict[tuple[str, str], int], decided: Programme
) -> Json:
    """The oracle's answer for the retailer, all POS together."""
    readings = []
    for pos in RETAILER:
        simulator = up.simulators[pos.platform]
        since = min(each["history_from"] for each in cards[pos.platform]["credentials"])
        reading = simulator.reading(since, **fill_in(pos.reading, simulator.facts))
        readings.append(pos.with_scope(reading, simulator.facts))
    return answer_all(readings, stores, decided)


def decide(up: Running, retailer: Retailer, cards: dict[str, Json]) -> Json:
    """Put the retailer's decisions into force, after the first sync.

    Returns the oracle's answer under them.
    """
    with step("open a shop where it is day"):
        stores = opening.open_shop(retailer)
        wanted = programme.programme(up.memory.now, retailer.get(""))
        right = expected_answer(up, cards, stores, wanted)
        opening.wait_for_favourites(retailer, right)
    with step("preview and apply loyalty rules and settings"):
        assign(up.stack.client, up.stack.outputs, programme.NUMBER, retailer.uid)
        programme.allow_texts(retailer)
        sentences = programme.put_into_force(retailer, wanted)
        texts.release(up.stack)
    for sentence in sentences:
        print(f"    {sentence}", file=sys.stderr)
    return right


def run_once(data_dir: Path) -> int:
    """Run everything from nothing and compare it with the oracle; print one line of JSON."""
    started = time.monotonic()
    with running(data_dir) as up:
        retailer, cards = log_in_and_connect(up)
        sync_first(retailer, cards)
        right = decide(up, retailer, cards)
        second = sync_second(retailer, cards)
        steps.freeze_and_thaw(retailer)
        with step("wait for the texts"):
            texts.wait_for_requests(retailer, right)
        with step("compare with the oracle"):
            api = comparison.read(retailer, right, every=SAMPLE, every_of_several=SAMPLE_OF_SEVERAL)
            wrong = comparison.differences(api, right)
        with step("sign up, redeem and refund at the counter"):
            counter_acts = counter.act(retailer, up.stack, up.simulators["posabit"])
            wrong += comparison.tree_differences("counter", counter_acts.counts, counter_acts.right)
        with step("answer YES and STOP"):
            answers = texts.answer_yes_and_stop(retailer, texts.carrier_of(up.stack))
            wrong += comparison.tree_differences("answers", answers, texts.EXPECTED_ANSWERS)
        switched, wrong_there = switch.switch_pos(up.stack, up.simulators, up.memory)
        wrong += wrong_there
    seconds = time.monotonic() - started
    result = story.result_json(api, second, answers, counter_acts.counts, wrong, seconds)
    result["switch"] = switched
    print(json.dumps(result), flush=True)
    if wrong or result["second_sync"]["persona_writes"]:
        print(f"state and logs: {data_dir}", file=sys.stderr)
        return 1
    throw_away(data_dir)
    return 0


def run_until_stopped(data_dir: Path) -> int:
    """Run the demo until Ctrl-C; its data stays for the next start.

    A start that finds the data of a whole earlier one tells the story no second time.
    """
    with ExitStack() as closing:
        up = closing.enter_context(running(data_dir))
        with step("put the API's pages behind the front"):
            build(BUILD)
            upload_dashboard(up.stack.client("s3"), up.stack.outputs["BucketWeb"], BUILD)
        phone = closing.enter_context(PhoneServer(texts.carrier_of(up.stack)))
        retailer, cards = log_in_and_connect(up)
        print(story.addresses_text(up.stack, up.memory, phone.url, retailer.uid), flush=True)
        second = tell_story(up, retailer, cards) if up.is_first else go_on(up, retailer)
        with step("look at the personas"):
            summary = story.summary_text(retailer, cards, second)
            summary += story.digests_text(up.stack)
        print(summary, flush=True)
        if up.is_first:
            switched, _ = switch.switch_pos(up.stack, up.simulators, up.memory)
            print(story.switch_text(switched), flush=True)
        replace(up.memory, settled=True).save(data_dir)
        print(f"\nCtrl-C stops it; its data stays in {data_dir}.", flush=True)
        while True:
            signal.pause()


def tell_story(up: Running, retailer: Retailer, cards: dict[str, Json]) -> list[Json]:
    """What a retailer does from the first sync to the digest. Returns the runs that synced again,
    when nothing had changed."""
    sync_first(retailer, cards)
    decide(up, retailer, cards)
    second = sync_second(retailer, cards)
    print(f"    {steps.freeze_and_thaw(retailer)}", file=sys.stderr)
    with step("sign up, redeem and refund at the counter"):
        at_counter = counter.act(retailer, up.stack, up.simulators["posabit"])
    print(f"    {at_counter.sentence}", file=sys.stderr)
    with step("send the digest of what needs a person"):
        up.stack.tick("SendDigests")
    return second


def go_on(up: Running, retailer: Retailer) -> list[Json]:
    """What another hour changes: where it is day, and so which requests may be sent. Syncs come by
    their schedule; none was made again."""
    with step("open a shop where it is day"):
        opening.open_shop(retailer)
        texts.release(up.stack)
    return []


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo")
    parser.add_argument("--once", action="store_true", help="check the outcome, print JSON, stop")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo left")
    options = parser.parse_args(arguments)
    interrupt_once()
    data_dir = LOCAL / (f"demo-once-{os.getpid()}" if options.once else "demo")
    if options.fresh:
        throw_away(data_dir)
    try:
        return run_once(data_dir) if options.once else run_until_stopped(data_dir)
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
