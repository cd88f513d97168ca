"""Each platform is asked exactly what it was asked before: see `request_logs`."""

from __future__ import annotations

import pytest

from tests.contract.request_logs import FOLDER_OF_LOGS, requests_of

LOGGED = sorted(path.stem for path in FOLDER_OF_LOGS.glob("*.txt"))


@pytest.mark.parametrize("platform", LOGGED)
def test_a_platform_is_asked_byte_for_byte_what_it_was_asked_before(platform: str) -> None:
    kept = (FOLDER_OF_LOGS / f"{platform}.txt").read_text(encoding="utf-8")

    assert requests_of(platform).splitlines() == kept.splitlines()
