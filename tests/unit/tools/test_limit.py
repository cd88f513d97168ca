"""Raising a limit of an account: what is refused before anything is asked of AWS."""

from __future__ import annotations

import pytest

from chalicelib.domain.words import Uid
from tools.limit import main, raise_limit
from tools.steps import StepFailed


@pytest.mark.parametrize("typed", ["", "60", "0", "-1", "1.5", "many", "²", "9" * 10])
def test_only_a_whole_number_above_the_default_raises_a_limit(typed: str) -> None:
    def no_client(service: str) -> object:
        raise AssertionError(f"{service} was asked")

    with pytest.raises(StepFailed):
        raise_limit(no_client, {}, Uid("3912"), "checks", typed)


def test_a_limit_that_is_none_is_refused_with_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--account", "3912", "--limit", "chekcs", "--to", "70"])

    assert "credential_changes" in capsys.readouterr().err
