"""Calls of a POS that wait in line, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import SourceStandsStill, StaleVersion
from chalicelib.domain.pushes import is_about, without
from chalicelib.domain.rules import Rules
from chalicelib.domain.traces import Traces
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.waiting_pushes import MOST_WAITING, PushLine, WaitingPush
from tests.fakes.rules import MemoryRuleBook


class MemoryWaitingPushes:
    """`step` is called before each write; `before_add` after a line was looked at and before it
    grows. `most`: how many calls may wait."""

    def __init__(self, rules: MemoryRuleBook, step: Callable[[], object] = do_nothing) -> None:
        self.calls: dict[tuple[str, str], list[WaitingPush]] = {}
        self.last: dict[tuple[str, str], int] = {}
        self.before_add: Callable[[], object] = do_nothing
        self.most = MOST_WAITING
        self._rules, self._step = rules, step

    def add(self, uid: str, platform: str, push: WaitingPush, rules: Rules) -> None:
        self.before_add()
        self._step()
        line = self.calls.setdefault((uid, platform), [])
        push = replace(push, things=json.loads(json.dumps(push.things)))
        if line and (line[-1].kind, line[-1].things) == (push.kind, push.things):
            return
        if len(line) >= self.most:
            raise SourceStandsStill("too many wait")
        if self._rules.get(uid).version != rules.version:
            raise StaleVersion("the rules were changed meanwhile")
        number = self.last.get((uid, platform), 0) + 1
        self.last[uid, platform] = number
        line.append(replace(push, number=number))

    def first(self, uid: str, platform: str, limit: int) -> list[WaitingPush]:
        return self.calls.get((uid, platform), [])[:limit]

    def waits(self, uid: str, platform: str, push: WaitingPush) -> bool:
        return any(each.number == push.number for each in self.calls.get((uid, platform), []))

    def remove(self, uid: str, platform: str, push: WaitingPush) -> None:
        self._step()
        held = self.calls.get((uid, platform), [])
        self.calls[uid, platform] = [each for each in held if each.number != push.number]

    def line(self, uid: str, platform: str) -> PushLine:
        waiting = len(self.calls.get((uid, platform), []))
        return PushLine(self.last.get((uid, platform), 0), waiting)

    def find(self, uid: str, platform: str, traces: Traces) -> list[dict[str, Any]]:
        held = self.calls.get((uid, platform), [])
        return [thing for push in held for thing in push.things if is_about(thing, traces)]

    def erase(self, uid: str, platform: str, traces: Traces) -> int:
        held = self.calls.get((uid, platform), [])
        kept = [replace(push, things=without(push.things, traces)) for push in held]
        self._step()
        self.calls[uid, platform] = kept
        return sum(old != new for old, new in zip(held, kept, strict=True))
