"""The line of pushes that wait, on the table and in memory (freezing.md)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.adapters.dynamo import waiting_pushes
from chalicelib.adapters.dynamo.accounts import DynamoAccounts, UserRow
from chalicelib.adapters.dynamo.rules import DynamoRuleBook
from chalicelib.adapters.dynamo.waiting_pushes import DynamoWaitingPushes
from chalicelib.domain.errors import SourceStandsStill, StaleVersion
from chalicelib.domain.rules import Rules
from chalicelib.domain.traces import Traces
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.waiting_pushes import PushLine, WaitingPush
from tests.fakes.rules import MemoryRuleBook
from tests.fakes.waiting_pushes import MemoryWaitingPushes

OURS, THEIRS, POSABIT = Uid("1000"), Uid("2000"), Platform("posabit")
ACCOUNTS = "accounts-under-test"


@dataclass
class Ports:
    pushes: Any
    book: Any

    def add(self, *things: dict[str, Any], kind: Any = "members", at: int = 5) -> None:
        self.pushes.add(OURS, POSABIT, WaitingPush(kind, at, things), self.book.get(OURS))


@pytest.fixture(params=["fake", "aws"])
def ports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ports]:
    if request.param == "fake":
        book = MemoryRuleBook()
        made = Ports(MemoryWaitingPushes(book), book)
        book.save(OURS, Rules())
        yield made
        return
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        DynamoAccounts(ACCOUNTS)
        UserRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        aws = Ports(DynamoWaitingPushes(ACCOUNTS), DynamoRuleBook(ACCOUNTS))
        aws.book.save(OURS, Rules())
        yield aws


ANA, BEN = {"pos_id": "1", "phone": "2065550101"}, {"pos_id": "2", "phone": "2065550102"}
SALE = {"pos_id": "s1", "pos_user": "1", "member": ANA, "total": "2"}


def test_calls_come_back_in_their_order_and_as_they_were(ports: Ports) -> None:
    for number in range(12):
        ports.add({"pos_id": str(number)}, at=number)

    found = ports.pushes.first(OURS, POSABIT, 11)

    assert [(each.number, each.at, each.things) for each in found] == [
        (number + 1, number, [{"pos_id": str(number)}]) for number in range(11)
    ]
    assert replace(ports.pushes.line(OURS, POSABIT), size=0) == PushLine(12, 12)
    assert ports.pushes.first(THEIRS, POSABIT, 9) == []
    assert ports.pushes.line(OURS, Platform("thsuite")) == PushLine()


def test_the_same_call_right_behind_itself_is_one(ports: Ports) -> None:
    for things in (ANA, ANA, BEN, ANA):
        ports.add(things, at=7)
    ports.add(ANA, kind="sales")

    kinds = [(each.kind, each.things) for each in ports.pushes.first(OURS, POSABIT, 9)]
    assert kinds == [
        ("members", [ANA]),
        ("members", [BEN]),
        ("members", [ANA]),
        ("sales", [ANA]),
    ]


def test_a_call_that_is_gone_waits_no_more_and_may_come_again(ports: Ports) -> None:
    ports.add(ANA)
    [push] = ports.pushes.first(OURS, POSABIT, 9)
    assert ports.pushes.waits(OURS, POSABIT, push)

    for _ in range(2):
        ports.pushes.remove(OURS, POSABIT, push)

    assert not ports.pushes.waits(OURS, POSABIT, push)
    assert ports.pushes.line(OURS, POSABIT) == PushLine(1, 0, 0)
    ports.add(ANA)
    assert [each.number for each in ports.pushes.first(OURS, POSABIT, 9)] == [2]


def test_nothing_comes_into_the_line_once_the_rules_changed(ports: Ports) -> None:
    before = ports.book.get(OURS)
    ports.book.save(OURS, before)

    with pytest.raises(StaleVersion):
        ports.pushes.add(OURS, POSABIT, WaitingPush("members", 5, [ANA]), before)

    assert ports.pushes.line(OURS, POSABIT) == PushLine()


def test_a_shopper_is_found_and_taken_out(ports: Ports) -> None:
    ports.add(ANA, BEN)
    ports.add(SALE, {**SALE, "pos_id": "s2", "pos_user": "2", "member": None}, kind="sales")
    traces = Traces.of(["+12065550101"], [], ["1"])

    assert ports.pushes.find(OURS, POSABIT, traces) == [ANA, SALE]
    assert ports.pushes.erase(OURS, POSABIT, traces) == 2

    members, sales = ports.pushes.first(OURS, POSABIT, 9)
    assert members.things == [BEN]
    assert [(each["pos_id"], each["pos_user"], each["member"]) for each in sales.things] == [
        ("s1", "", None),
        ("s2", "2", None),
    ]
    assert ports.pushes.erase(OURS, POSABIT, traces) == 0


def test_a_call_of_any_size_fits(ports: Ports) -> None:
    """A body has 1 MB at most, of which JSON that cannot be compressed is the dearest."""
    lots = random.Random(7)
    noise = {"pos_id": "1", "first": "".join(chr(lots.randrange(33, 127)) for _ in range(990_000))}
    ports.add(ANA)
    ports.add(noise, ANA)
    ports.add(BEN)

    first, large, last = ports.pushes.first(OURS, POSABIT, 9)
    assert (first.things, large.things, last.things) == ([ANA], [noise, ANA], [BEN])
    assert ports.pushes.erase(OURS, POSABIT, Traces.of([], [], ["1"])) == 2
    [_, large, _] = ports.pushes.first(OURS, POSABIT, 9)
    assert large.things == []
    for push in ports.pushes.first(OURS, POSABIT, 9):
        ports.pushes.remove(OURS, POSABIT, push)
    assert ports.pushes.first(OURS, POSABIT, 9) == []


def test_a_full_line_takes_no_more(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_pushes, "MOST_WAITING", 1)
    ports.pushes.most = 1
    ports.add(ANA)
    ports.add(ANA)

    with pytest.raises(SourceStandsStill):
        ports.add(BEN)
