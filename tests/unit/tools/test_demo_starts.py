"""A later start of the demo goes on from a whole earlier one, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from tools.demo import __main__ as demo
from tools.demo.memory import Memory
from tools.demo.platforms import RETAILER

STORY = ("sync_first", "decide", "sync_second")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """What a start is made of; nothing of it runs."""
    made = MagicMock()
    made.story.summary_text.return_value = made.story.digests_text.return_value = "summary"
    made.switch.switch_pos.return_value = {}, []
    names = ("LocalStack", "Simulator", "PhoneServer", "build", "upload_dashboard", "throw_away")
    modules = ("counter", "opening", "steps", "story", "switch", "texts")
    for name in (*names, *modules, *STORY):
        monkeypatch.setattr(demo, name, getattr(made, name))
    monkeypatch.setattr(demo, "stack_parameters", lambda _: {})
    monkeypatch.setattr(demo, "free_port", lambda wish: wish or 4000)
    made.Simulator.return_value.port = 4000
    made.LocalStack.return_value.__exit__.return_value = False
    made.PhoneServer.return_value.__exit__.return_value = False
    return made


@contextmanager
def ctrl_c_at_the_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def pause() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "signal", SimpleNamespace(pause=pause))
    with pytest.raises(KeyboardInterrupt):
        yield


def remember(folder: Path, **facts: Any) -> None:
    ports = {pos.platform: 4000 for pos in RETAILER}
    Memory(**{"now": 1, "ports": ports, "password": "p", "settled": True, **facts}).save(folder)


def acts_of(parts: MagicMock) -> list[str]:
    """Which acts of the story were played."""
    acts = {name: getattr(parts, name) for name in STORY}
    acts |= {"freeze": parts.steps.freeze_and_thaw, "counter": parts.counter.act}
    acts |= {"switch": parts.switch.switch_pos, "connect": parts.steps.connect}
    return sorted(name for name, act in acts.items() if act.called)


WHOLE_STORY = sorted([*STORY, "freeze", "counter", "switch", "connect"])


def test_the_first_start_tells_the_whole_story_and_the_second_none_of_it(
    parts: MagicMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with ctrl_c_at_the_end(monkeypatch):
        demo.run_until_stopped(tmp_path)
    assert acts_of(parts) == WHOLE_STORY
    parts.reset_mock()

    with ctrl_c_at_the_end(monkeypatch):
        demo.run_until_stopped(tmp_path)

    assert acts_of(parts) == []
    assert parts.opening.open_shop.called
    assert not parts.throw_away.called
    assert parts.story.summary_text.called


@pytest.mark.parametrize("step", ["sync_first", "decide", "sync_second"])
def test_a_first_start_that_was_cut_off_is_followed_by_one_from_nothing(
    parts: MagicMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    getattr(parts, step).side_effect = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        demo.run_until_stopped(tmp_path)
    getattr(parts, step).side_effect = None
    parts.reset_mock()

    with ctrl_c_at_the_end(monkeypatch):
        demo.run_until_stopped(tmp_path)

    assert parts.throw_away.called
    assert acts_of(parts) == WHOLE_STORY


def test_a_second_start_that_was_cut_off_loses_nothing(
    parts: MagicMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    remember(tmp_path)
    parts.opening.open_shop.side_effect = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        demo.run_until_stopped(tmp_path)
    parts.opening.open_shop.side_effect = None

    with ctrl_c_at_the_end(monkeypatch):
        demo.run_until_stopped(tmp_path)

    assert not parts.throw_away.called
    assert acts_of(parts) == []


def test_servers_on_other_ports_are_others(
    parts: MagicMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    remember(tmp_path, ports={pos.platform: 5000 for pos in RETAILER})
    monkeypatch.setattr(demo, "free_port", lambda _: 4000)  # somebody has taken 5000

    with ctrl_c_at_the_end(monkeypatch):
        demo.run_until_stopped(tmp_path)

    assert parts.throw_away.called
    assert acts_of(parts) == WHOLE_STORY
