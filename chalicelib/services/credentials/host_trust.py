"""What a retailer allows for their own server: plain HTTP, or a certificate nobody vouches for.

It is kept on the credential and holds for no other server. The certificate is pinned on first use,
which is the next *check* (ADR 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.errors import field_fault, invalid_fields
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.pos import CheckResult, HostTrust, PlatformInfo

NO_TRUST = HostTrust()


def host_trust_of(
    info: PlatformInfo, given: Mapping[str, bool], before: HostTrust = NO_TRUST
) -> HostTrust:
    """Return what is trusted from now on, by what a person ticked or unticked.

    `given` may have `allow_http` and `accept_certificate`; what it lacks stays as `before`.
    Accepting again forgets the pinned certificate: the one the server shows next takes its place.
    Raises InvalidInput for a platform that runs on nobody's own server.
    """
    if not given:
        return before
    if not any(field.host for field in info.fields):
        raise invalid_fields(field_fault("trust", f"{info.title} runs on no server of your own"))
    again = "accept_certificate" in given
    return HostTrust(
        allow_http=given.get("allow_http", before.allow_http),
        accept_certificate=given.get("accept_certificate", before.accept_certificate),
        certificate=None if again else before.certificate,
    )


def trusts_more(before: HostTrust, after: HostTrust) -> bool:
    """Whether a server that `before` kept out could pass under `after`: plain HTTP is new, or a
    certificate that is not the pinned one."""
    plain = after.allow_http and not before.allow_http
    return plain or (after.pending and not before.pending)


def host_trust_after(trust: HostTrust, result: CheckResult | None) -> HostTrust:
    """Return the trust after a check: the certificate that the server showed is pinned.

    Where no certificate had to be accepted, none is from now on, so that a person is asked about
    one that turns up later.
    """
    if not trust.pending or result is None:
        return trust
    if result.certificate:
        return replace(trust, certificate=result.certificate)
    if result.outcome == "server_unreachable":
        return trust
    return replace(trust, accept_certificate=False)


def keep_host_trust(
    credentials: Credentials, credential: Credential, result: CheckResult
) -> Credential:
    """Save the trust after a check and return the credential with it.

    Raises StaleVersion when a person changed the credential meanwhile.
    """
    trust = host_trust_after(credential.trust, result)
    if trust == credential.trust:
        return credential
    return credentials.save(replace(credential, trust=trust))
