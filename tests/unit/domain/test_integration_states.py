"""draft → connected ⇄ disconnected; both → freezing → frozen."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Conflict
from chalicelib.domain.integration_states import (
    IntegrationState,
    Transition,
    may_call,
    may_sync,
    next_state,
    require_changeable,
)

STATES = get_args(IntegrationState)
ACTS = get_args(Transition)


@pytest.mark.parametrize(
    "path",
    [
        ("draft", "connect", "connected", "freeze", "freezing", "stand_still", "frozen"),
        ("connected", "disconnect", "disconnected", "connect", "connected"),
        ("disconnected", "freeze", "freezing", "stand_still", "frozen", "stand_still", "frozen"),
    ],
)
def test_the_ways_through_the_states(path: tuple[str, ...]) -> None:
    steps = list(zip(path[::2], path[1::2], path[2::2], strict=False))

    for state, act, expected in steps:
        assert next_state(state, act) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "act"),
    [
        ("draft", "disconnect"),
        ("draft", "freeze"),
        ("frozen", "connect"),
        ("freezing", "connect"),
        ("freezing", "disconnect"),
        ("frozen", "disconnect"),
        ("freezing", "freeze"),
        ("frozen", "freeze"),
        ("connected", "stand_still"),
        ("disconnected", "stand_still"),
    ],
)
def test_an_act_that_leads_nowhere_says_what_to_do(
    state: IntegrationState, act: Transition
) -> None:
    with pytest.raises(Conflict) as refused:
        next_state(state, act)

    assert refused.value.details == {"state": state}
    assert refused.value.message


def test_a_frozen_source_is_called_by_nobody_and_only_a_connected_one_syncs() -> None:
    assert [state for state in STATES if may_sync(state)] == ["connected"]
    assert [state for state in STATES if not may_call(state)] == [
        "freezing",
        "frozen",
        "unfreezing",
    ]


@given(st.lists(st.sampled_from(ACTS), max_size=12))
def test_no_series_of_acts_leads_back_to_draft_or_skips_freezing(acts: list[Transition]) -> None:
    states: list[IntegrationState] = ["draft"]
    for act in acts:
        try:
            states.append(next_state(states[-1], act))
        except Conflict:
            continue

    assert "draft" not in states[1:]
    for before, now in pairwise(states):
        assert now != "frozen" or before in ("freezing", "frozen")


@pytest.mark.parametrize("state", STATES)
def test_settings_of_a_freezing_or_disconnected_source_say_what_to_do_first(
    state: IntegrationState,
) -> None:
    if state in ("draft", "connected", "frozen"):
        require_changeable(state)
        return
    with pytest.raises(Conflict) as refused:
        require_changeable(state)

    assert refused.value.details == {"state": state}
    assert refused.value.message
