"""A process under guard.py: it ends with us, however we end, and when we stop it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tools.stack import guard


class GuardedProcess:
    """Runs a command under the guard, in a session of its own: Ctrl-C is for us alone.

    `stdout` and `stderr` as `subprocess.Popen` takes them; standard output is text in a pipe
    unless given.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        stdout: int | IO[Any] = subprocess.PIPE,
        stderr: int | IO[Any],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, guard.__file__, *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            text=True,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def read_line(self) -> str:
        """The next line of standard output, blank at its end."""
        return self._process.stdout.readline() if self._process.stdout else ""

    def begin_to_stop(self) -> None:
        """Have the guard end the command politely, and do not wait for it."""
        if self._process.stdin:
            self._process.stdin.close()

    def stop(self, seconds: float) -> None:
        """Have the guard end the command politely; kill it after so many seconds."""
        self.begin_to_stop()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
