"""The budgets of architecture.md §7 that can be counted: units and calls, never seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import boto3
import pytest
from moto import mock_aws

from benchmarks import worker
from benchmarks.growth import NOW, PAGE, Bench, sale, shopper
from benchmarks.local import make_resources
from benchmarks.units import Meter, indexes_of_tables, row_bytes
from chalicelib.adapters.aws import client as aws
from chalicelib.adapters.dynamo import base as tables
from chalicelib.domain.records import InventoryItem, StoreFact
from chalicelib.domain.rules import Loyalty, Source
from chalicelib.domain.times import DAY, day_number, to_text
from chalicelib.entrypoints import wiring
from chalicelib.services.changes import preview as previews
from chalicelib.services.changes.preview import token_of
from chalicelib.services.job_messages.account_jobs import (
    ApplyMessage,
    AudienceRunMessage,
    RemapMessage,
)
from chalicelib.services.job_messages.sync_messages import SyncMessage
from tests.fakes.audiences import MemoryObjects, TakesNoBackups
from tests.fakes.aws import set_aws_environment
from tests.fakes.pos import FakePosGateway, pages_of

SHOPPERS = [shopper(number) for number in range(PAGE)]


def a_page_of_sales(first: int = 0) -> list[Any]:
    return [sale(first + n, who.ext_id, NOW - DAY + n) for n, who in enumerate(SHOPPERS)]


@pytest.fixture
def account() -> Bench:
    """An account with a page of shoppers and one mapped store."""
    made = Bench()
    made.take("shoppers", "customers", SHOPPERS)
    return made


def test_a_new_shopper_costs_at_most_five_write_units_and_two_for_indexes(account: Bench) -> None:
    cost = account.costs["shoppers"].per_record()

    assert (cost.writes <= 5, cost.index_writes <= 2) == (True, True), cost


def test_a_new_sale_costs_at_most_four_write_units_even_a_shoppers_first(account: Bench) -> None:
    account.take("first sale", "sales", a_page_of_sales())
    account.take("second sale", "sales", a_page_of_sales(first=PAGE))

    first = account.costs["first sale"].per_record()
    second = account.costs["second sale"].per_record()
    # The first may choose a favourite store, which writes the persona: one of several sales.
    assert (first.writes + second.writes) / 2 <= 4, (first, second)
    assert second.writes <= 4 - 0.5, "no room for the ledger"
    assert first.index_writes + second.index_writes == 0


def test_a_record_of_a_first_load_costs_at_most_three_read_units(account: Bench) -> None:
    """A shopper the keys, a sale the shopper: what was never committed is not looked for."""
    account.take("sales", "sales", a_page_of_sales())

    shoppers, sales = (account.costs[what].per_record() for what in ("shoppers", "sales"))
    assert (shoppers.reads + sales.reads) / 2 <= 3, (shoppers, sales)
    assert round(shoppers.reads, 1) == 2
    assert round(sales.reads, 1) == 3


def test_a_shopper_of_a_first_load_in_any_order_costs_at_most_three_read_units() -> None:
    """A POS lists by the last change, or gives its ids at random."""
    account = Bench()
    account.take("ends", "customers", [SHOPPERS[0], SHOPPERS[-1]])

    account.take("between", "customers", SHOPPERS[1:-1])

    assert round(account.costs["between"].per_record().reads, 1) == 3


def test_a_record_known_unchanged_costs_nothing(account: Bench) -> None:
    account.take("again", "customers", SHOPPERS)

    again = account.costs["again"].per_record()
    assert (again.calls, again.writes, again.reads) == (0, 0, 0)


def test_a_sale_costs_a_shopper_of_long_standing_no_more_units() -> None:
    units = []
    for history in (100, 2_000):
        made, buyer = Bench(), SHOPPERS[0]
        made.take("shopper", "customers", [buyer])
        old = [sale(n, buyer.ext_id, NOW - 300 * DAY + n * 10_000_000) for n in range(history)]
        made.take("history", "sales", old)

        made.take("sale", "sales", [sale(history, buyer.ext_id, NOW)])

        cost = made.costs["sale"].per_record()
        units.append(cost.writes + cost.reads)
    assert units[1] <= 3 * units[0]


def test_rows_are_measured_as_dynamodb_charges_them() -> None:
    row = {
        "pk": {"S": "é"},
        "n": {"N": "-12.5"},
        "b": {"B": b"\x00" * 7},
        "t": {"BOOL": True},
        "l": {"L": [{"S": "ab"}]},
        "m": {"M": {"k": {"S": "v"}}},
    }

    assert row_bytes(row) == (2 + 2) + (1 + 4) + (1 + 7) + (1 + 1) + (1 + 3 + 3) + (1 + 3 + 3)


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Meter]:
    """The real adapters on an AWS of their own, every call counted."""
    set_aws_environment(monkeypatch)
    with mock_aws():
        for name, value in make_resources(boto3.client).items():
            monkeypatch.setenv(name, value)
        _forget()
        made = Meter(indexes_of_tables(worker.tables()))
        with made.listen():
            worker.prepare({"token": "vt_secret_key_1"})
            yield made
    _forget()


A_PREVIEW = {"PREVIEW", "LIVE", "COUNTING"}
"""The rows of a preview: itself, that it is its subject's latest, and that a request counts it."""


