"""Asking for syncs in memory: what was started and stopped, in order."""

from __future__ import annotations

from chalicelib.domain.words import Instant, RunTrigger
from chalicelib.services.ports.runs import RunView
from tests.fakes.common import NOON


class RecordingSync:
    """`broken`: the next calls to start raise this, as an unreachable queue would."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str, str, RunTrigger]] = []
        self.stopped: list[tuple[str, str, str]] = []
        self.rereads: list[Instant] = []
        self.broken: Exception | None = None

    def start(self, uid: str, platform: str, credential: str, trigger: RunTrigger) -> RunView:
        if self.broken:
            raise self.broken
        self.started.append((uid, platform, credential, trigger))
        run = f"run_{len(self.started)}"
        return RunView(run, uid, platform, credential, "queued", trigger, queued_at=NOON)

    def reread(self, uid: str, platform: str, credential: str, since: Instant) -> RunView:
        self.rereads.append(since)
        return self.start(uid, platform, credential, "reread")

    def request_stop(self, uid: str, platform: str, credential: str) -> None:
        self.stopped.append((uid, platform, credential))
