"""What a retailer lets pass for their own server: plain HTTP, a certificate nobody vouches for.

Said on the credential, of nobody else's server; the certificate is pinned on first use, which is
the next *check* (ADR 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.errors import InvalidInput
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.pos import CheckResult, HostTrust, PlatformInfo


def said(info: PlatformInfo, held: HostTrust, given: Mapping[str, bool]) -> HostTrust:
    """What is trusted from now on; `given` may have `allow_http` and `accept_certificate`.

    Accepting again forgets the pinned certificate: the one that is shown now takes its place.
    Raises InvalidInput for a platform that runs on nobody's own server.
    """
    if not given:
        return held
    if not any(field.host for field in info.fields):
        fault = {
            "field": "trust",
            "reason": f"{info.title} runs on no server of your own",
            "example": None,
        }
        raise InvalidInput("Some fields cannot be taken; nothing was stored.", errors=[fault])
    again = "accept_certificate" in given
    return HostTrust(
        allow_http=given.get("allow_http", held.allow_http),
        accept_certificate=given.get("accept_certificate", held.accept_certificate),
        certificate=None if again else held.certificate,
    )


def settled(trust: HostTrust, result: CheckResult | None) -> HostTrust:
    """After a check: the certificate that was shown is pinned; where none had to be accepted, none
    is, so that one that turns up later is asked about."""
    if not trust.pending or result is None:
        return trust
    if result.certificate:
        return replace(trust, certificate=result.certificate)
    if result.outcome == "server_unreachable":
        return trust
    return replace(trust, accept_certificate=False)


def settle(credentials: Credentials, credential: Credential, result: CheckResult) -> Credential:
    """Keep what a check settled. Raises StaleVersion when a person changed it meanwhile."""
    trust = settled(credential.trust, result)
    if trust == credential.trust:
        return credential
    return credentials.save(replace(credential, trust=trust))
