"""Erase a persona through the API, on tables, queues and bucket (moto): product.md §14.

What is left is decompressed and searched for phone and e-mail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.adapters.aws.objects import s3_client
from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.set_aside import SetAsideRow
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.config import config
from chalicelib.domain.acts import Join
from chalicelib.domain.consent import Entry
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import DAY, to_datetime
from chalicelib.domain.words import POINT
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events.queues import WORKERS
from chalicelib.services.consent.log import append_entries
from chalicelib.services.freezing import standing_job
from chalicelib.services.freezing.shards import shard_key
from chalicelib.services.job_messages.account_jobs import account_job
from chalicelib.services.job_messages.text_jobs import EffectsMessage
from chalicelib.services.ports.effects import Ask, ConsentFlag
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.texting import Text, UnclearReply
from chalicelib.services.privacy.row_kinds import parts
from tests.fakes.aws import create_personas_table, create_table
from tests.fakes.common import MemoryQueue
from tests.fakes.pos import FakePosGateway
from tests.fakes.sync_control import RecordingSync
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.worlds.everything_stored import everything_stored as stored_everywhere
from tests.worlds.everything_stored import shown_in as shown_anywhere

PHONE, EMAIL = "+12065550101", "ana.wu@example.com"
ANA = Customer("1", first="Ana", last="Wu", phone=PHONE, phone_raw="(206) 555-0101", email=EMAIL)
BEN = Customer("2", first="Ben", phone="+12065550102")
RID = record_id(OURS, "posabit", "north", "1")
PERSONA = f"/api/accounts/{OURS}/personas/{RID}"
NEEDLES = ("2065550101", "ana.wu@example.com", "(206) 555-0101")


@pytest.fixture(autouse=True)
def jobs(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryQueue]:
    queue, gateway, sync = MemoryQueue(), FakePosGateway(), RecordingSync()
    texts = MemoryQueue()
    monkeypatch.setattr(wiring.queues, "jobs_queue", lambda: queue)
    monkeypatch.setattr(wiring.queues, "texts_queue", lambda: texts)
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    monkeypatch.setattr(wiring.sync, "sync_control", lambda: sync)
    monkeypatch.setattr(standing_job, "CALLS_END_AFTER_SECONDS", 0.0)
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    DynamoStores("stores-under-test")
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    create_personas_table(boto3.client("dynamodb"))
    create_table(boto3.client("dynamodb"), "sync-under-test")
    s3_client.cache_clear()
    boto3.client("s3").create_bucket(Bucket=config().bucket_backups)
    yield queue
    s3_client.cache_clear()


def now() -> int:
    return wiring.outside.clock().now()


def tell(*facts: Customer | Sale, platform: str = "posabit", **given: Any) -> Any:
    return wiring.derivation.commits().commit(
        OURS,
        platform,
        "north",
        customers=[f for f in facts if isinstance(f, Customer)],
        sales=[f for f in facts if isinstance(f, Sale)],
        **given,
    )


def a_sale(ext_id: str, who: str = "1", at: int | None = None) -> Sale:
    at = now() - DAY if at is None else at
    return Sale(ext_id, "Main", at, "", "USD", 5_000, customer_ext_id=who)


def work(queue: MemoryQueue) -> None:
    for _ in range(300):
        for body in queue.take():
            message = account_job(body)
            WORKERS[message.job]("jobs").handle(message, lambda: True)


def a_life(api: Gateway, jobs: MemoryQueue) -> None:
    """Ana is known to two POS, buys, is texted, opts out, writes; a row of hers cannot be read,
    staff give her points; lists, a CSV and a backup hold her."""
    for platform in ("posabit", "thsuite"):
        wiring.outside.integrations().save(Integration(OURS, platform, state="connected"))
        wiring.outside.credentials().add(
            Credential(OURS, platform, f"crd_{platform}", "north", {}, {})
        )
    loyalty = Loyalty(enabled=True, points_per_100=10 * POINT, accrual_start=0)
    sources = {"posabit": Source(enroll_after=0)}
    wiring.outside.rule_book().save(OURS, Rules(loyalty, sources))
    tell(ANA, BEN, a_sale("s1"), a_sale("s2", "2"))
    tell(Customer("t1", first="Ana", phone=PHONE), a_sale("s9", "t1"), platform="thsuite")
    log, clock = wiring.outside.consent_log(), wiring.outside.clock()
    stop = Entry("stop#1", now() - 1_000, "stop", "sms", wording="STOP")
    append_entries(log, clock, OURS, "sms", PHONE, [stop])
    append_entries(
        log,
        clock,
        OURS,
        "email",
        EMAIL,
        [Entry("f#1", now(), "flag_yes", "posabit")],
    )
    today = to_datetime(now()).date().isoformat()
    text = Text("t#1", OURS, "opt_out", PHONE, "You are opted out.", 1, now(), today)
    wiring.outside.texts().begin(text, None)
    reply = UnclearReply("m1", now(), PHONE, "who is this? ana.wu@example.com")
    wiring.outside.unclear_replies().add(OURS, reply)
    wiring.outside.sync_states()
    boto3.resource("dynamodb").Table("sync-under-test").put_item(
        Item={"pk": f"RUNS#{OURS}#posabit", "sk": "run_1"}
    )
    raw = {"row": {"id": 7, "mobile": "206.555.0101"}, "stream": "customers", "reason": "bad"}
    SetAsideRow(
        f"ASIDE#{OURS}#run_1", "customers#000001", body=json.dumps(raw), expires_at=0
    ).save()
    adjuster = wiring.loyalty.adjuster()
    adjuster.adjust(OURS, RID, 5 * POINT, "Ana Wu was nice", "k1", actor="user:kim")
    api.post(f"/api/accounts/{OURS}/audience-runs")
    work(jobs)
    api.post(f"/api/accounts/{OURS}/exports", {"list": "personas"})
    work(jobs)


def erase(api: Gateway, jobs: MemoryQueue, typed: str = "0101") -> Any:
    token = api.post(f"{PERSONA}/erase/preview").json["token"]
    asked = api.post(f"{PERSONA}/erase", {"token": token, "typed": typed})
    assert asked.status == 202, asked.text
    work(jobs)
    return api.get(f"/api/accounts/{OURS}/erasures/{asked.json['id']}").json


def everything_stored(*, unpinned_backups: bool = False) -> dict[str, str]:
    """All rows of all tables and all objects, decompressed."""
    named = _pinned_objects()
    return stored_everywhere(
        boto3.client,
        config().bucket_backups,
        passes_over=lambda name: not unpinned_backups and "/backups/" in name and name not in named,
    )


def _pinned_objects() -> set[str]:
    kept = wiring.freezing.backups()
    return {
        shard_key(OURS, platform, shard)
        for platform in ("posabit", "thsuite")
        for backup in kept.of_source(OURS, platform)
        if backup.pinned_by
        for shard in backup.shards
        if shard.digest
    }


def shown_in(stored: dict[str, str]) -> list[str]:
    return shown_anywhere(stored, NEEDLES)


def test_nothing_that_is_stored_shows_phone_or_email_afterwards(
    api: Gateway, jobs: MemoryQueue
) -> None:
    a_life(api, jobs)
    assert len(shown_in(everything_stored(unpinned_backups=True))) > 10

    erased = erase(api, jobs)

    assert erased["state"] == "done", erased
    assert shown_in(everything_stored()) == []
    assert not [name for name, text in everything_stored().items() if "Ana" in text]
    assert api.get(PERSONA).status == 404
    assert api.get(f"/api/accounts/{OURS}/personas").json["items"][0]["phone"] == BEN.phone


def test_a_sources_data_is_removed_restored_and_deleted_for_good(
    api: Gateway, jobs: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_life(api, jobs)
    data = f"/api/accounts/{OURS}/integrations/posabit/data"
    seen = api.post(f"{data}/preview").json
    assert (seen["shoppers"], seen["sales"]) == (2, 2)
    assert api.post(f"{data}/remove", {"token": seen["token"], "typed": "x"}).status == 422

    removed = api.post(f"{data}/remove", {"token": seen["token"], "typed": seen["confirm"]})
    assert (removed.status, removed.json["data"]) == (202, "removing")
    work(jobs)
    assert api.get(data).json["data"] == "removed"
    [left] = api.get(f"/api/accounts/{OURS}/personas").json["items"]
    assert left["phone"] == PHONE, "THSuite knows her"
    assert api.post(f"{data}/restore").status == 202
    work(jobs)
    assert len(api.get(f"/api/accounts/{OURS}/personas").json["items"]) == 2

    monkeypatch.setattr(standing_job, "UNDONE_WITHIN", 0)
    token = api.post(f"{data}/preview").json["token"]
    api.post(f"{data}/remove", {"token": token, "typed": seen["confirm"]})
    work(jobs)
    api.post(f"/api/accounts/{OURS}/audience-runs")
    work(jobs)

    assert api.get(data).json["data"] == "kept"
    assert api.get(f"/api/accounts/{OURS}/integrations/posabit").json["state"] == "disconnected"
    stored = everything_stored()
    assert not [name for name in stored if "#SALE#posabit" in name and name.endswith(" SALE")]


def test_another_account_and_other_roles_erase_nobody(world: World, jobs: MemoryQueue) -> None:
    a_life(world.gateway("Owner"), jobs)

    for role in ("Operator", "Manager", "Analyst"):
        assert world.gateway(role).post(f"{PERSONA}/erase/preview").status == 403
    theirs = PERSONA.replace(OURS, THEIRS)
    assert world.gateway("Owner").post(f"{theirs}/erase/preview").status == 404


def test_a_message_that_comes_late_makes_no_consent_of_an_erased_shopper(
    api: Gateway, jobs: MemoryQueue
) -> None:
    a_life(api, jobs)
    erase(api, jobs)
    flag = ConsentFlag("sms", PHONE, "no", "posabit", RID, 3, now())

    for _ in range(2):
        late = EffectsMessage(OURS, (flag,), (Ask(PHONE, RID, "posabit"),))
        WORKERS["effects"]("texts").handle(late)

    assert shown_in(everything_stored()) == []


def test_a_signup_later_than_the_erasure_brings_them_back(api: Gateway, jobs: MemoryQueue) -> None:
    a_life(api, jobs)
    before = now()
    erase(api, jobs)
    tell(ANA, a_sale("s1"), a_sale("s77"))
    tell(ANA, joins={"1": Join("form", before)})
    assert shown_in(everything_stored()) == []

    tell(ANA, joins={"1": Join("form", now() + 1)})

    assert api.get(PERSONA).json["phone"] == PHONE


def test_an_export_holds_all_that_is_kept_of_a_persona_in_words(
    api: Gateway, jobs: MemoryQueue
) -> None:
    a_life(api, jobs)

    asked = api.post(f"{PERSONA}/export")
    assert asked.status == 202, asked.text
    work(jobs)

    done = api.get(f"/api/accounts/{OURS}/exports/{asked.json['id']}").json
    assert (done["state"], done["rows"]) == ("done", 2)
    key = f"exports/{OURS}/{done['id']}.json"
    body = boto3.client("s3").get_object(Bucket=config().bucket_backups, Key=key)["Body"].read()
    told = json.loads(body)
    assert set(parts()) <= set(told)
    assert {each["source"] for each in told["records"]} == {"posabit", "thsuite"}
    assert {each["ext_id"] for each in told["sales"]} == {"s1", "s9"}
    assert "Ana Wu was nice" in json.dumps(told["ledger"])
    assert {each["state"] for each in told["consent"]} == {"opted_out", "opted_in"}
    assert told["texts"][0]["body"] == "You are opted out."
    assert told["replies"][0]["text"].startswith("who is this")
    assert told["set_aside"][0]["row"]["mobile"] == "206.555.0101"
    assert str(BEN.phone) not in body.decode()
    erase(api, jobs)
    assert shown_in(everything_stored()) == []


def test_of_a_contact_that_signed_up_anew_only_what_was_said_before_is_erased() -> None:
    log, clock = wiring.outside.consent_log(), wiring.outside.clock()
    anew = clock.now()
    stop, signed = Entry("stop", anew - DAY, "stop", "sms"), Entry("form", anew, "signed", "form")
    append_entries(log, clock, OURS, "sms", PHONE, [stop])
    append_entries(log, clock, OURS, "sms", PHONE, [signed])
    rows = wiring.privacy.personal_rows()

    assert rows.erase_contact(OURS, "sms", PHONE, anew) == 1

    held = log.read(OURS, "sms", PHONE)
    assert ([entry.id for entry in held.entries], held.state.consent.state) == (
        ["form"],
        "opted_in",
    )
    assert rows.erase_contact(OURS, "sms", PHONE) == 2
    assert log.read(OURS, "sms", PHONE).entries == ()
