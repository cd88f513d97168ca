"""A deployment in moto whose tables can be filled with stored rows, and that tells what is read.

`tests/data/write_stored.py` wrote the rows with it, `test_stored_samples.py` reads them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from chalice.app import SQSEvent
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.adapters.dynamo.sync_states import DynamoSyncStates, StateRow
from chalicelib.entrypoints import wiring
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.ports.pos import StreamPlan
from tests.contract.bench import Simulated, bench_of, id_of
from tests.fakes.aws import create_personas_table
from tests.fakes.common import FakeClock, FakeIds, PlainBox
from tests.fakes.texting import FakeCarrier
from tests.functional.gateway import World, a_world

FOLDER = Path(__file__).parents[1] / "data" / "stored"
TABLES = ("accounts", "integrations", "stores", "personas", "sync")
SIZE, SIZES = (24, 30, 6), {"auphan": (24, 30)}
"""Of a simulated POS: shoppers, sales, rows of a page."""
QUEUES = ("sync", "sync_own_server", "jobs", "texts", "webhooks")

KINDS: Mapping[str, tuple[str, str, str]] = {
    "account": ("accounts", r"ACCOUNT#\d+", "ACCOUNT"),
    "user": ("accounts", r"ACCOUNT#\d+", "USER#.+"),
    "notification": ("accounts", r"ACCOUNT#\d+", "NOTIFICATION#.+#.+"),
    "digest reader": ("accounts", r"ACCOUNT#\d+", "DIGEST#.+"),
    "digest mark": ("accounts", r"DIGESTS#\d\d", r"\d+"),
    "audit": ("accounts", r"ACCOUNT#\d+", r"AUDIT#\d{15}#.+"),
    "rules": ("accounts", r"ACCOUNT#\d+", "RULES"),
    "preview": ("accounts", r"ACCOUNT#\d+", "PREVIEW#prv_.+"),
    "job": ("accounts", r"ACCOUNT#\d+", r"JOB#job_\d{10}"),
    "left": ("accounts", r"ACCOUNT#\d+", "LEFT#.+"),
    "adjusted": ("accounts", r"ACCOUNT#\d+", r"ADJUSTED#\d{4}-\d\d-\d\d#.+"),
    "expiry": ("accounts", r"EXPIRY#\d\d", r"\d+"),
    "texting": ("accounts", r"ACCOUNT#\d+", "TEXTING"),
    "origination": ("accounts", r"ORIGINATION#\+\d+", "ORIGINATION"),
    "assigning": ("accounts", "OPERATOR", "NUMBERS"),
    "kill switch": ("accounts", "OPERATOR", "TEXTS"),
    "throttle": ("accounts", r"THROTTLE#\d+#.+", r"PERIOD#\d{12}"),
    "integration": ("integrations", r"ACCOUNT#\d+", "INTEGRATION#[a-z]+"),
    "credential": ("integrations", r"ACCOUNT#\d+", "CREDENTIAL#[a-z]+#crd_.+"),
    "scope": ("integrations", r"ACCOUNT#\d+", "SCOPE#[a-z]+#.+"),
    "store": ("stores", r"ACCOUNT#\d+", r"STORE#\d{8}"),
    "store counter": ("stores", r"ACCOUNT#\d+", "COUNTER"),
    "store key": ("stores", r"ACCOUNT#\d+", "STOREKEY#.+"),
    "inventory": ("stores", r"INVENTORY#\d+#.+", ".+"),
    "record": ("personas", r"\d+#REC#[0-9a-f]{32}", "PROFILE"),
    "sales summary": ("personas", r"\d+#REC#[0-9a-f]{32}", "SALES"),
    "pointer": ("personas", r"\d+#REC#[0-9a-f]{32}", r"SALE#\d{15}#.+#.+"),
    "ledger": ("personas", r"\d+#REC#[0-9a-f]{32}", "LEDGER#.+"),
    "persona": ("personas", r"\d+#REC#[0-9a-f]{32}", "PERSONA"),
    "members": ("personas", r"\d+#KEY#(phone|email|name_dob)#.+", "MEMBERS"),
    "member": ("personas", r"\d+#KEY#(phone|email|name_dob)#.+", "MEMBER#[0-9a-f]{32}"),
    "shared": ("personas", r"\d+#SHARED", "(phone|email|name_dob)#.+"),
    "sale": ("personas", r"\d+#SALE#[a-z]+#.+#.+", "SALE"),
    "returns": ("personas", r"\d+#SALE#[a-z]+#.+#.+", "RETURNS"),
    "commit": ("personas", r"\d+#COMMIT", "COMMIT"),
    "head": ("personas", r"\d+#CONTACT#(sms|email)#.+", "HEAD"),
    "consent entry": ("personas", r"\d+#CONTACT#(sms|email)#.+", "ENTRY#.+"),
    "text": ("personas", r"\d+#TEXTS#\d{4}-\d\d-\d\d", r"TEXT#\d{15}#.+"),
    "counts": ("personas", r"\d+#COUNTS#\d{4}-\d\d(-\d\d)?", "COUNTS"),
    "waiting": ("personas", r"\d+#WAITING#\d\d", "WAITING"),
    "state": ("sync", r"CREDENTIAL#\d+#crd_.+", "STATE"),
    "streams": ("sync", r"CREDENTIAL#\d+#crd_.+", "STREAMS"),
    "manifest base": ("sync", r"MANIFEST#\d+#crd_.+#[a-z:]+#\d+", r"BASE#\d{5}"),
    "manifest delta": ("sync", r"MANIFEST#\d+#crd_.+#.+#\d+", r"DELTA#\d{6}"),
    "run": ("sync", r"RUNS#\d+#[a-z]+", "run_.+"),
    "aside": ("sync", r"ASIDE#\d+#run_.+", r"[a-z]+#\d{6}"),
}
"""Every kind of row: its table, and what its two keys look like."""

NEWER = (
    ("accounts", r"SLOTS#\d+", ".+"),
    ("accounts", r"ACCOUNT#\d+", "LIVE#.+|COUNTING|LIMIT#.+"),
    ("accounts", r"ACCOUNT#\d+", "AUDIENCES|AUDIENCE#.+|EXPORT#.+|WORK#.+"),
    ("accounts", r"AUDIENCES#\d\d", r"\d{15}#\d+"),
    ("integrations", r"ACCOUNT#\d+", "ADDITIONS"),
    ("personas", r"\d+#IDS#[a-z]+#.+", "IDS"),
    ("personas", r"\d+#SALE#[a-z]+#\*#.*", "RETURNS"),
)
"""Kinds of rows that code after the samples writes: their table, and what their keys look like."""


def kind_of(table: str, row: Mapping[str, Any]) -> str:
    """The kind of a row in wire form. Raises LookupError for a row of no known kind."""
    pk, sk = row["pk"]["S"], row["sk"]["S"]
    for name, (where, pk_form, sk_form) in KINDS.items():
        if where == table and re.fullmatch(pk_form, pk) and re.fullmatch(sk_form, sk):
            return name
    raise LookupError(f"no known kind of row: {table} {pk} / {sk}")


def _is_newer(table: str, pk: str, sk: str) -> bool:
    return any(
        table == where and re.fullmatch(pk_form, pk) and re.fullmatch(sk_form, sk)
        for where, pk_form, sk_form in NEWER
    )


def sample(name: str) -> Any:
    """One of the files."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def rows_of(table: str) -> list[dict[str, Any]]:
    """The stored rows of a table in wire form, binaries in base 64."""
    found: list[dict[str, Any]] = sample(table)["rows"]
    return found


