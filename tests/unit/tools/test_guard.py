"""Nothing the guard started outlives its starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually
from tools.stack import guard

STARTER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, {guard!r}, *{command!r}], stdin=subprocess.PIPE)
time.sleep(60)
"""


def sleeper(pid_file: Path, *, deaf: bool = False) -> list[str]:
    """A command that writes its pid and sleeps; a deaf one takes no SIGTERM."""
    quiet = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" if deaf else ""
    code = (
        f"import os, pathlib, signal, time; {quiet}"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    return [sys.executable, "-c", code]


def pid_in(path: Path) -> int:
    text = eventually(lambda: path.read_text() if path.exists() else "")
    return int(text)


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie; it may end between any two looks."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state.rsplit(")", 1)[1].split()[0] != "Z"


def is_gone(pid: int) -> bool:
    return not is_alive(pid)


def test_it_ends_the_command_when_its_input_closes(tmp_path: Path) -> None:
    command = [sys.executable, guard.__file__, *sleeper(tmp_path / "pid")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as guarded:
        child = pid_in(tmp_path / "pid")
        assert guarded.stdin is not None

        guarded.stdin.close()

        guarded.wait(10)
        assert is_gone(child)


def test_it_ends_the_command_when_its_starter_is_killed(tmp_path: Path) -> None:
    code = STARTER.format(guard=guard.__file__, command=sleeper(tmp_path / "pid"))
    with subprocess.Popen([sys.executable, "-c", code]) as starter:
        child = pid_in(tmp_path / "pid")

        starter.send_signal(signal.SIGKILL)

        assert eventually(lambda: is_gone(child), seconds=10)


def test_it_ends_a_command_that_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Path(guard.__file__).read_text().replace("GRACE_SECONDS = 30", "GRACE_SECONDS = 0.5")
    impatient = tmp_path / "guard.py"
    impatient.write_text(script)
    command = [sys.executable, str(impatient), *sleeper(tmp_path / "pid", deaf=True)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as guarded:
        child = pid_in(tmp_path / "pid")
        assert guarded.stdin is not None

        guarded.stdin.close()

        guarded.wait(10)
        assert is_gone(child)


def test_it_answers_with_the_commands_exit_code() -> None:
    command = [sys.executable, guard.__file__, sys.executable, "-c", "raise SystemExit(7)"]

    with subprocess.Popen(command, stdin=subprocess.PIPE) as guarded:
        assert guarded.wait(30) == 7
