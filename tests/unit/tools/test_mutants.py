"""The score of `make mutants`: what counts as killed, and what is listed as equivalent."""

from __future__ import annotations

import pytest

from tools.mutants import EQUIVALENT, Change, Equivalents, line, main, score, verdict

DIFF = """--- chalicelib/domain/ids.py
+++ chalicelib/domain/ids.py
@@ -1,3 +1,3 @@
 def one() -> int:
-    return 1
+    return 2
"""
ONE = Change("chalicelib/domain/ids.py", "one", "return 1", "return 2")
LISTED = """
chalicelib/domain/ids.py:
  - {function: one, was: return 1, now: return 2, why: nobody asks}
everywhere:
  - {was: strict=True, now: strict=None, why: it only asserts}
"""


def test_a_mutant_is_what_it_changes_wherever_the_line_stands() -> None:
    assert Change.of("chalicelib/domain/ids.py", "one", DIFF) == ONE


def test_what_is_listed_is_excluded_and_nothing_else() -> None:
    equivalents = Equivalents(LISTED)

    assert equivalents.has(ONE)
    assert equivalents.has(Change("a.py", "f", "zip(a, strict=True)", "zip(a, strict=None)"))
    assert not equivalents.has(Change(ONE.path, "two", ONE.was, ONE.now))
    assert not equivalents.has(Change(ONE.path, ONE.function, ONE.was, "return 3"))


def test_what_is_listed_and_no_longer_survives_is_told() -> None:
    equivalents = Equivalents(LISTED)

    assert equivalents.outdated([], [ONE.path]) == [ONE]
    assert equivalents.outdated([ONE], [ONE.path]) == equivalents.outdated([], ["a.py"]) == []


def test_a_mutant_listed_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="why"):
        Equivalents("a.py:\n  - {function: one, was: a, now: b, why: ''}")


def test_each_mutant_that_the_project_lists_has_its_reason() -> None:
    Equivalents(EQUIVALENT.read_text())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1, "killed"),
        (-11, "killed"),
        (0, "survived"),
        (33, "survived"),
        (-24, "timed out"),
        (36, "timed out"),
        (None, "not run"),
    ],
)
def test_an_exit_code_is_one_verdict(code: int | None, said: str) -> None:
    assert verdict(code) == said


def test_the_score_is_the_share_of_the_killed_among_those_not_excluded() -> None:
    verdicts = {"killed": 18, "timed out": 1, "survived": 1, "excluded as equivalent": 9}

    assert score(verdicts) == 95.0
    assert line(verdicts) == (
        " 95.0 %  18 killed, 1 survived, 1 timed out, 9 excluded as equivalent"
    )


@pytest.mark.parametrize("path", ["ledger.py", "/etc/passwd", "chalicelib/domain", "../x.py"])
def test_what_is_no_module_is_refused_with_how_to_name_one(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--of", path]) == 1
    assert "OF=chalicelib/domain/ids.py" in capsys.readouterr().err
