"""A new platform starts as a whole one of a made-up contract, which calls nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.pos.profile.load import FILE, parse
from tools.pos import scaffold


def test_the_first_profile_is_valid_and_admits_that_it_is_guessed(tmp_path: Path) -> None:
    scaffold("sixth", tmp_path)

    text = (tmp_path / "chalicelib" / "pos" / "sixth" / FILE).read_text(encoding="utf-8")
    profile = parse(text)
    assert (profile.platform, profile.title) == ("sixth", "Sixth")
    assert profile.base_url is None
    assert profile.contract.status == "unconfirmed"
    assert set(profile.inferred) == set(profile.evidence)


def test_nothing_of_the_draft_keeps_its_own_name(tmp_path: Path) -> None:
    for path in scaffold("sixth", tmp_path):
        assert "newpos" not in f"{path.relative_to(tmp_path)} {path.read_text()}".lower()


@pytest.mark.parametrize("name", ["", "New", "new-pos", "2pos", "../x", "pós"])
def test_a_name_that_cannot_be_a_platform_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a platform"):
        scaffold(name, tmp_path)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "part", ["chalicelib/pos/sixth", "simulators/sixth", "tests/contract/sixth.py"]
)
def test_what_is_there_is_left_alone(tmp_path: Path, part: str) -> None:
    (tmp_path / part).mkdir(parents=True)

    with pytest.raises(FileExistsError, match=part):
        scaffold("sixth", tmp_path)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
