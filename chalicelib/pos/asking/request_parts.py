"""Makes requests of what a profile says: each value is encoded for its place (ADR 51).

A parameter that the endpoint names in braces stands there, every other one in the query.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.address_parts import path_fault
from chalicelib.domain.errors import AiqError, ConfigurationError, KeyRejected, UnexpectedAnswer
from chalicelib.pos.asking import queries
from chalicelib.pos.profile import template
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.template import BadValue, Values
from chalicelib.pos.profile.wire import AuthVariant, Texts, TokenCall
from chalicelib.pos.transport.transport import Call


def listing_call(
    profile: Profile,
    endpoint_name: str,
    variant: AuthVariant,
    fields: Values,
    params: Mapping[str, str],
    secrets: Mapping[str, str],
) -> Call:
    """The call of an endpoint for a page's `params`, without the variant's headers.

    `secrets`: parameters of the query that carry the key. Raises ConfigurationError for a field of
    the credential that cannot stand where it is, UnexpectedAnswer for a value of the POS.
    """
    endpoint = profile.endpoints[endpoint_name]
    path = endpoint.path_of(variant.name) or ""
    names = endpoint.names(variant.name)
    if not names and endpoint.form is None and endpoint.body is None:
        return Call(
            resource=endpoint_name,
            path=path,
            params=queries.request_params(endpoint, params, secrets),
            headers=dict(endpoint.headers),
            permission=endpoint.permission,
            method=endpoint.method,
        )
    in_query = {name: value for name, value in params.items() if name not in names}
    try:
        values = {**fields, **params}
        check_path_fields(path, fields, params)
        filled = endpoint.model_copy(
            update={"params": template.fill_params(endpoint.params, values)}
        )
        return Call(
            resource=endpoint_name,
            path=template.fill_path(path, values),
            params=queries.request_params(filled, in_query, secrets),
            headers=headers(_with_values(endpoint.headers, values), values),
            permission=endpoint.permission,
            form=None if endpoint.form is None else template.fill_params(endpoint.form, values),
            body=None if endpoint.body is None else template.fill_body(endpoint.body, values),
            method=endpoint.method,
        )
    except BadValue as bad:
        error = value_error(profile, bad)
    raise error


def token_call(profile: Profile, call: TokenCall, fields: Values, base_url: str | None) -> Call:
    """The call that gives a token. Raises ConfigurationError as `listing_call` does."""
    try:
        check_path_fields(call.path, fields, {})
        given = headers(call.headers, fields)
        if call.basic:
            user, password = (fields.get(name, "") for name in call.basic)
            given["Authorization"] = basic(user, password)
        return Call(
            resource="token",
            path=template.fill_path(call.path, fields),
            params=template.fill_params(call.params, fields),
            headers=given,
            form=None if call.form is None else template.fill_params(call.form, fields),
            body=None if call.body is None else template.fill_body(call.body, fields),
            method=call.method,
            base_url=base_url,
            read_refusal=lambda _said: KeyRejected(f"{profile.title} rejected the key."),
            is_secret=True,
        )
    except BadValue as bad:
        error = value_error(profile, bad)
    raise error


def headers(texts: Texts, values: Values) -> dict[str, str]:
    """Headers with their values. Raises BadValue."""
    return {name: template.fill_header(text, values) for name, text in texts.items()}


def basic(user: str, password: str) -> str:
    """The value of a header of the scheme `Basic`."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def check_path_fields(path: str, fields: Values, params: Mapping[str, Any]) -> None:
    """Raises BadValue for a field of the credential that cannot be a step of a path."""
    for name in template.names_in(path):
        if name not in params and fields.get(name) and (fault := path_fault(fields[name])):
            raise BadValue(name, fault)


def value_error(profile: Profile, bad: BadValue) -> AiqError:
    """The error of a value that cannot be sent, which is not shown."""
    labels = {field.key: field.label for field in profile.credential.fields}
    if bad.name in labels:
        return ConfigurationError(f"{labels[bad.name]} {bad.reason}.", field=bad.name)
    return UnexpectedAnswer(f"{profile.title} cannot be asked: {bad.name} {bad.reason}.")


def _with_values(texts: Texts, values: Values) -> dict[str, str]:
    """Texts without those that are nothing but a name without a value, such as the cursor of a
    first page."""
    return {
        name: text
        for name, text in texts.items()
        if all(values.get(hole) for hole in template.names_in_body(text))
    }
