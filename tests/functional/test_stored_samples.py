"""Rows, messages and positions written before modules moved are read as they were meant.

`tests/data/stored` holds what the code of commit b7f5ada stored; `tests/data/write_stored.py` says
how. Secrets are sealed by the tests' plain box, which shows the context: what KMS sealed cannot be
opened in another moto.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.acts import Acts, ImportedPoints, Join
from chalicelib.domain.consent import Consent
from chalicelib.domain.contact_states import DroppedRequest, Request, WantedRequest
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.identity import MergeKey
from chalicelib.domain.ids import record_id
from chalicelib.domain.ledger import Posting, RecordPoints
from chalicelib.domain.manifest import Manifest
from chalicelib.domain.personas import Figures, LastPurchase
from chalicelib.domain.rules import Loyalty, Source
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import day_from_text
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events import queues
from chalicelib.services.job_messages.account_jobs import (
    ApplyMessage,
    ExpiryMessage,
    PreviewMessage,
    RemapMessage,
    account_job,
)
from chalicelib.services.job_messages.sync_messages import SyncMessage, sync_message
from chalicelib.services.job_messages.text_jobs import (
    InboundText,
    LostText,
    RequestJob,
    SendTest,
    text_job,
)
from chalicelib.services.ports.accounts import User
from chalicelib.services.ports.changes import BalanceChange, PreviewCounts
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.consent import DueContact, DueText
from chalicelib.services.ports.integrations import AgeGate, Credential, FlagTrust
from chalicelib.services.ports.loyalty import ManualAdjustment
from chalicelib.services.ports.personas import PersonaFilter
from chalicelib.services.ports.pos import HostTrust, StreamPlan
from chalicelib.services.ports.runs import LeaseBusy, ManifestAddress, RunError, StreamTotals
from chalicelib.services.ports.stored_facts import LedgerRow, SaleId
from chalicelib.services.ports.stores import Store
from chalicelib.services.ports.texting import Holders, Switch
from chalicelib.services.ports.texting import TextTotals as TextCounts
from chalicelib.services.sync.progress import Progress
from tests.contract.bench import bench_of, id_of
from tests.data.stored_facts import (
    ANA,
    ANN,
    BEN,
    BIG,
    CLEO,
    JAR,
    LONG,
    OLD_ANA,
    POSABIT,
    TEXTING,
    at,
)
from tests.functional.gateway import OURS, THEIRS
from tests.functional.stored import (
    KINDS,
    SIZE,
    SIZES,
    TABLES,
    Deployment,
    a_deployment,
    deliver,
    kind_of,
    rows_of,
    sample,
    stored_kinds,
    touch,
)

DOCS = Path(__file__).parents[2] / "docs" / "reference"
TOLD_AT = at("2026-05-02T12:00:00Z")
READ: set[str] = set()
"""Kinds of rows that some test here reads."""


def reads(*kinds: str, by_condition: bool = False) -> Callable[[Any], Any]:
    """Say which kinds of rows a test reads, and hold it to that. `by_condition`: DynamoDB looks at
    them, and answers without them."""
    READ.update(kinds)

    def held(test: Any) -> Any:
        @functools.wraps(test)
        def run(kept: Deployment, **given: Any) -> None:
            test(kept=kept, **given)
            unread = set() if by_condition else set(kinds) - kept.seen
            assert not unread, f"nobody read {unread}"

        return run

    return held


@pytest.fixture
def kept() -> Iterator[Deployment]:
    """All stored rows in their tables, a moment after they were written."""
    with a_deployment(sample("accounts")["at"]) as deployment:
        deployment.fill()
        deployment.seen.clear()
        yield deployment


def ours(ext_id: str, platform: str = "posabit", scope: str = "north") -> str:
    return record_id(OURS, platform, scope, ext_id)


def messages(queue: str, **having: Any) -> list[str]:
    """The stored messages of a queue that hold these values."""
    bodies: list[str] = sample("messages")["messages"][queue]
    return [body for body in bodies if having.items() <= json.loads(body).items()]


# -- accounts ------------------------------------------------------------------------------------


@reads("account")
def test_an_account_written_before_the_moves_is_read(kept: Deployment) -> None:
    account = wiring.outside.accounts().get(OURS)

    assert (account.name, account.time_zone, account.currency) == (
        "Green Shop",
        "America/Los_Angeles",
        "USD",
    )
    assert (account.sync_hour, account.sync_every_hours, account.minimum_age) == (3, 6, 21)
    assert (account.merge_on_name_and_birth_date, account.version) == (True, 2)


@reads("user")
def test_the_team_written_before_the_moves_is_read(kept: Deployment) -> None:
    owner = User(OURS, "sub-3912-Owner", "owner@3912.example", "Owner")
    gone = User(OURS, "sub-gone", "gone@example.com", "Analyst", active=False)

    assert wiring.outside.accounts().users(OURS) == [owner, gone]
    assert wiring.outside.accounts().accounts_of("sub-gone") == [gone]


@reads("notification")
def test_notifications_written_before_the_moves_are_read(kept: Deployment) -> None:
    shown = {one.kind: one for one in wiring.outside.notifications().all_for(OURS)}
    cleared, unmapped = shown["points_import_mismatch"], shown["unmapped_stores"]

    assert (unmapped.subject, unmapped.severity, unmapped.link) == (
        "stores",
        "warning",
        "/settings/stores",
    )
    assert unmapped.data == {"names": ["9"], "sales": 3}
    assert unmapped.title.startswith("You have unmapped stores: 9.")
    assert cleared.data == {"title": "POSaBIT", "day": "2026-02-02"}
    assert "unmapped_stores" in {one.kind for one in wiring.outside.notifications().open_for(OURS)}


@reads("digest reader", "digest mark")
def test_who_was_told_of_what_before_the_moves_is_known(kept: Deployment) -> None:
    digests = wiring.outside.digests()
    recipient = digests.recipients(OURS)["sub-3912-Owner"]

    assert recipient.severities == {"error", "warning"}
    assert recipient.sent_openings == {"d925f84a2c2dbacd"}
    assert recipient.claimed_at == at("2026-05-02T18:02:10Z")
    assert {mark.uid for mark in digests.all_marks()} == {OURS, THEIRS}


@reads("digest reader", "digest mark", "notification", "user", "account")
def test_what_a_digest_told_before_the_moves_is_not_told_again(kept: Deployment) -> None:
    kept.clock.move(2 * 3_600)

    wiring.notifications.digest_sender().send(lambda: True)

    [(to, _, text)] = kept.mails
    assert to == "owner@3912.example"
    assert "unmapped stores" not in text


@reads("audit")
def test_the_activity_written_before_the_moves_is_listed(kept: Deployment) -> None:
    entries, position = wiring.outside.audit().entries(OURS, 100, None)

    assert position is None
    assert [entry.action for entry in entries] == [
        *["loyalty.changed"] * 4,
        "texting.test",
        "points.adjusted",
    ]
    assert entries[-1].after == {"amount": 20.5, "reason": "Goodwill"}
    assert entries[0].before == {"exclude_tax": True}
    assert {entry.actor for entry in entries} == {ANN}


@reads("rules")
def test_rules_with_every_setting_written_before_the_moves_are_read(kept: Deployment) -> None:
    rules = wiring.outside.rule_book().get(OURS)

    assert rules.loyalty == Loyalty(
        enabled=True,
        accrual_start=day_from_text("2026-01-01"),
        points_per_100=1_100,
        points_per_order=60,
        max_orders_per_day=4,
        exclude_tax=False,
        rounding="down",
        expire_after_days=60,
        earn_only_from_joining=True,
    )
    posabit = rules.source("posabit")
    assert posabit == replace(POSABIT, import_locks={"north": "run_import"})
    assert rules.source("webjoint") == Source(
        was_imported_on=day_from_text("2026-03-01"), import_locks={"shop": "run_old"}
    )
    assert rules.version == 8


@reads("preview")
def test_previews_of_every_state_written_before_the_moves_are_read(kept: Deployment) -> None:
    changes = wiring.outside.changes()
    found = [
        changes.preview(OURS, json.loads(row["body"]["S"])["id"])
        for row in rows_of("accounts")
        if kind_of("accounts", row) == "preview"
    ]

    assert [(p.subject, p.state, p.used) for p in found] == [
        ("loyalty", "outdated", False),
        *[("loyalty", "ready", True)] * 4,
        *[("posabit", "ready", False)] * 2,
        ("loyalty", "counting", False),
    ]
    applied, card, half = found[4], found[5], found[7]
    change = BalanceChange(ours("1001"), 14_650, 14_750)
    assert applied.counts == PreviewCounts(personas=48, balances=1, points=100, largest=(change,))
    assert (applied.changes, applied.secret) == ({"exclude_tax": False}, f"tok_{16:026}")
    assert (card.changes, card.rules_version, card.settings_version) == (
        {"enroll_after": "2026-03-01"},
        8,
        1,
    )
    assert (half.counts.personas, half.after, half.hop, half.seq) == (15, "2|", 1, 2)


@reads("preview", "rules", "persona", "sales summary")
def test_a_preview_half_counted_before_the_moves_is_counted_to_its_end(kept: Deployment) -> None:
    [body] = messages("jobs", job="preview", hop=1)

    deliver(queues.account_job, body)

    done = wiring.outside.changes().preview(OURS, json.loads(body)["preview"])
    assert (done.state, done.after, done.ready_at) == ("ready", None, kept.clock.now())
    assert (done.counts.personas, done.counts.balances) == (22, 5)


@reads("job")
def test_jobs_of_every_stage_written_before_the_moves_are_read(kept: Deployment) -> None:
    changes = wiring.outside.changes()
    done, overtaken, queued, running = [
        changes.job(OURS, f"job_{number:010}") for number in (3, 5, 6, 7)
    ]

    assert [job.state for job in (done, overtaken, queued, running)] == [
        "done",
        "superseded",
        "queued",
        "running",
    ]
    assert (done.changes, done.before) == ({"max_orders_per_day": 4}, {"max_orders_per_day": 3})
    assert (done.total, done.done, done.ended_at) == (48, 48, at("2026-05-02T18:02:22Z"))
    assert (running.after, running.hop, running.done, running.actor) == ("1|", 1, 6, ANN)
    assert changes.latest_job(OURS) == running


@reads("job", "rules", "expiry", "persona", "record", "sales summary")
def test_a_job_half_done_before_the_moves_is_done(kept: Deployment) -> None:
    kept.clock.move(61)  # the lock of the commit that died ends
    [body] = messages("jobs", job="apply", work="job_0000000007", hop=1)

    deliver(queues.account_job, body)

    job = wiring.outside.changes().job(OURS, "job_0000000007")
    assert (job.state, job.after, job.ended_at) == ("done", None, kept.clock.now())
    assert wiring.outside.rule_book().get(OURS).source("posabit").keeping == ()
    assert [uid for uid, _ in wiring.outside.expiries().watched_accounts()] == [OURS]


@reads("job")
def test_a_job_queued_before_the_moves_gives_way_to_the_later_one(kept: Deployment) -> None:
    [body] = messages("jobs", job="apply", work="job_0000000006")

    deliver(queues.account_job, body)

    assert wiring.outside.changes().job(OURS, "job_0000000006").state == "superseded"


@reads("left")
def test_members_who_left_before_the_moves_are_noted(kept: Deployment) -> None:
    assert wiring.outside.leavers().leaver_ids(OURS, "posabit") == [ours("1002"), ours("1004")]


@reads("adjusted")
def test_points_given_by_hand_before_the_moves_count_for_the_limit(kept: Deployment) -> None:
    from chalicelib.adapters.dynamo.loyalty import DynamoAdjustments

    adjustments = DynamoAdjustments("accounts-under-test", kept.clock)
    more = ManualAdjustment("adj_2", ours("1001"), 100, "More")

    held = adjustments.reserve(OURS, "2026-05-02", ANN, more, limit=2_100)

    assert held == [
        ManualAdjustment("d73c927079c941b0bd90a205bc560cda", ours("1001"), 2_050, "Goodwill")
    ]


@reads("expiry")
def test_the_day_an_account_was_looked_at_before_the_moves_is_known(kept: Deployment) -> None:
    assert list(wiring.outside.expiries().watched_accounts()) == [
        (OURS, day_from_text("2026-05-02"))
    ]


@reads("texting")
def test_texting_settings_written_before_the_moves_are_read(kept: Deployment) -> None:
    found = wiring.outside.texting_settings().get(OURS)

    assert (found.number, found.brand, found.version) == ("+12065550102", "Green Shop", 2)
    assert (found.opens, found.closes) == (TEXTING.opens, TEXTING.closes)
    assert (found.daily_cap, found.monthly_budget, found.start_after_minutes) == (500, 9_000, 30)
    assert found.wordings == TEXTING.wordings


@reads("origination", "assigning", by_condition=True)
def test_numbers_claimed_and_assigned_before_the_moves_stay_so(kept: Deployment) -> None:
    settings = wiring.outside.texting_settings()
    none = settings.get(THEIRS)

    assert settings.holders("+12065550102") == Holders(OURS)
    assert settings.holders("+12065550100") == Holders(None, (OURS,))
    for number in ("+12065550102", "+12065550199"):  # taken; not assigned to them
        with pytest.raises(Conflict):
            settings.save(THEIRS, none, TextingRules(number=number))


@reads("kill switch")
def test_the_kill_switch_turned_before_the_moves_is_read(kept: Deployment) -> None:
    turned = Switch(False, "operator", at("2026-05-01T00:00:00Z"), "all clear")

    assert wiring.outside.kill_switch().read() == turned


@reads("throttle")
def test_what_was_done_this_hour_before_the_moves_is_counted(kept: Deployment) -> None:
    from chalicelib.adapters.dynamo.limits import DynamoThrottle

    kept.clock.at = at("2026-05-02T18:30:00Z")
    throttle = DynamoThrottle("accounts-under-test", kept.clock)

    assert throttle.take(OURS, "test", 2, 3_600) is None
    assert throttle.take(OURS, "test", 2, 3_600) == 1_800


# -- integrations --------------------------------------------------------------------------------


@reads("integration")
def test_a_card_written_before_the_moves_is_read(kept: Deployment) -> None:
    card = wiring.outside.integrations().get(OURS, "posabit")
    assert card is not None

    assert (card.state, card.connected_at, card.version) == ("connected", TOLD_AT, 1)
    assert (card.age_gate, card.flag_trust) == (AgeGate(ANN, TOLD_AT), FlagTrust(ANN, TOLD_AT))
    assert card.settings == {"enroll_after": "2026-01-15", "points_imported_on": "2026-02-01"}
    assert (card.sms_from, card.sms_before) == (at("2026-05-01T00:00:00Z"), "2026-04-15")
    assert [c.sms_stopped for c in wiring.outside.integrations().for_account(OURS)] == [False, True]


@reads("credential")
def test_a_credential_of_an_own_server_written_before_the_moves_opens(kept: Deployment) -> None:
    held = wiring.outside.credentials().get(OURS, "profitek", "crd_own")
    access = wiring.outside.key_ring().access(
        held, time_zone="UTC", currency="CAD", permit=do_nothing
    )

    assert held.trust == HostTrust(allow_http=True, accept_certificate=True, certificate="ab" * 32)
    assert (held.own_server, held.market, held.scope) == (True, "BC", "Kitsilano")
    assert (held.last_four, held.fingerprints) == (
        {"auth_key": "et-1"},
        {"auth_key": "d99c53a2f68d"},
    )
    assert (held.last_error, held.stopped) == ("server_unreachable", "key_rejected")
    assert (held.failures_in_a_row, held.last_run_id) == (2, "run_before")
    assert held.last_good_run_at == at("2026-05-01T00:00:00Z")
    assert (held.history_from, held.created_at) == (
        at("2025-05-01T00:00:00Z"),
        at("2026-04-01T00:00:00Z"),
    )
    assert access.fields == {
        "custom_ip": "203.0.113.5:25565",
        "store_name": "Kitsilano",
        "auth_key": "not-a-real-secret-1",
    }


@reads("credential")
def test_a_credential_due_before_the_moves_is_still_due(kept: Deployment) -> None:
    found = [
        due for shard in range(16) for due in wiring.outside.credentials().due(shard, 2**52, 10)
    ]
    told = {due.credential: (due.uid, due.platform, due.own_server) for due in found}

    assert told == {
        "crd_own": (OURS, "profitek", True),
        "crd_sim": (THEIRS, "posabit", False),
    }
    [own] = [due for due in found if due.own_server]
    assert own.due_at == at("2026-05-02T11:00:00Z")


@reads("credential")
def test_a_credential_removed_before_the_moves_stays_removed(kept: Deployment) -> None:
    with pytest.raises(NotFound):
        wiring.outside.credentials().get(OURS, "posabit", "crd_removed")

    assert wiring.outside.credentials().for_integration(OURS, "posabit") == []


@reads("scope", by_condition=True)
def test_a_scope_taken_before_the_moves_is_taken_and_a_released_one_free(kept: Deployment) -> None:
    credentials = wiring.outside.credentials()

    with pytest.raises(Conflict):
        credentials.add(Credential(OURS, "profitek", "crd_new", "Kitsilano", {}, {}))
    credentials.add(Credential(OURS, "posabit", "crd_new", "south", {}, {}))

    assert credentials.get(OURS, "posabit", "crd_new").scope == "south"


# -- stores --------------------------------------------------------------------------------------


@reads("store", "store counter")
def test_stores_written_before_the_moves_are_read_and_counted_on(kept: Deployment) -> None:
    stores = wiring.outside.stores()

    assert stores.get(OURS, 1) == Store(
        OURS, 1, "Main Street", "Main", "1 Pine St", "WA", "US", None, "+12065550101", version=2
    )
    assert [store.id for store in stores.for_account(OURS)] == [1]
    assert stores.create(Store(OURS, 0, "Second")).id == 2


@reads("store key", "store")
def test_store_keys_seen_before_the_moves_keep_their_store(kept: Deployment) -> None:
    main, nine = wiring.outside.stores().keys(OURS)
    lookup = wiring.outside.stores().lookup(OURS)

    assert (main.name, main.key, main.sales, main.store) == ("Main St", "Main", 5, 1)
    assert (main.first_seen, main.time_zone) == (at("2026-04-20T19:30:00Z"), "America/Denver")
    assert (nine.platform, nine.scope, nine.name, nine.store) == ("webjoint", "shop", "9", None)
    assert wiring.outside.stores().mapping(OURS) == {"posabit:north:Main": 1}
    assert lookup.mapping == {"posabit:north:Main": 1}
    assert lookup.zone_of_scope("posabit", "north") == "America/Denver"


@reads("inventory")
def test_inventory_written_before_the_moves_is_read(kept: Deployment) -> None:
    items, position = wiring.outside.inventories().page(OURS, "posabit:north:Main", 10, None)

    assert (items[0], position) == (JAR, None)
    assert (items[1].ext_id, items[1].active) == ("i2", False)


# -- personas ------------------------------------------------------------------------------------


@reads("record", "sales summary", "persona")
def test_a_record_with_all_its_fields_written_before_the_moves_is_read(kept: Deployment) -> None:
    found = wiring.outside.facts().rows(OURS, [ours("1001"), ours("1002"), ours("1004")])
    ana, old, cleo = (found[ours(name)] for name in ("1001", "1002", "1004"))
    assert ana.stored is not None
    assert ana.sales is not None
    assert ana.persona is not None
    assert old.stored is not None
    assert cleo.stored is not None
    assert cleo.sales is not None

    assert ana.stored.record.customer == ANA
    assert (ana.stored.record.platform, ana.stored.record.scope) == ("posabit", "north")
    assert ana.stored.record.first_seen == TOLD_AT
    assert ana.stored.record.acts == Acts(
        (Join("form", at("2026-01-05T12:00:00Z")),), ImportedPoints(120, "run_import"), 1, TOLD_AT
    )
    assert ana.stored.keys == {
        MergeKey("phone", "+12065550123"),
        MergeKey("email", "ana@example.com"),
        MergeKey("name_dob", "ana\x1fexample\x1f1990-12-31"),
    }
    assert (old.stored.record.customer, cleo.stored.record.customer) == (OLD_ANA, CLEO)
    assert cleo.sales.points == RecordPoints(earned=400, imported=700, expired=-400)
    assert ana.sales.points == RecordPoints(400, 12_000, 0, 2_050, at("2026-04-27T20:00:00Z"))
    assert (ana.sales.summary.total, ana.sales.summary.last_at) == (1, BIG.ordered_at)
    [store] = ana.sales.summary.stores
    assert (store.store_key, list(store.counts)) == ("posabit:north:Main", [1])
    assert ana.persona.figures == Figures(
        14_650,
        (
            LastPurchase("posabit", day_from_text("2026-04-20")),
            LastPurchase("profitek", day_from_text("2026-04-29")),
        ),
        day_from_text("2026-06-29"),
    )


@reads("persona", "sales summary")
def test_a_persona_written_before_the_moves_is_read(kept: Deployment) -> None:
    found = {p.first: p for p in wiring.outside.preview_reads().personas(OURS, _shown())}
    ana, ben = found["Ana"], found["Ben"]

    assert ana.members == (ours("1001"), ours("77", "profitek", "Kitsilano"))
    assert ana.sources == ("posabit", "profitek")
    assert (ana.favourite_store, ana.earn_from) == (1, day_from_text("2026-01-05"))
    assert [reason.name for reason in ana.reasons] == ["enroll_after:posabit", "form", "import"]
    assert (ana.inserted_at, ana.updated_at) == (TOLD_AT, at("2026-04-01T10:00:00Z"))
    assert (ben.asked_by, ben.said_yes, ben.phone) == (("posabit",), ("posabit",), BEN)
    assert found[""].flags == {"shared_key"}


def _shown() -> list[str]:
    return [ours("1003"), ours("c00"), ours("1001")]


@reads("persona", "record", "sales summary", "members", "store key")
def test_a_persona_written_before_the_moves_is_found_in_every_way(kept: Deployment) -> None:
    personas = wiring.personas.personas()
    ways: list[dict[str, Any]] = [
        {"phone": "206-555-0123"},
        {"email": "ana@example.com"},
        {"contact_id": ours("77", "profitek", "Kitsilano")},
        {"source_id": "1001"},
        {"name": "ana ex", "sort": "name"},
    ]

    for way in ways:
        rows, _ = personas.search(OURS, PersonaFilter(**way), 10, None)
        assert [row.id for row in rows] == [ours("1001")], way

    listed, _ = personas.search(OURS, PersonaFilter(), 20, None)
    named = {row.first for row in listed if row.first}
    assert named == {"Ana", "Ben", "Cleo", "Dora", "Emil", "Fay"}
    view = personas.get(OURS, ours("77", "profitek", "Kitsilano"))
    assert view.merged_ids == (ours("77", "profitek", "Kitsilano"),)


@reads("pointer")
def test_sales_and_what_they_earned_before_the_moves_are_read(kept: Deployment) -> None:
    facts = wiring.outside.facts()
    found = {ref.ext_id: (ref, held) for ref, held in facts.pointers(OURS, ours("1001")).items()}
    [(wall, _)] = facts.pointers(OURS, ours("77", "profitek", "Kitsilano")).items()
    big, earned = found["s1"]

    assert list(found) == ["s1", "s4", "s5", "s6"]
    assert (big.net, big.tax, big.returned, big.counts) == (4_900, 500, 700, True)
    assert earned == (Posting(400, TOLD_AT + 60_000),)
    assert (found["s5"][0].unlinked, found["s5"][0].net) == (True, 100)
    assert not found["s6"][0].counts
    assert wall.wall_clock == at("2026-04-29T13:00:00Z")
    assert facts.postings(OURS, [(ours("1001"), big)]) == {(ours("1001"), big): earned}
    assert list(facts.pointers(OURS, ours("1001"), BIG.ordered_at, BIG.ordered_at + 1)) == [big]


@reads("pointer")
def test_a_sale_with_an_endless_id_is_found_where_it_was_put_before_the_moves(
    kept: Deployment,
) -> None:
    facts = wiring.outside.facts()
    [ref] = [ref for ref in facts.pointers(OURS, ours("1004")) if ref.ext_id == LONG]
    sid = SaleId("posabit", "north", LONG)

    assert facts.postings(OURS, [(ours("1004"), ref)]) == {
        (ours("1004"), ref): (Posting(100, TOLD_AT + 60_000),)
    }
    assert facts.sales(OURS, [sid])[sid].record == ours("1004")


@reads("ledger")
def test_ledger_entries_written_before_the_moves_are_read(kept: Deployment) -> None:
    facts = wiring.outside.facts()

    assert facts.ledger(OURS, ours("1001")) == {
        "adjustment#d73c927079c941b0bd90a205bc560cda": LedgerRow(
            (Posting(2_050, TOLD_AT + 120_000),), "Goodwill", ANN
        ),
        "import": LedgerRow((Posting(12_000, TOLD_AT),)),
    }
    assert facts.ledger(OURS, ours("1004")) == {
        "expiry#001769976000000#north#s2": LedgerRow((Posting(-400, TOLD_AT + 60_000),)),
        "import": LedgerRow((Posting(700, TOLD_AT),)),
    }


@reads("ledger", "pointer", "record", "members")
def test_the_ledger_of_a_persona_written_before_the_moves_is_shown(kept: Deployment) -> None:
    entries, _ = wiring.personas.ledgers().entries(OURS, ours("1001"), 100, None)

    told = {entry.cause: (entry.kind, entry.amount) for entry in entries}
    assert told["import"] == ("import", 12_000)
    assert told["sale#posabit#north#s1"] == ("sale", 400)
    assert sum(entry.amount for entry in entries) == 14_650


@reads("members", "member", "shared")
def test_carriers_of_keys_narrow_and_wide_written_before_the_moves_are_read(
    kept: Deployment,
) -> None:
    facts = wiring.outside.facts()
    phone, till = MergeKey("phone", "+12065550123"), MergeKey("email", "till@example.com")
    found = facts.carriers(OURS, [phone, till])

    assert found[phone].carriers == {
        ours("1001"): "posabit:north",
        ours("77", "profitek", "Kitsilano"): "profitek:Kitsilano",
    }
    assert (found[till].wide, found[till].per_scope()) == (True, {"posabit:north": 41})
    carriers = {ours(f"c{n:02}"): "posabit:north" for n in range(41)}
    assert facts.wide_carriers(OURS, till) == carriers
    assert facts.shared_keys(OURS) == [till]


@reads("sale", "returns")
def test_sales_and_returns_written_before_the_moves_are_read(kept: Deployment) -> None:
    facts = wiring.outside.facts()
    ids = {name: SaleId("posabit", "north", name) for name in ("s1", "s4", "s6", "s8")}
    found = facts.sales(OURS, ids.values())
    wall = SaleId("profitek", "Kitsilano", "t1")

    assert (found[ids["s1"]].sale, found[ids["s1"]].record) == (BIG, ours("1001"))
    assert (found[ids["s4"]].sale.kind, found[ids["s4"]].sale.original_ext_id) == ("return", "s1")
    assert (found[ids["s6"]].sale.status, found[ids["s6"]].sale.is_final) == ("open", False)
    assert found[ids["s8"]].record == ours("9999")
    assert facts.sales(OURS, [wall])[wall].sale.wall_clock == at("2026-04-29T13:00:00Z")
    assert facts.returns(OURS, ids.values()) == {ids["s1"]: {"s4": 700}}


@reads("commit", "sale", "pointer", "record", "members", "sales summary", "persona")
def test_a_sale_stored_before_ids_named_their_shop_moves_with_what_it_earned(
    kept: Deployment,
) -> None:
    facts, commits = wiring.outside.facts(), wiring.derivation.commits()
    whose, old = ours("77", "profitek", "Kitsilano"), SaleId("profitek", "Kitsilano", "t1")
    kept.clock.move(61)
    commits.catch_up(OURS)  # what was left half done
    points = wiring.personas.personas().get(OURS, whose).row.points
    [(ref, held)] = facts.pointers(OURS, whose).items()
    told = replace(facts.sales(OURS, [old])[old].sale, ext_id="Main:t1", former_ext_id="t1")
    other = replace(told, ext_id="Harbour:t1", store_key="Harbour", customer_ext_id=None)

    commits.commit(OURS, "profitek", "Kitsilano", sales=[other, told])

    assert list(facts.pointers(OURS, whose).items()) == [(replace(ref, ext_id="Main:t1"), held)]
    assert wiring.personas.personas().get(OURS, whose).row.points == points
    sales = facts.sales(OURS, [old._replace(ext_id=n) for n in ("t1", "Main:t1", "Harbour:t1")])
    assert [(s.id.ext_id, s.sale.kind, s.record) for s in sales.values()] == [
        ("t1", "void", None),
        ("Main:t1", "sale", whose),
        ("Harbour:t1", "sale", None),
    ]


@reads("commit", "sale", "pointer", "record", "members", "persona")
def test_a_leftover_intent_written_before_the_moves_is_recovered(kept: Deployment) -> None:
    facts = wiring.outside.facts()
    assert "s7" not in {ref.ext_id for ref in facts.pointers(OURS, ours("1001"))}
    kept.clock.move(61)

    wiring.derivation.commits().catch_up(OURS)

    told = {ref.ext_id: held for ref, held in facts.pointers(OURS, ours("1001")).items()}
    assert [posting.amount for posting in told["s7"]] == [1_100]
    assert wiring.personas.personas().get(OURS, ours("1001")).row.points >= 14_650 + 1_100
    lock = facts.lock(OURS)
    assert (lock.leftover, lock.fence) == (None, 24)


@reads("head", "consent entry")
def test_consent_written_before_the_moves_is_read(kept: Deployment) -> None:
    log = wiring.outside.consent_log()
    ben, ana = log.read(OURS, "sms", BEN), log.read(OURS, "email", "ana@example.com")
    asked_at, yes_at = at("2026-05-02T18:02:00Z"), at("2026-05-02T18:02:05Z")

    assert ben.state.consent == Consent("opted_in", yes_at, "sms#in-1", asked_at)
    assert ben.state.requests == (
        Request("request#1", asked_at, "posabit", ours("1003"), "2026-05-02", "sent"),
    )
    assert ben.state.dropped == DroppedRequest("opted_in", at("2026-05-02T18:02:10Z"))
    assert (ben.state.tries, ben.state.version) == (1, 4)
    request, yes = ben.entries
    assert (request.act, request.source, request.actor) == ("request", "aiq", "system")
    assert request.wording.startswith("Green Shop: Reply YES")
    assert (yes.act, yes.refers, yes.answer) == ("yes", "request#1", "confirmation")
    assert yes.evidence["message_id"] == "in-1"
    assert (ana.state.channel, ana.state.consent.state) == ("email", "opted_out")
    assert [entry.act for entry in ana.entries] == ["flag_no"]


@reads("head", "text")
def test_what_was_wanted_before_the_moves_is_found_when_it_is_due(kept: Deployment) -> None:
    log = wiring.outside.consent_log()
    states = log.states(OURS, ["+12065550125", "+12065550126", "+12065550133"])
    unknown, wanted, broken = states.values()
    due = [one for shard in range(16) for one in log.due(shard, 2**52, 10)]

    assert unknown.requests[0].outcome == "unknown"
    assert wanted.wanted == WantedRequest(ours("1006"), "posabit", at("2026-05-02T18:02:00Z"))
    assert broken.unusable == "unreachable"
    assert [one.number for one in due if isinstance(one, DueContact)] == [
        "+12065550125",
        "+12065550126",
    ]
    [lost] = [one for one in due if isinstance(one, DueText)]
    assert (lost.uid, lost.day, lost.id) == (OURS, "2026-05-02", "txt_lost")


@reads("text", "counts", "waiting")
def test_texts_and_their_counts_written_before_the_moves_are_read(kept: Deployment) -> None:
    texts, log = wiring.outside.texts(), wiring.outside.consent_log()
    found, position = texts.texts(OURS, "2026-05-02", 10, None)

    assert position is None
    assert [(text.kind, text.state, text.message_id) for text in found] == [
        ("test", "sending", None),
        ("confirmation", "sent", "msg-2"),
        ("request", "unknown", None),
        ("request", "sent", "msg-1"),
    ]
    assert (found[3].number, found[3].why, found[3].parts) == (BEN, "posabit", 1)
    assert texts.get(OURS, "2026-05-02", found[0].at, "txt_lost") == found[0]
    assert texts.totals(OURS, "2026-05-02") == TextCounts(texts=4, parts=4, unknown=1)
    assert texts.totals(OURS, "2026-05") == TextCounts(texts=4, parts=4, unknown=1)
    assert log.count_waiting(OURS) == 2


@reads("text", "counts")
def test_a_text_lost_before_the_moves_becomes_unknown(kept: Deployment) -> None:
    deliver(queues.text, *messages("texts", job="lost"))

    [lost] = [
        text
        for text in wiring.outside.texts().texts(OURS, "2026-05-02", 10, None)[0]
        if text.id == "txt_lost"
    ]
    assert lost.state == "unknown"
    assert wiring.outside.texts().totals(OURS, "2026-05-02").unknown == 2


@reads("head", "texting", "integration", "persona", "record", "kill switch")
def test_a_request_queued_before_the_moves_is_sent(kept: Deployment) -> None:
    deliver(queues.text, *messages("texts", job="request", number="+12065550126"))

    [(origination, number, body)] = kept.carrier.outbox
    assert (origination, number) == ("+12065550102", "+12065550126")
    assert body.startswith("Green Shop: Reply YES")


@reads("head", "consent entry", "origination")
def test_an_answer_heard_before_the_moves_is_not_answered_again(kept: Deployment) -> None:
    deliver(queues.text, *messages("texts", job="inbound", id="in-1"))

    assert kept.carrier.outbox == []


# -- sync ----------------------------------------------------------------------------------------


@reads("state")
def test_a_checkpoint_with_every_field_written_before_the_moves_is_loaded(
    kept: Deployment,
) -> None:
    states, run = wiring.outside.sync_states(), _live(OURS, "crd_own")
    began = run.queued_at
    error = RunError("permission_missing", "you", "The key may not read sales.", "sales")

    lease = states.acquire(OURS, "profitek", "crd_own", run.id, 3, kept.clock.now())

    assert lease.checkpoint is not None
    progress = Progress.load(lease.checkpoint)
    place = progress.streams["customers"]
    assert (lease.fence, lease.stopping, lease.takes) == (2, True, 1)
    assert (progress.began, progress.resume_at) == (began, began + 60_000)
    assert (progress.asides, progress.waits, progress.idle_hops) == (2, 1, 1)
    assert (progress.imports, progress.importing) == (True, True)
    assert (progress.error, progress.missing) == (error, ["sales"])
    assert progress.leavers == [ours("1002")]
    assert progress.store_names == {
        "Main": ("Main Street", "America/Vancouver"),
        "9": ("Nine", None),
    }
    assert progress.next_stream() == "customers"
    assert (place.since, place.history_from) == (began - 900_000, began - 86_400_000)
    assert place.cursor == {
        "start": 40,
        "last": "17",
        "window": {"low": 1, "high": 2, "floor": 1, "days": 1},
    }
    assert (place.kind, place.generation, place.chunks, place.deltas) == ("daily", 2, 1, 3)
    assert (place.seen_generation, place.seen_deltas, place.listed) == (4, 5, 41)
    assert (place.days, place.store_key_sales) == ({"2026-05-01": 7}, {"k1": 12})
    assert (place.full_listing, place.ended) == (True, False)
    assert progress.streams["stores"].good
    assert json.loads(json.dumps(progress.dump())) == lease.checkpoint


@reads("state", "run")
def test_the_view_of_a_live_run_written_before_the_moves_is_read(kept: Deployment) -> None:
    listed = _live(OURS, "crd_own")
    view = wiring.sync.runs().get(OURS, "profitek", listed.id)

    assert view == listed
    assert (view.state, view.trigger, view.stream, view.hops) == ("waiting", "now", "customers", 3)
    assert view.streams == {"customers": StreamTotals(2, 41, 30, 5, 4, 2, done=False)}
    assert (view.sales_linked, view.sales_unlinked, view.requests, view.retries) == (3, 1, 9, 2)
    assert (view.persona_writes, view.members_left) == (35, 1)
    assert view.reasons == {"bad_money": 1, "missing_id": 1}
    assert view.unknown_words == {"status=odd": 2}
    assert view.resume_at == view.queued_at + 60_000
    assert view.error is not None
    assert (view.error.code, view.error.stream) == ("permission_missing", "sales")


def _live(uid: str, credential: str) -> Any:
    live = wiring.outside.sync_states().live(uid, credential)
    assert live is not None
    return live


@reads("run")
def test_ended_runs_written_before_the_moves_are_listed(kept: Deployment) -> None:
    (reread, first), _ = wiring.sync.runs().recent(THEIRS, "posabit", 10, None)

    assert (first.state, first.trigger, first.hops) == ("succeeded", "connect", 1)
    assert first.streams["sales"] == StreamTotals(12, 20, 20, 0, 0, 0, done=True)
    assert (first.sales_linked, first.sales_unlinked) == (19, 1)
    assert (reread.state, reread.reread_from) == ("running", at("2025-06-01T00:00:00Z"))


@reads("aside", "run")
def test_records_set_aside_before_the_moves_are_read(kept: Deployment) -> None:
    run = _live(OURS, "crd_own").id
    (customer, sale), _ = wiring.sync.runs().set_aside(OURS, "profitek", run, 10, None)

    assert (sale.number, sale.stream, sale.reason, sale.field) == (
        1,
        "sales",
        "bad_money",
        "total",
    )
    assert (sale.ext_id, sale.row) == ("5", {"id": 5, "total": "a lot"})
    assert (customer.reason, customer.ext_id) == ("missing_id", None)


@reads("streams", "manifest base", "manifest delta")
def test_watermarks_and_manifests_written_before_the_moves_are_read(kept: Deployment) -> None:
    states = wiring.outside.sync_states()
    streams = states.streams(THEIRS, "crd_sim")
    sales, customers = streams["sales"], streams["customers"]
    places = {
        "sales": ManifestAddress(sales.generation, sales.chunks, sales.deltas),
        "customers": ManifestAddress(0, 0, 3),
        "inventory": ManifestAddress(2, 1, 0),
    }
    packed = states.manifests(THEIRS, "crd_sim", places)

    assert sales.watermark == at("2026-05-02T18:02:34Z")
    assert (sales.store_key_sales, sales.days) == ({"harbor-01": 20}, {"20555": 1, "20551": 1})
    assert (customers.last_listing, customers.last_run) == (15, f"run_{24:026}")
    assert sales.reading == "d6a50b651c96ae80"
    assert {
        name: len(Manifest(islice(packed, at.chunks), islice(packed, at.deltas)))
        for name, at in places.items()
    } == {
        "sales": 20,
        "customers": 13,
        "inventory": 76,
    }


@reads("state")
def test_the_lease_of_a_worker_that_died_before_the_moves_is_respected(kept: Deployment) -> None:
    [body] = messages("sync", run=f"run_{25:026}", tries=0)
    told = json.loads(body)
    until = kept.clock.now() + 179_000

    with pytest.raises(LeaseBusy) as busy:
        wiring.outside.sync_states().acquire(
            THEIRS, "posabit", "crd_sim", told["run"], 0, kept.clock.now()
        )

    assert busy.value.until == until


@reads(
    "state", "streams", "manifest base", "manifest delta", "credential", "integration", "account"
)
def test_a_run_whose_worker_died_before_the_moves_goes_on_and_succeeds(kept: Deployment) -> None:
    touch(kept)
    kept.clock.move(200)

    deliver(
        lambda event: queues.sync(event, "sync"), *messages("sync", run=f"run_{25:026}", tries=0)
    )

    run = wiring.sync.runs().get(THEIRS, "posabit", f"run_{25:026}")
    assert (run.state, run.error) == ("succeeded", None)
    assert run.streams["customers"] == StreamTotals(3, 16, 0, 4, 12, 0, done=True)
    sales, inventory = run.streams["sales"], run.streams["inventory"]
    assert (sales.fetched, sales.unchanged, sales.new) == (20, 20, 0)
    assert (inventory.fetched, inventory.unchanged, inventory.set_aside) == (79, 76, 1)
    assert wiring.outside.sync_states().live(THEIRS, "crd_sim") is None


# -- messages and positions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"job": "remap", "hop": 2},
            RemapMessage(OURS, "zone", "3|place", 2),
        ),
        ({"job": "preview", "hop": 2}, PreviewMessage(OURS, "prv_1", 2)),
        ({"job": "apply", "hop": 2}, ApplyMessage(OURS, "job_0000000007", 2, 3)),
        ({"job": "expire", "hop": 2}, ExpiryMessage(OURS, "3|place", 2)),
        ({"job": "expire", "hop": 0}, ExpiryMessage(OURS)),
    ],
    ids=["remap", "preview", "apply", "expire", "expire from the start"],
)
def test_a_job_queued_before_the_moves_is_understood(body: dict[str, Any], message: Any) -> None:
    [stored] = messages("jobs", **body)

    assert account_job(json.loads(stored)) == message


def test_every_message_queued_before_the_moves_is_understood_with_all_its_fields() -> None:
    parsers = {
        "sync": sync_message,
        "sync_own_server": sync_message,
        "jobs": account_job,
        "texts": text_job,
    }
    stored = sample("messages")["messages"]
    assert stored.keys() == parsers.keys()

    for queue, bodies in stored.items():
        for body in bodies:
            told = json.loads(body)
            read = parsers[queue](told)
            for name in told.keys() - {"v", "job"}:
                assert getattr(read, name) == told[name], body


def test_a_sync_queued_before_the_moves_is_understood() -> None:
    [stored] = messages("sync", run="run_1")
    [own] = messages("sync_own_server", tries=0)

    assert sync_message(json.loads(stored)) == SyncMessage(
        OURS, "posabit", "crd_1", "run_1", hop=2, tries=3
    )
    assert sync_message(json.loads(own)).credential == "crd_own"


@pytest.mark.parametrize(
    ("body", "job"),
    [
        ({"job": "request", "number": BEN}, RequestJob(OURS, BEN)),
        (
            {"job": "test", "id": "txt_9"},
            SendTest(OURS, BEN, "txt_9", 1_777_748_559_600, "2026-05-02"),
        ),
        ({"job": "lost"}, LostText(OURS, "2026-05-02", at("2026-05-02T18:02:10Z"), "txt_lost")),
        (
            {"job": "inbound", "id": "in-9"},
            InboundText("in-9", BEN, "+12065550102", "yes", 1_777_748_559_600),
        ),
    ],
    ids=["request", "test", "lost", "inbound"],
)
def test_a_text_queued_before_the_moves_is_understood(body: dict[str, Any], job: Any) -> None:
    [stored] = messages("texts", **body)

    assert text_job(json.loads(stored)) == job


API_CURSORS = {told["list"]: told for told in sample("cursors")["api"]}


def as_told_before(now: Any, before: Any) -> Any:
    """The answer without what it was not asked to hold then, in it and in what it holds."""
    if not (isinstance(now, dict) and isinstance(before, dict)):
        return now
    return {name: as_told_before(now[name], told) for name, told in before.items()}


@pytest.mark.parametrize("name", API_CURSORS)
def test_a_cursor_handed_out_before_the_moves_leads_on(kept: Deployment, name: str) -> None:
    told = API_CURSORS[name]
    place = "body" if told["method"] == "POST" else "query"
    gateway = kept.world.gateway("Owner", told["uid"])

    got = gateway.send(told["method"], told["path"], **{place: told[place]})

    assert got.status == 200
    assert told["items"]
    for before, now in zip(told["items"], got.json["items"], strict=True):
        assert as_told_before(now, before) == before


POS_CURSORS: dict[str, list[Any]] = {}
for _told in sample("cursors")["pos"]:
    POS_CURSORS.setdefault(_told["platform"], []).append(_told)


def _bench_of_then(platform: str) -> Any:
    """The POS that the cursors are of: its shops had no sale's number twice."""
    of_then = type("OfThen", (bench_of(platform),), {"old_numbers": True})
    return of_then(*SIZES.get(platform, SIZE))


