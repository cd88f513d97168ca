"""Measures the CPU that our DynamoDB client needs for a call, against answers from a socket."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import orjson
from botocore.config import Config

from benchmarks.account import PLATFORM, SCOPE, UID
from benchmarks.growth import NOW, shopper
from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.wire import WireClient
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ids import record_id
from chalicelib.services.ports.stored_facts import StoredRecord

CALLS = 120
MANY = 25
ANSWERED_AFTER = 0.005
"""Seconds that the server takes, as DynamoDB does: who waits finds the caches of its core cold."""
TABLE = "personas"


@dataclass(frozen=True)
class CallCost:
    """CPU seconds of a call, and those of each row that it sends or returns."""

    call: float
    row: float

    def of(self, count: int) -> float:
        return self.call + self.row * count


def client_costs() -> dict[str, CallCost]:
    """The cost of each call that commits make, by its name in our client."""
    many = [_row(number) for number in range(MANY)]
    answers: dict[str, list[Any]] = {
        "BatchGetItem": [
            {"Responses": {TABLE: some}, "UnprocessedKeys": {}} for some in ([], many)
        ],
        "BatchWriteItem": [{"UnprocessedItems": {}}] * 2,
        "Query": [{"Items": some, "Count": len(some)} for some in ([], many)],
        "GetItem": [{}] * 2,
        "UpdateItem": [{}] * 2,
        "TransactWriteItems": [{}] * 2,
        "PutItem": [{}] * 2,
    }
    costs = {}
    for number, size in enumerate((1, MANY)):
        with _answering(
            {call: orjson.dumps(pair[number], default=_text) for call, pair in answers.items()}
        ) as client:
            for name, act in _calls(client, many[:size]).items():
                costs[name, number] = _undisturbed(act)
    return {
        name: CallCost(costs[name, 0], max(0.0, costs[name, 1] - costs[name, 0]) / MANY)
        for name in _calls(client, many)
    }


def _calls(client: WireClient, some: list[Any]) -> dict[str, Callable[[], object]]:
    key = {"pk": {"S": "COMMIT#1"}, "sk": {"S": "COMMIT"}}
    keys = [{"pk": row["pk"], "sk": row["sk"]} for row in some]
    return {
        "batch_get_item": lambda: client.batch_get_item(
            RequestItems={TABLE: {"ConsistentRead": True, "Keys": keys}}
        ),
        "batch_write_item": lambda: client.batch_write_item(
            RequestItems={TABLE: [{"PutRequest": {"Item": row}} for row in some]}
        ),
        "query": lambda: client.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "R#1"}},
        ),
        "get_item": lambda: client.get_item(TableName=TABLE, Key=key),
        "update_item": lambda: client.update_item(
            TableName=TABLE,
            Key=key,
            UpdateExpression="SET held_until = :until",
            ExpressionAttributeValues={":until": {"N": "1"}},
        ),
        "transact_write_items": lambda: client.transact_write_items(
            TransactItems=[{"Put": {"TableName": TABLE, "Item": row}} for row in some]
        ),
        "put_item": lambda: client.put_item(TableName=TABLE, Item=some[0]),
    }


def _undisturbed(act: Callable[[], object]) -> float:
    act()
    used = []
    for _ in range(CALLS):
        began = time.thread_time()
        act()
        used.append(time.thread_time() - began)
    return statistics.quantiles(used, n=10)[0]


@contextmanager
def _answering(answers: dict[str, bytes]) -> Iterator[WireClient]:
    """A client of a server that gives each call the same answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20
        """Head and body leave together, as DynamoDB's do: else the second waits for a receipt."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(ANSWERED_AFTER)
            body = answers[self.headers["X-Amz-Target"].rpartition(".")[2]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    process = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
    process.start()
    try:
        session = boto3.Session("test", "test", region_name="us-east-1")
        url = f"http://127.0.0.1:{server.server_port}"
        config = Config(parameter_validation=False)
        client = session.client("dynamodb", endpoint_url=url, config=config)
        yield WireClient(client, session.get_credentials())
    finally:
        process.kill()
        process.join()
        server.server_close()


def _row(number: int) -> dict[str, Any]:
    customer = shopper(number)
    rid = record_id(UID, PLATFORM, SCOPE, customer.ext_id)
    record = SourceRecord(rid, PLATFORM, SCOPE, customer, NOW)
    return rows.record_row(UID, StoredRecord(record, frozenset()))[1]


def _text(value: bytes) -> str:
    return b64encode(value).decode()
