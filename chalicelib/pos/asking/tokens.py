"""Tokens that a POS gives in exchange for a credential's fields: asked for once, kept, renewed.

A field that a call spends, such as an OAuth2 refresh token, is replaced by what the answer says.
Who renews one holds the lease of the store meanwhile, so that no two processes spend it (ADR 51).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from chalicelib.domain.errors import (
    AiqError,
    KeyRejected,
    LoginExpired,
    PermissionMissing,
    UnexpectedAnswer,
)
from chalicelib.domain.times import SECOND, from_text
from chalicelib.domain.words import Instant
from chalicelib.pos.asking import request_parts
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.wire import TOKEN, AuthVariant, TokenCall
from chalicelib.pos.transport.transport import Transport
from chalicelib.services.ports.pos import PosToken, TokenStore

LONGEST_TOKEN = 8192
"""More fits no header that servers take."""
RENEWED_BEFORE = 60 * SECOND
"""Before its end a token is renewed, so that it does not end inside a page."""
LONGEST_NUMBER = 15
MILLISECONDS_FROM = 100_000_000_000
"""A time since 1970 above this is told in milliseconds."""


@dataclass
class SessionTokens:
    """The `TokenStore` of a session whose tokens nobody keeps."""

    token: PosToken | None = field(default=None, repr=False)

    def latest(self) -> PosToken | None:
        return self.token

    def renew(
        self,
        used: PosToken | None,  # noqa: ARG002
        exchange: Callable[[PosToken | None], PosToken],
    ) -> PosToken:
        self.token = exchange(self.token)
        return self.token


class Tokens:
    """Gives the token of each auth variant of one credential, whose `fields` are in clear."""

    def __init__(
        self,
        profile: Profile,
        fields: Mapping[str, str],
        transport: Transport,
        store: TokenStore,
        other_host: Callable[[str, str], str | None] = lambda _name, url: url,
    ) -> None:
        self._profile = profile
        self._fields = fields
        self._transport = transport
        self._store = store
        self._other_host = other_host
        self._current: dict[str, PosToken] = {}

    def token(self, variant: AuthVariant, call: TokenCall) -> PosToken:
        """Return a token that lasts for a request at least. Raises what `renew` raises."""
        current = self._current.get(variant.name) or self._kept(variant, call)
        if current is None or self._is_ending(current):
            return self.renew(variant, call, current)
        return self._use(variant, current)

    def renew(self, variant: AuthVariant, call: TokenCall, used: PosToken | None) -> PosToken:
        """Return another token than `used`, which the POS takes no more.

        Raises KeyRejected, LoginExpired where a person must log in again, UnexpectedAnswer for an
        answer without a token, and what a request raises.
        """
        made_of = self._made_of(variant, call)
        held = used or self._store.latest()
        while True:
            held = self._store.renew(held, lambda newest: self._exchange(call, made_of, newest))
            if held.made_of == made_of and not self._is_ending(held):
                return self._use(variant, held)

    def _kept(self, variant: AuthVariant, call: TokenCall) -> PosToken | None:
        kept = self._store.latest()
        return kept if kept and kept.made_of == self._made_of(variant, call) else None

    def _use(self, variant: AuthVariant, token: PosToken) -> PosToken:
        self._transport.hide(token.text, *token.new_secrets.values())
        self._current[variant.name] = token
        return token

    def _is_ending(self, token: PosToken) -> bool:
        ends = token.expires_at
        return ends is not None and ends - self._transport.now() < RENEWED_BEFORE

    def _exchange(self, call: TokenCall, made_of: str, newest: PosToken | None) -> PosToken:
        """Ask the POS for a token, with the fields as it replaced them last."""
        new_secrets = newest.new_secrets if newest and newest.made_of == made_of else {}
        self._transport.hide(*new_secrets.values())
        values = {**self._fields, **new_secrets}
        base_url = self._other_host(TOKEN, call.base_url) if call.base_url else None
        asked = request_parts.token_call(self._profile, call, values, base_url)

        def read(body: Any) -> PosToken:
            return self._token_in(body, call, made_of, new_secrets)

        # Whether a secret was spent is known by an answer alone: such a call is sent once.
        ask = self._transport.post if call.rotates else self._transport.get
        try:
            return ask(asked, read)
        except (KeyRejected, PermissionMissing):
            raise self.refusal(call) from None

    def refusal(self, call: TokenCall) -> AiqError:
        """The error of an exchange that the POS refuses."""
        title = self._profile.title
        labels = [f.label for f in self._profile.credential.fields if f.key in call.rotates]
        if not labels:
            return KeyRejected(f"{title} rejected the key.")
        return LoginExpired(
            f"{title} does not renew the login of this credential any more. Log in to {title} again"
            f" and enter the new {' and '.join(labels)} on the card."
        )

    def _token_in(
        self, body: Any, call: TokenCall, made_of: str, new_secrets: Mapping[str, str]
    ) -> PosToken:
        new = {name: _text(path.value(body)) for name, path in call.rotates.items()}
        told = _text(call.token.value(body))
        if not told or any(len(text) > LONGEST_TOKEN for text in (told, *new.values())):
            raise UnexpectedAnswer(f"{self._profile.title} sent no token that can be used.")
        kept = {**new_secrets, **{name: text for name, text in new.items() if text}}
        return PosToken(told, made_of, self._expiry(body, call), kept)

    def _expiry(self, body: Any, call: TokenCall) -> Instant | None:
        now = self._transport.now()
        lasts = _whole_number(call.expires_in.value(body)) if call.expires_in else None
        ends = _instant(call.expires_at.value(body)) if call.expires_at else None
        if ends is None and (lasts := lasts or call.lasts_seconds):
            ends = now + lasts * SECOND
        return None if ends is None else _not_ending_at_once(now, ends)

    def _made_of(self, variant: AuthVariant, call: TokenCall) -> str:
        used = {name: self._fields.get(name, "") for name in sorted(call.names())}
        told = orjson.dumps([self._profile.platform, variant.name, used])
        return blake2b(told, digest_size=16).hexdigest()


def _text(value: Any) -> str:
    """A token as text, empty where there is none."""
    usable = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value).strip() if usable else ""


def _whole_number(value: Any) -> int | None:
    text = _text(value)
    return int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else None


def _instant(value: Any) -> Instant | None:
    """An instant as text, or as seconds or milliseconds since 1970; None for anything else."""
    number = _whole_number(value)
    if number is not None:
        return number if number > MILLISECONDS_FROM else number * SECOND
    try:
        return from_text(_text(value))
    except ValueError:
        return None


def _not_ending_at_once(now: Instant, ends: Instant) -> Instant | None:
    """Return the end of a token, or None where it is to be renewed after a 401 only.

    That is so where it lasts hardly longer than the time before its end at which we renew, and
    where the POS's clock says that it ended already.
    """
    return ends if ends - now >= 2 * RENEWED_BEFORE else None
