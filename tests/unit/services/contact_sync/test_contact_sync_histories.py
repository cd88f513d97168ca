"""Random histories of signups, syncs, accidents, freezes and dying workers: nobody is created twice
while the POS's search shows within two minutes what it stored, and everybody is created in the end.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from chalicelib.domain.errors import KeyRejected, RateLimited, UpstreamError
from tests.fakes.facts import Crash
from tests.worlds.contact_sync import FORM, SyncedTown

PHONES = tuple(f"+1206555010{number}" for number in range(4))
ACCIDENTS = (UpstreamError("cut"), Crash, RateLimited("wait", retry_after=90), KeyRejected("no"))
STEPS, SEEDS = 25, 100
LONGEST_LAG = 60


def live(town: SyncedTown) -> Counter[str | None]:
    """How many shoppers each phone has in the POS."""
    return Counter(c.phone for scope in ("north", "south") for c in town.pos.all(scope))


def take_a_step(town: SyncedTown, chance: random.Random) -> None:
    match chance.randrange(9):
        case 0 | 1 | 2:
            phone = chance.choice(PHONES)
            both = chance.random() < 0.5
            email = f"{phone[-1]}@example.com" if both else None
            platform = chance.choice((FORM, "api"))
            town.sign_up(phone, email=email, platform=platform, first=f"P{phone[-1]}")
        case 3:
            town.wire.at = town.wire.calls + chance.randrange(1, 30)  # the worker dies then
        case 4:
            stored = chance.random() < 0.5
            refusals = ACCIDENTS if not stored else ACCIDENTS[:2]
            town.pos.accidents, town.pos.after = [chance.choice(refusals)], stored
        case 5:
            town.card(state=chance.choice(("frozen", "connected", "connected")))
        case 6:
            town.pull(chance.choice(("north", "south")))
        case 7:
            for scope, rows in town.pos.shoppers.items():
                edited = [(at, replace(c, first=f"{c.first}!")) for at, c in rows]
                town.pos.shoppers[scope] = edited
        case _:
            town.wait(chance.choice((1, 30, 130, 700)))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nobody_is_created_twice_and_everybody_in_the_end(seed: int) -> None:
    chance = random.Random(seed)
    town = SyncedTown()
    town.pos.lag_seconds = chance.choice((0, 5, LONGEST_LAG))
    for _ in range(STEPS):
        take_a_step(town, chance)
        assert all(count == 1 for count in live(town).values()), seed

    town.wire.at, town.pos.accidents = None, []
    town.card(state="connected")
    town.settle()
    town.settle()

    signed_up = {c.record.customer.phone for c in town.facts.records.values()}
    assert all(live(town)[phone] == 1 for phone in signed_up if phone)
    states = {intent.state for intent in town.intents.rows.values()}
    assert states <= {"done", "matched"}


def test_without_the_search_before_a_second_creation_the_histories_would_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A control: the histories see a double where there is one."""
    monkeypatch.setattr("chalicelib.services.contact_sync.create_shopper.SHOWN_WITHIN", 0)

    def live_all() -> None:
        for seed in range(SEEDS):
            test_nobody_is_created_twice_and_everybody_in_the_end(seed)

    with pytest.raises(AssertionError):
        live_all()
