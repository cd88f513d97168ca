"""Checks of how a profile asks: names in braces mean something, and no key goes where it must not.

Like all checks of values they are made where a profile is written and tested, not at a cold start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from chalicelib.pos.profile.faults import Fault, Path
from chalicelib.pos.profile.paging import Each, ParentListing
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.profile.template import names_in, names_in_body
from chalicelib.pos.profile.wire import TOKEN, AuthVariant, Endpoint, RequestSignature, TokenCall

INTEGRATOR_TOKEN = "integrator_token"  # noqa: S105 - the name of the deployment's own
FIXED_LABELS = 2
"""Behind a tenant's name: fewer would let the retailer choose the host."""


def asking_faults(profile: Profile) -> Iterator[Fault]:
    """Everything about requests that cannot be meant."""
    for variant in profile.auth:
        yield from _variant(profile, variant)
    for name, endpoint in profile.endpoints.items():
        yield from _endpoint(profile, name, endpoint)
    for stream_name, stream in profile.streams.items():
        if stream.each and stream.each.of:
            at = ("streams", stream_name, "each")
            yield from _loop(profile, at, stream, stream.each, stream.each.of)
    for url in profile.hosts:
        yield from _host(profile, url)
        if url != profile.base_url and urlsplit(url).scheme != "https":
            yield ("base_url",), f"{url} must begin with https://, as it does for all hosts"
    yield from _addresses(profile)
    if sum(bool(v.token and v.token.rotates) for v in profile.auth) > 1:
        yield ("auth",), "only one way's tokens can be kept: one token call with rotates"


def _addresses(profile: Profile) -> Iterator[Fault]:
    """Fields that are a part of an address."""
    for field in profile.credential.fields:
        at = ("credential", "fields", field.key)
        if not profile.within(field.key):
            continue
        if field.secret:
            yield at, "a secret in an address is written into logs on the way: use auth"
        if field.pattern is None or not field.required:
            yield at, "stands in an address: it needs a pattern, and is required"


def _variant(profile: Profile, variant: AuthVariant) -> Iterator[Fault]:
    at = ("auth", variant.name)
    fields = _fields(profile)
    if variant.scheme is None and not (variant.headers or variant.signature):
        yield at, "presents nothing: say a scheme, headers or a signature"
    if variant.scheme and not (variant.secret_name or variant.user):
        yield (*at, "secret"), f"say what the scheme {variant.scheme} presents"
    for name in sorted(variant.names() - fields):
        yield at, f"no field of the credential is called {name!r}"
    if variant.token is None:
        if TOKEN in {n for text in variant.headers.values() for n in names_in(text)} - fields:
            yield (*at, "headers"), "there is no token call that gives a {token}"
    else:
        yield from _token(profile, (*at, "token"), variant.token)
    if variant.signature:
        yield from _signature((*at, "signature"), variant.signature)


def _token(profile: Profile, at: Path, call: TokenCall) -> Iterator[Fault]:
    if TOKEN in _fields(profile):
        yield at, "a field is called token, which is what this call gives: give it another name"
    for name in sorted(set(call.rotates) - set(profile.secret_fields)):
        yield (*at, "rotates", name), "is no secret field, so that it would be kept in clear"
    if call.base_url and profile.host_field:
        yield (*at, "base_url"), "a retailer's own server gives its tokens itself"
    if not call.path.startswith("/"):
        yield (*at, "path"), "write the path from / on"
    yield from _sent(at, call)


def _signature(at: Path, signature: RequestSignature) -> Iterator[Fault]:
    if not any("{signature}" in text for text in signature.headers.values()):
        yield (*at, "headers"), "none of them carries the {signature}"
    if "{time}" in signature.text and not any("{time}" in t for t in signature.headers.values()):
        yield (*at, "headers"), "the text has a {time} that no header tells"


def _endpoint(profile: Profile, name: str, endpoint: Endpoint) -> Iterator[Fault]:
    at = ("endpoints", name)
    known = _fields(profile) | _asked_by(profile, name)
    for variant in profile.auth:
        for unknown in sorted(endpoint.names(variant.name) - known):
            yield at, f"{{{unknown}}} is no field of the credential, and no page asks by it"
    if endpoint.base_url and profile.host_field:
        yield (*at, "base_url"), "a retailer's own server has all of its rows itself"
    yield from _sent(at, endpoint)


def _sent(at: Path, request: Endpoint | TokenCall) -> Iterator[Fault]:
    if request.form is not None and request.body is not None:
        yield at, "has a form and a body: leave one of them out"
    if request.method == "GET" and (request.form is not None or request.body is not None):
        yield (*at, "method"), "only a POST carries a form or a body"


def _loop(
    profile: Profile, at: Path, stream: StreamProfile, each: Each, listing: ParentListing
) -> Iterator[Fault]:
    endpoint = profile.endpoints.get(stream.endpoint)
    if stream.group:
        yield at, "lines of a receipt (group) are put together in pages of one listing alone"
    for number, probe in enumerate(profile.probes):
        if probe.endpoint == stream.endpoint:
            yield ("probes", number, "endpoint"), f"probe {listing.endpoint}, which lists its ids"
    if endpoint and each.into and not _is_bound(profile, endpoint, each.param):
        what = f"{each.param} may be passed over: name it in the path or the body, or say at"
        yield (*at, "into"), what
    if listing.page.filter or listing.page.bookmark:
        yield (*at, "of", "page"), "all parents are listed: leave out filter and bookmark"


def _is_bound(profile: Profile, endpoint: Endpoint, param: str) -> bool:
    """Whether a request without the parameter is another one, with any variant."""
    paths = [endpoint.path_of(variant.name) or "" for variant in profile.auth]
    return param in names_in_body(endpoint.body) or all(param in names_in(p) for p in paths)


def _host(profile: Profile, url: str) -> Iterator[Fault]:
    host = urlsplit(url).netloc
    names = names_in(host)
    fields = {field.key for field in profile.credential.fields}
    for name in sorted({*names, *names_in(url)} - fields):
        yield ("base_url",), f"no field of the credential is called {name!r}"
    fixed = [label for label in host.split(".") if "{" not in label]
    if names and (len(fixed) < FIXED_LABELS or any("{" in x for x in host.split(".")[1:])):
        what = "the retailer would choose the host: {field} stands in its first label alone"
        yield ("base_url",), f"{what}, as in https://{{tenant}}.example.com"


def _fields(profile: Profile) -> set[str]:
    return {field.key for field in profile.credential.fields} | {INTEGRATOR_TOKEN}


def _asked_by(profile: Profile, endpoint: str) -> set[str]:
    """Return the parameters that pages, loops and searches of an endpoint may use."""
    found = set[str]()
    for stream in profile.streams.values():
        if stream.endpoint == endpoint:
            found |= _texts(stream.page.model_dump())
            if stream.each:
                found.add(stream.each.param)
        if stream.each and stream.each.of and stream.each.of.endpoint == endpoint:
            found |= _texts(stream.each.of.page.model_dump())
    return found


def _texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return {text for key, part in value.items() for text in (*_texts(part), str(key))}
    if isinstance(value, list | tuple):
        return {text for part in value for text in _texts(part)}
    return set()
