"""Changes of settings and loyalty rules through the API (product.md §7, §8, §15)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Rules, Source
from chalicelib.domain.settings import LOSS
from chalicelib.domain.times import DAY
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events.queues import WORKERS
from chalicelib.services.job_messages.account_jobs import account_job
from chalicelib.services.loyalty import adjust
from chalicelib.services.ports.contacts_withdrawn import BlankedRow, Withdrawal, WithheldNote
from tests.fakes.aws import create_personas_table
from tests.fakes.common import MemoryQueue
from tests.fakes.pos import FakePosGateway
from tests.functional.gateway import OURS, THEIRS, Gateway, Got, World

ACCOUNT = f"/api/accounts/{OURS}"
POSABIT = f"{ACCOUNT}/integrations/posabit"
LOYALTY = f"{ACCOUNT}/loyalty"


@pytest.fixture(autouse=True)
def jobs(world: World, monkeypatch: pytest.MonkeyPatch) -> MemoryQueue:
    queue, gateway = MemoryQueue(), FakePosGateway()
    monkeypatch.setattr(wiring.queues, "jobs_queue", lambda: queue)
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    DynamoStores("stores-under-test")
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    create_personas_table(boto3.client("dynamodb"))
    return queue


def now() -> int:
    return wiring.outside.clock().now()


def ago(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).isoformat()


def shoppers(amount: int = 4) -> None:
    """Who bought for 10.00: number 0 a day ago, number 1 two days ago …"""
    folk = [Customer(str(n), phone=f"+1206555000{n}") for n in range(amount)]
    sold = [
        Sale(f"s{n}", "1", now() - (n + 1) * DAY, "", "USD", 1_000, customer_ext_id=str(n))
        for n in range(amount)
    ]
    wiring.derivation.commits().commit(OURS, "posabit", "north", customers=folk, sales=sold)


def work_off(jobs: MemoryQueue) -> None:
    while bodies := jobs.take():
        for message in map(account_job, bodies):
            WORKERS[message.job]("jobs").handle(message, lambda: True)


def apply(api: Gateway, changes: dict[str, Any], **more: Any) -> Got:
    made = api.post(f"{POSABIT}/settings/preview", changes)
    assert made.status == 201, made.text
    etag = api.get(f"{POSABIT}/settings").headers["ETag"]
    body = {"token": made.json["token"], "changes": changes, **more}
    return api.post(f"{POSABIT}/settings/apply", body, if_match=etag)


def test_a_setting_is_previewed_applied_and_its_job_followed(
    api: Gateway, jobs: MemoryQueue
) -> None:
    shoppers()
    changes = {"enroll_after": ago(10)}

    made = api.post(f"{POSABIT}/settings/preview", changes)
    applied = apply(api, changes)

    assert (made.status, made.json["state"], made.json["counts"]["enrolled"]) == (201, "ready", 4)
    assert made.json["sentence"].startswith("4 personas would be enrolled, 0 messages")
    assert api.get(f"{ACCOUNT}/previews/{made.json['id']}").json["token"] == made.json["token"]
    assert (applied.status, applied.json["state"], applied.json["total"]) == (202, "queued", 4)
    work_off(jobs)
    job = api.get(f"{ACCOUNT}/jobs/{applied.json['id']}").json
    assert (job["state"], job["done"], job["changed"]) == ("done", 4, 4)
    card = api.get(POSABIT).json
    setting = next(one for one in card["settings"] if one["key"] == "enroll_after")
    assert (setting["value"], setting["applied"], setting["status"]) == (
        ago(10),
        True,
        "In effect.",
    )
    assert card["job"]["id"] == applied.json["id"]
    personas = api.post(f"{ACCOUNT}/personas/search", {"is": "member"})
    assert len(personas.json["items"]) == 4


def test_removing_a_date_shows_who_would_be_lost_with_the_warning_word_for_word(
    api: Gateway, jobs: MemoryQueue
) -> None:
    shoppers()
    apply(api, {"enroll_after": ago(10)})
    work_off(jobs)

    made = api.post(f"{POSABIT}/settings/preview", {"enroll_after": None}).json
    apply(api, {"enroll_after": None}, members="let_go")
    work_off(jobs)

    assert (made["counts"]["lost"], made["warning"]) == (4, LOSS)
    personas = api.post(f"{ACCOUNT}/personas/search", {"is": "member"})
    assert personas.json["items"] == []


def test_a_token_used_twice_is_409_with_the_fresh_preview(api: Gateway) -> None:
    shoppers()
    changes = {"enroll_after": ago(10)}
    made = api.post(f"{POSABIT}/settings/preview", changes).json
    body = {"token": made["token"], "changes": changes}
    api.post(f"{POSABIT}/settings/apply", body, if_match='"0"')

    stale = api.post(f"{POSABIT}/settings/apply", body, if_match='"0"')
    again = api.post(f"{POSABIT}/settings/apply", body, if_match='"1"')

    assert stale.status == 412
    assert (again.status, again.json["code"]) == (409, "conflict")
    fresh = api.get(f"{ACCOUNT}/previews/{again.json['preview']}").json
    assert (fresh["state"], fresh["changes"]) == ("ready", changes)


TOMORROW = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"enroll_after": TOMORROW}, "enroll_after"),
        ({"enroll_after": "1989-12-31"}, "enroll_after"),
        ({"enroll_after": "31.1.2026"}, "enroll_after"),
        ({"enroll_after": 20260131}, "enroll_after"),
        ({"enroll_after": "1767225600"}, "enroll_after"),
        ({"enroll_after": "2026-02-29"}, "enroll_after"),
        ({"enroll_after": "2026-01-31T00:00:00+09:00"}, "enroll_after"),
        ({"enroll_after": True}, "enroll_after"),
        ({"points_imported_on": "2099-01-01"}, "points_imported_on"),
        ({"points_accrual_start": "2099-01-01"}, "points_accrual_start"),
        ({"surprise": 1}, "surprise"),
        ({"sync_personas": True}, "sync_personas"),
    ],
)
def test_a_day_that_cannot_be_is_422_by_name(
    api: Gateway, changes: dict[str, Any], field: str
) -> None:
    got = api.post(f"{POSABIT}/settings/preview", changes)

    assert got.status == 422
    fault = got.json["errors"][0]
    assert fault["field"] == field
    assert fault["reason"]


@pytest.mark.parametrize("path", [f"{POSABIT}/settings", LOYALTY])
def test_a_change_of_nothing_is_422(api: Gateway, path: str) -> None:
    got = api.post(f"{path}/preview", {})

    assert (got.status, got.json["errors"][0]["field"]) == (422, "changes")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"changes": {}}, "token"),
        ({"token": "x"}, "changes"),
        ({"token": "x", "changes": {}, "members": "sell"}, "members"),
        ({"token": "x" * 101, "changes": {}}, "token"),
        ({"token": 7, "changes": {}}, "token"),
    ],
)
def test_an_application_without_token_changes_or_sense_is_422(
    api: Gateway, body: dict[str, Any], field: str
) -> None:
    got = api.post(f"{POSABIT}/settings/apply", body, if_match='"0"')

    assert (got.status, got.json["errors"][0]["field"]) == (422, field)


def test_a_previewed_setting_is_not_patched(api: Gateway) -> None:
    got = api.patch(f"{POSABIT}/settings", {"enroll_after": ago(3)}, if_match='"0"')

    assert got.status == 409
    assert "Preview the change" in got.json["detail"]


def test_previews_and_jobs_of_another_account_are_404(world: World, api: Gateway) -> None:
    shoppers()
    made = api.post(f"{POSABIT}/settings/preview", {"enroll_after": ago(10)}).json
    job = apply(api, {"enroll_after": ago(10)}).json
    theirs, elsewhere = world.gateway("Owner", THEIRS), f"/api/accounts/{THEIRS}"

    assert theirs.get(f"{elsewhere}/previews/{made['id']}").status == 404
    assert theirs.get(f"{elsewhere}/jobs/{job['id']}").status == 404
    assert api.get(f"{ACCOUNT}/jobs/{job['id']}").status == 200


def test_texts_can_be_cancelled_and_stopped(api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()
    nothing = api.post(f"{POSABIT}/settings/sms/cancel")
    api.put(f"{POSABIT}/age-gate", {"passed": True})
    applied = apply(api, {"sms_opt_in_after": ago(10)})
    plan = api.get(f"{POSABIT}/settings").json["sms"]

    stopped = api.post(f"{POSABIT}/settings/sms/stop", if_match=f'"{plan["version"]}"')
    cancelled = api.post(f"{POSABIT}/settings/sms/cancel")

    assert (nothing.status, applied.status, cancelled.status) == (409, 202, 202)
    assert (plan["stopped"], stopped.json["stopped"]) == (False, True)
    assert plan["starts_at"] is not None
    assert wiring.outside.integrations().get(OURS, "posabit").sms_stopped
    settings = api.get(f"{POSABIT}/settings").json["settings"]
    assert settings[1]["value"] is None


# -- loyalty -------------------------------------------------------------------------------------


def test_loyalty_rules_are_points_outside_and_hundredths_inside(
    api: Gateway, jobs: MemoryQueue
) -> None:
    shoppers()
    apply(api, {"enroll_after": ago(10)})
    work_off(jobs)
    changes = {
        "enabled": True,
        "accrual_start": ago(10),
        "points_per_100": 12.5,
        "rounding": "none",
    }

    made = api.post(f"{LOYALTY}/preview", changes)
    version = api.get(LOYALTY).headers["ETag"]
    body = {"token": made.json["token"], "changes": changes}
    applied = api.post(f"{LOYALTY}/apply", body, if_match=version)
    work_off(jobs)

    assert made.json["sentence"] == "4 balances would change, by 5 points in total"
    assert made.json["changes"]["points_per_100"] == 12.5
    assert made.json["counts"]["largest"][0]["after"] == 1.25
    assert applied.status == 202
    shown = api.get(LOYALTY).json
    assert (shown["points_per_100"], shown["accrual_start"]) == (12.5, ago(10))
    assert shown["job"]["state"] == "done"
    assert wiring.outside.rule_book().get(OURS).loyalty.points_per_100 == 1_250


def test_points_switched_on_without_a_start_begin_today_and_it_is_said(api: Gateway) -> None:
    made = api.post(f"{LOYALTY}/preview", {"enabled": True}).json

    assert made["notes"][0].startswith("Points accrual start date is set to ")
    assert made["changes"]["accrual_start"] in made["notes"][0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"points_per_100": -1}, "points_per_100"),
        ({"points_per_100": 1.005}, "points_per_100"),
        ({"points_per_100": "12"}, "points_per_100"),
        ({"points_per_100": True}, "points_per_100"),
        ({"points_per_100": 10_000.01}, "points_per_100"),
        ({"points_per_order": None}, "points_per_order"),
        ({"max_orders_per_day": 0}, "max_orders_per_day"),
        ({"max_orders_per_day": 1.5}, "max_orders_per_day"),
        ({"expire_after_days": 0}, "expire_after_days"),
        ({"expire_after_days": 3651}, "expire_after_days"),
        ({"rounding": "sideways"}, "rounding"),
        ({"enabled": "yes"}, "enabled"),
        ({"accrual_start": "1989-12-31"}, "accrual_start"),
        ({"accrual_start": "2099-12-31"}, "accrual_start"),
        ({"accrual_start": "soon"}, "accrual_start"),
        ({"accrual_start": "1767225600"}, "accrual_start"),
        ({"interest": 1}, "interest"),
    ],
)
def test_a_loyalty_rule_that_cannot_be_is_422_by_name(
    api: Gateway, changes: dict[str, Any], field: str
) -> None:
    got = api.post(f"{LOYALTY}/preview", changes)

    assert got.status == 422
    fault = got.json["errors"][0]
    assert (fault["field"], bool(fault["reason"])) == (field, True)
    assert wiring.outside.rule_book().get(OURS) == Rules()


# -- points by hand ------------------------------------------------------------------------------


def persona(number: int = 0) -> str:
    return record_id(OURS, "posabit", "north", str(number))


def adjusted(api: Gateway, body: dict[str, Any], key: str = "key-00000001") -> Got:
    return api.post(f"{ACCOUNT}/personas/{persona()}/points", body, idempotency_key=key)


def test_points_are_given_once_however_often_the_request_comes(world: World) -> None:
    shoppers()
    manager = world.gateway("Manager")
    body = {"amount": 20.5, "reason": "Goodwill"}

    first, again = adjusted(manager, body), adjusted(manager, body)
    taken = adjusted(manager, {"amount": -30, "reason": "Mistake"}, "key-00000002")

    assert [got.json["points"] for got in (first, again, taken)] == [20.5, 20.5, -9.5]
    entries = wiring.outside.audit().entries(OURS, 10, None)[0]
    assert [entry.after["amount"] for entry in entries if entry.after] == [-30.0, 20.5]


def test_a_key_used_for_another_adjustment_is_409(api: Gateway) -> None:
    shoppers()
    adjusted(api, {"amount": 20, "reason": "Goodwill"})

    got = adjusted(api, {"amount": 21, "reason": "Goodwill"})

    assert got.status == 409
    assert "Idempotency-Key" in got.json["detail"]


def test_a_person_may_adjust_so_much_a_day(api: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    shoppers()
    monkeypatch.setattr(adjust, "DAILY_LIMIT", 5_000)
    adjusted(api, {"amount": 30, "reason": "Goodwill"})

    over = adjusted(api, {"amount": -20.01, "reason": "Mistake"}, "key-00000002")
    within = adjusted(api, {"amount": -20, "reason": "Mistake"}, "key-00000003")

    assert (over.status, over.headers["Retry-After"]) == (429, "3600")
    assert over.json["detail"].endswith("20.0 are left today.")
    assert within.json["points"] == 10


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount": 0, "reason": "x"}, "amount"),
        ({"amount": 1.234, "reason": "x"}, "amount"),
        ({"amount": "5", "reason": "x"}, "amount"),
        ({"amount": 5}, "reason"),
        ({"amount": 5, "reason": " "}, "reason"),
    ],
)
def test_an_adjustment_without_sense_is_422(api: Gateway, body: dict[str, Any], field: str) -> None:
    got = adjusted(api, body)

    assert (got.status, got.json["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("key", ["", "short", "with blanks in it", "x" * 101])
def test_an_adjustment_needs_a_name_of_its_own(api: Gateway, key: str) -> None:
    got = adjusted(api, {"amount": 5, "reason": "x"}, key)

    assert (got.status, got.json["code"]) == (400, "malformed_body")
    assert "Idempotency-Key" in got.json["example"]


def test_nobody_knows_a_made_up_persona(api: Gateway) -> None:
    got = adjusted(api, {"amount": 5, "reason": "x"})

    assert got.status == 404


def test_who_left_is_kept_on_request(api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()
    source = Source(enroll_after=(date.fromisoformat(ago(10)) - date(1970, 1, 1)).days)
    wiring.outside.rule_book().save(OURS, Rules(sources={"posabit": source}))
    wiring.outside.leavers().put(OURS, "posabit", [persona(1)], instead_of=[])
    wiring.notifications.notifier().raise_(
        OURS, "members_left", "posabit", title="POSaBIT", members=1
    )

    kept = api.post(f"{POSABIT}/members-left/keep")
    again = api.post(f"{POSABIT}/members-left/keep")
    nonsense = api.post(f"{POSABIT}/members-left/sell")

    assert (kept.status, kept.json["members"]) == (200, 1)
    assert (again.status, nonsense.status) == (409, 404)
    assert wiring.notifications.notifier().open_for(OURS) == []
    [member] = wiring.outside.preview_reads().personas(OURS, [persona(1)])
    assert [r.name for r in member.reasons][-1] == f"kept:enroll_after:posabit@{ago(10)}"


# -- contacts withdrawn --------------------------------------------------------------------------


def contacts_wait() -> None:
    """One shopper's contacts wait for a decision."""
    shoppers()
    commits = wiring.derivation.commits()
    blanked = Customer("1", first="Ana")
    [record] = commits.commit(OURS, "posabit", "north", customers=[blanked], withhold=True).withheld
    withdrawals = wiring.outside.withdrawals()
    row = BlankedRow(record, 1, 2, 3)
    withdrawals.note(OURS, "run_1", WithheldNote("kept#000000", (row,)))
    waiting = Withdrawal("run_1", "north", "pending", 1)
    withdrawals.put(OURS, "posabit", [waiting], instead_of=[])
    wiring.loyalty.withdrawal_notice().refresh(OURS, "posabit")


