"""One credential's conversation with its POS: which door its key opens, and page after page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalicelib.domain.errors import AiqError, KeyRejected, RecordNotFound, UnexpectedAnswer
from chalicelib.domain.records import StoreFact, Stream
from chalicelib.pos import paging
from chalicelib.pos.fields import Setting
from chalicelib.pos.normalise import Normaliser
from chalicelib.pos.profile import AuthVariant, Profile
from chalicelib.pos.sheet import Sheet, sheet_of
from chalicelib.pos.transport import Call, Transport
from chalicelib.services.ports.pos import CredentialAccess, Cursor, Page, StreamPlan

T = TypeVar("T")
Read = Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Keyring:
    """What is presented to the POS: the credential's fields and the deployment's own tokens."""

    values: Mapping[str, str] = field(repr=False)

    def has(self, variant: AuthVariant) -> bool:
        return all(self.values.get(name) for name in variant.needs)

    def header(self, variant: AuthVariant) -> str:
        secret = self.values.get(variant.secret, "")
        if variant.scheme == "bearer":
            return f"Bearer {secret}"
        user = self.values.get(variant.user or "", "")
        return "Basic " + b64encode(f"{user}:{secret}".encode()).decode()


class Doors:
    """Asks an endpoint through the auth variants in the profile's order, and remembers which one
    the POS accepts."""

    def __init__(self, profile: Profile, keyring: Keyring, transport: Transport) -> None:
        self._profile = profile
        self._keyring = keyring
        self._transport = transport
        self._open: dict[str, str] = {}
        self._last_open: str | None = None

    def get(self, endpoint: str, params: Mapping[str, str], read: Read[T]) -> T:
        """Raises what the transport raises. A path that no variant knows is UnexpectedAnswer.

        A 401 or 404 through one variant says nothing until the others have been tried: versions of
        a POS's contract differ in both.
        """
        refusal: AiqError | None = None
        for variant in self._variants(endpoint):
            try:
                answer = self._ask(variant, endpoint, params, read)
            except KeyRejected as rejected:
                refusal = refusal or rejected
            except RecordNotFound as unknown:
                self._last_open = variant.name
                refusal = UnexpectedAnswer(unknown.message)
            else:
                self._open[endpoint] = self._last_open = variant.name
                return answer
        raise refusal or KeyRejected(f"{self._profile.title} has no way in for this key.")

    def _ask(
        self, variant: AuthVariant, endpoint: str, params: Mapping[str, str], read: Read[T]
    ) -> T:
        asked = self._profile.endpoints[endpoint]
        call = Call(
            resource=endpoint,
            path=asked.paths[variant.name],
            params={**asked.params, **params},
            headers={"Authorization": self._keyring.header(variant)},
            permission=asked.permission,
        )
        return self._transport.get(call, read)

    def _variants(self, endpoint: str) -> list[AuthVariant]:
        """Only the one that opened this endpoint, else the one that opened another first."""
        paths = self._profile.endpoints[endpoint].paths
        usable = [v for v in self._profile.auth if v.name in paths and self._keyring.has(v)]
        settled = self._open.get(endpoint)
        if settled:
            return [variant for variant in usable if variant.name == settled]
        return sorted(usable, key=lambda variant: variant.name != self._last_open)


class Session:
    """The `PosSession` port over one transport."""

    def __init__(
        self, profile: Profile, access: CredentialAccess, doors: Doors, transport: Transport
    ) -> None:
        self._profile = profile
        self._access = access
        self._doors = doors
        self._transport = transport
        self._scope = access.scope
        self._normalisers: dict[Stream, Normaliser] = {}

    def fetch(self, plan: StreamPlan, cursor: Cursor | None) -> Page:
        """Read the next page; see the port for what it raises."""
        stream = self._profile.streams[plan.stream]
        style = paging.style_for(self._profile, stream)
        requests, retries = self._transport.requests, self._transport.retries

        def read(body: Any) -> Sheet:  # JSON
            sheet = sheet_of(body, stream, stream.endpoint)
            style.judge(plan, cursor, sheet)
            return sheet

        normaliser = self._normaliser(plan.stream)
        sheet = self._doors.get(stream.endpoint, style.ask(plan, cursor), read)
        rows = normaliser.page(style.fresh(plan, cursor, sheet))
        turn = style.turn(plan, cursor, sheet)
        return Page(
            facts=rows.facts,
            rejects=() if turn.again else rows.rejects,
            fetched=len(sheet.rows),
            cursor=turn.cursor,
            full_listing=turn.full_listing,
            requests=self._transport.requests - requests,
            retries=self._transport.retries - retries,
            unknown_words={} if turn.again else rows.unknown_words,
        )

    def close(self) -> None:
        self._transport.close()

    def _normaliser(self, stream: Stream) -> Normaliser:
        if stream not in self._normalisers:
            if self._scope is None and stream != "stores":
                self._scope = self._ask_scope()
            setting = Setting(
                store_key=self._scope or "",
                time_zone=self._access.time_zone,
                currency=self._access.currency,
            )
            self._normalisers[stream] = Normaliser(self._profile, stream, setting)
        return self._normalisers[stream]

    def _ask_scope(self) -> str:
        """What the key opens, when whoever opened the session does not know."""
        page = self.fetch(StreamPlan("stores", now=0), None)
        for fact in page.facts:
            if isinstance(fact, StoreFact):
                return fact.key
        raise UnexpectedAnswer(f"{self._profile.title} does not say which store the key is for.")
