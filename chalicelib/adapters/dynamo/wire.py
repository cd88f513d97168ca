"""DynamoDB's batch calls and queries without botocore's walk through every value (ADR 2).

botocore validates, serialises and parses each attribute of each row by the service's model, which
takes three quarters of a first load's CPU. Our rows are DynamoDB's own JSON already, so they are
sent as they are; credentials, signature, endpoint and errors are botocore's.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from typing import Any

import orjson
import tenacity
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError

from chalicelib.adapters.aws.outages import THROTTLED

CONNECT_SECONDS = 2.0
READ_SECONDS = 3.0
TRIES = 2
CONNECTIONS = 8
"""As many as there are calls side by side."""

_TARGET = "DynamoDB_20120810."
_SERVER_ERROR = 500
_OK = 200


class _Transient(Exception):
    """A failure to retry; `error` is raised after the last try."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class WireClient:
    """A boto3 client of DynamoDB with faster batch calls and queries; others are its own."""

    def __init__(self, client: Any, credentials: Any) -> None:
        self._client = client
        self._credentials = credentials
        self._url = client.meta.endpoint_url.rstrip("/") + "/"
        self._pool = urllib3.connection_from_url(
            self._url,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            maxsize=CONNECTIONS,
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Do what boto3's does. Raises ClientError, HTTPClientError."""
        answer = self._call("BatchGetItem", request)
        for rows in answer["Responses"].values():
            _decode_bytes(rows)
        return answer

    def query(self, **request: Any) -> dict[str, Any]:
        """Do what boto3's does. Raises ClientError, HTTPClientError."""
        answer = self._call("Query", request)
        _decode_bytes(answer["Items"])
        return answer

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        """Do what boto3's does. Raises ClientError, HTTPClientError."""
        return self._call("BatchWriteItem", request)

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        body = orjson.dumps(request, default=_text)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Transient),
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=1.0),
            reraise=True,
        )
        try:
            return retrying(self._once, operation, body)
        except _Transient as transient:
            raise transient.error from None

    def _once(self, operation: str, body: bytes) -> dict[str, Any]:
        status, answer = self._send(operation, body)
        if status == _OK:
            result: dict[str, Any] = orjson.loads(answer)
            return result
        fault = _error_body(answer)
        code = str(fault.get("__type", status)).rpartition("#")[2]
        response = {"Error": {"Code": code, "Message": fault.get("message", "")}}
        error = self._client.exceptions.from_code(code)(response, operation)
        raise _Transient(error) if status >= _SERVER_ERROR or code in THROTTLED else error

    def _send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        request = AWSRequest(
            method="POST",
            url=self._url,
            data=body,
            headers={
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": _TARGET + operation,
            },
        )
        frozen = self._credentials.get_frozen_credentials()
        SigV4Auth(frozen, "dynamodb", self._client.meta.region_name).add_auth(request)
        prepared = request.prepare()
        # A stand-in for AWS in tests answers this event of botocore's.
        stubbed = self._client.meta.events.emit_until_response(
            f"before-send.dynamodb.{operation}", request=prepared
        )[1]
        if stubbed is not None:
            return stubbed.status_code, stubbed.content
        try:
            answer = self._pool.urlopen(
                "POST", "/", body=body, headers=_plain(prepared.headers), redirect=False
            )
        except urllib3.exceptions.HTTPError as lost:
            raise _Transient(HTTPClientError(error=lost)) from None
        checksum = answer.headers.get("x-amz-crc32")
        if checksum is not None and int(checksum) != zlib.crc32(answer.data):
            raise _Transient(HTTPClientError(error="the answer's checksum is wrong"))
        return answer.status, answer.data


def _decode_bytes(rows: list[dict[str, Any]]) -> None:
    """Make the binary values of rows, but for those within lists and maps, what boto3 makes."""
    for row in rows:
        for value in row.values():
            if "B" in value:
                value["B"] = b64decode(value["B"])


def _plain(headers: Any) -> dict[str, str]:
    return {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in headers.items()
    }


def _error_body(answer: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    raise TypeError(f"a row holds a {type(value).__name__}")