def test_withdrawn_contacts_are_taken_over_on_request(api: Gateway, jobs: MemoryQueue) -> None:
    contacts_wait()
    before = wiring.outside.preview_reads().personas(OURS, [persona(1)])

    taken = api.post(f"{POSABIT}/contacts-withdrawn/apply")
    work_off(jobs)

    assert (taken.status, taken.json) == (202, {"shoppers": 1})
    assert len(before) == 1
    assert wiring.outside.preview_reads().personas(OURS, [persona(1)]) == []
    assert wiring.notifications.notifier().open_for(OURS) == []
    assert api.post(f"{POSABIT}/contacts-withdrawn/apply").status == 409


def test_withdrawn_contacts_are_dismissed_on_request(api: Gateway, jobs: MemoryQueue) -> None:
    contacts_wait()

    dismissed = api.post(f"{POSABIT}/contacts-withdrawn/dismiss")
    again = api.post(f"{POSABIT}/contacts-withdrawn/dismiss")
    nonsense = api.post(f"{POSABIT}/contacts-withdrawn/sell")

    assert (dismissed.status, dismissed.json) == (202, {"shoppers": 1})
    assert (again.status, nonsense.status, jobs.take()) == (409, 404, [])
    assert len(wiring.outside.preview_reads().personas(OURS, [persona(1)])) == 1


