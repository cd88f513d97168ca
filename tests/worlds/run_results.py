"""Results of runs and their credential, for tests of what the end of a run causes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.services.ports.integrations import Credential
from chalicelib.services.sync.run_result import RunResult
from tests.fakes.accounts import an_account
from tests.worlds.backroom import CREDENTIAL, PLATFORM, SCOPE, UID
from tests.worlds.syncing import DAY

NOW = 1_767_000_000_000


def a_result(**changes: Any) -> RunResult:
    """Of a run that read everything and found nothing."""
    usual: dict[str, Any] = {
        "uid": UID,
        "platform": PLATFORM,
        "credential": CREDENTIAL,
        "run": "run_1",
        "scope": SCOPE,
        "account": an_account(UID),
        "began": NOW,
        "end": "complete",
    }
    return RunResult(**usual | changes)


def a_credential(**changes: Any) -> Credential:
    credential = Credential(
        uid=UID,
        platform=PLATFORM,
        id=CREDENTIAL,
        scope="north",
        fields={},
        sealed={},
        history_from=0,
        created_at=NOW - 7 * DAY,
    )
    return replace(credential, **changes)
