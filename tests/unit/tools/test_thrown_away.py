"""A large folder is gone at once, and deleted a while later."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path

from tests.waiting import eventually
from tools.stack.thrown_away import PREFIX, throw_away


def test_the_folder_is_gone_at_once_and_deleted_in_the_background(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").touch()
    (tmp_path / f"{PREFIX}of-a-killed-one").mkdir()
    (tmp_path / "kept").touch()

    throw_away(folder)

    assert not folder.exists()
    assert eventually(lambda: [each.name for each in tmp_path.iterdir()] == ["kept"])


def test_a_folder_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    throw_away(tmp_path / "nothing")

    assert list(tmp_path.iterdir()) == []


def test_who_deletes_is_waited_for_when_nobody_looks(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        throw_away(folder)
        gc.collect()

    assert [each for each in said if each.category is ResourceWarning] == []
    assert eventually(lambda: not list(tmp_path.iterdir()))