@pytest.mark.parametrize("role", ["Analyst", "Marketing", "Manager", "Staff"])
def test_who_may_not_change_settings_takes_no_contacts_over(world: World, role: str) -> None:
    contacts_wait()

    assert world.gateway(role).post(f"{POSABIT}/contacts-withdrawn/apply").status == 403


# -- trusted flags -------------------------------------------------------------------------------


def test_only_an_owner_trusts_opt_in_flags_and_who_and_when_is_kept(
    world: World, api: Gateway
) -> None:
    path = f"{POSABIT}/trust-opt-in-flags"
    version = api.get(POSABIT).json["version"]
    assert world.gateway("Operator").post(f"{path}/preview").status == 403
    preview = api.post(f"{path}/preview")
    assert (preview.status, preview.json["counts"]["opt_ins"]) == (201, 0)

    without = api.put(path, {"trusted": True}, if_match=f'"{version}"')
    told = {"trusted": True, "token": preview.json["token"]}
    got = api.put(path, told, if_match=f'"{version}"')

    trust = api.get(POSABIT).json["flag_trust"]
    assert (without.status, got.status, trust["trusted"]) == (409, 202, True)
    assert trust["ticked_by"] == f"user:sub-{OURS}-Owner"
    assert trust["ticked_at"] is not None
    assert wiring.outside.rule_book().get(OURS).source("posabit").trusts_opt_in_flags
    assert api.put(path, {"trusted": False}, if_match=f'"{version}"').status == 412
    assert api.put(path, {"trusted": False}, if_match=f'"{version + 1}"').status == 202
    assert api.get(POSABIT).json["flag_trust"]["trusted"] is False
    assert not wiring.outside.rule_book().get(OURS).source("posabit").trusts_opt_in_flags


