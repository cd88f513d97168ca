"""One deployed stack, one simulated POSaBIT; each test has a retailer and an account of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.e2e.stage import EVERY_FUNCTION, Stage, changed, new_retailer
from tools.demo.retailer import LIVE, Refused, Retailer
from tools.demo.simulator import Simulator
from tools.demo.steps import INTEGRATOR_PARAMETER, keep_integrator_token
from tools.stack import LocalStack

STOP_SECONDS = 30
DAY = 86_400


@pytest.fixture(scope="session")
def posabit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A POSaBIT that every test resets to the retailer it needs. Its tokens stay the same."""
    log = tmp_path_factory.mktemp("posabit") / "posabit.log"
    world = {"seed": 7, "shoppers": 10, "sales": 10, "now": int(time.time()) // DAY * DAY * 1000}
    with Simulator("posabit", port=0, world=world, log=log) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def configured_pos(stack: LocalStack, posabit: Simulator) -> Iterator[None]:
    """The functions know where this POSaBIT is, as the stack's parameters would tell them."""
    keep_integrator_token(stack, posabit)
    variables = {
        "POS_BASE_URLS": json.dumps({"posabit": posabit.base_url}),
        "INTEGRATOR_PARAMETERS": json.dumps({"posabit": INTEGRATOR_PARAMETER}),
    }
    with changed(stack, EVERY_FUNCTION, **variables):
        yield


@pytest.fixture
def retailers(stack: LocalStack, configured_pos: None) -> Iterator[Callable[[], Retailer]]:
    """Makes retailers, each the Owner of a new account; their sources are disconnected in the end,
    so that no later test meets their syncs."""
    made: list[Retailer] = []

    def make() -> Retailer:
        made.append(new_retailer(stack))
        return made[-1]

    yield make
    for retailer in made:
        try:
            cards = retailer.get("/integrations")["items"]
        except Refused:  # the test deleted the account
            continue
        for platform in [card["platform"] for card in cards if card["state"] == "connected"]:
            with suppress(Refused):
                retailer.disconnect(platform)
                _wait_until_quiet(retailer, platform)


def _wait_until_quiet(retailer: Retailer, platform: str) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if not any(run["state"] in LIVE - {"waiting"} for run in retailer.runs(platform)):
            return
        time.sleep(0.3)


@pytest.fixture
def retailer(retailers: Callable[[], Retailer]) -> Retailer:
    return retailers()


@pytest.fixture
def stage(stack: LocalStack, posabit: Simulator, retailer: Retailer) -> Iterator[Stage]:
    """A retailer before a POSaBIT of two small stores; `stage.posabit.reset` makes another."""
    posabit.control("POST", "settings", {"max_per_page": 250, "skew_seconds": 0})
    posabit.reset(shoppers=200, sales=800, stores=2, mess=1.0)
    yield Stage(stack, posabit, retailer)
    posabit.control("DELETE", "faults")
    posabit.control("POST", "settings", {"max_per_page": 250})
