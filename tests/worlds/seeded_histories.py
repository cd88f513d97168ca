"""Plays the random histories of a state machine, the same ones in every run for one seed."""

from __future__ import annotations

import os
import random
from unittest.mock import patch

from hypothesis import HealthCheck, seed, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def play(machine: type[RuleBasedStateMachine], seed_: int, *, histories: int, steps: int) -> None:
    """Play so many histories of at most so many steps; raises what the machine's checks raise.

    Hypothesis mixes constants of the modules that are loaded at that moment into what it draws,
    and failures that it remembers from earlier runs. Both are switched off: else a seed names
    other histories in another process, and a change is refused for what its author could not see.
    """
    seeded = seed(seed_)(type(machine.__name__, (machine,), {}))
    with patch.object(HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: None):
        run_state_machine_as_test(
            seeded,
            settings=settings(
                max_examples=histories,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


def seed_of_this_run(part: int) -> int:
    """A new seed in every run, printed for whoever must repeat a failure with HISTORY_SEED."""
    first = int(os.environ.get("HISTORY_SEED") or random.randrange(1_000_000))
    print(f"HISTORY_SEED={first} repeats this")  # noqa: T201 pytest shows it with a failure
    return first * 1_000 + part
