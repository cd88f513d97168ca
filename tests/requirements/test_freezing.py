"""*Use AIQ's last backup*, as every article has it."""

from __future__ import annotations

import pytest

from chalicelib.domain.calls import CallsStopped
from chalicelib.domain.errors import SourceStandsStill
from chalicelib.domain.records import Customer
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.integrations import Integration
from tests.fakes.common import MemoryQueue
from tests.functional import test_freezing_api as freezing
from tests.functional import test_switching_api as switching
from tests.functional.gateway import OURS, Gateway

jobs = freezing.jobs


def test_a_source_stands_still_at_the_last_audience_run(api: Gateway, jobs: MemoryQueue) -> None:
    """Use AIQ's last backup

    Freezes data from this source at the last audience run and stops AIQ from hitting the {title}
    API for new data.
    """
    freezing.connected()
    freezing.night()
    then = freezing.balances(api)
    freezing.later()
    assert freezing.balances(api) != then

    card = freezing.frozen(api, jobs)

    assert (card["state"], freezing.balances(api)) == ("frozen", then)
    with pytest.raises(SourceStandsStill):
        freezing.later()
    with pytest.raises(CallsStopped):
        wiring.gateways.permits().for_syncs(OURS, "posabit")()


def test_who_switches_pos_retains_the_data_that_is_there(api: Gateway, jobs: MemoryQueue) -> None:
    """⚠️ Warning: Do not turn this on unless you are switching POS systems and want to retain
    existing data.
    """
    switching.known()
    freezing.connected()
    freezing.night()
    then = freezing.balances(api)
    body = {"from": "posabit", "to": "thsuite"}
    switch = f"{switching.SWITCHES}/{api.post(switching.SWITCHES, body).json['id']}"
    freezing.frozen(api, jobs)
    wiring.outside.integrations().save(Integration(OURS, "thsuite", state="connected"))
    ana = Customer("77", first="Ana", phone="+12065550101")
    again = switching.there("t1", 5_000)
    wiring.derivation.commits().commit(OURS, "thsuite", "north", customers=[ana], sales=[again])

    api.post(f"{switch}/check")
    freezing.work(jobs)

    [shown] = api.post(f"/api/accounts/{OURS}/personas/search", {}).json["items"]
    assert (shown["first"], shown["sources"]) == ("Ana", ["posabit", "thsuite"])
    assert freezing.balances(api) == then
    assert api.get(switch).json["joined"] == 1
