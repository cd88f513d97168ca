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
    UpstreamError,
)
from chalicelib.domain.records import StoreFact
from chalicelib.pos.fields import Setting
from chalicelib.pos.normalise import Normaliser
from chalicelib.pos.profile import PageTotal, Probe, Profile
from chalicelib.pos.session import Doors
from chalicelib.pos.sheet import Sheet, sheet_of
from chalicelib.pos.transport import TooSlow
from chalicelib.services.ports.pos import CheckOutcome, CheckResult

DEADLINE_SECONDS = 8.0
"""Over all probes and auth variants together."""


class Check:
    """One check of one credential. Never raises for what the POS does, only HostRefused."""

    def __init__(self, profile: Profile, doors: Doors) -> None:
        self._profile = profile
        self._doors = doors
        self._missing: set[str] = set()
        self._store: StoreFact | None = None

    def run(self) -> CheckResult:
        """What was learnt before something failed is told too."""
        try:
            self._store = self._ask_store()
            for probe in self._profile.probes:
                self._try(probe)
        except HostRefused:
            raise
        except AiqError as error:
            return self._failed(error)
        return self._passed()

    def _ask_store(self) -> StoreFact | None:
        """What the key opens; None when it may not even say that."""
        stream = self._profile.streams["stores"]
        normaliser = Normaliser(self._profile, "stores", Setting(store_key=""))
        try:
            rows = self._doors.get(
                stream.endpoint, {}, lambda body: sheet_of(body, stream, stream.endpoint).rows
            )
        except PermissionMissing as lacking:
            self._lacks(lacking)
            return None
        fact = normaliser.one(rows[0])
        if isinstance(fact, StoreFact):
            return fact
        raise UpstreamError(f"{self._profile.title} does not say which store the key is for.")

    def _try(self, probe: Probe) -> None:
        if probe.endpoint == self._profile.streams["stores"].endpoint:
            return
        try:
            sheet = self._doors.get(
                probe.endpoint, _params(self._profile, probe), self._read(probe)
            )
        except PermissionMissing as lacking:
            self._lacks(lacking)
        except AiqError as error:
            if not probe.optional or isinstance(error, HostRefused):
                raise
        else:
            self._judge(probe, sheet)

    def _read(self, probe: Probe) -> Any:  # a reader of one JSON body
        stream = self._profile.streams[probe.stream] if probe.stream else None
        if stream is None:
            return lambda _body: None
        return lambda body: sheet_of(body, stream, probe.endpoint)

    def _judge(self, probe: Probe, sheet: Sheet | None) -> None:
        """A POS may answer 200 and hold back what matters (reference/pos.md §1.3)."""
        if sheet is None or not probe.not_all_null or len(sheet.rows) < probe.judge_from:
            return
        rows = [row for row in sheet.rows if isinstance(row, dict)]
        told = any(row.get(name) is not None for row in rows for name in probe.not_all_null)
        if rows and not told and probe.permission:
            self._missing.add(probe.permission)

    def _lacks(self, lacking: PermissionMissing) -> None:
        named = lacking.details.get("permissions")
        self._missing.update(named if isinstance(named, list) and named else ["unnamed"])

    def _passed(self) -> CheckResult:
        if not self._missing:
            return self._result("ok", f"The key opens {self._store.name if self._store else '?'}.")
        order = [*self._profile.permissions, *sorted(self._missing)]
        names = tuple(dict.fromkeys(name for name in order if name in self._missing))
        said = f"The key lacks permissions. Grant in {self._profile.title}: {', '.join(names)}."
        return self._result("permission_missing", said, names)

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
        store = self._store
        return CheckResult(
            outcome, message, store.key if store else None, (store,) if store else (), missing
        )


def _params(profile: Profile, probe: Probe) -> dict[str, str]:
    """A first page, small."""
    page = profile.streams[probe.stream].page if probe.stream else None
    if not isinstance(page, PageTotal):
        return {}
    return {page.number: "1", page.size: str(probe.rows)}
