"""A simulated POS as a process of its own, as far away from the product as a real one."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import requests

from simulators.oracle.reading import Reading
from tools.paths import ROOT
from tools.stack.guarded import GuardedProcess
from tools.steps import StepFailed

_STOP_SECONDS = 10
_ASK_SECONDS = 120


class Simulator:
    """Runs `python -m simulators PLATFORM` on `port`; it ends with this process, however that ends.

    `port` 0: any free one, which it keeps when it is started again. Only who binds a port can tell
    that it is free: one that was asked for before may be taken meanwhile.
    `world`: its options, e.g. {"shoppers": 2000, "now": 1767225600000}; `flags`: e.g. "--warm".
    """

    def __init__(
        self,
        platform: str,
        *,
        port: int,
        world: Mapping[str, float],
        log: Path,
        flags: Sequence[str] = (),
    ) -> None:
        self.platform = platform
        self.port = port
        self._world = world
        self._flags = flags
        self._log = log
        self._process: GuardedProcess | None = None
        self._http = requests.Session()
        self._http.trust_env = False
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start and wait until it listens. Raises StepFailed with its log."""
        self.begin()
        self.wait()
        return self

    def begin(self) -> None:
        """Start, and do not wait: several make their worlds side by side."""
        options = [word for name, value in self._world.items() for word in (f"--{name}", value)]
        command = [sys.executable, "-m", "simulators", self.platform, "--port", self.port]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("w") as errors:
            self._process = GuardedProcess(
                list(map(str, [*command, *options, *self._flags])), stderr=errors, cwd=ROOT
            )

    def wait(self) -> None:
        """Wait until it listens. Raises StepFailed with its log."""
        facts = self._process.read_line() if self._process else ""
        if not facts:
            self.stop()
            raise StepFailed(f"start the simulated {self.platform}", "it ended at once", self._log)
        self.facts = json.loads(facts)
        self.port = self.facts["port"]

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin_to_stop(self) -> None:
        """Tell it to stop, to wait for several at once."""
        if self._process:
            self._process.begin_to_stop()

    def stop(self) -> None:
        process, self._process = self._process, None
        self._http.close()
        if process:
            process.stop(_STOP_SECONDS)

    @property
    def base_url(self) -> str:
        """The base URL that replaces https://app.posabit.com/api, or the platform's."""
        return str(self.facts["base_url"])

    @property
    def venues(self) -> list[dict[str, Any]]:
        """POSaBIT's stores: `code`, `name`, `token` (the retailer's key), sizes of lists."""
        venues: list[dict[str, Any]] = self.facts["venues"]
        return venues

    def oracle(self, history_from: str) -> dict[str, Any]:
        """The oracle's answer for this retailer (docs/reference/simulators.md).

        `history_from`: RFC 3339; sales last updated until then are left out.
        """
        query = {"history_from": history_from}
        answer: dict[str, Any] = self.control("GET", "oracle", query=query)
        return answer

    def reading(self, history_from: str, **options: str) -> Reading:
        """What `answer_all`, the oracle of several platforms together, needs of this one."""
        query = {"history_from": history_from, **options}
        return Reading.of_dict(self.control("GET", "reading", query=query))

    def control(
        self, method: str, what: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Ask the control plane (docs/reference/simulators.md), e.g. POST faults."""
        control_url = self.facts.get("control_url", self.facts["url"])
        answer = self._http.request(
            method,
            f"{control_url}/_sim/{what}",
            json=body,
            params=query,
            timeout=_ASK_SECONDS,
        )
        answer.raise_for_status()
        return answer.json()

    def reset(self, **world: float) -> None:
        """Serve another retailer at the same address: the fields of its spec that change."""
        self.facts = self.facts | self.control("POST", "reset", world)
