"""A simulated POS as a process of its own, as far away from the product as a real one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from simulators.oracle.reading import Reading
from tools.paths import ROOT
from tools.stack import guard
from tools.steps import StepFailed

_STOP_SECONDS = 10
_ASK_SECONDS = 120


class Simulator:
    """`python -m simulators PLATFORM` on `port`; ends with this process, however that ends.

    `world`: its options, e.g. {"shoppers": 2000, "now": 1767225600000}.
    """

    def __init__(self, platform: str, *, port: int, world: Mapping[str, float], log: Path) -> None:
        self.platform = platform
        self._port = port
        self._world = world
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._http = requests.Session()
        self._http.trust_env = False
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start and wait until it listens. Raises StepFailed with its log."""
        options = [word for name, value in self._world.items() for word in (f"--{name}", value)]
        starts = [sys.executable, "-m", "simulators", self.platform, "--port", self._port]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, guard.__file__, *map(str, [*starts, *options])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                start_new_session=True,  # Ctrl-C is for us; the guard ends it with us
            )
        told = self._process.stdout.readline() if self._process.stdout else ""
        if not told:
            self.stop()
            raise StepFailed(f"start the simulated {self.platform}", "it ended at once", self._log)
        self.facts = json.loads(told)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        process, self._process = self._process, None
        self._http.close()
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    @property
    def base_url(self) -> str:
        """What stands in for https://app.posabit.com/api, or for the platform's."""
        return str(self.facts["base_url"])

    @property
    def venues(self) -> list[dict[str, Any]]:
        """Of POSaBIT, per store: `code`, `name`, `token` (the retailer's key), sizes of lists."""
        found: list[dict[str, Any]] = self.facts["venues"]
        return found

    def oracle(self, history_from: str) -> dict[str, Any]:
        """What is right for this retailer, as docs/reference/simulators.md tells.

        `history_from`: RFC 3339; sales last updated until then are left out.
        """
        found: dict[str, Any] = self.control("GET", "oracle", query={"history_from": history_from})
        return found

    def reading(self, history_from: str, **options: str) -> Reading:
        """What the oracle of several platforms together needs of this one (`answer_all`)."""
        query = {"history_from": history_from, **options}
        return Reading.of_dict(self.control("GET", "reading", query=query))

    def control(
        self, method: str, what: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Ask the control plane (docs/reference/simulators.md), e.g. POST faults."""
        desk = self.facts.get("control_url", self.facts["url"])
        answer = self._http.request(
            method,
            f"{desk}/_sim/{what}",
            json=body,
            params=query,
            timeout=_ASK_SECONDS,
        )
        answer.raise_for_status()
        return answer.json()

    def reset(self, **world: float) -> None:
        """Another retailer behind the same address: fields of the world's spec, the rest stays."""
        self.facts = self.facts | self.control("POST", "reset", world)
