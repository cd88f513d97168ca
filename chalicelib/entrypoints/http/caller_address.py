"""Where a request comes from: the address that limits count by, and the one that was called.

Behind the front the gateway sees the front alone. The front adds a secret to what it passes on;
whatever comes without it came round the front, and what its headers say of addresses may be made
up (ADR 46).
"""

from __future__ import annotations

import hmac

from chalice.app import Request

SECRET_HEADER = "X-Front-Secret"  # noqa: S105 -- the header's name; its value is the stack's own
HOST_HEADER = "X-Forwarded-Host"
NETWORK_BITS = 64
"""What one subscriber of IPv6 has: single addresses of it would be counted one by one for ever."""


def caller_address(request: Request, secret: str) -> str:
    """Return who called, an IPv6 address as its network; "" where the gateway tells none.

    `secret`: the front's, "" for a deployment whose front has none. The gateway appends whom it saw
    to `X-Forwarded-For` (the local one does not); right before that stands whom the front saw.
    """
    seen = str((request.context.get("identity") or {}).get("sourceIp") or "")
    if not _passed_the_front(request, secret):
        return _counted(seen)
    passed = [each.strip() for each in request.headers.get("X-Forwarded-For", "").split(",")]
    by_front = passed
    if seen in passed:
        by_front = passed[: len(passed) - 1 - passed[::-1].index(seen)]
    return _counted((by_front or passed)[-1] or seen)


def called_base(request: Request, secret: str) -> str:
    """Return scheme, host and stage that were called, so that an address made of it leads to the
    same API; "" where no host is known."""
    headers = request.headers
    told = headers.get("X-Forwarded-Proto", "https").split(",")[0].strip()
    scheme = told if told in ("http", "https") else "https"
    if _passed_the_front(request, secret):
        # The front takes the stage away; on AWS it names itself, since the host is the gateway's.
        host, stage = headers.get(HOST_HEADER) or headers.get("Host", ""), ""
    else:
        host, stage = headers.get("Host", ""), _stage(request)
    return f"{scheme}://{host}{stage}" if host else ""


def _passed_the_front(request: Request, secret: str) -> bool:
    given = request.headers.get(SECRET_HEADER, "")
    return bool(secret) and hmac.compare_digest(given.encode(errors="replace"), secret.encode())


def _stage(request: Request) -> str:
    """Return the stage that stands before `/api/…` in the address; "" behind a domain of one's
    own."""
    stage = f"/{request.context.get('stage') or ''}"
    return stage if str(request.context.get("path") or "").startswith(f"{stage}/api/") else ""


def _counted(address: str) -> str:
    if ":" not in address:
        return address
    from ipaddress import IPv6Address, IPv6Network

    try:
        whole = IPv6Address(address)
    except ValueError:
        return address
    if whole.ipv4_mapped is not None:
        return str(whole.ipv4_mapped)
    return str(IPv6Network((whole, NETWORK_BITS), strict=False))
