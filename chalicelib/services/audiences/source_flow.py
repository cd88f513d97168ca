"""Where the shoppers and sales went that a source told (product.md §5, §6): people compare totals,
and think that data is lost.

No persona is read: the latest audience run and the last syncs have counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain.words import Instant, Platform, Stream, Uid
from chalicelib.services.audiences.figures import NO_TOTALS, read_figures
from chalicelib.services.ports.api_keys import ApiKeys, KeyUses
from chalicelib.services.ports.audiences import AudienceRuns, Objects
from chalicelib.services.ports.integrations import Credentials
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.runs import RunView, StreamState, SyncStates

RUNS_LOOKED_AT = 50
SIGNUP_ROUTES = frozenset({"/api/v2/loyalty", "/api/v1.1/loyaltyContact/{uid}"})


@dataclass(frozen=True, slots=True)
class Funnel:
    """What became of the shoppers that a source listed: `sent` is the sum of the others.

    `sent`: rows of the last complete listings; None where one was never complete. `personas`: with
    a record of the source; `merged`: further records of theirs; `without_contact`: the rest.
    """

    as_of: Instant
    sent: int | None
    personas: int
    merged: int
    without_contact: int | None
    set_aside: int
    out_of_market: int


@dataclass(frozen=True, slots=True)
class UnlinkedSales:
    """Of `of` sales of the fullest syncs lately, those that name no shopper. `as_of`: the end of
    the earliest of these syncs."""

    sales: int
    of: int
    as_of: Instant


@dataclass(frozen=True, slots=True)
class Stock:
    """Products of the last complete catalogues, the oldest of which is of `as_of`."""

    items: int
    as_of: Instant | None


@dataclass(frozen=True, slots=True)
class SourceFlow:
    """Parts are None while nothing has counted them. `last_signup_at`: among the last 200 calls of
    each key of the platform."""

    funnel: Funnel | None
    unlinked: UnlinkedSales | None
    stock: Stock | None
    last_signup_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFlows:
    """Reads where the shoppers and sales of a source went."""

    pos: PosGateway
    runs: AudienceRuns
    objects: Objects
    credentials: Credentials
    states: SyncStates
    keys: ApiKeys
    uses: KeyUses

    def of(self, uid: Uid, platform: Platform) -> SourceFlow:
        """Return what became of what the source told. Raises NotFound for an unknown platform."""
        self.pos.platform(platform)
        held = [each.id for each in self.credentials.for_integration(uid, platform)]
        streams = [self.states.streams(uid, credential) for credential in held]
        recent, _ = self.states.runs(uid, platform, RUNS_LOOKED_AT, None)
        ended = [run for run in recent if run.state == "succeeded" and run.credential in held]
        customers = [of_one.get("customers") for of_one in streams]
        inventory = [state for of_one in streams if (state := of_one.get("inventory")) is not None]
        set_aside = sum(run.streams["customers"].set_aside for run in _fullest(ended, "customers"))
        return SourceFlow(
            funnel=self._funnel(uid, platform, _listed(customers), set_aside),
            unlinked=_unlinked(_fullest(ended, "sales")),
            stock=_stock(inventory),
            last_signup_at=self._last_signup(uid, platform),
        )

    def _funnel(
        self, uid: Uid, platform: Platform, sent: int | None, set_aside: int
    ) -> Funnel | None:
        figures = read_figures(self.objects, uid, self.runs.head(uid).latest)
        if figures is None:
            return None
        told = figures.sources.get(platform, NO_TOTALS)
        known = told.records + told.out_of_market + set_aside
        # A listing and the run are of different moments: who came in between was sent, too.
        sent = None if sent is None else max(sent, known)
        return Funnel(
            as_of=figures.as_of,
            sent=sent,
            personas=told.personas,
            merged=told.records - told.personas,
            without_contact=None if sent is None else sent - known,
            set_aside=set_aside,
            out_of_market=told.out_of_market,
        )

    def _last_signup(self, uid: Uid, platform: Platform) -> Instant | None:
        keys = [key for key in self.keys.for_account(uid) if key.platform == platform]
        times = [
            call.at
            for key in keys
            for call in self.uses.calls(uid, key.id)
            if call.route in SIGNUP_ROUTES and call.status < 300
        ]
        return max(times, default=None)


def _listed(states: Sequence[StreamState | None]) -> int | None:
    """Rows of the last complete listing of every credential; None while one has none."""
    rows = [state.last_listing if state is not None else 0 for state in states]
    return sum(rows) if rows and all(rows) else None


def _fullest(runs: Iterable[RunView], stream: Stream) -> list[RunView]:
    """Of each credential the run that read most of the stream, the latest of equal ones."""
    fullest: dict[str, RunView] = {}
    for run in runs:  # the newest first
        totals, known = run.streams.get(stream), fullest.get(run.credential)
        if totals is None or not totals.fetched:
            continue
        if known is None or totals.fetched > known.streams[stream].fetched:
            fullest[run.credential] = run
    return list(fullest.values())


def _unlinked(runs: Sequence[RunView]) -> UnlinkedSales | None:
    if not runs:
        return None
    unlinked = sum(run.sales_unlinked for run in runs)
    return UnlinkedSales(
        sales=unlinked,
        of=unlinked + sum(run.sales_linked for run in runs),
        as_of=min(run.ended_at or run.queued_at for run in runs),
    )


def _stock(states: Sequence[StreamState]) -> Stock | None:
    items = sum(state.last_listing for state in states)
    if not items:
        return None
    times = [state.watermark for state in states if state.watermark is not None]
    return Stock(items, min(times, default=None))
