"""The front of what a POS calls: a key says who calls, AIQ's envelope carries what is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast, get_args
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.config import config
from chalicelib.domain.api_keys import REFUSED, Bucket, Sender, holds_a_key
from chalicelib.domain.errors import Forbidden
from chalicelib.domain.outside_json import UnreadableJson, read_json
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.caller_address import caller_address
from chalicelib.entrypoints.http.request_id import request_id_of
from chalicelib.entrypoints.http.routing import REST, Front, Operation
from chalicelib.entrypoints.partner import envelope
from chalicelib.entrypoints.partner.once import once
from chalicelib.entrypoints.partner.shapes import text_in
from chalicelib.observability import count, logger

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "X-APIKEY"
NAME = "Idempotency-Key"
KEY_NAMES = frozenset({"api_key", "apikey", "x-apikey", "x-api-key", "key"})
PHONES = ("mobilePhone", "phone", "mobile_phone", "homePhone")
SHOWN_DIGITS = 4
MOST_PARTS = 8
LOOKUP = "/api/v2/loyalty/lookup/{pii}"
ROUTE_WORD = re.compile(
    r"adjust|adjustments|audiences?|campaigns?|channels|channel-report|consent|contacts?"
    r"|conversions|createUpdate(Inventory|Members?|Sales?)|default|discounts?|discountRedemptions"
    r"|email|export|filtered|locations|lookup|loyalty|loyaltyContact|loyaltyPoints|members|optin"
    r"|orders|override|piis|redeem|redemptions|referral|refund|reports|sale|search|stats|stores"
    r"|text|tiers|timeline|transaction|verify|view|wallet|walletOffers|walletPass"
)
"""What may be shown of an address that no route has: any other part may be somebody's name."""
LARGE_BODY = 1024 * 1024
"""A signup with a drawn signature (partner-api.md S17)."""


def _identify(request: Request, operation: Operation) -> Sender:
    """Return whose key the call carries. A key in the address is refused, whatever else the call
    carries: addresses are logged on the way (partner-api.md S24)."""
    admission = wiring.api_keys.admission()
    address = caller_address(request, config().front_secret)
    if _stands_in_address(request):
        admission.refuse(address)
    bucket = cast("Bucket", operation.right)
    return admission.admit(request.headers.get(HEADER, ""), bucket, address)


def _stands_in_address(request: Request) -> bool:
    query: Mapping[str, str] = request.query_params or {}
    if any(name.lower() in KEY_NAMES for name in query):
        return True
    parts = [part for pair in query.items() for part in pair]
    parts += (request.uri_params or {}).values()
    return any(holds_a_key(unquote(str(part))) for part in parts)


def _admit(sender: Sender, _: Operation, uid: Uid) -> Sender:
    """Another account's id is refused as a wrong key is, so that nobody learns which there are."""
    if sender.uid != uid:
        raise Forbidden(REFUSED)
    return sender


def _count_unknown(_sender: Sender, operation: Operation, names: list[str]) -> None:
    count("UnknownFields", len(names), route=operation.name)


def _around(
    sender: Sender, operation: Operation, request: Request, serve: Callable[[], Response]
) -> Response:
    """Serve the call, and keep what became of it among the key's last calls."""
    logger().thread_safe_append_keys(uid=sender.uid)
    name = request.headers.get(NAME, "")
    # A look-up changes nothing, and its answer, which names the shopper, must not be kept.
    is_named = bool(name) and operation.method != "GET" and operation.path != LOOKUP
    if _names_another_account(sender, request):
        response = envelope.refuse(Forbidden(REFUSED), request_id_of(request.to_original_event()))
    else:
        response = once(sender.uid, operation, request, name, serve) if is_named else serve()
    _keep(sender, operation, request, response)
    return response


def _names_another_account(sender: Sender, request: Request) -> bool:
    """Whether the body is about another account than the key's, as of a till that has the key of
    one store's account and the number of another's. A `uid` in a path is checked by `_admit`."""
    body = _body_of(request, naming=b'"uid"')
    told = body if isinstance(body, list) else [body]
    told += [each["member"] for each in told if isinstance(each, dict) and "member" in each]
    uids = [text_in(each.get("uid")).strip() for each in told if isinstance(each, dict)]
    return any(uid not in ("", sender.uid) for uid in uids)


def _body_of(request: Request, *, naming: bytes = b"") -> Any:
    """The body, where `naming` stands in it; None for one that cannot be read."""
    try:
        raw = request.raw_body or b""
        raw = raw.encode() if isinstance(raw, str) else raw
        return read_json(raw) if raw and naming in raw else None
    except (UnreadableJson, ValueError):
        return None


def _route_of(operation: Operation, request: Request) -> str:
    """The route, of an address that no route has the words that are no name of anybody."""
    if not operation.path.endswith(REST):
        return operation.path
    parts = str((request.uri_params or {}).get("proxy", "")).split("/")[:MOST_PARTS]
    shown = [part if ROUTE_WORD.fullmatch(part) else "{}" for part in parts]
    return operation.path.removesuffix(REST) + "/".join(shown)


def _keep(sender: Sender, operation: Operation, request: Request, response: Response) -> None:
    """A call that was served is not refused because it could not be noted."""
    from chalicelib.services.ports.api_keys import KeyCall

    call = KeyCall(
        at=wiring.outside.clock().now(),
        method=operation.method,
        route=_route_of(operation, request),
        status=response.status_code,
        error=envelope.message_of(response)[:200],
        phone=_masked_phone(request),
    )
    try:
        wiring.api_keys.stored_keys().keep_call(
            sender.uid, sender.key, sender.bucket, sender.number, call
        )
    except Exception:  # noqa: BLE001 -- see above; it is logged
        logger().exception("call.not_kept")


def _masked_phone(request: Request) -> str:
    """The last four digits of the phone that the call is about, "" for none."""
    phone = _phone_in(request)
    digits = [char for char in phone if char.isascii() and char.isdigit()]
    if len(digits) <= SHOWN_DIGITS:
        return ""
    return "•" * (len(digits) - SHOWN_DIGITS) + "".join(digits[-SHOWN_DIGITS:])


def _phone_in(request: Request) -> str:
    path: Mapping[str, str] = request.uri_params or {}
    for name in ("phone", "pii"):
        if (value := unquote(path.get(name) or "")) and "@" not in value:
            return value
    body = _body_of(request)
    body = body.get("member", body) if isinstance(body, dict) else {}
    values = [text_in(body.get(name)) for name in PHONES] if isinstance(body, dict) else []
    return next((value[:40] for value in values if value), "")


PARTNER = Front(
    rights=frozenset(get_args(Bucket)),
    identify=_identify,
    admit=_admit,
    answer=envelope.answer,
    refuse=envelope.refuse,
    unknown_fields=_count_unknown,
    around=_around,
    prefixes=("/api/v1.1/", "/api/v2/"),
)
