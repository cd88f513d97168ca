"""Processes that end with us, when we stop them or however we end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tools.stack.guarded import GuardedProcess

QUIET = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('up', flush=True); time.sleep(60)"
)


def python(code: str) -> GuardedProcess:
    return GuardedProcess([sys.executable, "-c", code], stderr=subprocess.DEVNULL)


def test_the_lines_of_its_output_are_read() -> None:
    process = python("print('one'); print('two')")

    lines = [process.read_line() for _ in range(3)]
    process.stop(10)

    assert lines == ["one\n", "two\n", ""]


def test_it_runs_until_it_is_stopped() -> None:
    process = python(QUIET)

    before = process.has_ended
    process.stop(10)

    assert (before, process.has_ended) == (False, True)


def test_a_command_that_does_not_end_politely_is_killed() -> None:
    process = python(STUBBORN)
    process.read_line()

    began = time.monotonic()
    process.stop(0.2)

    assert process.has_ended
    assert time.monotonic() - began < 10


def test_output_can_go_to_a_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = GuardedProcess(
            [sys.executable, "-c", "print('said')"], stdout=out, stderr=subprocess.STDOUT
        )
    while not process.has_ended:
        time.sleep(0.01)
    process.stop(10)

    assert log.read_text(encoding="utf-8") == "said\n"


def test_it_runs_in_the_folder_with_the_variables_it_is_given(tmp_path: Path) -> None:
    process = GuardedProcess(
        [sys.executable, "-c", "import os; print(os.getcwd(), os.environ['WORD'])"],
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={"WORD": "given"},
    )

    line = process.read_line()
    process.stop(10)

    assert line.split() == [str(tmp_path), "given"]
