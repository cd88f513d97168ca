"""*Use AIQ's last backup*, as every article has it."""

from __future__ import annotations

import pytest

from chalicelib.domain.calls import CallsStopped
from chalicelib.domain.errors import SourceStandsStill
from chalicelib.entrypoints import wiring
from tests.fakes.common import MemoryQueue
from tests.functional import test_freezing_api as freezing
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
        wiring.outside.permits().for_syncs(OURS, "posabit")()
