"""Personas in other orders: the fake and the table's indexes keep the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.commit_locks import CommitLocks
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.adapters.dynamo.persona_list import DynamoPersonaList
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ids import record_id
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.services.ports.commits import Writes
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.persona_list import PersonaList
from chalicelib.services.ports.stored_facts import StoredRecord
from tests.fakes.common import NOON, FakeClock
from tests.fakes.facts import MemoryFacts
from tests.fakes.persona_list import MemoryPersonaList
from tests.functional.personas_table import TABLE, an_aws, personas_table

OURS, OTHERS = "3912", "4000"


@dataclass
class Directory:
    facts: FactStore
    list: PersonaList

    def add(self, *personas: Persona, uid: str = OURS) -> None:
        self.write(Writes(personas={p.id: p for p in personas}), uid)

    def write(self, writes: Writes, uid: str = OURS) -> None:
        lock = self.facts.lock(uid)
        self.facts.write(lock, writes)
        self.facts.unlock(lock, done=True)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with an_aws() as made:
        yield made


@pytest.fixture(params=["fake", "table"])
def directory(request: pytest.FixtureRequest, client: Any) -> Iterator[Directory]:
    if request.param == "fake":
        facts = MemoryFacts()
        yield Directory(facts, MemoryPersonaList(facts))
        return
    clock = FakeClock()
    with personas_table(client):
        table = BatchTable(client, TABLE, clock)
        yield Directory(DynamoFacts(table, CommitLocks(table, clock)), DynamoPersonaList(table))


def rid(number: int) -> str:
    return record_id(OURS, "posabit", "north", str(number))


def a_persona(number: int, first: str = "", last: str = "", at: int = NOON) -> Persona:
    return Persona(
        rid(number),
        (rid(number),),
        first,
        last,
        None,
        "x@x.example",
        None,
        ("posabit",),
        None,
        at,
        None,
    )


Page = Callable[[str | None], tuple[list[str], str | None]]


def all_of(page: Page) -> list[str]:
    """Every page until there is none."""
    found, after = page(None)
    for _ in range(100):
        if after is None:
            return found
        more, after = page(after)
        found += more
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("limit", [1, 7, 12, 100])
@pytest.mark.parametrize("newest_first", [True, False])
def test_every_persona_is_listed_once_by_arrival(
    directory: Directory, limit: int, newest_first: bool
) -> None:
    people = [a_persona(n, at=NOON + n // 5) for n in range(36)]
    directory.add(*people)
    directory.add(a_persona(99), uid=OTHERS)

    found = all_of(
        lambda after: directory.list.by_arrival(OURS, limit, after, newest_first=newest_first)
    )

    expected = sorted(people, key=lambda p: (p.inserted_at, p.id), reverse=newest_first)
    assert found == [p.id for p in expected]


def test_who_arrives_while_we_page_disturbs_nobody(directory: Directory) -> None:
    directory.add(*(a_persona(n, at=NOON + n) for n in range(10)))
    first, after = directory.list.by_arrival(OURS, 5, None)

    directory.add(a_persona(77, at=NOON + 77))
    second, _ = directory.list.by_arrival(OURS, 5, after)

    assert first + second == [rid(n) for n in range(9, -1, -1)]


def test_a_persona_put_away_is_listed_no_more(directory: Directory) -> None:
    directory.add(a_persona(1), a_persona(2))

    directory.write(Writes(personas={rid(1): None}))

    assert all_of(lambda after: directory.list.by_arrival(OURS, 5, after)) == [rid(2)]
    assert all_of(lambda after: directory.list.by_name(OURS, "", 5, after)) == [rid(2)]


NAMES = [
    ("Ana", "Ruiz"),
    ("ANA", "Álvarez"),
    ("Ana María", "Ruiz"),
    ("Anatol", ""),
    ("Bo", "Li"),
    ("Bo", "Li"),
    ("Zoë", "Ångström"),
    ("7even", ""),
    ("Жанна", ""),
    ("#", "Hash"),
    ("", ""),
    ("", ""),
]


@pytest.mark.parametrize("limit", [1, 3, 50])
@pytest.mark.parametrize("descending", [False, True])
def test_every_persona_is_listed_once_by_name(
    directory: Directory, limit: int, descending: bool
) -> None:
    people = [a_persona(n, *name) for n, name in enumerate(NAMES)]
    directory.add(*people)
    directory.add(a_persona(99, "Ana"), uid=OTHERS)

    found = all_of(
        lambda after: directory.list.by_name(OURS, "", limit, after, descending=descending)
    )

    names = {p.id: f"{p.first} {p.last}".strip() for p in people}
    shown = [names[one] for one in found]
    assert sorted(found) == sorted(names)
    letters = [
        "ANA Álvarez",
        "Ana María Ruiz",
        "Ana Ruiz",
        "Anatol",
        "Bo Li",
        "Bo Li",
        "Zoë Ångström",
    ]
    assert (shown[::-1] if descending else shown)[: len(letters)] == letters


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_name_is_found_by_how_it_begins(directory: Directory, limit: int) -> None:
    directory.add(*(a_persona(n, *name) for n, name in enumerate(NAMES)))

    def found(prefix: str) -> list[int]:
        ids = all_of(lambda after: directory.list.by_name(OURS, prefix, limit, after))
        return [next(n for n in range(99) if rid(n) == one) for one in ids]

    assert found("ana") == [1, 2, 0, 3]
    assert found("ana ru") == [0]
    assert found("жа") == [8]
    assert 9 in found("#")
    assert found("quentin") == []


def ref(ext_id: str, at: int) -> SaleRef:
    return SaleRef("posabit", "Store #1", ext_id, "posabit:Store #1:Main", at, counts=True)


@pytest.mark.parametrize("limit", [1, 4, 50])
def test_sales_of_a_record_are_listed_newest_first(directory: Directory, limit: int) -> None:
    refs = [ref(f"s#{n}", NOON + n // 3) for n in range(13)]
    directory.write(
        Writes(pointers={**{(rid(1), one): () for one in refs}, (rid(2), ref("x", NOON)): ()})
    )

    found: list[SaleRef] = []
    before: str | None = None
    while page := directory.list.sale_refs(OURS, rid(1), limit, before):
        assert len(page) <= limit
        found += [one for _, one in page]
        before = page[-1][0]

    assert sorted(found, key=lambda one: one.ext_id) == sorted(refs, key=lambda one: one.ext_id)
    assert [one.ordered_at for one in found] == sorted((r.ordered_at for r in refs), reverse=True)
    assert directory.list.sale_refs(OTHERS, rid(1), limit, None) == []


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_in_turn_everybody_comes_once_whatever_the_page(directory: Directory, limit: int) -> None:
    directory.add(*(a_persona(n, at=NOON + n % 3) for n in range(20)))
    directory.add(a_persona(99), uid=OTHERS)
    found: list[str] = []
    after, pages = None, 0

    while pages == 0 or after is not None:
        ids, after = directory.list.in_turn(OURS, limit, after)
        assert len(ids) <= limit
        found += ids
        pages += 1

    assert sorted(found) == sorted(rid(n) for n in range(20))


def test_in_turn_goes_on_from_who_is_gone(directory: Directory) -> None:
    directory.add(*(a_persona(n, at=NOON + n) for n in range(20)))
    first, after = directory.list.in_turn(OURS, 1, None)
    directory.write(Writes(personas={first[-1]: None} if first else {}))
    found = list(first)

    while after is not None:
        ids, after = directory.list.in_turn(OURS, 4, after)
        found += ids

    assert sorted(found) == sorted(rid(n) for n in range(20))


def test_other_rows_of_a_record_are_no_sales(directory: Directory) -> None:
    directory.add(a_persona(1))

    assert directory.list.sale_refs(OURS, rid(1), 10, None) == []


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_in_turn_lists_who_is_out_of_market_after_everybody_and_nobody_else_does(
    directory: Directory, limit: int
) -> None:
    left_out = SourceRecord(rid(7), "posabit", "north", Customer("7", phone="+12065550107"), NOON)
    directory.add(*(a_persona(n) for n in range(4)))
    stored = StoredRecord(left_out, frozenset(), out_of_market=True)
    directory.write(Writes(records={rid(7): stored}))
    found: list[str] = []
    after: str | None = None

    while not found or after is not None:
        ids, after = directory.list.in_turn(OURS, limit, after)
        found += ids

    assert sorted(found[:-1]) == sorted(rid(n) for n in range(4))
    assert found[-1] == rid(7)
    assert directory.facts.rows(OURS, [rid(7)])[rid(7)].stored == stored
    assert rid(7) not in directory.list.by_arrival(OURS, 100, None)[0]
    directory.write(Writes(records={rid(7): StoredRecord(left_out, frozenset())}))
    assert directory.facts.rows(OURS, [rid(7)])[rid(7)].stored == StoredRecord(
        left_out, frozenset()
    )
