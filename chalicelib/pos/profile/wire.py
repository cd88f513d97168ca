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


class AnswerRule(ProfilePart):
    """What an answer means where its status does not tell. Of a profile's rules, the first that
    fits an answer counts. A rule is for answers of one `status` of several, or of 200 where it
    names none; of these, for those that hold one of `words`."""

    name: str
    """What `evidence` calls the rule: `answers.<name>`."""
    status: tuple[int, ...] = ()
    at: Path | None = None
    """Where in the JSON body the words stand. Without it they stand in a body that is plain
    text."""
    words: tuple[str, ...] = ()
    """Compared as written; those of plain text in small letters. None: `at` says anything."""
    match: Literal["is", "contains", "ends"] = "contains"
    means: Literal[
        "again", "wait", "pass_over", "key_rejected", "permission_missing", "you", "pos", "us"
    ]
    """`again`: it is asked again, three times in all, then the POS must act. `wait`: the run goes
    on when the POS's headers say. `pass_over`: there is nothing here; the listing ends, or goes on
    with the next shop, and counts as incomplete. `key_rejected`, `permission_missing` and `you`:
    the retailer must act; `pos`: the POS must, and is not asked again at once; `us`: AIQ must."""
    permission: str | None = None
    """Of `permission_missing`: as on the POS's screen; without it, that of the endpoint."""
    say: str | None = None
    """A sentence for a person, instead of a general one; `you` and `us` need it."""


class WaitHeader(ProfilePart):
    """A header that tells until when not to ask: in `seconds` from now, as an HTTP `date`, or in
    seconds (`epoch`) or milliseconds (`epoch_ms`) since 1970."""

    header: str
    tells: Literal["seconds", "date", "epoch", "epoch_ms"]


class RateLimit(ProfilePart):
    """Headers by which a POS says how fast it may be asked, besides `Retry-After`."""

    wait: tuple[WaitHeader, ...] = ()
    """Of these the first that can be read counts, then `Retry-After` in either of its forms."""
    remaining: str | None = None
    """The header that counts the requests that are left: after an answer with none left, nothing is
    asked until the time that `wait` tells."""
