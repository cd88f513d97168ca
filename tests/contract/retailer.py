"""A simulated retailer, synced in process: the real connector and worker, tables in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import registry
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.pos import CredentialAccess
from chalicelib.services.ports.runs import RunView
from simulators import oracle
from simulators.registry import platform_of, server_of
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.serving.server import SimServer
from tests.worlds.backroom import PLATFORM, UID, Backroom

HOUR = 3_600_000
DAY = 24 * HOUR
YEAR = 365 * DAY


class HastyClock(SystemClock):
    """Real time, but nobody sleeps: pace and back-off have tests of their own. `ahead`: so many
    milliseconds later."""

    ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Not at all."""

    def move(self, seconds: float) -> None:
        """Time moves by itself."""


@dataclass
class Retailer:
    platform: str
    server: SimServer[Any]
    room: Backroom
    credentials: list[str]
    history_from: int

    def sync(self) -> list[RunView]:
        """One run of every credential, to its end."""
        return [self._run(credential) for credential in self.credentials]

    def _run(self, credential: str) -> RunView:
        asked = self.room.runs.start(UID, self.platform, credential, "now")
        self.room.deliver()
        return self.room.states.run(UID, self.platform, asked.id)

    def told(self) -> dict[str, Any]:
        """What AIQ knows, in the oracle's terms."""
        shops = dict(enumerate(self.server.world.shops, 1))
        stores = {number: shop.key for number, shop in shops.items()}
        mapping = {
            store_key_id(self.platform, shop.scope, shop.key): number
            for number, shop in shops.items()
        }
        self.room.stores.mapping = lambda _uid: mapping
        self.room.commits.rederive(UID, [rid for _, rid in self.room.facts.records])
        records = {
            rid: (stored.record.scope, stored.record.customer.ext_id)
            for (_, rid), stored in self.room.facts.records.items()
        }
        sales = self.room.facts.sale_rows.values()
        linked = sum(sale.record is not None for sale in sales)
        return {
            "groups": {
                (
                    frozenset(records[m] for m in persona.members),
                    stores.get(persona.favourite_store),
                )
                for persona in self.room.facts.personas.values()
            },
            "linked": linked,
            "unlinked": len(sales) - linked,
            "store_keys": {k.key: k.sales for k in self.room.stores.keys(UID)},
            "in_stock": {
                key.split(":")[-1]: sum(item.active for item in shelf.values())
                for (_, key), shelf in self.room.inventories.items.items()
            },
        }

    def truth(self) -> dict[str, Any]:
        """What the oracle says AIQ should know."""
        answer = oracle.answer(self.server.world, self.history_from)
        return {
            "groups": {
                (frozenset(tuple(r) for r in group["records"]), group["favourite"])
                for group in answer["groups"]
            },
            "linked": answer["sales"]["linked"],
            "unlinked": answer["sales"]["unlinked"],
            "store_keys": {key["key"]: key["sales"] for key in answer["store_keys"]},
            "in_stock": {code: stock["in_stock"] for code, stock in answer["inventory"].items()},
        }

    def row_of(self, venue: int, place: int) -> int:
        """The id of a sound customer row, counted in the order the POS lists them."""
        rows = [r for r in self.server.world.shops[venue].customers.rows() if not r.quirk]
        return int(sorted(rows, key=lambda r: r.updated)[place].id)

    def record_of(self, venue: int, ext_id: int) -> str:
        return record_id(UID, self.platform, self.server.world.shops[venue].scope, str(ext_id))


def connected(
    room: Backroom, server: SimServer[Any], platform: str, history_from: int
) -> list[str]:
    """Connect the platform with every credential that its retailer has; their ids."""
    if platform != PLATFORM:
        room.integrations.save(Integration(UID, platform, state="connected"))
    secret = registry.profile(platform).secret_fields
    names = []
    for number, typed in enumerate(server.api.credentials()):
        secrets = {key: value for key, value in typed.items() if key in secret}
        fields = {key: value for key, value in typed.items() if key not in secret}
        name = f"crd_{platform}{number}"
        names.append(name)
        found = room.gateway.check(CredentialAccess(platform, typed, permit=do_nothing))
        room.credentials.add(
            Credential(
                uid=UID,
                platform=platform,
                id=name,
                scope=found.scope or "",
                fields=fields,
                sealed=room.key_ring.seal(UID, name, secrets).sealed,
                history_from=history_from,
                created_at=room.clock.now(),
            )
        )
    return names


@contextmanager
def a_retailer(
    *,
    platform: str = "posabit",
    shoppers: int = 240,
    sales: int = 600,
    stores: int = 2,
    rows_a_page: int = 40,
    seed: int = 7,
) -> Iterator[Retailer]:
    now = int(time.time() * 1000) // DAY * DAY
    spec = WorldSpec(
        now=now, seed=seed, shoppers=shoppers, stores=stores, sales=sales, old_lots=60, products=50
    )
    with server_of(platform)(World(spec, platform_of(platform))) as server:
        if server.api.page_setting:
            setattr(server.api.settings, server.api.page_setting, rows_a_page)
        clock = HastyClock()
        token = server.world.integrator_token
        gateway = Gateway(clock, {platform: server.base_url}, lambda _platform: token)
        room = Backroom(gateway=gateway, clock=clock)
        history_from = now - YEAR
        names = connected(room, server, platform, history_from)
        server.stats.clear()
        yield Retailer(platform, server, room, names, history_from)
