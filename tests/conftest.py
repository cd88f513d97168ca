"""What every kind of test may ask for."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import time
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from tools.paths import LOCAL
from tools.stack import LocalStack
from tools.stack.__main__ import running_stack

AN_HOUR = 3600

settings.register_profile(
    "suite",  # no verdict by the clock: a machine that does other things is slow at times
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")
settings.register_profile(
    "mutants",  # of `make mutants`: the same examples every time, no verdict by the clock
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    deadline=None,
)


@pytest.fixture(autouse="mutmut" in sys.modules)
def nothing_remembered() -> None:
    """`make mutants`: what unchanged code computed for another test is computed again."""
    for name, module in list(sys.modules.items()):
        if name.startswith("chalicelib."):
            for value in list(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


def pytest_configure(config: pytest.Config) -> None:
    """Tests run in random order, those of a mutant as they are written. What a test draws at random
    is new in each: two that draw the same would not keep apart."""
    config.option.randomly_reset_seed = False
    if "mutmut" in sys.modules:
        config.option.randomly_reorganize = False


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Whoever asks for the stack carries its mark: `make test` runs those file by file in two
    processes, each with a stack of its own; those marked `alone` follow in one.

    A process's tests share it, and come last and as they are written: whoever changes the stack
    itself stands behind (tests/integration). The order of all others is random.
    """
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.stack)
    places = {item: place for place, item in enumerate(items)}
    yield
    items.sort(key=lambda item: places[item] if item.get_closest_marker("stack") else -1)


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """The one deployed stack that a process's tests share; STACK_URL names one that runs already.

    Its state is new in every session. Tests keep apart by making accounts of their own.
    """
    url = os.environ.get("STACK_URL")
    if url:
        yield LocalStack.attach(url)
        return
    _forget_killed_sessions()
    data_dir = LOCAL / f"test-stack-{os.getpid()}"
    try:
        with LocalStack(data_dir=data_dir) as started:
            yield started
    except BaseException:
        print(f"\nlogs of the stack: {data_dir / 'logs'}")  # noqa: T201 the reader needs them
        raise
    shutil.rmtree(data_dir, ignore_errors=True)


def _forget_killed_sessions() -> None:
    """Delete the folders of sessions that had no time to; the young may be starting."""
    for left in LOCAL.glob("test-stack-*"):
        if left.stat().st_mtime < time.time() - AN_HOUR and not running_stack(left):
            shutil.rmtree(left, ignore_errors=True)
