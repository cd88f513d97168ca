"""Makes the query of a request: plain parameters, or JSON within one of them (reference/pos.md
§3.2)."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from chalicelib.pos.profile.wire import Endpoint


def request_params(
    endpoint: Endpoint, page: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """All parameters of a request: the endpoint's own, those of the page asked for, and those that
    carry the key."""
    query = endpoint.json_query
    if query is None:
        return {**endpoint.params, **page, **secrets}
    within = {**query.body.get(query.into, {}), **page}
    body = orjson.dumps({**query.body, query.into: within, **secrets})
    return {**endpoint.params, query.param: body.decode()}
