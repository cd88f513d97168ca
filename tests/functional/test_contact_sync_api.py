"""How contact sync stands with a POS, as its card shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.adapters.dynamo.batch import commit_client
from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.stores import StoreRow
from chalicelib.domain.acts import Join
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer
from chalicelib.domain.signups import AIQ, SIGNUP_SCOPE
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.contact_sync import ShopperIntent
from tests.fakes.common import NOON, MemoryQueue
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.functional.personas_table import TABLE, personas_table

PHONE = "+12065550142"
RECORD = record_id(OURS, AIQ, SIGNUP_SCOPE, PHONE)
PATH = f"/api/accounts/{OURS}/integrations/posabit/contact-sync"


@pytest.fixture
def jobs() -> MemoryQueue:
    return MemoryQueue()


@pytest.fixture
def api(world: World, jobs: MemoryQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Ana signed up, and POSaBIT refused her."""
    monkeypatch.setenv("TABLE_PERSONAS", TABLE)
    monkeypatch.setattr(wiring.queues, "jobs_queue", lambda: jobs)
    queue = MemoryQueue()
    monkeypatch.setattr(wiring.queues, "texts_queue", lambda: queue)
    StoreRow.Meta.table_name = "stores-under-test"
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    CredentialRow.Meta.table_name = "integrations-under-test"
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    with personas_table(commit_client()):
        ana = Customer(PHONE, "Ana", "Ruiz", phone=PHONE)
        joins = {PHONE: Join("form", NOON)}
        wiring.derivation.commits().commit(OURS, AIQ, SIGNUP_SCOPE, customers=[ana], joins=joins)
        wiring.outside.shopper_intents().note(
            ShopperIntent(
                OURS,
                "posabit",
                RECORD,
                NOON,
                state="refused",
                noted_at=NOON,
                due_at=NOON,
                waiting="taken",
                refused_for=("telephone",),
                changed_at=NOON,
            )
        )
        yield world.gateway("Owner")


def test_a_refused_shopper_is_shown_with_what_to_do_and_created_again_on_demand(
    api: Gateway, jobs: MemoryQueue
) -> None:
    off = api.get(PATH)
    assert (off.status, off.json["since"], off.json["waits_for"]) == (200, None, "draft")
    [shown] = off.json["shown"]
    assert (shown["name"], shown["contact_id"], shown["state"]) == ("Ana Ruiz", RECORD, "refused")
    assert shown["message"] == "Refused by POSaBIT: telephone taken."
    assert api.post(f"{PATH}/{RECORD}/again").status == 409

    settings = f"/api/accounts/{OURS}/integrations/posabit/settings"
    assert api.patch(settings, {"sync_personas": True}, if_match='"0"').status == 200
    again = api.post(f"{PATH}/{RECORD}/again")

    assert (again.status, again.json["queued"], again.json["shown"]) == (202, 1, [])
    assert [body["job"] for body in jobs.take()] == ["contact_sync"]
    assert api.post(f"{PATH}/{'f' * 32}/again").status == 404


def test_another_platform_and_another_account_have_none_of_it(api: Gateway, world: World) -> None:
    assert api.get(PATH.replace("posabit", "nopos")).status == 404
    assert api.get(PATH.replace("posabit", "webjoint")).json["shown"] == []
    assert world.gateway("Owner", THEIRS).get(PATH).status == 404
