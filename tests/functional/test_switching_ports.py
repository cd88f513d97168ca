"""Switches and what their checks find: the fake and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.adapters.dynamo.accounts import DynamoAccounts, UserRow
from chalicelib.adapters.dynamo.audit import DynamoAudit
from chalicelib.adapters.dynamo.rules import DynamoRuleBook
from chalicelib.adapters.dynamo.switching import DynamoPosSwitches
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.rules import Rules
from chalicelib.domain.switches import SwitchRule
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.switching import (
    DoubledPair,
    PosSwitch,
    SaleOfPair,
    SwitchChange,
    SwitchCheck,
)
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import NOON, FakeIds
from tests.fakes.notifications import MemoryAudit
from tests.fakes.rules import MemoryRuleBook
from tests.fakes.switching import MemoryPosSwitches

OURS, THEIRS, TABLE = "3912", "4000", "accounts-under-test"
SWITCH = PosSwitch("swt_1", OURS, "posabit", "thsuite", 20_576, "user:ann", NOON)
RULES = Rules(switches=(SwitchRule("posabit", "thsuite", 20_576, starts_earning=True),))
ENTRY = AuditEntry(NOON, "user:ann", "switch.begun", "swt_1")
CHECK = SwitchCheck(OURS, "swt_1", 1, NOON, 3)


@dataclass
class Ports:
    switches: Any
    rules: Any
    audit: Any


@pytest.fixture(params=["fake", "table"])
def ports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ports]:
    if request.param == "fake":
        rules, audit = MemoryRuleBook(), MemoryAudit()
        yield Ports(MemoryPosSwitches(rules, audit), rules, audit)
        return
    set_aws_environment(monkeypatch)
    with mock_aws():
        DynamoAccounts(TABLE)
        UserRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield Ports(
            DynamoPosSwitches(TABLE, FakeIds()),
            DynamoRuleBook(TABLE),
            DynamoAudit(TABLE, FakeIds()),
        )


def a_pair(n: int, **changes: Any) -> DoubledPair:
    old = SaleOfPair("posabit", "north", f"a{n}", NOON, 5_000)
    new = SaleOfPair("thsuite", "north", f"b{n}", NOON + 1, 5_000)
    pair = DoubledPair(f"2026-05-{n:02d}-{n:016x}", "ab" * 16, 20_576, old, new)
    return replace(pair, **changes)


def test_a_switch_and_its_rule_are_written_at_once(ports: Ports) -> None:
    begun = ports.switches.apply(SwitchChange(RULES, SWITCH, ENTRY))

    assert begun == replace(SWITCH, seq=1) == ports.switches.get(OURS, "swt_1")
    assert ports.rules.get(OURS).switches == RULES.switches
    assert ports.switches.all(OURS) == [begun]
    assert ports.switches.all(THEIRS) == []
    with pytest.raises(NotFound):
        ports.switches.get(THEIRS, "swt_1")


def test_a_switch_of_rules_that_changed_meanwhile_is_not_written(ports: Ports) -> None:
    ports.rules.save(OURS, Rules())

    with pytest.raises(StaleVersion):
        ports.switches.apply(SwitchChange(RULES, SWITCH, ENTRY))
    assert ports.switches.all(OURS) == []
    assert ports.rules.get(OURS).switches == ()


def test_the_newest_switch_comes_first(ports: Ports) -> None:
    for n in (1, 2):
        rules = replace(ports.rules.get(OURS), switches=RULES.switches)
        ports.switches.apply(SwitchChange(rules, replace(SWITCH, id=f"swt_{n}"), ENTRY))

    assert [switch.id for switch in ports.switches.all(OURS)] == ["swt_2", "swt_1"]


def test_two_workers_of_a_check_do_not_count_twice(ports: Ports) -> None:
    saved = ports.switches.save_check(CHECK)
    ports.switches.save_check(replace(saved, personas=250, after="p250"))

    with pytest.raises(StaleVersion):
        ports.switches.save_check(replace(saved, personas=250, after="p250"))
    assert ports.switches.check(OURS, "swt_1", 1).personas == 250
    with pytest.raises(NotFound):
        ports.switches.check(OURS, "swt_1", 2)


def test_pairs_are_paged_by_day_and_belong_to_their_check(ports: Ports) -> None:
    pairs = [a_pair(n) for n in (3, 1, 2)]
    ports.switches.put_pairs(CHECK, pairs)
    ports.switches.put_pairs(CHECK, pairs)

    first, position = ports.switches.pairs(CHECK, 2, None)
    rest, _ = ports.switches.pairs(CHECK, 2, position)

    assert [*first, *rest] == [a_pair(1), a_pair(2), a_pair(3)]
    assert ports.switches.pairs(replace(CHECK, number=2), 2, None)[0] == []
    assert ports.switches.pair(CHECK, a_pair(2).n) == a_pair(2)
    for unknown in ("2026-05-09-0000000000000000", "", "x" * 300):
        with pytest.raises(NotFound):
            ports.switches.pair(CHECK, unknown)


def test_what_was_decided_is_stored_with_its_count(ports: Ports) -> None:
    check = ports.switches.save_check(replace(CHECK, doubled=1, undecided=1))
    ports.switches.put_pairs(check, [a_pair(1)])
    said = a_pair(1, new=replace(a_pair(1).new, double="own"))

    after = ports.switches.decide(replace(check, undecided=0), [said])

    assert ports.switches.pair(after, said.n) == said
    assert ports.switches.check(OURS, "swt_1", 1) == after
    with pytest.raises(StaleVersion):
        ports.switches.decide(check, [a_pair(1)])
    assert ports.switches.pair(after, said.n) == said
