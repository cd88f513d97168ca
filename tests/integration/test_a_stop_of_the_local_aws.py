"""The local AWS stops quickly, with all that it holds on disk."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from tools.stack.emulator import Emulator, free_port, install


def client(emulator: Emulator, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=emulator.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.mark.stack
def test_a_stop_beside_open_connections_keeps_the_data_and_takes_seconds(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path / "data", free_port(None), tmp_path / "emulator.log")
    runtime = install(tmp_path / "install.log")
    emulator.start(*runtime)
    try:
        sqs = client(emulator, "sqs")  # its connection stays open
        url = sqs.create_queue(QueueName="kept")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="é" * 100_000)
        began = time.monotonic()
    finally:
        emulator.stop()
    seconds = time.monotonic() - began
    print(f"\nthe local AWS stopped in {seconds:.1f} s")  # noqa: T201 -- the figure

    assert seconds < 15, "5 s on a machine that does nothing else"
    assert not (tmp_path / "data" / "tmp").exists()
    emulator.start(*runtime)
    try:
        got = client(emulator, "sqs").receive_message(QueueUrl=url)["Messages"]
    finally:
        emulator.stop()
    assert [message["Body"] for message in got] == ["é" * 100_000]
