"""Previews, jobs, daily looks, leavers, withdrawals, adjustments: fake and table keep the same
promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.adapters.dynamo.accounts import DynamoAccounts, UserRow
from chalicelib.adapters.dynamo.audit import DynamoAudit
from chalicelib.adapters.dynamo.changes import DynamoChanges
from chalicelib.adapters.dynamo.contacts_withdrawn import DynamoWithdrawals
from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.integrations import DynamoIntegrations
from chalicelib.adapters.dynamo.loyalty import DynamoAdjustments, DynamoExpiries, DynamoLeavers
from chalicelib.adapters.dynamo.rules import DynamoRuleBook
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.rules import Loyalty, Rules
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.changes import (
    AppliedChange,
    BalanceChange,
    ChangedMeanwhile,
    Job,
    Preview,
    PreviewCounts,
    job_id,
)
from chalicelib.services.ports.contacts_withdrawn import BlankedRow, Withdrawal, WithheldNote
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.loyalty import ManualAdjustment
from tests.fakes.aws import set_aws_environment
from tests.fakes.changes import MemoryAdjustments, MemoryChanges, MemoryExpiries, MemoryLeavers
from tests.fakes.common import NOON, FakeClock, FakeIds
from tests.fakes.contacts_withdrawn import MemoryWithdrawals
from tests.fakes.integrations import MemoryIntegrations
from tests.fakes.notifications import MemoryAudit
from tests.fakes.rules import MemoryRuleBook

OURS, THEIRS = "3912", "4000"
ACCOUNTS, INTEGRATIONS = "accounts-under-test", "integrations-under-test"


@dataclass
class Ports:
    changes: Any
    rules: Any
    integrations: Any
    audit: Any
    expiries: Any
    leavers: Any
    adjustments: Any
    withdrawals: Any


@pytest.fixture(params=["fake", "table"])
def ports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ports]:
    if request.param == "fake":
        rules, cards, audit = MemoryRuleBook(), MemoryIntegrations(), MemoryAudit()
        changes = MemoryChanges(rules, cards, audit)
        daily = MemoryExpiries(), MemoryLeavers(), MemoryAdjustments()
        yield Ports(changes, rules, cards, audit, *daily, MemoryWithdrawals())
        return
    set_aws_environment(monkeypatch)
    with mock_aws():
        DynamoAccounts(ACCOUNTS)
        UserRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        DynamoCredentials(INTEGRATIONS)
        CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield Ports(
            DynamoChanges(ACCOUNTS, INTEGRATIONS, FakeIds()),
            DynamoRuleBook(ACCOUNTS),
            DynamoIntegrations(INTEGRATIONS),
            DynamoAudit(ACCOUNTS, FakeIds()),
            DynamoExpiries(ACCOUNTS),
            DynamoLeavers(ACCOUNTS),
            DynamoAdjustments(ACCOUNTS, FakeClock()),
            DynamoWithdrawals(ACCOUNTS),
        )


def a_preview(**changes: Any) -> Preview:
    base = Preview(
        id="prv_1",
        uid=OURS,
        subject="posabit",
        changes={"enroll_after": "2026-01-01", "points_accrual_start": None},
        rules_version=0,
        settings_version=0,
        secret="tok_1",
        made_at=NOON,
        counts=PreviewCounts(7, 3, 1, 2, 0, 2, -250, (BalanceChange("p1", 100, -150),)),
        after="3|place",
    )
    return replace(base, **changes)


def a_change(ports: Ports, preview: Preview | None = None, **changes: Any) -> AppliedChange:
    """Of the first rules of a card nobody touched."""
    version = changes.pop("version", 1)
    job = Job(
        id=job_id(version),
        uid=OURS,
        subject="posabit",
        rules_version=version,
        actor="user:ann",
        changes={"enroll_after": "2026-01-01"},
        before={"enroll_after": None},
        made_at=NOON,
        total=7,
    )
    base = AppliedChange(
        rules=Rules(Loyalty(enabled=True)),
        job=job,
        audit=AuditEntry(NOON, "user:ann", "settings.changed", "posabit", after={"counts": {}}),
        integration=Integration(OURS, "posabit", sms_from=NOON, sms_before="2025-01-01"),
        preview=preview,
    )
    return replace(base, **changes)


def test_a_preview_is_read_as_it_was_saved_and_saved_once_at_each_step(ports: Ports) -> None:
    saved = ports.changes.save_preview(a_preview())
    onward = ports.changes.save_preview(replace(saved, state="ready", ready_at=NOON + 1))

    assert ports.changes.preview(OURS, "prv_1") == onward
    with pytest.raises(StaleVersion):
        ports.changes.save_preview(saved)
    for uid, name in ((THEIRS, "prv_1"), (OURS, "prv_2")):
        with pytest.raises(NotFound):
            ports.changes.preview(uid, name)


def test_a_change_writes_card_rules_job_preview_and_audit_together(ports: Ports) -> None:
    preview = ports.changes.save_preview(a_preview())

    ports.changes.apply(a_change(ports, preview))

    assert ports.rules.get(OURS) == Rules(Loyalty(enabled=True), version=1)
    card = ports.integrations.get(OURS, "posabit")
    assert (card.version, card.sms_from, card.sms_before) == (1, NOON, "2025-01-01")
    assert ports.changes.preview(OURS, "prv_1").used
    job = ports.changes.job(OURS, job_id(1))
    assert (job.state, job.total, job.seq) == ("queued", 7, 1)
    [entry] = ports.audit.entries(OURS, 10, None)[0]
    assert entry.action == "settings.changed"


@pytest.mark.parametrize("spoiled", ["card", "rules", "preview"])
def test_a_change_of_something_that_was_changed_meanwhile_writes_nothing(
    ports: Ports, spoiled: str
) -> None:
    preview = ports.changes.save_preview(a_preview())
    applied = a_change(ports, preview)
    expected: type[Exception] = ChangedMeanwhile
    if spoiled == "card":
        ports.integrations.save(Integration(OURS, "posabit"))
        expected = StaleVersion
    elif spoiled == "rules":
        ports.rules.save(OURS, Rules())
    else:
        ports.changes.save_preview(replace(preview, used=True))

    with pytest.raises(expected):
        ports.changes.apply(applied)

    assert ports.changes.latest_job(OURS) is None
    assert not ports.rules.get(OURS).loyalty.enabled
    assert ports.audit.entries(OURS, 10, None)[0] == []


def test_a_change_of_loyalty_rules_has_no_card(ports: Ports) -> None:
    ports.changes.apply(a_change(ports, integration=None))

    assert ports.rules.get(OURS).version == 1
    assert ports.integrations.get(OURS, "posabit") is None


def test_the_latest_job_is_that_of_the_latest_rules(ports: Ports) -> None:
    ports.changes.apply(a_change(ports, integration=None))
    later = a_change(ports, integration=None, version=2, rules=Rules(version=1))
    ports.changes.apply(later)
    job = ports.changes.job(OURS, job_id(2))

    done = ports.changes.save_job(replace(job, state="done", done=7, after="1|x"))

    assert ports.changes.latest_job(OURS) == done
    assert ports.changes.latest_job(THEIRS) is None
    with pytest.raises(StaleVersion):
        ports.changes.save_job(job)
    with pytest.raises(NotFound):
        ports.changes.job(THEIRS, job_id(2))


def test_watched_accounts_are_listed_with_the_day_they_were_looked_at(ports: Ports) -> None:
    for uid in (OURS, THEIRS):
        ports.expiries.watch(uid, on=True)
    ports.expiries.mark_looked_at(OURS, 20_500)
    ports.expiries.watch(OURS, on=True)
    ports.expiries.watch(THEIRS, on=False)
    ports.expiries.watch("5000", on=False)
    ports.expiries.mark_looked_at("5000", 20_500)

    assert list(ports.expiries.watched_accounts()) == [(OURS, 20_500)]


def test_an_account_with_a_sale_dated_ahead_stays_watched_whatever_its_rules(ports: Ports) -> None:
    ports.expiries.watch(OURS, on=True)
    ports.expiries.mark_looked_at(OURS, 20_500)
    for uid in (OURS, THEIRS, OURS, THEIRS):
        ports.expiries.watch_ahead(uid)
        ports.expiries.watch(uid, on=False)

    ports.expiries.drop(THEIRS)

    assert list(ports.expiries.watched_accounts()) == [(OURS, 20_500)]


def test_who_was_never_looked_at_is_due(ports: Ports) -> None:
    ports.expiries.watch(OURS, on=True)

    [(uid, looked)] = ports.expiries.watched_accounts()

    assert uid == OURS
    assert looked is None or looked < 0


def test_any_number_of_leavers_is_noted_and_replaced_as_one(ports: Ports) -> None:
    many = [f"{n:032x}" for n in range(12_000)]
    fewer = many[:7_000] + many[7_500:]

    assert ports.leavers.put(OURS, "posabit", many[:5_000], instead_of=[])
    assert ports.leavers.put(OURS, "posabit", many, instead_of=many[:5_000])
    assert ports.leavers.leaver_ids(OURS, "posabit") == many
    assert not ports.leavers.put(OURS, "posabit", ["b"], instead_of=many[:5_000])
    assert ports.leavers.put(OURS, "posabit", fewer, instead_of=many)
    assert ports.leavers.leaver_ids(OURS, "posabit") == fewer
    assert ports.leavers.put(OURS, "posabit", many[:2], instead_of=fewer)
    assert ports.leavers.leaver_ids(OURS, "posabit") == many[:2]
    assert not ports.leavers.put(OURS, "posabit", [], instead_of=fewer)
    assert ports.leavers.put(OURS, "posabit", [], instead_of=many[:2])
    assert ports.leavers.leaver_ids(OURS, "posabit") == []


def test_leavers_noted_meanwhile_are_not_lost(ports: Ports) -> None:
    assert ports.leavers.put(OURS, "posabit", [], instead_of=[])
    assert ports.leavers.put(OURS, "posabit", ["a"], instead_of=[])

    assert not ports.leavers.put(OURS, "posabit", ["b"], instead_of=[])
    assert not ports.leavers.put(OURS, "posabit", ["b"], instead_of=["c"])
    assert not ports.leavers.put(OURS, "posabit", [], instead_of=["c"])

    assert ports.leavers.leaver_ids(OURS, "posabit") == ["a"]


def a_withdrawal(number: int) -> Withdrawal:
    return Withdrawal(f"run_{number}", "north", "pending", 30)


def test_withdrawals_that_came_meanwhile_are_not_lost(ports: Ports) -> None:
    one, two = a_withdrawal(1), a_withdrawal(2)
    put = ports.withdrawals.put
    assert put(OURS, "posabit", [one], instead_of=[])

    assert not put(OURS, "posabit", [two], instead_of=[])
    assert put(OURS, "posabit", [one, two], instead_of=[one])
    assert not put(OURS, "posabit", [], instead_of=[one])

    assert ports.withdrawals.of_source(OURS, "posabit") == [one, two]
    assert ports.withdrawals.of_source(OURS, "webjoint") == []
    assert ports.withdrawals.of_source(THEIRS, "posabit") == []
    assert put(OURS, "posabit", [], instead_of=[one, two])
    assert ports.withdrawals.of_source(OURS, "posabit") == []


def test_what_a_run_withheld_is_noted_by_place(ports: Ports) -> None:
    largest = 2**64 - 1
    rows = tuple(BlankedRow(f"{n:032x}", n, largest, 0) for n in range(1_000))
    late = WithheldNote("0000000002#000000", (), ("f" * 32, "0" * 32))
    early = WithheldNote("0000000001#000000", rows)
    for note in (late, early, late):
        ports.withdrawals.note(OURS, "run_1", note)

    assert ports.withdrawals.notes(OURS, "run_1") == [early, late]
    assert ports.withdrawals.notes(OURS, "run_2") == []
    assert ports.withdrawals.notes(THEIRS, "run_1") == []


def test_notes_that_are_forgotten_are_gone(ports: Ports) -> None:
    for number in range(30):
        note = WithheldNote(f"{number:06d}", (), ("a" * 32,))
        ports.withdrawals.note(OURS, "run_1", note)

    for _ in range(2):
        ports.withdrawals.forget(OURS, "run_1", [f"{number:06d}" for number in range(29)])

    assert [note.place for note in ports.withdrawals.notes(OURS, "run_1")] == ["000029"]


def test_leavers_are_those_noted_last(ports: Ports) -> None:
    assert ports.leavers.put(OURS, "posabit", ["a", "b"], instead_of=[])
    assert ports.leavers.put(OURS, "posabit", ["b"], instead_of=["a", "b"])
    assert ports.leavers.put(OURS, "webjoint", ["c"], instead_of=[])
    assert ports.leavers.put(OURS, "webjoint", [], instead_of=["c"])

    assert ports.leavers.leaver_ids(OURS, "posabit") == ["b"]
    assert ports.leavers.leaver_ids(OURS, "webjoint") == []
    assert ports.leavers.leaver_ids(THEIRS, "posabit") == []


def test_adjustments_of_a_day_stay_within_the_limit_and_repeat_nothing(ports: Ports) -> None:
    def reserve(name: str, amount: int, actor: str = "user:ann") -> list[ManualAdjustment]:
        wanted = ManualAdjustment(name, "p1", amount, "reason")
        found: list[ManualAdjustment] = ports.adjustments.reserve(
            OURS, "2026-01-01", actor, wanted, 100
        )
        return found

    reserve("a", 60)
    reserve("b", -40)
    again = reserve("a", 60)
    over = reserve("c", 1)
    other_use = reserve("a", 5)
    someone_else = reserve("c", 1, actor="user:bob")

    assert [one.id for one in again] == ["a", "b"]
    assert again == over == other_use
    assert [one.id for one in someone_else] == ["c"]

    ports.adjustments.forget(OURS, "2026-01-01", "user:ann", ["b", "x"])
    assert [one.id for one in reserve("d", 40)] == ["a", "d"]
