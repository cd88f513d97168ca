"""A new platform starts as a profile that can be read and calls nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.pos.profile import FILE, parse
from tools.pos import scaffold


def test_the_first_profile_is_valid_and_admits_that_it_is_guessed(tmp_path: Path) -> None:
    home = scaffold("newpos", tmp_path)

    profile = parse((home / FILE).read_text(encoding="utf-8"))
    assert profile.platform == "newpos"
    assert profile.base_url is None
    assert profile.contract.status == "unconfirmed"
    assert set(profile.inferred) == set(profile.evidence)


@pytest.mark.parametrize("name", ["", "New", "new-pos", "2pos", "../x", "pós"])
def test_a_name_that_cannot_be_a_platform_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a platform"):
        scaffold(name, tmp_path)

    assert not list(tmp_path.iterdir())


def test_a_platform_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "newpos").mkdir()

    with pytest.raises(FileExistsError):
        scaffold("newpos", tmp_path)
