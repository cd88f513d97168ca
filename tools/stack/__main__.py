"""python -m tools.stack up|down|status [--data-dir DIR] [--set Parameter=Value]"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tools.signals import interrupt_once
from tools.stack.local import DATA_DIR, LocalStack
from tools.steps import reports_failed_steps

_STOP_SECONDS = 60


def up(data_dir: Path, parameters: dict[str, str]) -> int:
    """Start, print the addresses, stay until Ctrl-C or SIGTERM; 130 when it never came up."""
    interrupt_once()
    started = time.monotonic()
    is_up = False
    try:
        with LocalStack(data_dir=data_dir, parameters=parameters, dashboard=True) as stack:
            is_up = True
            print(f"up in {time.monotonic() - started:.1f} s", file=sys.stderr)
            print(f"dashboard and API  {stack.url}/")
            print(f"local AWS          {stack.endpoint_url}")
            print("Ctrl-C stops it; its data stays.", flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 0 if is_up else 130


def running_stack(data_dir: Path) -> dict[str, Any] | None:
    """The facts of the stack that runs in the folder, or None."""
    if not data_dir.is_dir():
        return None
    try:
        with FileLock(data_dir / "lock", timeout=0):
            return None
    except Timeout:
        facts: dict[str, Any] = json.loads((data_dir / "stack.json").read_text(encoding="utf-8"))
        return facts


def down(data_dir: Path) -> int:
    """Stop the stack of the folder and wait until its state is written."""
    facts = running_stack(data_dir)
    if not facts:
        print("not running")
        return 0
    os.kill(facts["pid"], signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while running_stack(data_dir):
        if time.monotonic() > deadline:
            print(f"process {facts['pid']} still runs", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print("stopped")
    return 0


def status(data_dir: Path) -> int:
    facts = running_stack(data_dir)
    print(json.dumps(facts) if facts else "not running")
    return 0 if facts else 3


@reports_failed_steps
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.stack")
    parser.add_argument("what", choices=["up", "down", "status"])
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--set", action="append", default=[], metavar="Parameter=Value")
    options = parser.parse_args(arguments)
    if options.what == "up":
        return up(options.data_dir, dict(pair.split("=", 1) for pair in options.set))
    return (down if options.what == "down" else status)(options.data_dir)


if __name__ == "__main__":
    sys.exit(main())
