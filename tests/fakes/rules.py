"""Rules and effects in memory, and commits made of fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.rules import Rules
from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.ports.effects import Ask, ConsentFlag


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
    """What commits asked for, each once, as the `Effects` port promises."""

    def __init__(self) -> None:
        self.asks: dict[tuple[str, str], Ask] = {}
        self.flags: dict[tuple[str, str, str, int], ConsentFlag] = {}

    def note_asks(self, uid: str, asks: Sequence[Ask]) -> None:
        for ask in asks:
            self.asks.setdefault((uid, ask.number), ask)

    def note_flags(self, uid: str, flags: Sequence[ConsentFlag]) -> None:
        for flag in flags:
            self.flags.setdefault((uid, flag.record, flag.channel, flag.seq), flag)


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
    return FactCommits(facts, reader, effects or RecordedEffects())
