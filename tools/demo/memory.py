"""Facts that the demo keeps between two starts, so that the second can use the first one's data."""

from __future__ import annotations

import json
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_FILE = "demo.json"
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Memory:
    """Keeps what a later start of the demo needs, in the data folder.

    `now`: the instant (ms) at which the simulated year of sales ends; `ports`: those of the
    simulators, by platform: the retailer's own servers are known by theirs. `settled`: a start came
    to its end, so that later ones go on from its data.
    """

    now: int
    ports: dict[str, int]
    password: str
    settled: bool

    @classmethod
    def load(cls, data_dir: Path) -> Self:
        """The memory saved in the folder, else a new one."""
        with suppress(FileNotFoundError, ValueError, TypeError):
            return cls(**json.loads((data_dir / _FILE).read_text(encoding="utf-8")))
        today = int(time.time()) // _DAY * _DAY
        password = f"Demo-1-{secrets.token_urlsafe(9)}"
        return cls(now=today * 1000, ports={}, password=password, settled=False)

    def save(self, data_dir: Path) -> None:
        """Save it, readable by its owner only: it has the password of the log-in."""
        path = data_dir / _FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
