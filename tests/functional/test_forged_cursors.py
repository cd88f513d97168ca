"""The checksum of a plain cursor is public: whoever forges one is refused, never an error of ours
(§15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamo.audit import DynamoAudit
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.persona_list import DynamoPersonaList
from chalicelib.adapters.dynamo.sync_states import DynamoSyncStates
from chalicelib.adapters.dynamo.texts import DynamoTexts
from chalicelib.domain.errors import BadPosition
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.personas import PersonaFilter
from tests.fakes.common import FakeClock, FakeIds
from tests.functional.gateway import OURS, Gateway, World
from tests.functional.personas_table import TABLE, personas_table
from tests.unit.entrypoints.test_cursors import plain_cursor

ACCOUNT = f"/api/accounts/{OURS}"
FORGED = ["#", "x", "~", "\U0010ffff", "a#1", "000#x", "1" * 1_000, "\x00", "SALE#", "SALE#~", "9|"]

Read = Callable[[str], object]


@pytest.fixture
def client(world: World) -> Iterator[Any]:
    made = boto3.client("dynamodb")
    with personas_table(made):
        yield made


@pytest.fixture
def lists(client: Any) -> dict[str, Read]:
    personas = DynamoPersonaList(BatchTable(client, TABLE, FakeClock()))
    texts = DynamoTexts(BatchTable(client, TABLE, FakeClock()))
    states = DynamoSyncStates(TABLE, FakeClock())
    audit = DynamoAudit(TABLE, FakeIds())
    return {
        "personas by arrival": lambda at: personas.by_arrival(OURS, 5, at),
        "personas called Jo": lambda at: personas.by_name(OURS, "jo", 5, at),
        "sales": lambda at: personas.sale_refs(OURS, "a" * 32, 5, at),
        "texts": lambda at: texts.texts(OURS, "2026-01-01", 5, at),
        "runs": lambda at: states.runs(OURS, "posabit", 5, at),
        "set aside": lambda at: states.asides(OURS, "run_1", 5, at),
        "audit": lambda at: audit.entries(OURS, 5, at),
    }


@pytest.mark.parametrize("position", FORGED)
def test_a_position_that_a_list_never_gives_is_refused(
    lists: dict[str, Read], position: str
) -> None:
    for name, read in lists.items():
        try:
            read(position)
        except BadPosition:
            continue
        assert (name, position) in {("runs", "x"), ("runs", "1" * 1_000)}, name


@pytest.mark.parametrize("descending", [False, True])
def test_names_are_read_on_from_anywhere_in_their_range_and_nowhere_else(
    client: Any, descending: bool
) -> None:
    personas = DynamoPersonaList(BatchTable(client, TABLE, FakeClock()))

    for position in ("jo#" + "a" * 32, "joan of arc#" + "b" * 32):
        assert personas.by_name(OURS, "jo", 5, position, descending=descending) == ([], None)
    for position in ("ann#1", "kim#1", "\x1f"):
        with pytest.raises(BadPosition):
            personas.by_name(OURS, "jo", 5, position, descending=descending)


@pytest.mark.parametrize("position", ["", "\ud800", "x" * 1_200, *FORGED])
def test_the_api_answers_a_forged_cursor_as_any_other_bad_field(
    client: Any, api: Gateway, position: str
) -> None:
    wiring.reset()
    by_name = PersonaFilter(sort="name", name="jo", descending=False)
    forged = {
        "texts": plain_cursor(position, OURS, "texts", None),
        "audit": plain_cursor(position, OURS, "audit"),
        "personas/search": plain_cursor(position, OURS, "personas", by_name),
    }

    got = {
        "texts": api.get(f"{ACCOUNT}/texting/texts", cursor=str(forged["texts"])),
        "audit": api.get(f"{ACCOUNT}/audit", cursor=str(forged["audit"])),
        "personas/search": api.post(
            f"{ACCOUNT}/personas/search",
            {"name": "jo", "sort": "name", "cursor": forged["personas/search"]},
        ),
    }

    for where, answer in got.items():
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, "cursor"), where
