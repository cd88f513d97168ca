"""The rules in force, as the services see them."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.rules import Rules
from chalicelib.domain.words import Uid


class RuleBook(Protocol):
    def get(self, uid: Uid) -> Rules:
        """The account's rules; defaults, at version 0, where nobody decided anything yet."""
        ...

    def save(self, uid: Uid, rules: Rules) -> Rules:
        """Save at `rules.version` + 1. Raises StaleVersion."""
        ...
