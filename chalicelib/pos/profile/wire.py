"""How a POS is asked and how it refuses, as `profile.yaml` says it: ways to present the key,
endpoints, pace, and the words of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from chalicelib.domain.words import Stream
from chalicelib.pos.profile.paging import ProfilePart
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.template import names_in, names_in_body

Texts = Mapping[str, str]
"""Name → text, in which `{name}` stands for a value."""

TOKEN = "token"  # noqa: S105 - the word that stands for it in a profile
"""What a variant's `token` call brings, in its headers."""


class JsonQuery(ProfilePart):
    """All that is asked stands in one parameter, as JSON: `body`, and the page's parameters in its
    object `into`."""

    param: str
    body: Mapping[str, Any]
    into: str


class TokenCall(ProfilePart):
    """The call that gives a token for what the retailer typed. `path`, `params`, `headers`, `form`
    and `body` as of an endpoint; `basic`: the fields that are user and password of the call;
    `base_url`: of a token server at another host than the rows.

    `token`: where it stands in the answer. It lasts `expires_in` seconds, until `expires_at` (ISO,
    or seconds or milliseconds since 1970), or `lasts_seconds`; a POS may refuse it sooner.
    `rotates`: field of the credential → where the answer has the value that replaces it from now
    on, as it does an OAuth2 refresh token; such a value is spent by the call."""

    path: str
    base_url: str | None = None
    method: Literal["GET", "POST"] = "POST"
    params: Texts = Field(default_factory=dict)
    headers: Texts = Field(default_factory=dict)
    basic: tuple[str, str] | None = None
    form: Texts | None = None
    body: Mapping[str, Any] | None = None
    token: Path
    expires_in: Path | None = None
    expires_at: Path | None = None
    lasts_seconds: int | None = Field(default=None, gt=0)
    rotates: Mapping[str, Path] = Field(default_factory=dict)

    def names(self) -> set[str]:
        """The fields that the call is made of."""
        return _names(self.path, self.params, self.headers, self.form, self.body) | {
            *(self.basic or ()),
            *self.rotates,
            *names_in(self.base_url or ""),
        }


class RequestSignature(ProfilePart):
    """Signs each request: the HMAC of `text` with the field `secret`. In `text` stand `{method}`,
    `{path}` (as sent, without the query), `{query}`, `{time}`, `{body}`, `{body_hash}` (in hex) and
    fields of the credential; in `headers` also `{signature}`."""

    secret: str
    secret_as: Literal["text", "hex", "base64"] = "text"  # noqa: S105 - how it is written
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64", "base64url"] = "hex"
    time: Literal["seconds", "milliseconds", "iso"] = "seconds"
    text: str
    headers: Texts


class AuthVariant(ProfilePart):
    """One way to present the key. `user` and `secret` name credential fields or `integrator_token`;
    a variant whose `needs` are not configured is not tried. `header`: of the scheme of that name,
    which carries the bare secret. `param`: of the scheme `query`, the parameter; of `json`, the key
    in the endpoint's JSON query.

    `headers`: any others, such as `Authorization: "Token {api_key}"`; `{token}` is what the call
    `token` gives, and the `secret` of a scheme that names none. `signature`: of each request."""

    name: str
    scheme: Literal["basic", "bearer", "header", "query", "json"] | None = None
    header: str = "Authorization"
    param: str = ""
    secret: str | None = None
    user: str | None = None
    needs: tuple[str, ...] = ()
    headers: Texts = Field(default_factory=dict)
    token: TokenCall | None = None
    signature: RequestSignature | None = None

    @property
    def secret_name(self) -> str:
        """The name of what the scheme presents."""
        return self.secret or (TOKEN if self.token else "")

    def names(self) -> set[str]:
        """The fields that the variant presents, in whatever way."""
        found = _names("", {}, self.headers, None, None) | {self.user or "", self.secret_name}
        if self.token:
            found |= self.token.names()
        if self.signature:
            found |= {self.signature.secret, *names_in(self.signature.text)} - SIGNED
            found |= _names("", {}, self.signature.headers, None, None) - SIGNED
        return found - {"", TOKEN}


SIGNED = {"method", "path", "query", "time", "body", "body_hash", "signature"}
"""The words of a signature's text and headers that are no fields."""


class Pace(ProfilePart):
    """`gap_ms` passes between an answer and the next request; one request is in flight."""

    gap_ms: int = Field(ge=0)
    in_flight: Literal[1]


class Endpoint(ProfilePart):
    """`paths`: by auth variant; `path`: of all others. `params` go with every request.
    `permission`: as on the screen.

    A listing may be asked for by POST, with a `form` or a JSON `body`. In path, headers, params,
    form and body `{name}` stands for a field of the credential, or for what a page or a loop asks
    by, which else is a parameter of the query. `base_url`: of another host than the POS's."""

    paths: Mapping[str, str] = Field(default_factory=dict)
    path: str | None = None
    base_url: str | None = None
    method: Literal["GET", "POST"] = "GET"
    permission: str | None = None
    params: Texts = Field(default_factory=dict)
    headers: Texts = Field(default_factory=dict)
    form: Texts | None = None
    body: Mapping[str, Any] | None = None
    json_query: JsonQuery | None = None

    def path_of(self, variant: str) -> str | None:
        """The path by which a variant asks, None where it does not."""
        return self.paths.get(variant, self.path)

    def names(self, variant: str) -> set[str]:
        """The names in braces of a request."""
        path = self.path_of(variant) or ""
        return _names(path, self.params, self.headers, self.form, self.body)


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
    on when the POS's headers say. `pass_over`: there is nothing here: a listing by
    shop goes on with the next one, a stream that is `optional` is empty, and both count as
    incomplete; any other stream fails. `key_rejected`, `permission_missing` and `you`:
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


def _names(
    path: str, params: Texts, headers: Texts, form: Texts | None, body: Mapping[str, Any] | None
) -> set[str]:
    texts = [path, *params.values(), *headers.values(), *(form or {}).values()]
    return {name for text in texts for name in names_in(text)} | set(names_in_body(body))
