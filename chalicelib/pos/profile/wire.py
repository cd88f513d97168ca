"""How a POS is asked and how it refuses, as `profile.yaml` says it: ways to present the key,
endpoints, pace, and the words of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from chalicelib.domain.words import Stream
from chalicelib.pos.profile.paging import ProfilePart
from chalicelib.pos.profile.path import Path


class JsonQuery(ProfilePart):
    """All that is asked stands in one parameter, as JSON: `body`, and the page's parameters in its
    object `into`."""

    param: str
    body: Mapping[str, Any]
    into: str


class PlainErrors(ProfilePart):
    """A POS that tells what is wrong in plain text under status 200. Lower-cased words: of a
    refused key, and of something this server does not have."""

    key_rejected: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()


class AuthVariant(ProfilePart):
    """One way to present the key. `user` and `secret` name credential fields or `integrator_token`;
    a variant whose `needs` are not configured is not tried. `header`: of the scheme of that name,
    which carries the bare secret. `param`: of the scheme `query`, the parameter; of `json`, the key
    in the endpoint's JSON query."""

    name: str
    scheme: Literal["basic", "bearer", "header", "query", "json"]
    header: str = "Authorization"
    param: str = ""
    secret: str
    user: str | None = None
    needs: tuple[str, ...] = ()


class Pace(ProfilePart):
    """`gap_ms` passes between an answer and the next request; one request is in flight."""

    gap_ms: int = Field(ge=0)
    in_flight: Literal[1]


class Endpoint(ProfilePart):
    """`paths`: by auth variant. `params` go with every request. `permission`: as on the screen."""

    paths: Mapping[str, str]
    permission: str | None = None
    params: Mapping[str, str] = Field(default_factory=dict)
    json_query: JsonQuery | None = None


class ErrorObjects(ProfilePart):
    """Errors told by an object under status 200: its `name` ends in `suffix`. `key_rejected`: the
    names that speak of the key."""

    name: Path
    suffix: str
    key_rejected: tuple[str, ...] = ()


class Probe(ProfilePart):
    """One request of *check*. `optional`: only a 403 tells something, since the contract does not
    say what else the answer may be. `not_all_null`: if these fields are null in all of at least
    `judge_from` rows, `permission` is missing although the POS answered 200."""

    endpoint: str
    stream: Stream | None = None
    rows: int = 1
    optional: bool = False
    not_all_null: tuple[Path, ...] = ()
    judge_from: int = 1
    permission: str | None = None
