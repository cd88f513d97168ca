"""A long command is interrupted once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tools.paths import ROOT

CODE = """
import time
from tools.signals import interrupt_once

interrupt_once()
try:
    print("up", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("cleaning up", flush=True)
    input()
    print("clean", flush=True)
"""


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_later_ones_do_not_disturb_the_clean_up(
    first: signal.Signals,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        process.send_signal(first)
        assert process.stdout.readline() == "cleaning up\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate("\n", timeout=10)

    assert (out, process.returncode) == ("clean\n", 0)
