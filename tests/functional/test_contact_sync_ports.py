"""Intents of contact sync: the fake and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.adapters.dynamo import contact_sync
from chalicelib.adapters.dynamo.contact_sync import DynamoShopperIntents, IntentRow
from chalicelib.domain.errors import StaleVersion
from chalicelib.services.ports.contact_sync import (
    TURN_SECONDS,
    DueSource,
    OpenIntent,
    ShopperIntent,
    ShopperIntents,
)
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import NOON
from tests.fakes.contact_sync import MemoryShopperIntents

OURS, THEIRS, POS = "3912", "4000", "posabit"
INTENT = ShopperIntent(OURS, POS, "a" * 32, NOON, noted_at=NOON, due_at=NOON)


@pytest.fixture(params=["memory", "dynamo"])
def intents(request: Any) -> Iterator[ShopperIntents]:
    if request.param == "memory":
        yield MemoryShopperIntents()
        return
    with pytest.MonkeyPatch.context() as env, mock_aws():
        set_aws_environment(env)
        rows = DynamoShopperIntents("accounts-under-test")
        IntentRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield rows


def test_an_intent_is_noted_once_and_makes_its_source_due(intents: ShopperIntents) -> None:
    assert intents.note(INTENT)
    assert not intents.note(replace(INTENT, noted_at=NOON + 1))

    assert intents.get(OURS, POS, INTENT.record) == replace(INTENT, seq=1)
    assert intents.get(THEIRS, POS, INTENT.record) is None
    assert intents.open_ones(OURS, POS) == [OpenIntent(NOON, INTENT.record)]
    assert list(intents.due_sources(NOON)) == [DueSource(OURS, POS, NOON)]
    assert list(intents.due_sources(NOON - 1)) == []


def test_where_nothing_is_to_be_shown_nothing_is_read(
    intents: ShopperIntents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*places: object) -> object:
        raise AssertionError("DynamoDB refuses to read nothing")

    monkeypatch.setattr(contact_sync, "find_together", refuse)

    assert intents.shown(OURS, POS, 10) == []


def test_what_is_saved_keeps_every_field_and_its_place_in_the_lists(
    intents: ShopperIntents,
) -> None:
    intents.note(INTENT)
    shown = replace(
        INTENT,
        state="double",
        due_at=NOON + 9,
        scope="north",
        ext_id="p1",
        forced=True,
        tries=2,
        creations=1,
        sent_at=NOON + 1,
        waiting="taken",
        refused_for=("telephone",),
        doubles=("p1", "p2"),
        changed_at=NOON + 2,
        seq=1,
    )

    saved = intents.save(shown)

    assert intents.get(OURS, POS, INTENT.record) == saved == replace(shown, seq=2)
    assert intents.shown(OURS, POS, 10) == [saved]
    assert intents.open_ones(OURS, POS) == [OpenIntent(NOON + 9, INTENT.record, is_waiting=False)]
    intents.save(replace(saved, state="done", due_at=None))
    assert intents.shown(OURS, POS, 10) == intents.open_ones(OURS, POS) == []


def test_of_two_workers_with_one_intent_the_later_is_refused(intents: ShopperIntents) -> None:
    intents.note(INTENT)
    read = intents.get(OURS, POS, INTENT.record)
    assert read is not None
    intents.save(replace(read, state="sending"))

    with pytest.raises(StaleVersion):
        intents.save(replace(read, state="dropped", due_at=None))

    assert intents.open_ones(OURS, POS) != []


def test_one_worker_has_its_turn_until_it_ends_or_runs_out(intents: ShopperIntents) -> None:
    assert intents.take_turn(OURS, POS, "turn_1", NOON)
    assert intents.take_turn(OURS, POS, "turn_1", NOON + 1)
    assert intents.take_turn(THEIRS, POS, "turn_2", NOON)
    assert not intents.take_turn(OURS, POS, "turn_2", NOON + 2)

    intents.end_turn(OURS, POS, "turn_2")
    assert not intents.take_turn(OURS, POS, "turn_2", NOON + 2)
    assert intents.take_turn(OURS, POS, "turn_2", NOON + 2 + TURN_SECONDS * 1000)
    intents.end_turn(OURS, POS, "turn_2")
    assert intents.take_turn(OURS, POS, "turn_3", NOON)


def test_when_a_source_is_due_is_moved_only_as_it_was_seen(intents: ShopperIntents) -> None:
    intents.note(INTENT)
    assert intents.due_at(OURS, POS) == NOON

    assert not intents.move_due(OURS, POS, NOON - 5, NOON + 60)
    assert intents.move_due(OURS, POS, NOON, NOON + 60)
    assert intents.due_at(OURS, POS) == NOON + 60
    assert not intents.move_due(OURS, POS, NOON, None)
    assert intents.move_due(OURS, POS, NOON + 60, None)
    assert intents.due_at(OURS, POS) is None
    assert intents.move_due(OURS, POS, None, NOON)
    assert intents.due_at(OURS, POS) == NOON
