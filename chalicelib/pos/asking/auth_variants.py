"""The ways to present a key that a POS may know: tried in the profile's order, the right one kept.

Nobody documents which of them a retailer's key is for, so the POS's own answers decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from chalicelib.domain.errors import (
    AiqError,
    KeyRejected,
    RecordNotFound,
    RecordRefused,
    UnexpectedAnswer,
)
from chalicelib.pos.asking import request_parts
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.shoppers import ShopperCreate
from chalicelib.pos.profile.template import BadValue
from chalicelib.pos.profile.wire import TOKEN, AuthVariant
from chalicelib.pos.transport.answer_rules import AnswerRules
from chalicelib.pos.transport.transport import Call, Transport
from chalicelib.services.ports.pos import PosToken

if TYPE_CHECKING:
    from chalicelib.pos.asking.tokens import Tokens

T = TypeVar("T")
OtherHost = Callable[[str, str], str | None]
"""What the call is named in a deployment's settings, and the profile's URL → the URL to ask; None
for that of the POS."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Holds what is presented to the POS: the credential's fields and the deployment's own
    tokens."""

    values: Mapping[str, str] = field(repr=False)

    def has_all_of(self, variant: AuthVariant) -> bool:
        """Whether everything that the variant needs is configured."""
        return all(self.values.get(name) for name in variant.needs)

    def header(self, variant: AuthVariant) -> str:
        """The value of the variant's header."""
        secret = self.values.get(variant.secret_name, "")
        if variant.scheme == "header":
            return secret
        if variant.scheme == "bearer":
            return f"Bearer {secret}"
        return request_parts.basic(self.values.get(variant.user or "", ""), secret)

    def headers(self, variant: AuthVariant) -> dict[str, str]:
        """All headers of the variant. Raises BadValue for a value that no header can carry."""
        in_header = variant.scheme in ("basic", "bearer", "header")
        found = {variant.header: self.header(variant)} if in_header else {}
        if variant.headers:
            found |= request_parts.headers(variant.headers, self.values)
        return found

    def query_params(self, variant: AuthVariant) -> dict[str, str]:
        """Query parameters that carry the key; treat them as secrets."""
        if variant.scheme in ("query", "json"):
            return {variant.param: self.values.get(variant.secret_name, "")}
        return {}

    def with_token(self, token: PosToken) -> Keyring:
        """The keyring with a token and the fields that the POS replaced with it."""
        return Keyring({**self.values, **token.new_secrets, TOKEN: token.text})