def stored_kinds() -> set[str]:
    """The kinds of all stored rows."""
    return {kind_of(table, row) for table in TABLES for row in rows_of(table)}


@dataclass
class Deployment:
    """All tables and queues. `clock` stands still; `seen` are kinds of rows that were read."""

    world: World
    clock: FakeClock
    pos: Simulated
    carrier: FakeCarrier
    queues: dict[str, str]
    mails: list[tuple[str, str, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def send(self, to: str, subject: str, text: str) -> None:
        """The `Mailer` port."""
        self.mails.append((to, subject, text))

    def fill(self, change: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> None:
        """Put every stored row into its table, each in wire form as `change` returns it."""
        client = boto3.client("dynamodb")
        for table in TABLES:
            for row in rows_of(table):
                client.put_item(TableName=f"{table}-under-test", Item=change(_decoded(row)))

    def take(self, queue: str) -> list[str]:
        """The bodies of all messages of a queue, as they were sent; they are gone then."""
        client = boto3.client("sqs")
        bodies: list[str] = []
        while True:
            got = client.receive_message(QueueUrl=self.queues[queue], MaxNumberOfMessages=1)
            if not (messages := got.get("Messages")):
                return bodies
            bodies += [message["Body"] for message in messages]
            client.delete_message(
                QueueUrl=self.queues[queue], ReceiptHandle=messages[0]["ReceiptHandle"]
            )

    def note(self, table: str, found: Any) -> None:
        """Note the kinds of the rows in an answer of DynamoDB."""
        rows = [*found.get("Items", ()), found.get("Item"), found.get("Attributes")]
        for of_table, responses in found.get("Responses", {}).items():
            self.note(of_table.removesuffix("-under-test"), {"Items": responses})
        self.seen.update(
            kind_of(table, row)
            for row in rows
            if row and "pk" in row and not _is_newer(table, row["pk"]["S"], row["sk"]["S"])
        )


def touch(deployment: Deployment) -> None:
    """Let the simulated POS change some shoppers between its two runs."""
    pos = deployment.pos
    session = pos.gateway.open(pos.access())
    page = session.fetch(StreamPlan("customers", deployment.clock.now()), None)
    session.close()
    pos.touch("customers", [id_of(fact) for fact in page.facts[:4]])


def deliver(handler: Callable[[SQSEvent], Any], *bodies: str) -> None:
    """Hand messages to a queue's function, as SQS does."""
    records = [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
    answer = handler(SQSEvent({"Records": records}, cast("Any", context)))
    assert answer == {"batchItemFailures": []}


@contextmanager
def a_deployment(
    at: int | None = None, platform: str = "posabit", size: tuple[int, ...] = SIZE
) -> Iterator[Deployment]:
    """Everything the entry points need, with a platform's simulator as the point of sale."""
    with (
        pytest.MonkeyPatch.context() as patch,
        a_world(patch) as world,
        bench_of(platform)(*size) as pos,
    ):
        _create_tables()
        queues = {name: _queue(patch, name) for name in QUEUES}
        patch.setenv("DIGEST_SENDER", "digests@example.com")
        patch.setenv("DASHBOARD_URL", "https://dashboard.example.com")
        wiring.reset()
        if at is not None:
            pos.clock.at = at
        made = Deployment(world, pos.clock, pos, FakeCarrier(), queues)
        ids, ring = FakeIds(), KeyRing(PlainBox())
        patch.setattr(wiring.outside, "clock", lambda: made.clock)
        patch.setattr(wiring.outside, "ids", lambda: ids)
        patch.setattr(wiring.gateways, "pos_gateway", lambda: pos.gateway)
        patch.setattr(wiring.outside, "key_ring", lambda: ring)
        patch.setattr(wiring.outside, "text_sender", lambda: made.carrier)
        patch.setattr(wiring.outside, "mailer", lambda: made)
        _listen(patch, made)
        yield made


def _create_tables() -> None:
    for port, row, table in (
        (DynamoCredentials, CredentialRow, "integrations"),
        (DynamoStores, StoreRow, "stores"),
    ):
        port(f"{table}-under-test")
        row.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    DynamoSyncStates("sync-under-test", FakeClock())
    StateRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    create_personas_table(boto3.client("dynamodb"))


def _queue(patch: pytest.MonkeyPatch, name: str) -> str:
    client = boto3.client("sqs")
    for variable in (name, f"{name}_dead"):
        url = client.create_queue(QueueName=variable.replace("_", "-"))["QueueUrl"]
        patch.setenv(f"QUEUE_{variable.upper()}_URL", url)
    return str(client.get_queue_url(QueueName=name.replace("_", "-"))["QueueUrl"])


def _listen(patch: pytest.MonkeyPatch, deployment: Deployment) -> None:
    """Note what DynamoDB answers, whichever client asks."""
    usual = BotocoreStubber.process_request

    def heard(self: BotocoreStubber, request: Any) -> Any:
        answer = usual(self, request)
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        if answer and target.startswith("DynamoDB_") and answer[0] == 200:
            asked, told = json.loads(request.body), json.loads(answer[2])
            name = asked.get("TableName") or next(iter(asked.get("RequestItems", {"": 0})))
            deployment.note(name.removesuffix("-under-test"), told)
        return answer

    patch.setattr(BotocoreStubber, "process_request", heard)


def _decoded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else value
        for name, value in row.items()
    }
