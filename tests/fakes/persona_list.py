"""Personas in other orders, over the facts in memory."""

from __future__ import annotations

from chalicelib.adapters.dynamo.keys.fact_keys import NAME_SHARDS, name_shard_of, pointer
from chalicelib.domain.names import name_key
from chalicelib.domain.sales_summary import SaleRef
from tests.fakes.common import FakeClock
from tests.fakes.facts import MemoryFacts


class MemoryPersonaList:
    def __init__(self, facts: MemoryFacts) -> None:
        self._facts = facts

    def by_arrival(
        self, uid: str, limit: int, after: str | None, *, newest_first: bool = True
    ) -> tuple[list[str], str | None]:
        places = [f"{p.inserted_at:015d}#{p.id}" for p in self._personas(uid)]
        places.sort(reverse=newest_first)
        return _page(places, limit, after)

    def in_turn(self, uid: str, limit: int, after: str | None) -> tuple[list[str], str | None]:
        places = [f"1|{p.inserted_at:015d}#{p.id}" for p in self._personas(uid)]
        places += [
            f"0|{row.record.first_seen:015d}#{rid}"
            for (owner, rid), row in self._facts.records.items()
            if owner == uid and row.out_of_market
        ]
        places = sorted((p for p in places if after is None or p < after), reverse=True)
        return _page(places, limit, None)

    def by_name(
        self, uid: str, prefix: str, limit: int, after: str | None, *, descending: bool = False
    ) -> tuple[list[str], str | None]:
        named = [f"{name_key(p.first, p.last)}#{p.id}" for p in self._personas(uid)]
        places = [place for place in named if place.startswith(prefix)]
        places.sort(
            key=lambda place: (NAME_SHARDS.index(name_shard_of(place)), place), reverse=descending
        )
        return _page(places, limit, after)

    def sale_refs(
        self, uid: str, record: str, limit: int, before: str | None
    ) -> list[tuple[str, SaleRef]]:
        refs = [
            (pointer(ref.ordered_at, ref.scope, ref.ext_id), ref)
            for ref in self._facts.pointers(uid, record)
        ]
        refs.sort(key=lambda found: found[0], reverse=True)
        return [ref for ref in refs if before is None or ref[0] < before][:limit]

    def _personas(self, uid: str) -> list:
        return [p for (owner, _), p in self._facts.personas.items() if owner == uid]


class LaggingPersonaList(MemoryPersonaList):
    """Shows a persona only so many seconds after it came under its id, as an index of DynamoDB."""

    def __init__(self, facts: MemoryFacts, clock: FakeClock, seconds: float) -> None:
        super().__init__(facts)
        self._clock, self._seconds = clock, seconds
        facts.personas = self._arrivals = _Arrivals(facts.personas, clock)

    def _personas(self, uid: str) -> list:
        until = self._clock.now() - self._seconds * 1000
        return [p for p in super()._personas(uid) if self._arrivals.at[uid, p.id] <= until]


class _Arrivals(dict):
    """Remembers since when each place is taken."""

    def __init__(self, rows: dict, clock: FakeClock) -> None:
        super().__init__(rows)
        self._clock, self.at = clock, dict.fromkeys(rows, 0)

    def __setitem__(self, place: tuple[str, str], row: object) -> None:
        if place not in self:
            self.at[place] = self._clock.now()
        super().__setitem__(place, row)


def _page(places: list[str], limit: int, after: str | None) -> tuple[list[str], str | None]:
    start = places.index(after) + 1 if after is not None else 0
    shown = places[start : start + limit]
    more = shown[-1] if len(shown) == limit else None
    return [place.rpartition("#")[2] for place in shown], more
