"""Fixtures that functional tests ask for by name."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from tests.functional.gateway import Gateway, World, a_world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two accounts in an AWS of their own."""
    with a_world(monkeypatch) as made:
        yield made


@pytest.fixture
def jobs(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the jobs queue."""
    url = str(boto3.client("sqs").create_queue(QueueName="jobs")["QueueUrl"])
    monkeypatch.setenv("QUEUE_JOBS_URL", url)
    return url


@pytest.fixture
def api(world: World) -> Gateway:
    """The API as the Owner of our account calls it."""
    return world.gateway("Owner")
