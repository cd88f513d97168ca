"""Whatever happens to an account, an audience run finds nothing to correct: drift is an alarm.

The random histories of commits, settings and crashes are played, and after each step everybody is
compared with what their facts say.
"""

from __future__ import annotations

from hypothesis.stateful import invariant

from chalicelib.services.derivation.compare import PersonaComparison
from chalicelib.services.derivation.terms import TermsReader
from tests.unit.services.derivation.test_histories import Histories
from tests.worlds.history_account import UID
from tests.worlds.seeded_histories import play


class AuditedHistories(Histories):
    @invariant()
    def nobody_has_drifted(self) -> None:
        terms = TermsReader(self.accounts, self.stores, self.book, self.clock)
        before = self.facts.rows_written, dict(self.facts.fences)

        ids = [persona.id for persona in self.facts.shown(UID)]
        compared = PersonaComparison(self.facts, terms).compare(UID, ids)

        assert compared.differing - compared.due == frozenset()
        assert sorted(each.persona.id for each in compared.personas) == sorted(ids)
        assert (self.facts.rows_written, self.facts.fences) == before


def test_a_run_finds_no_drift_in_whatever_happened() -> None:
    play(AuditedHistories, 7, histories=60, steps=10)
