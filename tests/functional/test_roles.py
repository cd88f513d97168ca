"""What each function writes its role allows, and no more: judged by IAM's rules for rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.consent import DynamoConsent
from chalicelib.adapters.dynamo.digests import DynamoDigests
from chalicelib.adapters.dynamo.keys import account_keys, fact_keys, text_keys
from chalicelib.adapters.dynamo.loyalty import DynamoExpiries
from chalicelib.adapters.dynamo.notifications import DynamoNotifications
from chalicelib.adapters.dynamo.unclear_replies import DynamoUnclearReplies
from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.ids import record_id
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.services.notifications.dead_letters import DeadLetterWatch
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.consent import DueContact
from chalicelib.services.ports.dead_letters import DeadLetters
from chalicelib.services.ports.digests import Mark, Recipient
from chalicelib.services.ports.texting import UnclearReply
from tests.fakes.common import NOON, FakeClock
from tests.fakes.notifications import OperatorMailbox
from tests.functional.gateway import World
from tests.functional.personas_table import TABLE, personas_table
from tests.worlds.roles import RowCall, allows, calls_of

OURS = Uid("3912")
TABLES = {"accounts-under-test": "AccountsTable", TABLE: "PersonasTable"}
COMMITTING = (
    "ApiHandler",
    "SyncWorker",
    "OwnServerSyncWorker",
    "AccountJobs",
    "TextWorker",
    "WebhookWorker",
)
WRITING = (*COMMITTING, "InboundSms", "ReleaseTexts")
"""The roles that may write rows of the personas table."""


@pytest.fixture
def calls(world: World, monkeypatch: pytest.MonkeyPatch) -> list[RowCall]:
    """The writes that reach DynamoDB from here on."""
    made: list[RowCall] = []
    usual = BotocoreStubber.process_request

    def heard(self: BotocoreStubber, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target", "")
        target = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
        if target in ("BatchWriteItem", "TransactWriteItems") or target.endswith(
            ("PutItem", "UpdateItem", "DeleteItem")
        ):
            made.extend(calls_of(target, json.loads(request.body), TABLES))
        return usual(self, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", heard)
    return made


def refused(role: str, calls: list[RowCall]) -> list[RowCall]:
    assert calls
    return [call for call in calls if not allows(role, call)]


class Dead:
    name = "sync"

    def look(self) -> DeadLetters:
        return DeadLetters(1, {OURS: 1}, without_account=0)

    def bury(self, raw: str, reason: str) -> None:
        raise NotImplementedError


def test_who_notifies_writes_notifications_and_marks(calls: list[RowCall]) -> None:
    notifications = DynamoNotifications("accounts-under-test")
    watch = DeadLetterWatch([Dead()], Notifier(notifications, OperatorMailbox(), FakeClock()))

    watch.look()
    watch.look()  # refreshes what is open

    assert {call.action for call in calls} == {"PutItem", "UpdateItem"}
    for role in ("WatchDeadLetters", "InboundSms", "TextWorker"):
        assert refused(role, calls) == []


@pytest.mark.parametrize("role", ["WatchDeadLetters", "InboundSms"])
def test_who_notifies_writes_no_user_no_account_and_no_number(role: str) -> None:
    account = (account_keys.account(OURS),)
    user = ("pk", "sk", "user_sub", "uid", "email", "role", "active")

    for call in (
        RowCall("PutItem", "AccountsTable", account, user),
        RowCall("UpdateItem", "AccountsTable", account, ("pk", "sk", "role")),
        RowCall("PutItem", "AccountsTable", account, ("pk", "sk", "name", "time_zone", "version")),
        RowCall(
            "UpdateItem", "AccountsTable", (account_keys.origination("+12065550100"),), ("pk", "sk")
        ),
        RowCall("PutItem", "AccountsTable", (account_keys.OPERATOR,), ("pk", "sk")),
        RowCall("DeleteItem", "AccountsTable", account),
        RowCall("BatchWriteItem", "AccountsTable", account),
    ):
        assert not allows(role, call)


def test_the_sender_of_digests_claims_and_unmarks_and_nothing_else(calls: list[RowCall]) -> None:
    digests = DynamoDigests("accounts-under-test")
    digests.mark(OURS, NOON)
    calls.clear()  # others mark

    assert digests.claim(OURS, "ada", Recipient(frozenset()), NOON)
    digests.record_sent(OURS, "ada", NOON, frozenset({"x"}))
    digests.unmark(Mark(OURS, NOON))

    assert refused("SendDigests", calls) == []
    account = (account_keys.account(OURS),)
    assert not allows("SendDigests", RowCall("DeleteItem", "AccountsTable", account))
    severities = RowCall("UpdateItem", "AccountsTable", account, ("pk", "sk", "severities"))
    assert not allows("SendDigests", severities)


def test_the_text_worker_watches_who_has_points_that_expire(calls: list[RowCall]) -> None:
    DynamoExpiries("accounts-under-test").watch_ahead(OURS)

    assert refused("TextWorker", calls) == []


@pytest.fixture
def table(calls: list[RowCall]) -> Iterator[BatchTable]:
    from chalicelib.adapters.dynamo.batch import commit_client

    client = commit_client()
    with personas_table(client):
        yield BatchTable(client, TABLE, FakeClock())


ENTRY = Entry("e1", "opted_in", "form", NOON)


def test_who_texts_appends_consents_and_claims_what_is_due(
    table: BatchTable, calls: list[RowCall]
) -> None:
    log, number = DynamoConsent(table), "+12065550123"
    before = ContactState(number)
    assert log.write(OURS, before, ContactState(number, due_at=NOON), [ENTRY])
    assert log.claim(DueContact(OURS, number, NOON), NOON + 1)

    for role in ("ApiHandler", "TextWorker", "InboundSms"):
        assert refused(role, calls) == []
    assert refused("ReleaseTexts", [each for each in calls if each.action == "UpdateItem"]) == []


def test_a_reply_is_kept_by_who_reads_it_and_forgotten_by_the_api_and_by_who_erases(
    table: BatchTable, calls: list[RowCall]
) -> None:
    replies = DynamoUnclearReplies(table)
    replies.add(OURS, UnclearReply("r1", NOON, "+12065550123", "what?", None))
    assert refused("InboundSms", calls) == []
    calls.clear()

    replies.remove(OURS, "r1")

    assert [role for role in WRITING if not refused(role, calls)] == ["ApiHandler", "AccountJobs"]


@pytest.mark.parametrize("role", WRITING)
def test_a_consent_is_changed_by_nobody_and_deleted_one_by_one_by_who_erases(role: str) -> None:
    contact = (text_keys.contact(OURS, "sms", "+12065550123"),)
    record = fact_keys.record(OURS, "r1")

    erases = role == "AccountJobs"
    assert allows(role, RowCall("DeleteItem", "PersonasTable", contact)) == erases
    assert not allows(role, RowCall("BatchWriteItem", "PersonasTable", (record, *contact)))
    changed = ("pk", "sk", "body")
    assert not allows(role, RowCall("UpdateItem", "PersonasTable", contact, changed))


@pytest.mark.parametrize("role", WRITING)
def test_the_ledger_is_written_in_a_commits_batch_and_no_other_way(role: str) -> None:
    record = (fact_keys.record(OURS, "r1"),)

    for action in ("DeleteItem", "PutItem", "UpdateItem"):
        assert not allows(role, RowCall(action, "PersonasTable", record, ("pk", "sk")))
    batch = RowCall("BatchWriteItem", "PersonasTable", record)
    assert allows(role, batch) is (role != "ReleaseTexts")


@pytest.mark.parametrize("role", WRITING)
def test_a_till_alone_writes_the_ledger_within_a_transaction(role: str) -> None:
    record = (fact_keys.record(OURS, "r1"),)

    for action in ("DeleteItem", "PutItem"):
        call = RowCall(action, "PersonasTable", record, ("pk", "sk"), within="TransactWriteItems")
        assert allows(role, call) is (role in ("ApiHandler", "TextWorker", "WebhookWorker"))


@pytest.mark.parametrize("role", ["ApiHandler", "TextWorker"])
def test_who_redeems_counts_it_in_the_same_transaction(role: str) -> None:
    """By a wallet's URL or at the counter, and as a sale shows it."""
    account = (account_keys.account(OURS),)
    names = ("pk", "sk", "redeemed", "version")
    call = RowCall("UpdateItem", "AccountsTable", account, names, within="TransactWriteItems")

    assert allows(role, call)