def test_another_zone_of_the_account_is_counted_and_applied_with_its_token(
    api: Gateway, jobs: MemoryQueue
) -> None:
    shoppers()
    wanted = {"time_zone": "America/New_York"}

    made = api.post(f"{ACCOUNT}/preview", wanted)
    assert (made.status, made.json["state"], made.json["counts"]["personas"]) == (201, "ready", 4)
    other = api.patch(ACCOUNT, {"minimum_age": 19, "token": made.json["token"]}, if_match='"1"')
    done = api.patch(ACCOUNT, {**wanted, "token": made.json["token"]}, if_match='"1"')

    assert (other.status, other.json["code"]) == (409, "conflict")
    assert api.get(f"{ACCOUNT}/previews/{other.json['preview']}").json["changes"] == {
        "minimum_age": 19
    }
    assert (done.status, done.json["time_zone"]) == (200, "America/New_York")
    work_off(jobs)


def test_joining_by_name_counts_who_becomes_one_on_the_table(
    api: Gateway, jobs: MemoryQueue
) -> None:
    folk = [
        Customer(str(n), "Ana", "Ruiz", phone=f"+1206555010{n}", birth_date="1990-12-31")
        for n in range(2)
    ]
    wiring.derivation.commits().commit(OURS, "posabit", "north", customers=folk)
    wanted = {"merge_on_name_and_birth_date": True}

    made = api.post(f"{ACCOUNT}/preview", wanted).json
    api.patch(ACCOUNT, {**wanted, "token": made["token"]}, if_match='"1"')
    work_off(jobs)

    assert (made["counts"]["joined"], made["warning"]) == (1, None)
    assert "1 persona would be joined to another" in made["sentence"]
    assert len(api.get(f"{ACCOUNT}/personas").json["items"]) == 1


