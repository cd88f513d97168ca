"""What every kind of test may ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tools.paths import LOCAL
from tools.stack import LocalStack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the stack carries its mark: `make test` runs those in one process."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """The one deployed stack that all tests share; STACK_URL names one that runs already.

    Its state is new in every session. Tests keep apart by making accounts of their own.
    """
    url = os.environ.get("STACK_URL")
    if url:
        yield LocalStack.attach(url)
        return
    data_dir = LOCAL / f"test-stack-{os.getpid()}"
    try:
        with LocalStack(data_dir=data_dir) as started:
            yield started
    except BaseException:
        print(f"\nlogs of the stack: {data_dir / 'logs'}")  # noqa: T201 the reader needs them
        raise
    shutil.rmtree(data_dir, ignore_errors=True)