def _forget() -> None:
    """Only clients made from now on are heard."""
    wiring.reset()
    aws.client.cache_clear()
    tables._connection_to.cache_clear()


def run(meter: Meter, gateway: FakePosGateway, trigger: Any) -> int:
    """One run in a slot of its account; how many DynamoDB calls that came to."""
    queued = worker.queue_run(trigger)
    meter.forget()
    message = SyncMessage(worker.UID, worker.PLATFORM, worker.CREDENTIAL, queued.id, 0)
    with wiring.limits.account_slots().hold(worker.UID, "sync", "m1", "", 900.0):
        wiring.sync.sync_worker("sync").handle(message, lambda: 900.0)
    calls = int(meter.total("calls"))
    ended = wiring.outside.sync_states().run(worker.UID, worker.PLATFORM, queued.id)
    assert ended.state == "succeeded", ended.error
    return calls


def a_pos() -> FakePosGateway:
    store = StoreFact(worker.SCOPE, "Ballard")
    people = SHOPPERS[:8]
    sales = [sale(n, who.ext_id, NOW) for n, who in enumerate(people)]
    items = [InventoryItem(str(n), worker.SCOPE, "Jam", "1", "USD") for n in range(5)]
    return FakePosGateway(
        pages={
            "stores": pages_of([store]),
            "customers": pages_of(people, full_listing=True),
            "sales": pages_of(sales),
            "inventory": pages_of(items, full_listing=True),
        }
    )


@pytest.mark.parametrize("trigger", ["reread", "now"])
def test_a_run_with_nothing_changed_makes_at_most_ten_calls(
    meter: Meter, monkeypatch: pytest.MonkeyPatch, trigger: str
) -> None:
    gateway = a_pos()
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    first = run(meter, gateway, "now")

    calls = run(meter, gateway, trigger)

    assert first > 20, "nothing was heard"
    assert calls <= 10, meter.as_dict()["calls"]
    assert not any("PersonasTable" in name for found in meter.calls.values() for name in found)