@pytest.mark.parametrize("platform", POS_CURSORS)
def test_a_listing_begun_before_the_moves_goes_on_at_its_cursor(platform: str) -> None:
    with _bench_of_then(platform) as bench:
        session = bench.gateway.open(bench.access())
        for told in POS_CURSORS[platform]:
            page = session.fetch(StreamPlan(**told["plan"]), told["cursor"])

            ids = [getattr(fact, "former_ext_id", None) or id_of(fact) for fact in page.facts]
            assert ids == told["ids"], told
            assert (page.cursor is None) is told["ends"]
        session.close()


# -- nothing is left out -------------------------------------------------------------------------


def test_every_kind_of_row_has_a_sample_and_every_sample_a_reader() -> None:
    assert stored_kinds() == set(KINDS)
    assert set(KINDS) - READ == set()


NO_SAMPLE = {
    "ACCOUNT#{uid}` / `BACKUP#{platform}#{fence, 12 digits}": "newer than the samples",
    "ACCOUNT#{uid}` / `SWITCH#{switch}": "newer than the samples",
    "ACCOUNT#{uid}` / `SWITCHCHECK#{switch}#{n, 4 digits}": "newer than the samples",
    "DOUBLED#{uid}#{switch}#{n, 4 digits}` / `{day}-{hash}": "newer than the samples",
    "ACCOUNT#{uid}` / `LIVE#{subject}": "newer than the samples",
    "ACCOUNT#{uid}` / `COUNTING": "newer than the samples",
    "ACCOUNT#{uid}` / `WORK#work_{work}": "newer than the samples",
    "ACCOUNT#{uid}` / `WITHDRAWN#{platform}": "newer than the samples",
    "WITHHELD#{uid}#{run}` / `{place}": "newer than the samples",
    "ACCOUNT#{uid}` / `DISCOUNT#{discount}": "newer than the samples",
    "ACCOUNT#{uid}` / `PUSHES#{platform}": "newer than the samples",
    "ACCOUNT#{uid}` / `PUSH#{platform}#{number, 12 digits}#{part, 2 digits}": (
        "newer than the samples"
    ),
    "ACCOUNT#{uid}` / `DISCOUNTNAMES#{platform}": "newer than the samples",
    "ACCOUNT#{uid}` / `PIN#{tag}": "newer than the samples",
    "ACCOUNT#{uid}` / `SIGNINGKEY": "newer than the samples",
    "ACCOUNT#{uid}` / `AUDIENCES": "newer than the samples",
    "ACCOUNT#{uid}` / `AUDIENCE#{run}": "newer than the samples",
    "AUDIENCES#{shard}` / `{look at, 15 digits}#{uid}": "newer than the samples",
    "ACCOUNT#{uid}` / `EXPORT#{export}": "newer than the samples",
    "ACCOUNT#{uid}` / `ERASURE#{erasure}": "newer than the samples",
    "OFFBOARDING#{offboarding}` / `OFFBOARDING": "newer than the samples",
    "ACCOUNT#{uid}` / `LIMIT#{limit}": "newer than the samples",
    "ACCOUNT#{uid}` / `APIKEY#{key}": "newer than the samples",
    "KEYUSE#{uid}#{key}` / `USE#{bucket}": "newer than the samples",
    "KEYUSE#{uid}#{key}` / `CALL#{bucket}#{nnn}": "newer than the samples",
    "SHOPPERS#{uid}#{platform}` / `INTENT#{record}": "newer than the samples",
    "SHOPPERS#{uid}#{platform}` / `OPEN#{record}": "newer than the samples",
    "SHOPPERS#{uid}#{platform}` / `SHOWN#{record}": "newer than the samples",
    "SHOPPERS#{uid}#{platform}` / `TURN": "newer than the samples",
    "JOIN#{uid}` / `{form}": "newer than the samples",
    "SHOPPERSDUE#{shard}` / `{uid}#{platform}": "newer than the samples",
    "ACCOUNT#{uid}` / `WEBHOOK#{platform}#{secret}": "newer than the samples",
    "NAMED#{uid}#{name}` / `CALL": "newer than the samples",
    "SLOTS#{uid}` / `{queue}": "newer than the samples",
    "ACCOUNT#{uid}` / `ADDITIONS": "newer than the samples",
    "{uid}#IDS#{platform}#{scope}` / `IDS": "newer than the samples",
    "{uid}#LOG#{platform}` / `{fence, 12 digits}#{part}": "newer than the samples",
    "{uid}#ERASED` / `SALT": "newer than the samples",
    "{uid}#ERASED` / `TOMBSTONE#{hash}": "newer than the samples",
    "{uid}#REPLIES` / `REPLY#{message}": "newer than the samples",
    "CREDENTIAL#{uid}#{credential}` / `PIECE#{kind}#{name}": "newer than the samples",
    "SALEDAYS#{uid}#{credential}` / `{day}#{n}": "newer than the samples",
    "id": "the idempotency table is provisioned and nothing writes into it",
}
"""Rows of design.md without a sample, and why."""


