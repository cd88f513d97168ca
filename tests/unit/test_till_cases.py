"""The page of cases and rules names tests that there are."""

from __future__ import annotations

import re

from tools.paths import ROOT

PAGE = ROOT / "docs" / "reference" / "till-cases.md"


def rows(of: str) -> list[list[str]]:
    """The rows of the part's table."""
    lines = of.splitlines()
    return [line.split("|")[1:-1] for line in lines if line.startswith("| ")][1:]


def unknown(files: str, tests: str) -> list[str]:
    """Tests that none of the files has; all of a row that names none."""
    texts = "".join((ROOT / "tests" / name).read_text() for name in re.findall("`(.*?)`", files))
    named = re.findall("`(.*?)`", tests)
    return [name for name in named if f"def {name}(" not in texts] or ([] if named else ["none"])


def test_every_case_names_tests_that_there_are() -> None:
    cases, _, _ = PAGE.read_text(encoding="utf-8").partition("## The rules")

    found = rows(cases)

    assert len(found) == 33
    assert {case: missing for case, *named in found if (missing := unknown(*named))} == {}


def test_every_rule_of_what_a_pos_calls_names_tests_that_show_it() -> None:
    _, _, behind = PAGE.read_text(encoding="utf-8").partition("## The rules")

    found = rows(behind)

    assert [rule.strip() for rule, *_ in found] == [f"S{number}" for number in range(1, 29)]
    assert {rule: missing for rule, _, *named in found if (missing := unknown(*named))} == {}
