"""What a sync run came to: the one value that the ending of a run works from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.domain.errors import AiqError
from chalicelib.domain.listing_checks import is_truncated
from chalicelib.domain.words import CredentialId, Instant, Platform, RunState, ScopeId, Stream, Uid
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.runs import RunError, StreamState

MOST_STORE_KEYS = 20_000
"""Store keys of one credential that are recorded and counted: a field that has another value in
every sale is no store. Sales of further ones are kept, with their key."""

RunEnd = Literal["complete", "broken off", "stopped"]
"""`complete`: every stream was read that the key may read. `broken off`: an error ended the run.
`stopped`: a person did."""

CatalogueListing = Literal["taken", "too short", "nothing new"]
"""Whether the run's listing of products says which products are gone."""


@dataclass(frozen=True, slots=True)
class StreamResult:
    """Holds what a run read of one stream.

    `good`: all of it was read. `full_listing`: it was read as a listing of everything that the POS
    has. `looks_back`: it went back as far as a daily pass does. `read_from`: since when, None for
    all there is. `listed`: rows received. `set_aside`: those that could not be used; `unusable`:
    these and those that hold words that the profile does not know; `aside_from`, `words_from`: as
    on `StreamState`. `days`: new sales per local day number, as text.
    `store_key_sales`: new sales per store key; a key that was only listed has 0. `goes_on`: it was
    read from the last bookmark on, so that nothing older came; `bookmark`: the one for next time.
    """

    good: bool = False
    full_listing: bool = False
    looks_back: bool = False
    read_from: Instant | None = None
    listed: int = 0
    set_aside: int = 0
    unusable: int = 0
    aside_from: Instant | None = None
    words_from: Instant | None = None
    days: Mapping[str, int] = field(default_factory=dict)
    store_key_sales: Mapping[str, int] = field(default_factory=dict)
    goes_on: bool = False
    bookmark: str | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """A sync run that ended in this process.

    `scope`: the credential's, empty when it is not known. `account`: None when the run ended before
    it was read. `began`: the clock before the run's first request. `error`: why the run failed, or
    which permission one of its streams lacked. `missing_permissions`: as the POS names them.
    `reading`: of the session that read its rows. `streams`: of every stream that the run was to
    read. `earlier`: the streams as earlier runs left
    them. `store_names`: name and IANA zone by store key. `customers_changed`: new or changed
    customers came; looked at in complete runs only. `new_shoppers`: how many came that AIQ did
    not have. `leavers`: records of members who left.
    `takes_points`: points are imported from this source; `fixes_points`: this run's customers
    listing may fix them, unless there are `unread_balances`, external ids of shoppers whose points
    it could not read. `sales_missing`: how many sales a listing lacked that is not believed, and
    how many it should have shown. `products_gone`: digests of the product ids that a listing which
    was taken lacks.
    """

    uid: Uid
    platform: Platform
    credential: CredentialId
    run: str
    scope: ScopeId
    account: Account | None
    began: Instant
    end: RunEnd
    error: RunError | None = None
    missing_permissions: tuple[str, ...] = ()
    reading: str | None = None
    streams: Mapping[Stream, StreamResult] = field(default_factory=dict)
    earlier: Mapping[Stream, StreamState] = field(default_factory=dict)
    store_names: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    sales_linked: int = 0
    sales_unlinked: int = 0
    customers_changed: bool = False
    new_shoppers: int = 0
    leavers: tuple[str, ...] = ()
    takes_points: bool = False
    fixes_points: bool = False
    sales_missing: tuple[int, int] | None = None
    unread_balances: tuple[str, ...] = ()
    catalogue: CatalogueListing = "nothing new"
    products_gone: frozenset[int] = frozenset()

    @property
    def state(self) -> RunState:
        if self.end == "stopped":
            return "stopped"
        return "succeeded" if self.error is None else "failed"

    @property
    def display_name(self) -> str:
        """The source as people know it: its only store's name, else its scope."""
        names = [name for name, _ in self.store_names.values() if name]
        return names[0] if len(names) == 1 else self.scope or self.credential

    @property
    def known_store_keys(self) -> set[str]:
        """The store keys that earlier runs met."""
        return store_keys_of(self.earlier)

    @property
    def is_first(self) -> bool:
        """Whether no run before read any stream of the credential to its end."""
        return all(state.watermark is None for state in self.earlier.values())

    def state_before(self, stream: Stream) -> StreamState:
        return self.earlier.get(stream) or StreamState()


def store_keys_of(states: Mapping[Stream, StreamState]) -> set[str]:
    return {key for state in states.values() for key in state.store_key_sales}


def judge_catalogue(
    inventory: StreamResult | None, earlier: StreamState, run: str
) -> CatalogueListing:
    """Whether what a complete listing of products lacks is gone: unless it lacks suspiciously much.

    The next listing is compared with this one either way: as short again, it is believed.
    `earlier`: the inventory as earlier runs left it.
    """
    if inventory is None or not (inventory.good and inventory.full_listing):
        return "nothing new"
    if earlier.last_run == run:
        return "nothing new"
    return "too short" if is_truncated(inventory.listed, earlier.last_listing) else "taken"


def run_error(error: AiqError, stream: Stream | None) -> RunError:
    """An error as the run shows it. `stream`: the one that was being read."""
    return RunError(error.code, error.actor, error.message, stream)


def named_permissions(error: AiqError) -> list[str]:
    """The permissions that the POS misses in the key, by their names there."""
    named = error.details.get("permissions")
    return [str(name) for name in named] if isinstance(named, list | tuple) else []
