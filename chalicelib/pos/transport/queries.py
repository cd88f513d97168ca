"""What goes into a query: plain parameters, or JSON within one of them (reference/pos.md §3.2)."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from chalicelib.pos.profile.wire import Endpoint


def params(
    endpoint: Endpoint, asked: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """The parameters of a request for `asked`, which the `secrets` open."""
    query = endpoint.json_query
    if query is None:
        return {**endpoint.params, **asked, **secrets}
    within = {**query.body.get(query.into, {}), **asked}
    body = orjson.dumps({**query.body, query.into: within, **secrets})
    return {**endpoint.params, query.param: body.decode()}
