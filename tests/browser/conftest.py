"""One deployed stack with the dashboard, the five simulated POS, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.shop import Shop, new_owner
from tools import chromium
from tools.demo import steps
from tools.demo.__main__ import stack_parameters
from tools.demo.memory import Memory
from tools.demo.platforms import RETAILER, STOCK
from tools.demo.simulator import Simulator
from tools.paths import LOCAL
from tools.stack import LocalStack

SMALL = {"shoppers": 60, "sales": 150}
HELP = "https://help.aiq.example/chat"
CHAT = "https://chat.aiq.example/widget.js"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands here needs a browser: `make test` runs it after the stack's tests."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def pytest_collection_finish(session: pytest.Session) -> None:
    """No Chromium: say so in one sentence before anything is set up."""
    wanted = any(item.get_closest_marker("browser") for item in session.items)
    if wanted and not session.config.option.collectonly and chromium.find_or_install() is None:
        pytest.exit(chromium.MISSING, returncode=1)


@pytest.fixture(scope="session")
def simulators() -> Iterator[dict[str, Simulator]]:
    """The five POS, each of a small retailer."""
    logs = LOCAL / f"browser-{os.getpid()}"
    now = Memory.load(logs).now
    with ExitStack() as closing:
        started = {}
        for pos in RETAILER:
            simulator = Simulator(
                pos.platform,
                port=0,
                world={**replace(pos, **SMALL).world(now), **STOCK, "products": 20, "old-lots": 0},
                log=logs / f"{pos.platform}.log",
            )
            closing.callback(simulator.stop)
            simulator.begin()
            started[pos.platform] = simulator
        for simulator in started.values():
            simulator.wait()
        yield started
        shutil.rmtree(logs, ignore_errors=True)


@pytest.fixture(scope="session")
def front(simulators: dict[str, Simulator]) -> Iterator[LocalStack]:
    """The deployed product with its dashboard, which knows where the simulated POS are."""
    data_dir = LOCAL / f"test-stack-{os.getpid()}"
    parameters = stack_parameters(simulators) | {"HelpUrl": HELP, "HelpChatScript": CHAT}
    with LocalStack(data_dir=data_dir, parameters=parameters, dashboard=True) as started:
        steps.keep_integrator_token(started, simulators["posabit"])
        yield started
    shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium.find(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def connected(front: LocalStack, simulators: dict[str, Simulator]) -> Shop:
    """A retailer whose five POS were synced once; tests that only look share it."""
    return Shop.connected_to_all(front, simulators)


@pytest.fixture
def shops(front: LocalStack, simulators: dict[str, Simulator]) -> Iterator[Callable[[], Shop]]:
    """Makes retailers that have nothing yet; their sources are disconnected in the end."""
    made: list[Shop] = []

    def make() -> Shop:
        made.append(Shop(front, simulators, new_owner(front)))
        return made[-1]

    yield make
    for shop in made:
        shop.leave()
