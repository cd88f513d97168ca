"""The page of cases names tests that there are."""

from __future__ import annotations

import re

from tools.paths import ROOT

PAGE = ROOT / "docs" / "reference" / "till-cases.md"


def test_every_case_names_tests_that_there_are() -> None:
    rows = [
        line.split("|")
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ][1:]

    assert len(rows) == 33
    for _, case, files, tests, _ in rows:
        texts = "".join(
            (ROOT / "tests" / name).read_text() for name in re.findall("`(.*?)`", files)
        )
        named = re.findall("`(.*?)`", tests)
        assert named, case
        assert [name for name in named if f"def {name}(" not in texts] == [], case