def test_another_zone_of_a_store_is_counted_and_applied_with_its_token(api: Gateway) -> None:
    store = api.post(f"{ACCOUNT}/stores", {"name": "North"}).json["id"]
    address = f"{ACCOUNT}/stores/{store}"

    made = api.post(f"{address}/preview", {"time_zone": "America/Denver"})
    forged = {"time_zone": "America/Denver", "token": "prv_x.tok_x"}
    refused = api.patch(address, forged, if_match='"1"')
    wanted = {"time_zone": "America/Denver", "name": "Nord", "token": made.json["token"]}
    done = api.patch(address, wanted, if_match='"1"')

    assert (made.status, made.json["subject"]) == (201, f"store:{store}")
    assert refused.status == 409
    unseen = api.patch(address, {"time_zone": "America/Boise"}, if_match='"2"')
    assert (unseen.status, "Preview it" in unseen.json["detail"]) == (409, True)
    assert (done.status, done.json["name"], done.json["time_zone"]) == (
        200,
        "Nord",
        "America/Denver",
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "changes"),
        ({"time_zone": "America/Los_Angeles"}, "changes"),
        ({"time_zone": "Moon/Sea"}, "time_zone"),
        ({"placeholders": ["nobody"]}, "placeholders"),
        ({"name": "Greener"}, "name"),
        ({"minimum_age": 5}, "minimum_age"),
    ],
)
def test_what_no_preview_of_an_account_can_count_is_refused(
    api: Gateway, body: dict[str, Any], field: str
) -> None:
    got = api.post(f"{ACCOUNT}/preview", body)

    assert (got.status, got.json["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize(("role", "status"), [("Marketing", 201), ("Analyst", 403)])
def test_who_may_preview_may_not_therefore_change(world: World, role: str, status: int) -> None:
    gateway = world.gateway(role)  # type: ignore[arg-type]

    made = gateway.post(f"{ACCOUNT}/preview", {"minimum_age": 19})

    assert made.status == status
    assert gateway.patch(ACCOUNT, {"minimum_age": 19}, if_match='"1"').status == 403


@pytest.mark.parametrize(
    "body",
    [
        {"minimum_age": 19},
        {"time_zone": "America/New_York", "name": "Greener"},
        {"merge_on_name_and_birth_date": True},
        {"placeholders": ["206-555-0100"]},
    ],
)
def test_what_decides_about_people_is_not_changed_unseen(
    world: World, api: Gateway, body: dict[str, Any]
) -> None:
    before = world.account()

    got = api.patch(ACCOUNT, body, if_match='"1"')

    assert (got.status, "Preview it" in got.json["detail"]) == (409, True)
    assert world.account() == before


def test_a_token_of_another_account_is_good_for_nothing(world: World, api: Gateway) -> None:
    theirs = world.gateway("Owner", THEIRS)
    made = theirs.post(f"/api/accounts/{THEIRS}/preview", {"minimum_age": 19}).json

    got = api.patch(ACCOUNT, {"minimum_age": 19, "token": made["token"]}, if_match='"1"')

    assert (got.status, "preview" in got.json) == (409, False)
    assert api.get(f"{ACCOUNT}/previews/{made['id']}").status == 404
