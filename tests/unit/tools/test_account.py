"""Creating an account from the command line: what is refused is told with its field and reason."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import field_fault, invalid_fields
from tools import account


def test_a_field_that_cannot_be_taken_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: str) -> str:
        raise invalid_fields(field_fault("name", "a name without a web address"))

    monkeypatch.setattr(account, "_create", refuse)

    assert account.main(["--name", "evil.example", "--owner", "a@example.com"]) == 1
    assert capsys.readouterr().err == "name: a name without a web address\n"
