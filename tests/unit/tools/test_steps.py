"""A long command says which step failed, why, and where its log is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.steps import StepFailed, run, step


def test_a_step_that_fails_is_named_with_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StepFailed) as failed, step("package", log=tmp_path / "x.log"):
        raise OSError("no space left")

    assert "package" in str(failed.value)
    assert "no space left" in str(failed.value)
    assert str(tmp_path / "x.log") in str(failed.value)
    assert "failed" in capsys.readouterr().err


def test_a_step_that_works_tells_how_long_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    with step("package"):
        pass

    assert capsys.readouterr().err.strip().startswith("package ... 0.0 s")


def test_an_interrupted_step_stays_an_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), step("package"):
        raise KeyboardInterrupt

    assert "interrupted" in capsys.readouterr().err


def test_a_failing_command_shows_its_last_words(tmp_path: Path) -> None:
    code = "print('first'); print('the reason'); raise SystemExit(3)"

    with pytest.raises(StepFailed) as failed:
        run([sys.executable, "-c", code], log=tmp_path / "logs" / "command.log")

    assert "exit code 3" in str(failed.value)
    assert "the reason" in str(failed.value)
    assert "first" in (tmp_path / "logs" / "command.log").read_text()