def test_every_row_of_the_design_has_a_sample() -> None:
    """The tables' section of design.md names each row as `pk` / `sk`."""
    section = (DOCS / "design.md").read_text().split("## Tables")[1].split("\n## ")[0]
    places = re.findall(r"^\|[^|]*\| (`[^|]+`) \|", section, re.MULTILINE)
    stored = [(row["pk"]["S"], row["sk"]["S"]) for table in TABLES for row in rows_of(table)]
    missing = []
    for place in places:
        pk, *sks = [_form(part) for part in re.findall(r"`([^`]+)`", place)]
        missing += [
            place
            for sk in sks or [".*"]
            if not any(re.fullmatch(pk, p) and re.fullmatch(sk, s) for p, s in stored)
        ]

    assert len(places) > 30
    assert [place.strip("`") for place in missing] == list(NO_SAMPLE)


def _form(documented: str) -> str:
    """`USER#{sub}` as an expression."""
    parts = re.split(r"\{[^}]*\}", documented)
    return ".+".join(re.escape(part) for part in parts)


PATTERNS: dict[str, tuple[str, ...]] = {
    "the caller's role in the account": ("user",),
    "account, team, notifications, activity": ("account", "user", "notification", "audit"),
    "accounts that may have something new to tell": ("digest mark",),
    "who gets which notifications by e-mail, and was told of which": ("digest reader",),
    "every persona once": ("persona",),
    "a persona as stored": ("persona", "sales summary"),
    "a preview, a job, the latest job": ("preview", "job"),
    "a new derivation that somebody follows": (),  # newer than the samples
    "accounts whose points expire or who ask by SMS": ("expiry",),
    "credentials that are due": ("credential",),
    "integration, its credentials": ("integration", "credential"),
    "is the scope taken": ("scope",),
    "store keys and what they map to": ("store key", "store"),
    "current inventory of a store key": ("inventory",),
    "a record's facts, sales summary and persona": ("record", "sales summary", "persona"),
    "who carries a merge key": ("members",),
    "carriers of a key that very many carry": ("member",),
    "a sale as last told, and what was given back of it": ("sale", "returns"),
    "the rules in force": ("rules",),
    "the other sales of a day (daily cap), or all that may earn": ("pointer",),
    "ledger entries of what is no sale": ("ledger",),
    "a persona's sales, newest first": ("pointer", "sale"),
    "newest or oldest first": ("persona",),
    "by name, prefix search": ("persona",),
    "the persona that holds that record": ("record", "members", "persona"),
    "keys shared too widely": ("shared",),
    "a number's state and whole log": ("head", "consent entry"),
    "the states of many numbers": ("head",),
    "contacts and texts to look at": ("head", "text"),
    "texts of a day, newest first; counts; how many wait": ("text", "counts", "waiting"),
    "texting settings; whose is this number; kill switch": (
        "texting",
        "origination",
        "assigning",
        "kill switch",
    ),
    "tests of this hour": ("throttle",),
    "who was erased": (),  # newer than the samples
    "an off-boarding": (),  # newer than the samples
    "all rows of an account": (),  # newer than the samples
    "an erasure; all of an account": (),  # newer than the samples
    "texts to a number": (),  # newer than the samples
    "set-aside rows about a shopper": (),  # newer than the samples
    "listings that blanked contacts, and whose": (),  # newer than the samples
    "lease, checkpoint, progress": ("state",),
    "replies that wait for a person": (),  # newer than the samples
    "a limit that was raised": (),  # newer than the samples
    "the subject's latest preview; does a request count": (),  # newer than the samples
    "the slots that an account holds": (),  # newer than the samples
    "names of discounts that sales of a POS showed": (),  # newer than the samples
    "the PINs of a contact, the wrong ones of a key": (),  # newer than the samples
    "the credential, to renew its token": (),  # newer than the samples
    "an account's discounts, one of them; what signs its wallets": (),  # newer than the samples
    "an API key and how a bucket of it was used, in one call": (),  # newer than the samples
    "the account's keys; a key's last calls": (),  # newer than the samples
    "what a call of this name was answered": (),  # newer than the samples
    "the webhook secrets of a platform; of an account": (),  # newer than the samples
    "what is left to do for a source, what is shown, how far one signup is": (),  # newer
    "the contact that a served form was sent for": (),  # newer than the samples
    "sources whose contact sync is due": (),  # newer than the samples
    "how many the account has": ("credential",),
    "ids beyond which nothing is stored": (),  # newer than the samples
    # Newer than the samples.
    "what commits after one, up to another, stored of a platform's facts": (),
    "the backups of a source, newest first": (),
    "what a POS pushed of a source that uses AIQ's last backup, in its order; how many calls": (),
    "switches, newest first; their checks": (),
    "sales that look doubled, by day": (),
    "accounts to look at for an audience run": (),
    "how an account stands with its runs; runs, newest first; an export": (),
    "every persona once, with all it is derived from": ("persona", "record", "sales summary"),
    "a page of a list by points, last purchase or name, with filters": (),
    "sales that were shown lately": (),  # newer than the samples
    "watermark, bookmark; known digests": ("streams", "manifest base", "manifest delta"),
    "the syncs under way of all credentials of an account": ("state",),
    "figures and charts": ("streams",),
    "runs, newest first; one run": ("run",),
    "set-aside records of a run": ("aside",),
}
"""By what a line of data-model.md is for: the kinds of rows that it reads."""

UNNAMED = {
    "left": "read by the card's choice; design.md names it",
    "adjusted": "read with the limit of adjustments; design.md names it",
    "store counter": "only counted up",
    "commit": "the commit's lock; design.md names it",
}
"""Kinds of rows that no line of data-model.md reads, and why."""


def test_every_line_of_the_data_model_has_its_samples() -> None:
    lines = (DOCS / "data-model.md").read_text().splitlines()
    rows = [line.split("|")[2].strip() for line in lines if line.startswith("| ")]

    assert set(rows[1:]) == set(PATTERNS)
    read = {kind for kinds in PATTERNS.values() for kind in kinds}
    assert read <= stored_kinds()
    assert set(KINDS) - read == set(UNNAMED)
