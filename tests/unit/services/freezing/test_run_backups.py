"""An audience run takes the backup of every source of the account."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.services.freezing.run_backups import RunBackups
from chalicelib.services.ports.integrations import Integration
from tests.worlds.freezing import FreezingShop, always
from tests.worlds.shop import ANA, PLATFORM, UID


def run_backups(shop: FreezingShop, trigger: str = "night") -> RunBackups:
    runs: Any = SimpleNamespace(run=lambda _uid, _run: SimpleNamespace(trigger=trigger))
    return RunBackups(shop.taking, shop.integrations, runs, shop.jobs)


@pytest.mark.parametrize(("trigger", "kind"), [("night", "nightly"), ("now", "on_demand")])
def test_each_source_but_drafts_is_backed_up_once_a_run(trigger: str, kind: str) -> None:
    shop = FreezingShop()
    shop.tell(ANA)
    shop.integrations.save(Integration(UID, "thsuite", state="disconnected"))
    shop.integrations.save(Integration(UID, "auphan"))
    backups = run_backups(shop, trigger)

    assert backups.take(UID, "run_1", always)
    assert backups.take(UID, "run_1", always)

    taken = {(b.platform, b.kind, b.state) for b in shop.backups.rows.values()}
    assert taken == {(PLATFORM, kind, "verified"), ("thsuite", kind, "verified")}
    assert len(shop.backups.rows) == 2


def test_a_source_that_stands_still_gets_no_new_backup() -> None:
    shop = FreezingShop()
    shop.tell(ANA)
    shop.freeze("now")

    assert run_backups(shop).take(UID, "run_1", always)

    assert [b.run.startswith("switch:") for b in shop.backups.rows.values()] == [True]


def test_a_backup_that_somebody_else_works_on_is_not_there_yet() -> None:
    shop = FreezingShop()
    shop.tell(ANA)
    begun = shop.taking.begin(UID, PLATFORM, "run_1", "nightly")
    assert begun is not None
    save = shop.backups.save

    def overtaken(backup: Any) -> Any:
        shop.backups.save = save  # type: ignore[method-assign]
        save(replace(begun, heartbeat_at=1))
        return save(backup)

    shop.backups.save = overtaken  # type: ignore[method-assign]

    assert not run_backups(shop).take(UID, "run_1", always)
    assert run_backups(shop).take(UID, "run_1", always)