class AuthVariants:
    """Asks endpoints of one POS with one credential, and remembers which variant it accepts.

    `tokens`: of the variants that exchange the key for one. `other_host`: the base URL of an
    endpoint, by its name, whose profile gives one.
    """

    def __init__(
        self,
        profile: Profile,
        keyring: Keyring,
        transport: Transport,
        tokens: Tokens | None = None,
        other_host: OtherHost = lambda _name, url: url,
    ) -> None:
        self._profile = profile
        self._keyring = keyring
        self._tokens = tokens
        self._other_host = other_host
        self.transport = transport
        transport.rules = AnswerRules(profile.answers, profile.title)
        transport.rate_limit = profile.rate_limit
        self._accepted: dict[str, str] = {}
        """Endpoint → name of the variant that it accepted."""
        self._last_accepted: str | None = None

    def get(
        self,
        endpoint: str,
        params: Mapping[str, str],
        read: Callable[[Any], T],
        *,
        next_url: str | None = None,
        is_forgotten: Callable[[int], bool] = lambda _status: False,
    ) -> T:
        """Ask an endpoint for `params` and return what `read` makes of the body.

        `next_url`: where the POS says that the listing goes on, in place of path and parameters.
        `is_forgotten`: whether a status means that the listing has to begin again. A
        401 or 404 through one variant says nothing until the others have been tried: versions of a
        POS's contract differ in both. Raises what `Transport.get` raises, but UnexpectedAnswer for
        a path that no variant knows, and ConfigurationError for a field that cannot be sent.
        """

        def ask(variant: AuthVariant, keyring: Keyring) -> T:
            asked = self._call(variant, keyring, endpoint, params)
            call = replace(asked, is_forgotten=is_forgotten)
            if next_url is not None:
                call = _continued(call, next_url, keyring.query_params(variant))
            return self.transport.get(call, read)

        return self._first_answer(endpoint, ask)

    def post(
        self,
        endpoint: str,
        body: Mapping[str, Any],
        create: ShopperCreate,
        read: Callable[[Any], T],
    ) -> T:
        """Send `body` to an endpoint, once, and return what `read` makes of the answer.

        A variant that is refused did nothing. Raises what `Transport.post` raises, RecordRefused.
        """

        def refusal(said: str) -> AiqError:
            return RecordRefused(
                f"{self._profile.title} refuses to create the shopper.",
                taken=any(word in said for word in create.taken),
                fields=[name for name in create.map if name in said],
            )

        def ask(variant: AuthVariant, keyring: Keyring) -> T:
            params = keyring.query_params(variant)
            asked = self._call(variant, keyring, endpoint, {})
            call = replace(asked, params=params, body=body, method="POST", read_refusal=refusal)
            return self.transport.post(call, read)

        return self._first_answer(endpoint, ask)

    def _first_answer(self, endpoint: str, ask: Callable[[AuthVariant, Keyring], T]) -> T:
        refusal: AiqError | None = None
        for variant in self._to_try(endpoint):
            try:
                answer = self._answer(variant, ask)
            except KeyRejected as rejected:
                refusal = refusal or rejected
            except RecordNotFound as unknown:
                self._last_accepted = variant.name
                refusal = UnexpectedAnswer(unknown.message)
            else:
                self._accepted[endpoint] = self._last_accepted = variant.name
                return answer
        raise refusal or KeyRejected(f"{self._profile.title} has no way in for this key.")

    def _answer(self, variant: AuthVariant, ask: Callable[[AuthVariant, Keyring], T]) -> T:
        """Ask through a variant. A token that the POS takes no more is exchanged again, once: what
        was refused was not done, so that nothing is lost and nothing is done twice."""
        if variant.token is None or self._tokens is None:
            return ask(variant, self._keyring)
        token = self._tokens.token(variant, variant.token)
        try:
            return ask(variant, self._keyring.with_token(token))
        except KeyRejected:
            token = self._tokens.renew(variant, variant.token, token)
        return ask(variant, self._keyring.with_token(token))

    def _call(
        self, variant: AuthVariant, keyring: Keyring, endpoint: str, params: Mapping[str, str]
    ) -> Call:
        secrets = keyring.query_params(variant)
        call = request_parts.listing_call(
            self._profile, endpoint, variant, keyring.values, params, secrets
        )
        try:
            headers = {**call.headers, **keyring.headers(variant)}
            if given := self._profile.endpoints[endpoint].base_url:
                call = replace(call, base_url=self._other_host(endpoint, given))
            if variant.signature is None:
                return replace(call, headers=headers)
            from chalicelib.pos.asking.signing import signer

            sign = signer(variant.signature, keyring.values, self.transport.now)
            return replace(call, headers=headers, sign=sign)
        except BadValue as bad:
            error = request_parts.value_error(self._profile, bad)
        raise error

    def _to_try(self, endpoint: str) -> list[AuthVariant]:
        """The variant that this endpoint accepted, else all: the one accepted last comes first."""
        asked = self._profile.endpoints[endpoint]
        usable = [
            variant
            for variant in self._profile.auth
            if asked.path_of(variant.name) and self._keyring.has_all_of(variant)
        ]
        accepted = self._accepted.get(endpoint)
        if accepted:
            return [variant for variant in usable if variant.name == accepted]
        return sorted(usable, key=lambda variant: variant.name != self._last_accepted)


def _continued(call: Call, next_url: str, secrets: Mapping[str, str]) -> Call:
    """The call of a next URL. The key, which the POS may have written into it and which was hidden
    then, is put into its query anew."""
    if secrets:
        url = urlsplit(next_url)
        kept = [
            pair for pair in parse_qsl(url.query, keep_blank_values=True) if pair[0] not in secrets
        ]
        next_url = url._replace(query=urlencode(kept)).geturl()
    return replace(call, next_url=next_url, params=secrets)
