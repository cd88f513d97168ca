"""DynamoDB's calls of commits without botocore's walk through every value (ADR 2).

botocore validates, serialises and parses each attribute of each row by the service's model, which
takes three quarters of a first load's CPU. Our rows are DynamoDB's own JSON already, so they are
sent as they are; credentials, endpoint and errors are botocore's, the signature is equal to its.
"""

from __future__ import annotations

import hmac
import zlib
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson
import tenacity
import urllib3
from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.exceptions import HTTPClientError

from chalicelib.adapters.aws.outages import THROTTLED

CONNECT_SECONDS = 2.0
READ_SECONDS = 3.0
TRIES = 2
CONNECTIONS = 16
"""As many as there are calls side by side."""

_TARGET = "DynamoDB_20120810."
_SERVER_ERROR = 500
_OK = 200


class _Transient(Exception):
    """A failure to retry; `error` is raised after the last try."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


_RETRYING = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(_Transient),
    stop=tenacity.stop_after_attempt(TRIES),
    wait=tenacity.wait_random_exponential(multiplier=0.05, max=1.0),
    reraise=True,
)


class WireClient:
    """A boto3 client of DynamoDB whose calls for reading, for batches and for updates are faster;
    others are its own."""

    def __init__(self, client: Any, credentials: Any) -> None:
        self._client = client
        self._credentials = credentials
        self._url = client.meta.endpoint_url.rstrip("/") + "/"
        self._region = client.meta.region_name
        self._pool = urllib3.connection_from_url(
            self._url,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            maxsize=CONNECTIONS,
        )
        self._host = _host(self._url)

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

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Do what boto3's does. Raises ClientError, HTTPClientError."""
        answer = self._call("GetItem", request)
        if "Item" in answer:
            _decode_bytes([answer["Item"]])
        return answer

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Do what boto3's does. Raises ClientError, HTTPClientError."""
        answer = self._call("UpdateItem", request)
        if "Attributes" in answer:
            _decode_bytes([answer["Attributes"]])
        return answer

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        body = orjson.dumps(request, default=_text)
        try:
            return _RETRYING(self._once, operation, body)
        except _Transient as transient:
            raise transient.error from None

    def _once(self, operation: str, body: bytes) -> dict[str, Any]:
        status, answer = self._send(operation, body)
        if status == _OK:
            result: dict[str, Any] = orjson.loads(answer)
            return result
        fault = _error_body(answer)
        code = str(fault.get("__type", status)).rpartition("#")[2]
        response = {
            "Error": {"Code": code, "Message": fault.get("message", "")},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        error = self._client.exceptions.from_code(code)(response, operation)
        raise _Transient(error) if status >= _SERVER_ERROR or code in THROTTLED else error

    def _send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        headers = self._signed(operation, body)
        # A stand-in for AWS in tests answers this event of botocore's.
        request = AWSPreparedRequest(
            "POST", self._url, HeadersDict(headers), body, stream_output=False
        )
        stubbed = self._client.meta.events.emit_until_response(
            f"before-send.dynamodb.{operation}", request=request
        )[1]
        if stubbed is not None:
            return stubbed.status_code, stubbed.content
        try:
            answer = self._pool.urlopen("POST", "/", body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as lost:
            raise _Transient(HTTPClientError(error=lost)) from None
        checksum = answer.headers.get("x-amz-crc32")
        if checksum is not None and int(checksum) != zlib.crc32(answer.data):
            raise _Transient(HTTPClientError(error="the answer's checksum is wrong"))
        return answer.status, answer.data

    def _signed(self, operation: str, body: bytes) -> dict[str, str]:
        """The headers of a call with AWS's signature (version 4), as botocore would make them."""
        keys = self._credentials.get_frozen_credentials()
        at = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._host,
            "x-amz-date": at,
        }
        if keys.token:
            headers["x-amz-security-token"] = keys.token
        headers["x-amz-target"] = _TARGET + operation
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        whole = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        scope = f"{at[:8]}/{self._region}/dynamodb/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{sha256(whole.encode()).hexdigest()}"
        key = _signing_key(keys.secret_key, at[:8], self._region)
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope},"
            f" SignedHeaders={names}, Signature={signature}"
        )
        return headers


@lru_cache(maxsize=2)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    """The key of a day, of a region's DynamoDB."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _decode_bytes(rows: list[dict[str, Any]]) -> None:
    """Make the binary values of rows, but for those within lists and maps, what boto3 makes."""
    for row in rows:
        for value in row.values():
            if "B" in value:
                value["B"] = b64decode(value["B"])


def _host(url: str) -> str:
    """The host as it is signed: with the port where that is not the usual one."""
    parsed = urllib3.util.parse_url(url)
    usual = {"http": 80, "https": 443}.get(parsed.scheme or "")
    named = parsed.host or ""
    return named if parsed.port in (None, usual) else f"{named}:{parsed.port}"


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
