"""*Check*: does the key work, what does it open, what does it lack (product.md §3)."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.errors import (
    AiqError,
    HostRefused,
    KeyRejected,
    PermissionMissing,
    RateLimited,
    ServerUnreachable,
    UnexpectedAnswer,
    UpstreamError,
)
from chalicelib.domain.records import StoreFact
from chalicelib.domain.words import CheckOutcome, ScopeId
from chalicelib.pos.paging import each_shop as shops
from chalicelib.pos.paging import styles as paging
from chalicelib.pos.paging.sheet import Json, Sheet, refuse_error_object, sheet_of
from chalicelib.pos.profile.paging import PageLimit, PageProfile, PageTotal, RangePage
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.wire import Probe
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.pos.transport.auth_variants import AuthVariants
from chalicelib.pos.transport.transport import TooSlow
from chalicelib.services.ports.pos import CheckResult, CredentialAccess, StreamPlan

DEADLINE_SECONDS = 8.0
"""Over all probes and auth variants together."""


class Check:
    """One check of one credential. Never raises for what the POS does, only HostRefused."""

    def __init__(self, profile: Profile, auth: AuthVariants, access: CredentialAccess) -> None:
        self._profile = profile
        self._auth = auth
        self._fields = access.fields
        self._zone = access.time_zone
        self._missing: set[str] = set()
        self._stores: tuple[StoreFact, ...] = ()

    def run(self) -> CheckResult:
        """What was learnt before something failed is told too."""
        try:
            self._stores = self._ask_stores()
            for probe in self._profile.probes:
                self._try(probe)
        except HostRefused:
            raise
        except AiqError as error:
            return self._failed(error)
        return self._passed()

    def _ask_stores(self) -> tuple[StoreFact, ...]:
        """What the key opens; nothing when it may not even say that."""
        stream = self._profile.streams["stores"]
        scope = self._profile.scope_in(self._fields) if self._profile.one_store else None
        normaliser = Normaliser(self._profile, "stores", Setting(store_key=scope or ""))
        style = paging.style_for(self._profile, stream, self._zone)
        plan = StreamPlan("stores", now=self._auth.transport.now())

        def read(body: Json) -> list[Json]:
            refuse_error_object(body, self._profile.error_objects, self._profile.title)
            sheet = sheet_of(body, stream, stream.endpoint)
            style.judge(plan, None, sheet)
            return sheet.rows

        try:
            rows = self._auth.get(stream.endpoint, style.ask(plan, None), read)
        except PermissionMissing as lacking:
            self._lacks(lacking, stream.endpoint)
            return ()
        found = normaliser.page(rows).facts
        facts = tuple(fact for fact in found if isinstance(fact, StoreFact))
        if not facts:
            raise UpstreamError(f"{self._profile.title} does not say which store the key is for.")
        return self._chosen(facts)

    def _chosen(self, facts: tuple[StoreFact, ...]) -> tuple[StoreFact, ...]:
        """The shops that the credential lists, or all. Raises UnexpectedAnswer for a shop that the
        POS does not know."""
        field = self._profile.shops_field
        chosen = shops.listed(self._fields.get(field, "")) if field else []
        known = {fact.key: fact for fact in facts}
        if strange := [key for key in chosen if key not in known]:
            raise UnexpectedAnswer(
                f"{self._profile.title} does not know {', '.join(strange)[:80]}."
                f" It has {', '.join(f'{fact.key} ({fact.name})' for fact in facts[:20])}."
            )
        return tuple(known[key] for key in chosen) or facts

    def _try(self, probe: Probe) -> None:
        if probe.endpoint == self._profile.streams["stores"].endpoint:
            return
        try:
            sheet = self._auth.get(probe.endpoint, self._params(probe), self._read(probe))
        except PermissionMissing as lacking:
            self._lacks(lacking, probe.endpoint)
        except AiqError as error:
            if not probe.optional or isinstance(error, HostRefused):
                raise
        else:
            self._judge(probe, sheet)

    def _read(self, probe: Probe) -> Any:  # a reader of one JSON body
        stream = self._profile.streams[probe.stream] if probe.stream else None
        if stream is None:
            return lambda _body: None

        def read(body: Json) -> Sheet:
            refuse_error_object(body, self._profile.error_objects, self._profile.title)
            return sheet_of(body, stream, probe.endpoint)

        return read

    def _judge(self, probe: Probe, sheet: Sheet | None) -> None:
        """A POS may answer 200 and hold back what matters (reference/pos.md §1.3)."""
        if sheet is None or not probe.not_all_null or len(sheet.rows) < probe.judge_from:
            return
        rows = [row for row in sheet.rows if isinstance(row, dict)]
        told = any(row.get(name) is not None for row in rows for name in probe.not_all_null)
        if rows and not told and probe.permission:
            self._missing.add(probe.permission)

    def _lacks(self, lacking: PermissionMissing, endpoint: str) -> None:
        """Of a POS whose permissions nobody can name, what the key may not read."""
        named = lacking.details.get("permissions")
        self._missing.update(named if isinstance(named, list) and named else [endpoint])

    def _passed(self) -> CheckResult:
        if not self._missing:
            names = tuple(store.name or store.key for store in self._stores)
            return self._result("ok", f"The key opens {', '.join(names) or '?'}.")
        order = [*self._profile.permissions, *sorted(self._missing)]
        names = tuple(dict.fromkeys(name for name in order if name in self._missing))
        said = f"The key lacks permissions. Grant in {self._profile.title}: {', '.join(names)}."
        if not self._profile.permissions:
            said = f"{self._profile.title} does not let this key read: {', '.join(names)}."
        notes = [note for name in names if (note := self._profile.permission_notes.get(name))]
        return self._result("permission_missing", " ".join([said, *notes]), names)

    def _failed(self, error: AiqError) -> CheckResult:
        outcome: CheckOutcome = "unexpected_answer"
        if isinstance(error, KeyRejected):
            outcome = "key_rejected"
        elif isinstance(error, ServerUnreachable | TooSlow):
            outcome = "server_unreachable"
        message = error.message
        if isinstance(error, RateLimited):
            message += " Try again in a few minutes."
        return self._result(outcome, message)

    def _result(
        self, outcome: CheckOutcome, message: str, missing: tuple[str, ...] = ()
    ) -> CheckResult:
        return CheckResult(outcome, message, self._scope(), self._stores, missing)

    def _scope(self) -> ScopeId | None:
        """What the key opens, once the POS has said that it opens something."""
        if not self._stores:
            return None
        return ScopeId(self._profile.scope_in(self._fields) or self._stores[0].key)

    def _params(self, probe: Probe) -> dict[str, str]:
        """A first page, small, of the first shop."""
        stream = self._profile.streams[probe.stream] if probe.stream else None
        if stream is None:
            return {}
        shop = {stream.each.param: self._stores[0].key} if stream.each and self._stores else {}
        return {**shop, **_first_page(stream.page, probe.rows)}


def _first_page(page: PageProfile, rows: int) -> dict[str, str]:
    match page:
        case PageTotal() | PageLimit():
            return {page.number: "1", page.size: str(rows)}
        case RangePage():
            return {page.param: f"[0,{rows - 1}]"}
        case _:
            return {}
