"""Rules and effects in memory, and commits made of fakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.rules import Rules
from chalicelib.services.consent.effects import EffectsWorker, QueuedEffects
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.text_jobs import EffectsMessage, SignupsMessage, text_job
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.effects import Ask, CommitEffects, ConsentFlag
from tests.fakes.common import MemoryQueue


class MemoryRuleBook:
    """`rules` are those of every account that has none of its own."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules: dict[str, Rules] = {}
        self.default = rules or Rules()

    def get(self, uid: str) -> Rules:
        return self.rules.get(uid, self.default)

    def save(self, uid: str, rules: Rules) -> Rules:
        if self.get(uid).version != rules.version:
            raise StaleVersion("the rules were changed meanwhile")
        self.rules[uid] = replace(rules, version=rules.version + 1)
        return self.rules[uid]

    def set(self, uid: str, rules: Rules) -> None:
        """Whatever the version."""
        self.rules[uid] = rules


class RecordedEffects:
    """What commits asked for, each once, as the `ConsentNotes` port promises."""

    def __init__(self) -> None:
        self.asks: dict[tuple[str, str], Ask] = {}
        self.flags: dict[tuple[str, str, str, int], ConsentFlag] = {}
        self.watched: list[str] = []

    def watch_ahead(self, uid: str) -> None:
        self.watched.append(uid)

    def note_asks(self, uid: str, asks: Sequence[Ask]) -> None:
        for ask in asks:
            self.asks.setdefault((uid, ask.number), ask)

    def note_flags(self, uid: str, flags: Sequence[ConsentFlag]) -> None:
        for flag in flags:
            self.flags.setdefault((uid, flag.record, flag.channel, flag.seq), flag)


class DeliveredEffects:
    """The `Effects` port: messages that reach their worker at once, or when `deliver` is called.

    `step` is called before a message is sent and after, where a process may die.
    """

    def __init__(
        self,
        notes: Any,
        expiries: Any = None,
        *,
        step: Callable[[], object] = do_nothing,
        late: bool = False,
    ) -> None:
        self.queue = MemoryQueue()
        self.signups: list[str] = []
        self.late = late
        self._worker = EffectsWorker(notes, expiries or RecordedEffects())
        self._step = step

    def request(self, uid: str, effects: CommitEffects, *, after_seconds: int = 0) -> None:
        self._step()
        QueuedEffects(self.queue).request(uid, effects, after_seconds=after_seconds)
        self._step()
        if not self.late:
            self.deliver()

    def deliver(self, order: Callable[[list[Any]], list[Any]] = list) -> None:
        """Hand over what was sent, in this order: SQS may turn it round, and bring some twice."""
        for body in order(self.queue.take()):
            message = text_job(body)
            if isinstance(message, SignupsMessage):
                self.signups += message.records
                continue
            assert isinstance(message, EffectsMessage)
            self._worker.handle(message)


def memory_commits(
    facts: Any,
    stores: Any,
    accounts: Any,
    clock: Any,
    *,
    rules: MemoryRuleBook | None = None,
    effects: Any = None,
) -> FactCommits:
    reader = TermsReader(accounts, stores, rules or MemoryRuleBook(), clock)
    if not hasattr(effects, "request"):
        effects = DeliveredEffects(effects or RecordedEffects())
    return FactCommits(facts, reader, effects)
