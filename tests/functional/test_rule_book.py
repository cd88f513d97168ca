"""The rules in force: the fake and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from chalicelib.adapters.dynamo.rules import DynamoRuleBook, RulesRow
from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.rules import KeptMembers, Loyalty, Rules, Source
from chalicelib.domain.switches import SwitchRule
from chalicelib.domain.times import day_from_text
from chalicelib.services.ports.rules import RuleBook
from tests.fakes.aws import set_aws_environment
from tests.fakes.rules import MemoryRuleBook

OURS, OTHERS = "3912", "4000"
DAY = day_from_text("2026-01-31")
EVERYTHING = Rules(
    loyalty=Loyalty(
        enabled=True,
        accrual_start=DAY,
        points_per_100=1_050,
        points_per_order=500,
        max_orders_per_day=2,
        exclude_tax=True,
        rounding="none",
        expire_after_days=365,
        earn_only_from_joining=True,
    ),
    sources={
        "posabit": Source(
            enroll_after=DAY,
            sms_opt_in_after=DAY + 1,
            accrual_start=DAY + 2,
            imported_on=DAY + 3,
            was_imported_on=DAY + 4,
            import_locks={"Store #1": "run_1"},
            trusts_opt_in_flags=True,
            keeping=(
                KeptMembers("enroll_after", DAY - 30, 5_000),
                KeptMembers("sms_opt_in_after", DAY - 9),
            ),
            overruled=(KeptMembers("enroll_after", DAY - 31, 4_000),),
        ),
        "auphan": Source(),
    },
    switches=(
        SwitchRule("posabit", "thsuite", DAY, until=DAY + 9, starts_earning=True),
        SwitchRule("thsuite", "auphan", DAY + 20),
    ),
)


@pytest.fixture(params=["fake", "table"])
def book(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RuleBook]:
    if request.param == "fake":
        yield MemoryRuleBook()
        return
    set_aws_environment(monkeypatch)
    with mock_aws():
        made = DynamoRuleBook("accounts-under-test")
        RulesRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield made


def test_who_decided_nothing_has_the_defaults(book: RuleBook) -> None:
    assert book.get(OURS) == Rules()


def test_rules_are_read_as_they_were_saved(book: RuleBook) -> None:
    saved = book.save(OURS, EVERYTHING)

    assert saved == replace(EVERYTHING, version=1)
    assert book.get(OURS) == saved
    assert book.get(OTHERS) == Rules()


@pytest.mark.parametrize("version", [0, 2])
def test_rules_that_changed_meanwhile_are_not_overwritten(book: RuleBook, version: int) -> None:
    held = book.save(OURS, EVERYTHING)

    with pytest.raises(StaleVersion):
        book.save(OURS, Rules(version=version))

    assert book.get(OURS) == held


def test_rules_may_be_saved_again_and_again(book: RuleBook) -> None:
    first = book.save(OURS, Rules())

    second = book.save(OURS, replace(first, loyalty=Loyalty(enabled=True)))

    assert (second.version, second.loyalty.enabled) == (2, True)
