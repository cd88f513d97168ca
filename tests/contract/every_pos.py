"""One retailer with every simulated POS, synced in process; what AIQ makes of it in loyalty."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from chalicelib.domain.ledger import posted_total
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import day_number, local_day
from chalicelib.pos.gateway import Gateway
from simulators.oracle import answer_all
from simulators.oracle.loyalty import Card, Programme
from simulators.oracle.reading import read
from simulators.registry import platform_names, platform_of, server_of
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.serving.server import SimServer
from tests.contract.retailer import DAY, YEAR, HastyClock, connected
from tests.worlds.backroom import UID, Backroom

SIZES = {"shoppers": 300, "sales": 900, "old_lots": 20, "products": 40, "overlap": 0.4}
"""Smaller, and the worlds would hold fewer kinds of mess."""

Told = dict[frozenset[tuple[str, ...]], Any]
"""By the source records of a persona."""


@dataclass
class Chain:
    servers: Mapping[str, SimServer[Any]]
    room: Backroom
    credentials: Mapping[str, list[str]]
    history_from: int

    def sync(self, reread: int | None = None) -> None:
        """One run of every credential, to its end; of history again from `reread` on."""
        runs = self.room.runs
        for platform, names in self.credentials.items():
            for name in names:
                asked = (
                    runs.start(UID, platform, name, "now")
                    if reread is None
                    else runs.reread(UID, platform, name, reread)
                )
                self.room.deliver()
                run = self.room.states.run(UID, platform, asked.id)
                assert run.state == "succeeded", run.error

    def decide(self, programme: Programme) -> None:
        """Put the retailer's rules into force, for what comes from now on."""
        self.room.rules.set(UID, rules_of(programme))

    def rederive(self) -> None:
        self.room.commits.rederive(UID, [rid for _, rid in self.room.facts.records])

    def today(self) -> date:
        return local_day(self.room.clock.now(), self.room.accounts.get(UID).time_zone)

    def told(self) -> Told:
        """What AIQ says of each persona; the balance is the ledger's, entry by entry."""
        facts = self.room.facts
        asks = {ask.record: ask.number for ask in self.room.effects.asks.values()}
        found: Told = {}
        for _, rid in facts.personas:
            persona = facts.persona(UID, rid)
            assert persona is not None
            rows = [facts.records[UID, member].record for member in persona.members]
            entries = [
                posted_total(held)
                for r in persona.members
                for held in facts.pointers(UID, r).values()
            ]
            assert persona.points == sum(entries), "the balance is the sum of the ledger"
            found[frozenset((r.platform, r.scope, r.customer.ext_id) for r in rows)] = {
                "flags": sorted(persona.flags),
                "reasons": [reason.name for reason in persona.reasons],
                "points": persona.points,
                "asked": list(persona.asked_by),
                "number": asks.get(rid),
            }
        return found

    def right(self, programme: Programme) -> tuple[Told, dict[str, Any]]:
        """The same of the oracle, and its totals."""
        readings = [read(server.world, self.history_from) for server in self.servers.values()]
        answer = answer_all(readings, programme=programme)
        standings = {frozenset(map(tuple, g["records"])): g["loyalty"] for g in answer["groups"]}
        return standings, answer["loyalty"]


def rules_of(programme: Programme) -> Rules:
    def day(on: date | None) -> int | None:
        return None if on is None else day_number(on)

    return Rules(
        Loyalty(
            enabled=programme.enabled,
            accrual_start=day(programme.accrual_start),
            points_per_100=programme.per_100,
            points_per_order=programme.per_order,
            max_orders_per_day=programme.orders_a_day,
            exclude_tax=programme.exclude_tax,
            rounding=programme.rounding,  # type: ignore[arg-type]
        ),
        {
            platform: Source(
                enroll_after=day(card.enroll_after),
                sms_opt_in_after=day(card.sms_opt_in_after),
                accrual_start=day(card.accrual_start),
            )
            for platform, card in programme.cards.items()
        },
    )


def programme(today: date, **changes: Any) -> Programme:
    """Cards that differ in every way, and rules that no default hides."""

    def ago(days: int) -> date:
        return date.fromordinal(today.toordinal() - days)

    cards = {
        "posabit": Card(ago(120), ago(60), None),
        "thsuite": Card(ago(200), ago(200), ago(90)),
        "webjoint": Card(None, ago(100), None),
        "auphan": Card(ago(300), None, ago(30)),
        "profitek": Card(ago(20), ago(20), ago(320)),
    }
    rules: dict[str, Any] = {
        "cards": cards,
        "accrual_start": ago(250),
        "per_100": 777,
        "per_order": 150,
        "orders_a_day": 1,
        "exclude_tax": True,
        "rounding": "nearest",
    }
    return Programme(today=today, **{**rules, **changes})


@contextmanager
def a_chain(**changes: float) -> Iterator[Chain]:
    now = int(time.time() * 1000) // DAY * DAY
    spec = WorldSpec(now=now, **{**SIZES, **changes})  # type: ignore[arg-type]
    with ExitStack() as closing:
        servers = {
            name: closing.enter_context(server_of(name)(World(spec, platform_of(name))))
            for name in platform_names()
        }
        clock = HastyClock()
        token = servers["posabit"].world.integrator_token
        bases = {name: server.base_url for name, server in servers.items()}
        room = Backroom(gateway=Gateway(clock, bases, lambda _platform: token), clock=clock)
        since = now - YEAR
        credentials = {
            name: connected(room, server, name, since) for name, server in servers.items()
        }
        yield Chain(servers, room, credentials, since)
