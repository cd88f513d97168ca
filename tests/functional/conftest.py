"""Fixtures that functional tests ask for by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.functional.gateway import Gateway, World, a_world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two accounts in an AWS of their own."""
    with a_world(monkeypatch) as made:
        yield made


@pytest.fixture
def api(world: World) -> Gateway:
    """The API as the Owner of our account calls it."""
    return world.gateway("Owner")