UIDS = st.from_regex(r"\d{4,10}", fullmatch=True).map(Uid)
VALUES = st.text(max_size=12) | st.sampled_from(["#CONTACT#", "#REC#", "x#CONTACT#sms#1"])


@given(uid=UIDS, value=VALUES, kind=st.sampled_from(["phone", "email", "name_birth"]))
def test_no_value_of_a_pos_is_taken_for_a_contact_or_a_record(
    uid: Uid, value: str, kind: str
) -> None:
    """Else one shopper's odd address would stop the commits of their account."""
    contacts = (text_keys.contact(uid, "sms", value), text_keys.contact(uid, "email", value))
    facts = (
        fact_keys.record(uid, record_id(uid, Platform("posabit"), ScopeId(value), value)),
        fact_keys.merge_key(uid, kind, value),
        fact_keys.sale(uid, Platform("posabit"), value, value),
        fact_keys.seen_ids(uid, Platform("posabit"), ScopeId(value)),
        fact_keys.facts_log(uid, Platform("posabit")),
        fact_keys.shared_keys(uid),
    )
    others = (
        fact_keys.commit(uid),
        text_keys.texts_waiting(uid, 1),
        text_keys.text_counts(uid, "2026-01"),
    )

    for key in facts:
        assert allows("SyncWorker", RowCall("BatchWriteItem", "PersonasTable", (key,)))
    for key in contacts:
        assert not allows("SyncWorker", RowCall("BatchWriteItem", "PersonasTable", (key,)))
        assert allows("TextWorker", RowCall("PutItem", "PersonasTable", (key,), ("pk", "body")))
    for key in others:
        assert allows("TextWorker", RowCall("UpdateItem", "PersonasTable", (key,), ("pk", "body")))
