"""Checks a credential: does the key work, what does it open, what does it lack (product.md §3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain.errors import (
    AiqError,
    CallsStopped,
    ConfigurationError,
    HostRefused,
    KeyRejected,
    PermissionMissing,
    RateLimited,
    ServerUnreachable,
    Unavailable,
    UnexpectedAnswer,
    UpstreamError,
)
from chalicelib.domain.records import StoreFact
from chalicelib.domain.words import CheckOutcome, ScopeId
from chalicelib.pos.asking.auth_variants import AuthVariants
from chalicelib.pos.named_stores import no_store_text, stores_named_elsewhere
from chalicelib.pos.paging.each_shop import chosen_shops
from chalicelib.pos.paging.pagers import pager_of
from chalicelib.pos.paging.response_page import Json, ResponsePage, response_page
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.wire import Probe
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.pos.transport.redaction import HIDDEN
from chalicelib.pos.transport.transport import TooSlow
from chalicelib.services.ports.pos import CheckResult, CredentialAccess, StreamPlan

DEADLINE_SECONDS = 8.0
"""Over all probes and auth variants together."""

NOT_OF_THE_POS = (HostRefused, CallsStopped, Unavailable)
"""Errors that say nothing of the key: the address or the source's state forbids the call, or the
state cannot be read."""

MOST_NAMED = 20
LONGEST_NAME = 100


class Check:
    """One check of one credential. Never raises for what the POS does, only `NOT_OF_THE_POS`."""

    def __init__(self, profile: Profile, auth: AuthVariants, access: CredentialAccess) -> None:
        self._profile = profile
        self._auth = auth
        self._fields = access.fields
        self._zone = access.time_zone
        self._missing: set[str] = set()
        self._stores: tuple[StoreFact, ...] = ()

    def run(self) -> CheckResult:
        """Return what the key opens and what it lacks, with what was learnt before a failure."""
        try:
            self._stores = self._ask_stores()
            for probe in self._profile.probes:
                self._try(probe)
        except NOT_OF_THE_POS:
            raise
        except AiqError as error:
            return self._failure(error)
        return self._success()

    def _ask_stores(self) -> tuple[StoreFact, ...]:
        """The stores that the key opens; none when it may not even read that."""
        stream = self._profile.streams["stores"]
        scope = self._profile.scope_in(self._fields) if self._profile.one_store else None
        normaliser = Normaliser(self._profile, "stores", Setting(store_key=scope or ""))
        style = style_for(self._profile, stream, self._zone)
        plan = StreamPlan("stores", now=self._auth.transport.now())
        start = style.start(plan)

        def read(body: Json) -> list[Json]:
            headers = self._auth.transport.headers
            page = response_page(body, stream, stream.endpoint, headers)
            style.check(plan, start, page)
            return page.rows

        try:
            rows = self._auth.get(stream.endpoint, style.params(plan, start), read)
        except PermissionMissing as lacking:
            self._add_missing(lacking, stream.endpoint)
            return ()
        facts = tuple(f for f in normaliser.page(rows).facts if isinstance(f, StoreFact))
        facts = facts or stores_named_elsewhere(self._profile, self._auth)
        if any(HIDDEN in fact.key for fact in facts):
            raise UnexpectedAnswer(f"{self._profile.title} calls a store by the key itself.")
        if not facts:
            raise UpstreamError(no_store_text(self._profile))
        return self._chosen_shops(facts)

    def _chosen_shops(self, facts: tuple[StoreFact, ...]) -> tuple[StoreFact, ...]:
        """The shops that the credential lists, or all. Raises ConfigurationError for one that the
        POS does not know."""
        chosen = chosen_shops(self._profile, self._fields)
        by_key = {fact.key: fact for fact in facts}
        if unknown := [key for key in chosen if key not in by_key]:
            raise ConfigurationError(
                f"{self._profile.title} does not know {', '.join(unknown)[:80]}."
                f" It has {_shops_text(facts, with_key=True)}."
            )
        return tuple(by_key[key] for key in chosen) or facts

    def _try(self, probe: Probe) -> None:
        """Ask what a probe says, and note what the key lacks for it."""
        if probe.endpoint == self._profile.streams["stores"].endpoint:
            return
        try:
            page = self._auth.get(probe.endpoint, self._params(probe), self._reader(probe))
        except PermissionMissing as lacking:
            self._add_missing(lacking, probe.endpoint)
        except AiqError as error:
            if not probe.optional or isinstance(error, NOT_OF_THE_POS):
                raise
        else:
            self._judge(probe, page)

    def _reader(self, probe: Probe) -> Callable[[Json], ResponsePage | None]:
        """Reads a probe's answer; None where it lists no stream, and its status says it all."""
        stream = self._profile.streams[probe.stream] if probe.stream else None
        if stream is None:
            return lambda _body: None
        return lambda body: response_page(
            body, stream, probe.endpoint, self._auth.transport.headers
        )

    def _judge(self, probe: Probe, page: ResponsePage | None) -> None:
        """A POS may answer 200 and hold back what matters (reference/pos.md §1.3)."""
        if page is None or not probe.not_all_null or len(page.rows) < probe.judge_from:
            return
        rows = [row for row in page.rows if isinstance(row, dict)]
        any_value = any(path.values(row) for row in rows for path in probe.not_all_null)
        if rows and not any_value and probe.permission:
            self._missing.add(probe.permission)

    def _add_missing(self, lacking: PermissionMissing, endpoint: str) -> None:
        """Note the permissions that the key lacks; the endpoint, where nobody can name them."""
        named = lacking.details.get("permissions")
        self._missing.update(named if isinstance(named, list) and named else [endpoint])

    def _success(self) -> CheckResult:
        """The result after all probes were answered, though the key may lack permissions."""
        if not self._missing:
            return self._result("ok", f"The key opens {_shops_text(self._stores) or '?'}.")
        order = [*self._profile.permissions, *sorted(self._missing)]
        names = tuple(dict.fromkeys(name for name in order if name in self._missing))
        message = f"The key lacks permissions. Grant in {self._profile.title}: {', '.join(names)}."
        if not self._profile.permissions:
            message = f"{self._profile.title} does not let this key read: {', '.join(names)}."
        notes = [note for name in names if (note := self._profile.permission_notes.get(name))]
        said = " ".join([message, *notes])
        return self._result("permission_missing", said, names, PermissionMissing.code)

    def _failure(self, error: AiqError) -> CheckResult:
        outcome: CheckOutcome = "unexpected_answer"
        if isinstance(error, KeyRejected):
            outcome = "key_rejected"
        elif isinstance(error, ServerUnreachable | TooSlow):
            outcome = "server_unreachable"
        message = error.message
        if isinstance(error, RateLimited):
            message += " Try again in a few minutes."
        return self._result(outcome, message, code=error.code)

    def _result(
        self, outcome: CheckOutcome, message: str, missing: tuple[str, ...] = (), code: str = ""
    ) -> CheckResult:
        return CheckResult(outcome, message, self._scope(), self._stores, missing, code=code)

    def _scope(self) -> ScopeId | None:
        """Return the scope that the key opens; None while the POS has listed no store."""
        if not self._stores:
            return None
        return ScopeId(self._profile.scope_in(self._fields) or self._stores[0].key)

    def _params(self, probe: Probe) -> dict[str, str]:
        """The parameters of a small first page, of the first shop."""
        stream = self._profile.streams[probe.stream] if probe.stream else None
        if stream is None:
            return {}
        each = stream.each if stream.each and stream.each.of is None else None
        shop = {each.param: self._stores[0].key} if each and self._stores else {}
        return {**shop, **pager_of(stream.page.pager).first_page(probe.rows)}


def _shops_text(shops: Sequence[StoreFact], *, with_key: bool = False) -> str:
    """Name the first shops and count the others: a POS may list any number."""
    names = [
        f"{shop.key} ({shop.name})" if with_key else shop.name or shop.key
        for shop in shops[:MOST_NAMED]
    ]
    more = len(shops) - MOST_NAMED
    text = ", ".join(name[:LONGEST_NAME] for name in names)
    return f"{text} and {more} more" if more > 0 else text