def a_clientele(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    """250 shoppers, each with two sales, and rules that make half of them members."""
    gateway = a_pos()
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    commits = wiring.derivation.commits()
    commits.commit(worker.UID, worker.PLATFORM, worker.SCOPE, customers=SHOPPERS)
    for round_of in range(2):
        sold = [
            sale(round_of * PAGE + n, who.ext_id, NOW - n * DAY // 2)
            for n, who in enumerate(SHOPPERS)
        ]
        commits.commit(worker.UID, worker.PLATFORM, worker.SCOPE, sales=sold)
    meter.forget()


def day(days: int) -> int:
    return day_number(day_before(days))


def day_before(days: int) -> date:
    return date.fromisoformat(to_text(NOW - days * DAY)[:10])


def test_previewing_a_setting_costs_at_most_two_read_units_a_persona_and_no_write(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_clientele(meter, monkeypatch)
    wanted = {"enroll_after": day_before(60)}
    proposal = wiring.changes.proposals().settings(worker.UID, worker.PLATFORM, wanted)

    made = wiring.changes.preview_change().start(proposal)

    assert (made.state, made.counts.personas) == ("ready", PAGE)
    assert 100 < made.counts.enrolled < 150
    assert meter.total("reads") / PAGE <= 2, meter.as_dict()
    assert written(meter) == A_PREVIEW


def test_previewing_texts_stays_within_two_units_a_shopper_with_what_the_log_says(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_clientele(meter, monkeypatch)
    connect = wiring.integrations.connect_service()
    connect.tick_age_gate(worker.UID, worker.PLATFORM, actor="user:ann")
    wanted = {"sms_opt_in_after": day_before(400)}
    proposal = wiring.changes.proposals().settings(worker.UID, worker.PLATFORM, wanted)
    meter.forget()

    made = wiring.changes.preview_change().start(proposal)

    assert made.counts.messages == PAGE
    assert meter.total("reads") / PAGE <= 2, meter.as_dict()
    assert written(meter) == A_PREVIEW


@pytest.mark.parametrize(
    ("setting", "ago", "moved"),
    [("points_accrual_start", 60, PAGE // 2), ("points_imported_on", 1, 0)],
)
def test_previewing_points_of_members_stays_within_two_units_a_shopper(
    meter: Meter, monkeypatch: pytest.MonkeyPatch, setting: str, ago: int, moved: int
) -> None:
    monkeypatch.setattr(previews, "INLINE_SECONDS", 600.0)
    book = wiring.outside.rule_book()
    loyalty = Loyalty(enabled=True, accrual_start=day(400), points_per_100=1_000)
    everybody = {worker.PLATFORM: Source(enroll_after=day(400))}
    book.save(worker.UID, replace(book.get(worker.UID), loyalty=loyalty, sources=everybody))
    a_clientele(meter, monkeypatch)
    wanted = {setting: day_before(ago)}
    proposal = wiring.changes.proposals().settings(worker.UID, worker.PLATFORM, wanted)

    made = wiring.changes.preview_change().start(proposal)

    assert (made.state, made.counts.personas) == ("ready", PAGE)
    assert moved - 10 < made.counts.balances < moved + 10
    assert meter.total("reads") / PAGE <= 2, meter.as_dict()
    assert written(meter) == A_PREVIEW


def test_applying_writes_only_shoppers_who_change(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_clientele(meter, monkeypatch)
    change(day_before(60))
    meter.forget()

    changed = change(day_before(62))

    personas = sum(found["PERSONA"] for found in meter.rows.values())
    assert 120 < changed < 130  # the members: the day of the reason stands on each persona
    assert personas == changed
    assert "PROFILE" not in written(meter)
    assert "SALE" not in written(meter)
    meter.forget()
    wiring.derivation.remapper().handle(RemapMessage(worker.UID), lambda: True)
    assert written(meter) == {"COMMIT"}


def change(day: date) -> int:
    """Preview, apply and work off; how many shoppers changed."""
    proposal = wiring.changes.proposals().settings(
        worker.UID, worker.PLATFORM, {"enroll_after": day}
    )
    token = token_of(wiring.changes.preview_change().start(proposal))
    assert proposal.card is not None
    assert token is not None
    job = wiring.changes.apply_change().apply(
        proposal, token, proposal.card.version, "keep", actor="user:ann"
    )
    wiring.changes.work_off_change().handle(ApplyMessage(worker.UID, job.id), lambda: True)
    done = wiring.outside.changes().job(worker.UID, job.id)
    assert done.state == "done"
    return done.changed


def written(meter: Meter) -> set[str]:
    """The kinds of rows that were written."""
    return {kind for found in meter.rows.values() for kind in found}


def test_an_audience_run_over_what_did_not_change_reads_two_units_a_persona_and_writes_none(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two units derive a persona with two sales again, half a unit is the consent of its phone."""
    objects = MemoryObjects()
    monkeypatch.setattr(wiring.outside, "objects", lambda: objects)
    monkeypatch.setattr(wiring.audiences, "backups", TakesNoBackups)
    book = wiring.outside.rule_book()
    everybody = {worker.PLATFORM: Source(enroll_after=day(400))}
    loyalty = Loyalty(enabled=True, points_per_100=1_000)
    book.save(worker.UID, replace(book.get(worker.UID), loyalty=loyalty, sources=everybody))
    a_clientele(meter, monkeypatch)

    run = wiring.audience_starts.starter().request(worker.UID, "now")
    message = AudienceRunMessage(worker.UID, run.id)
    assert wiring.audiences.run_worker().handle(message, lambda: True) == PAGE

    ended = wiring.outside.audience_runs().run(worker.UID, run.id)
    assert (ended.state, ended.drifted, ended.recomputed) == ("done", 0, 0)
    assert {count.name: count.total for count in ended.audiences}["members"] == PAGE
    assert meter.total("reads") / PAGE <= 3.5, meter.as_dict()
    assert written(meter) <= {"AUDIENCES", "AUDIENCE", "NOTIFICATION"}, meter.as_dict()
