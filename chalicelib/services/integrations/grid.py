"""The Integration Grid: what each POS can do, in words, from the platforms' profiles (§2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from chalicelib.domain.words import DiscountUse, Platform
from chalicelib.services.ports.pos import PlatformInfo, PlatformSymbol


@dataclass(frozen=True, slots=True)
class GridPlatform:
    """A column: one POS. `contract`: how sure we are of what its server answers."""

    platform: Platform
    title: str
    guide_url: str | None
    contract: str
    symbol: PlatformSymbol
    pushes_signups: bool
    store_number: str | None


@dataclass(frozen=True, slots=True)
class Ability:
    """A row: what each POS has of one ability, in words."""

    key: str
    label: str
    values: dict[Platform, str]


@dataclass(frozen=True, slots=True)
class IntegrationGrid:
    platforms: tuple[GridPlatform, ...]
    rows: tuple[Ability, ...]


def _yes(wanted: object) -> str:
    return "yes" if wanted else "no"


def _pulls(info: PlatformInfo) -> str:
    return ", ".join(stream for stream in info.streams if stream != "stores")


def _writes(info: PlatformInfo) -> str:
    return "creates shoppers" if info.writable else "never: read-only"


def _age_gate(info: PlatformInfo) -> str:
    return "to connect" if info.age_gate_to_connect else "before any SMS"


_DISCOUNTS: Mapping[DiscountUse, str] = {
    "none": "–",  # noqa: RUF001 -- as product.md shows it
    "checkout": "mirrored by the same name, redeemed in its checkout",
    "sales": "mirrored by the same name, recognised in pulled sales",
}

_ROWS: tuple[tuple[str, str, Callable[[PlatformInfo], str]], ...] = (
    ("credential_per", "One credential per", lambda info: info.credential_per),
    ("pulls", "Pulls", _pulls),
    ("own_server", "Runs on the retailer's own server", lambda info: _yes(info.own_server)),
    ("age_gate", "Age-gate box needed", _age_gate),
    (
        "signups",
        "Pushes in-checkout signups to AIQ",
        lambda info: _yes(info.pushes_signups),
    ),
    ("writes", "AIQ may write to it", _writes),
    ("discounts", "Discounts", lambda info: _DISCOUNTS[info.discounts]),
    ("points", "Imports loyalty points", lambda info: _yes(info.imports_points)),
    ("market", "Sync to relevant market", lambda info: _yes(info.market_sync)),
    ("contract", "Wire contract", lambda info: info.contract_status),
)


def integration_grid(infos: Iterable[PlatformInfo]) -> IntegrationGrid:
    """Return the grid, a column per POS by title."""
    by_title = sorted(infos, key=lambda info: info.title.lower())
    return IntegrationGrid(
        platforms=tuple(
            GridPlatform(
                info.platform,
                info.title,
                info.guide_url,
                info.contract_status,
                info.symbol,
                info.pushes_signups,
                info.store_number,
            )
            for info in by_title
        ),
        rows=tuple(
            Ability(key, label, {info.platform: value(info) for info in by_title})
            for key, label, value in _ROWS
        ),
    )
