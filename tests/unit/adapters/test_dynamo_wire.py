"""The quick batch calls: what boto3's would answer, at a fraction of the work."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, HTTPClientError
from moto import mock_aws

from chalicelib.adapters.aws.outages import is_outage
from chalicelib.adapters.dynamo import wire as dynamo_wire
from chalicelib.adapters.dynamo.base import Row, TableMeta, bind
from chalicelib.adapters.dynamo.wire import WireClient
from tests.fakes.aws import set_aws_environment

TABLE = "rows"
KEY = {"pk": {"S": "a"}, "sk": {"S": "1"}}
ROW = {**KEY, "body": {"B": b"\x00\xff"}, "at": {"N": "12"}, "said": {"S": "déjà"}}
READ = {TABLE: {"Keys": [KEY], "ConsistentRead": True}}


class AnyRow(Row):
    class Meta(TableMeta):
        pass


def a_client(endpoint: str | None = None) -> WireClient:
    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False),
    )
    return WireClient(client, Credentials("test", "test"))


class Server:
    """Answers with what is in `answers`, (status, body, headers), and keeps what was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.asked: list[tuple[Any, bytes]] = []
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                told.asked.append((dict(self.headers), self.rfile.read(size)))
                status, body, headers = told.answers.pop(0)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def will_answer(self, status: int, body: Any, **headers: str) -> None:
        self.answers.append((status, orjson.dumps(body), headers))


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    Thread(target=made.http.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    set_aws_environment(monkeypatch)
    with mock_aws():
        bind(TABLE, AnyRow)
        AnyRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield


def test_a_row_comes_back_as_it_was_written_whoever_reads_or_writes(aws: None) -> None:
    client = a_client()

    client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": ROW}}]})

    assert client.batch_get_item(RequestItems=READ)["Responses"][TABLE] == [ROW]
    assert client.get_item(TableName=TABLE, Key=KEY)["Item"] == ROW
    assert "Item" not in client.get_item(TableName=TABLE, Key={**KEY, "sk": {"S": "2"}})


def test_an_error_of_dynamodb_is_the_one_boto3_would_raise(aws: None) -> None:
    client = a_client()

    with pytest.raises(ClientError) as raised:
        client.batch_get_item(RequestItems={"nowhere": READ[TABLE]})

    assert isinstance(raised.value, client.exceptions.ResourceNotFoundException)


def test_a_request_is_signed_and_names_its_operation(server: Server) -> None:
    server.will_answer(200, {"Responses": {TABLE: []}, "UnprocessedKeys": {}})

    a_client(server.url).batch_get_item(RequestItems=READ)

    ((headers, body),) = server.asked
    assert headers["x-amz-target"] == "DynamoDB_20120810.BatchGetItem"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert orjson.loads(body) == {"RequestItems": READ}


@pytest.mark.parametrize("token", [None, "of a role"])
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:4566", "https://aws.example:443"])
def test_a_signature_is_the_one_that_botocore_would_make(
    endpoint: str | None, token: str | None
) -> None:
    client = a_client(endpoint)
    client._credentials = Credentials("key", "secret", token)
    body = orjson.dumps({"RequestItems": READ})

    ours = client._signed("Query", body)

    request = AWSRequest("POST", client._url, data=body)
    for name in ("content-type", "x-amz-date", "x-amz-target"):
        request.headers[name] = ours[name]
    auth = SigV4Auth(client._credentials.get_frozen_credentials(), "dynamodb", "us-east-1")
    request.context["timestamp"] = ours["x-amz-date"]
    if token:
        request.headers["x-amz-security-token"] = token
    whole = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, whole), request)
    assert ours["authorization"].endswith(f"Signature={signature}")


def test_an_update_by_condition_answers_with_the_row_or_raises_as_boto3_does(aws: None) -> None:
    client = a_client()
    client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": ROW}}]})
    update = {"TableName": TABLE, "Key": KEY, "UpdateExpression": "SET #at = :at"}
    update |= {"ExpressionAttributeNames": {"#at": "at"}, "ReturnValues": "ALL_NEW"}
    update |= {"ExpressionAttributeValues": {":at": {"N": "13"}}}

    answer = client.update_item(**update, ConditionExpression="attribute_exists(pk)")

    assert answer["Attributes"] == {**ROW, "at": {"N": "13"}}
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.update_item(**update, ConditionExpression="attribute_not_exists(pk)")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
        (400, "com.amazonaws.dynamodb.v20120810#ThrottlingException"),
        (400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"),
    ],
)
def test_what_will_pass_is_tried_once_more(server: Server, status: int, kind: str) -> None:
    server.will_answer(status, {"__type": kind, "message": "later"})
    server.will_answer(200, {"UnprocessedItems": {}})

    answer = a_client(server.url).batch_write_item(RequestItems={TABLE: []})

    assert answer == {"UnprocessedItems": {}}


def test_the_second_failure_is_raised(server: Server) -> None:
    for _ in range(dynamo_wire.TRIES):
        server.will_answer(500, {"__type": "InternalServerError", "message": "no"})

    with pytest.raises(ClientError, match="InternalServerError") as raised:
        a_client(server.url).batch_write_item(RequestItems={TABLE: []})

    assert is_outage(raised.value)
    assert len(server.asked) == dynamo_wire.TRIES


def test_a_refusal_is_not_tried_again(server: Server) -> None:
    server.will_answer(400, {"__type": "x#ValidationException", "message": "no"})

    with pytest.raises(ClientError, match="ValidationException"):
        a_client(server.url).batch_write_item(RequestItems={TABLE: []})

    assert len(server.asked) == 1


def test_an_answer_damaged_on_its_way_is_asked_for_again(server: Server) -> None:
    good = {"Responses": {TABLE: []}, "UnprocessedKeys": {}}
    server.will_answer(200, good, **{"x-amz-crc32": "1"})
    server.will_answer(200, good, **{"x-amz-crc32": str(zlib.crc32(orjson.dumps(good)))})

    assert a_client(server.url).batch_get_item(RequestItems=READ) == good


def test_a_server_that_is_not_there_is_botocores_connection_error() -> None:
    client = a_client("http://127.0.0.1:1")

    with pytest.raises(HTTPClientError):
        client.batch_get_item(RequestItems=READ)


def test_all_kinds_of_rows_share_one_client(aws: None) -> None:
    class OtherRow(Row):
        class Meta(TableMeta):
            pass

    bind(TABLE, OtherRow)

    clients = {id(kind._get_connection().connection.client) for kind in (AnyRow, OtherRow)}
    assert len(clients) == 1


def test_rows_follow_an_environment_that_points_elsewhere(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = AnyRow._get_connection().connection.client.meta.endpoint_url

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    after = AnyRow._get_connection().connection.client.meta.endpoint_url
    assert (before == after, after) == (False, "http://127.0.0.1:1")
