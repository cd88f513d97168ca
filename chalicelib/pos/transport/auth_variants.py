"""The ways to present a key that a POS may know: tried in the profile's order, the right one kept.

Nobody documents which of them a retailer's key is for, so the POS's own answers decide.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from chalicelib.domain.errors import (
    AiqError,
    KeyRejected,
    RecordNotFound,
    RecordRefused,
    UnexpectedAnswer,
)
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.shoppers import ShopperCreate
from chalicelib.pos.profile.wire import AuthVariant
from chalicelib.pos.transport import plain_errors, queries
from chalicelib.pos.transport.answer_rules import AnswerRules
from chalicelib.pos.transport.transport import Call, Transport

T = TypeVar("T")


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
        secret = self.values.get(variant.secret, "")
        if variant.scheme == "header":
            return secret
        if variant.scheme == "bearer":
            return f"Bearer {secret}"
        user = self.values.get(variant.user or "", "")
        return "Basic " + b64encode(f"{user}:{secret}".encode()).decode()

    def query_params(self, variant: AuthVariant) -> dict[str, str]:
        """Query parameters that carry the key; treat them as secrets."""
        if variant.scheme in ("query", "json"):
            return {variant.param: self.values.get(variant.secret, "")}
        return {}


class AuthVariants:
    """Asks endpoints of one POS with one credential, and remembers which variant it accepts."""

    def __init__(self, profile: Profile, keyring: Keyring, transport: Transport) -> None:
        self._profile = profile
        self._keyring = keyring
        self.transport = transport
        if profile.plain_errors:
            transport.parse = plain_errors.body_parser(profile.plain_errors, profile.title)
        transport.rules = AnswerRules(profile.answers, profile.title)
        transport.rate_limit = profile.rate_limit
        self._accepted: dict[str, str] = {}
        """Endpoint → name of the variant that it accepted."""
        self._last_accepted: str | None = None

    def get(self, endpoint: str, params: Mapping[str, str], read: Callable[[Any], T]) -> T:
        """Ask an endpoint for `params` and return what `read` makes of the body.

        A 401 or 404 through one variant says nothing until the others have been tried: versions of
        a POS's contract differ in both. Raises what `Transport.get` raises, but UnexpectedAnswer
        for a path that no variant knows.
        """
        return self._first_answer(
            endpoint,
            lambda variant: self.transport.get(self._call(variant, endpoint, params), read),
        )

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

        def ask(variant: AuthVariant) -> T:
            params = self._keyring.query_params(variant)
            asked = self._call(variant, endpoint, {})
            call = replace(asked, params=params, body=body, read_refusal=refusal)
            return self.transport.post(call, read)

        return self._first_answer(endpoint, ask)

    def _first_answer(self, endpoint: str, ask: Callable[[AuthVariant], T]) -> T:
        refusal: AiqError | None = None
        for variant in self._to_try(endpoint):
            try:
                answer = ask(variant)
            except KeyRejected as rejected:
                refusal = refusal or rejected
            except RecordNotFound as unknown:
                self._last_accepted = variant.name
                refusal = UnexpectedAnswer(unknown.message)
            else:
                self._accepted[endpoint] = self._last_accepted = variant.name
                return answer
        raise refusal or KeyRejected(f"{self._profile.title} has no way in for this key.")

    def _call(self, variant: AuthVariant, endpoint_name: str, params: Mapping[str, str]) -> Call:
        endpoint = self._profile.endpoints[endpoint_name]
        secrets = self._keyring.query_params(variant)
        return Call(
            resource=endpoint_name,
            path=endpoint.paths[variant.name],
            params=queries.request_params(endpoint, params, secrets),
            headers={} if secrets else {variant.header: self._keyring.header(variant)},
            permission=endpoint.permission,
        )

    def _to_try(self, endpoint: str) -> list[AuthVariant]:
        """The variant that this endpoint accepted, else all: the one accepted last comes first."""
        paths = self._profile.endpoints[endpoint].paths
        usable = [v for v in self._profile.auth if v.name in paths and self._keyring.has_all_of(v)]
        accepted = self._accepted.get(endpoint)
        if accepted:
            return [variant for variant in usable if variant.name == accepted]
        return sorted(usable, key=lambda variant: variant.name != self._last_accepted)
