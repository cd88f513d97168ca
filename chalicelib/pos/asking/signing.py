"""Signs requests with an HMAC, as a profile says: of what is sent, at the time it is sent."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Callable
from urllib.parse import urlsplit

from requests import PreparedRequest

from chalicelib.domain.times import to_datetime
from chalicelib.domain.words import Instant
from chalicelib.pos.profile import template
from chalicelib.pos.profile.template import BadValue, Values
from chalicelib.pos.profile.wire import RequestSignature

Sign = Callable[[PreparedRequest], PreparedRequest]


def signer(signature: RequestSignature, fields: Values, now: Callable[[], Instant]) -> Sign:
    """Return what adds the signature's headers to a request that is otherwise ready, each try
    anew. Raises BadValue for a secret that is not written as the profile says."""
    key = _key(signature, fields)

    def sign(request: PreparedRequest) -> PreparedRequest:
        url = urlsplit(request.url or "")
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else bytes(body)
        values = {
            **fields,
            "method": request.method or "",
            "path": url.path,
            "time": _time(signature, now()),
            "body_hash": hashlib.new(signature.algorithm, raw).hexdigest(),
        }
        # An empty query and body are a part of the text like others.
        parts = {"query": url.query.encode(), "body": raw}
        signed = hmac.new(key, _text(signature.text, values, parts), signature.algorithm)
        values["signature"] = _encoded(signature, signed.digest())
        for name, text in signature.headers.items():
            request.headers[name] = template.fill_header(text, values)
        return request

    return sign


def _text(text: str, values: Values, parts: dict[str, bytes]) -> bytes:
    """The text that is signed. A body may be no text at all, so that bytes are put together."""
    signed, rest = b"", text
    while found := next((name for name in template.names_in(rest)), None):
        before, _, rest = rest.partition("{" + found + "}")
        signed += before.encode() + parts.get(found, values.get(found, "").encode())
    return signed + rest.encode()


def _key(signature: RequestSignature, fields: Values) -> bytes:
    secret = fields.get(signature.secret, "")
    written = signature.secret_as
    try:
        if written == "hex":
            return bytes.fromhex(secret)
        if written == "base64":
            return b64decode(secret, validate=True)
    except (ValueError, NoBase64):
        raise BadValue(signature.secret, f"is not written in {written}") from None
    return secret.encode()


def _time(signature: RequestSignature, now: Instant) -> str:
    if signature.time == "iso":
        return to_datetime(now).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(now if signature.time == "milliseconds" else now // 1000)


def _encoded(signature: RequestSignature, digest: bytes) -> str:
    if signature.encoding == "hex":
        return digest.hex()
    encode = b64encode if signature.encoding == "base64" else urlsafe_b64encode
    return encode(digest).decode()
