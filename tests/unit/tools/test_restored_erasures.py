"""Who was erased since the moment is in no restored table (product.md §14)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.domain.acts import Join
from chalicelib.domain.consent import Entry
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.entrypoints import wiring
from chalicelib.services.consent.log import append_entries
from chalicelib.services.ports.accounts import User
from chalicelib.services.ports.privacy import Erasure
from tests.fakes.accounts import an_account
from tests.fakes.aws import create_table, set_aws_environment
from tools import restored_erasures
from tools.restored_erasures import IN_THE_BUCKET, carry_over_erasures
from tools.stage_parameters import TABLES

UID = Uid("3912")
OWNER = User(UID, "sub", "o@example.com", "Owner")
PHONE = "+12065550101"
ANA = Customer("1", first="Ana", phone=PHONE, email="ana@example.com")
BEN = Customer("2", first="Ben", phone="+12065550102")
FORMER = {logical: f"former-{logical}" for logical in TABLES}
RESTORED = {logical: f"restored-{logical}" for logical in TABLES}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    set_aws_environment(monkeypatch)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        for name in (*FORMER.values(), *RESTORED.values()):
            create_table(client, name)
        yield client


@contextmanager
def on(dynamodb: Any, tables: Mapping[str, str]) -> Iterator[None]:
    queue = boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="texts")
    variables = {restored_erasures._TABLES[each]: tables[each] for each in TABLES}
    variables["QUEUE_TEXTS_URL"] = queue["QueueUrl"]
    with restored_erasures._environment(dynamodb, variables):
        yield


def a_life() -> None:
    """Ana buys, says STOP; Ben is there, too."""
    wiring.outside.accounts().create(an_account(UID), OWNER)
    clock = wiring.outside.clock()
    sale = Sale("s1", "Main", clock.now() - DAY, "", "USD", 5_000, customer_ext_id="1")
    tell(ANA, BEN, sales=[sale])
    stop = Entry("stop", clock.now(), "stop", "sms")
    append_entries(wiring.outside.consent_log(), clock, UID, "sms", PHONE, [stop])


def tell(*customers: Customer, **given: Any) -> None:
    wiring.derivation.commits().commit(
        UID, Platform("posabit"), ScopeId("north"), customers=customers, **given
    )


def erase() -> str:
    """Up to the steps of the bucket, which this test has none of."""
    service, worker = wiring.privacy.erase_service(), wiring.privacy.erase_worker()
    rid = record_id(UID, Platform("posabit"), ScopeId("north"), "1")
    asked = Erasure(UID, "erasure_1", "persona", "user:olga", service.clock.now(), records=(rid,))
    worker.advance(service.erasures.save(asked), IN_THE_BUCKET[0])
    return asked.id


def everything(dynamodb: Any, tables: Mapping[str, str]) -> str:
    rows = [r for name in tables.values() for r in dynamodb.scan(TableName=name)["Items"]]
    return "\n".join(repr({name: _read(value) for name, value in row.items()}) for row in rows)


def _read(value: dict[str, Any]) -> str:
    [(kind, held)] = value.items()
    if kind != "B":
        return str(held)
    try:
        return zlib.decompress(bytes(held)).decode()
    except zlib.error:
        return repr(bytes(held))


def test_who_was_erased_since_the_moment_is_in_no_restored_table(dynamodb: Any) -> None:
    with on(dynamodb, FORMER):
        a_life()
        erasure = erase()
    with on(dynamodb, RESTORED):  # as of the moment, she was there
        a_life()
    assert PHONE in everything(dynamodb, RESTORED)

    for _ in range(2):
        messages = carry_over_erasures(dynamodb, FORMER, RESTORED, {})

        assert [each.erasure for each in messages] == [erasure]
        stored = everything(dynamodb, RESTORED)
        told = [text for text in stored.splitlines() if "ERASURE#" not in text]
        assert not [text for text in told if PHONE in text or "ana@example" in text]
        assert BEN.phone in stored
    with on(dynamodb, RESTORED):
        tell(ANA)
    assert "ana@example" not in "".join(
        text for text in everything(dynamodb, RESTORED).splitlines() if "ERASURE#" not in text
    )


def test_a_tombstone_of_before_the_moment_holds_and_one_that_was_lifted_stays_lifted(
    dynamodb: Any,
) -> None:
    with on(dynamodb, FORMER):
        a_life()
        erase()
        later = wiring.outside.clock().now() + 1
        tell(ANA, joins={"1": Join("form", later)})
    with on(dynamodb, RESTORED):
        wiring.outside.accounts().create(an_account(UID), OWNER)

    carry_over_erasures(dynamodb, FORMER, RESTORED, {})

    with on(dynamodb, RESTORED):
        held = wiring.outside.facts().current_tombstones(UID)
        assert held.salt
        assert len(held.held) == 3


def test_where_nobody_was_erased_nothing_is_done(dynamodb: Any) -> None:
    assert carry_over_erasures(dynamodb, FORMER, RESTORED, {}) == []
