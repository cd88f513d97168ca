"""The facts log in DynamoDB (docs/reference/design.md, table `personas`).

A row holds up to 500 lines of JSON of one commit, compressed: what a commit stored costs few write
units, and a source is read in the order of its commits with few queries.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

import orjson

from chalicelib.adapters.dynamo.batch import BatchTable, Key, Row
from chalicelib.adapters.dynamo.codec import decode, encode
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.domain.acts import ImportedPoints
from chalicelib.domain.pulled_facts import FactPlace, PulledCustomer, PulledFact, PulledSale
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.words import Fence, Platform, ScopeId, Uid
from chalicelib.services.ports.commits import CommitLock
from chalicelib.services.ports.facts_log import LoggedFact

MOST_FACTS = 500
MOST_BYTES = 350_000
"""A row of DynamoDB takes 400 KB; a line that does not compress is no larger than its own row."""
LEVEL = 1
NOTHING_ENCODED: Mapping[int, str] = MappingProxyType({})
LAST_FENCE: Fence = 10**12 - 1
ERASED = ',"erased":true'
_ERASED_END = f"{ERASED}}}".encode()


class JsonFactLines:
    """The `FactLines` port."""

    def line(self, fact: PulledFact, encoded: Mapping[int, str] = NOTHING_ENCODED) -> bytes:
        """`encoded`: texts of shoppers and sales that are known, by `id`."""
        if isinstance(fact, PulledSale):
            return _line("sale", fact.scope, encoded.get(id(fact.sale)) or encode(fact.sale))
        besides = ""
        if fact.withheld is not None:
            besides = f',"withheld":{encode(fact.withheld)}'
        if fact.imported is not None:
            besides += f',"imported":{orjson.dumps(tuple(fact.imported)).decode()}'
        if fact.is_erased:
            besides += ERASED
        body = encoded.get(id(fact.customer)) or encode(fact.customer)
        return _line("customer", fact.scope, body, besides)

    def fact(self, line: bytes) -> PulledFact:
        read = orjson.loads(line)
        scope, body = ScopeId(read["scope"]), orjson.dumps(read["fact"]).decode()
        if read["kind"] == "sale":
            return PulledSale(scope, decode(Sale, body))
        withheld, imported = read.get("withheld"), read.get("imported")
        return PulledCustomer(
            scope,
            decode(Customer, body),
            decode(Customer, orjson.dumps(withheld).decode()) if withheld else None,
            ImportedPoints(*imported[:2]) if imported else None,
            read.get("erased", False),
        )

    def place(self, line: bytes) -> FactPlace:
        read = orjson.loads(line)
        return FactPlace(read["kind"], ScopeId(read["scope"]), read["fact"]["ext_id"])

    def is_erased(self, line: bytes) -> bool:
        return line.endswith(_ERASED_END)


LINES = JsonFactLines()


class DynamoFactsLog:
    """The `FactsLog` port. Commits write the log; see `log_rows`."""

    def __init__(self, table: BatchTable) -> None:
        self._table = table

    def read(
        self, uid: Uid, platform: Platform, after: Fence, until: Fence
    ) -> Iterator[tuple[Fence, list[LoggedFact]]]:
        pk = fact_keys.facts_log(uid, platform)
        first, last = fact_keys.logged_part(after + 1, 0), fact_keys.logged_part(until, 9999)
        for row in self._table.query_between(pk, first, last):
            lines = zlib.decompress(bytes(row["facts"]["B"])).split(b"\n")
            logged = [LoggedFact(LINES.place(line), line) for line in lines]
            yield fact_keys.fence_of(row["sk"]["S"]), logged

    def rewrite(
        self,
        uid: Uid,
        platform: Platform,
        after: str,
        change: Callable[[bytes], bytes | None],
        time_left: Callable[[], bool],
    ) -> tuple[str | None, int]:
        pk, changed = fact_keys.facts_log(uid, platform), 0
        first = after + "~" if after else fact_keys.logged_part(1, 0)
        for row in self._table.query_between(pk, first, fact_keys.logged_part(LAST_FENCE, 9999)):
            lines = zlib.decompress(bytes(row["facts"]["B"])).split(b"\n")
            kept = [line for line in map(change, lines) if line is not None]
            if kept != lines:
                changed += sum(line not in kept for line in lines)
                self._put_if_there(row, kept)
            if not time_left():
                return row["sk"]["S"], changed
        return None, changed

    def _put_if_there(self, row: Row, lines: list[bytes]) -> None:
        """A row that was deleted meanwhile stays deleted."""
        client = self._table.client
        place = {"pk": row["pk"], "sk": row["sk"]}
        there: Row = {"TableName": self._table.name, "Key": place}
        try:
            if not lines:
                client.delete_item(**there)
                return
            client.update_item(
                **there,
                UpdateExpression="SET facts = :facts",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={
                    ":facts": {"B": zlib.compress(b"\n".join(lines), LEVEL)}
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            return

    def delete(self, uid: Uid, platform: Platform, until: Fence) -> None:
        pk, sk = fact_keys.facts_log(uid, platform), fact_keys.logged_part(0, 0)
        if until <= self.deleted_until(uid, platform):
            return
        marker = {"pk": {"S": pk}, "sk": {"S": sk}, "deleted_until": {"N": str(until)}}
        self._table.write_many({(pk, sk): marker}, [])
        bounds = fact_keys.logged_part(1, 0), fact_keys.logged_part(until, 9999)
        while rows := self._table.query_page(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {":pk": {"S": pk}, ":first": {"S": bounds[0]}, ":last": {"S": bounds[1]}},
            limit=200,
            attributes="pk, sk",
            consistent=True,
        ):
            self._table.write_many({}, [(pk, row["sk"]["S"]) for row in rows])

    def deleted_until(self, uid: Uid, platform: Platform) -> Fence:
        place = fact_keys.facts_log(uid, platform), fact_keys.logged_part(0, 0)
        row = self._table.get_many([place]).get(place)
        return 0 if row is None else int(row["deleted_until"]["N"])


def log_rows(
    lock: CommitLock,
    platform: Platform,
    facts: Iterable[PulledFact],
    encoded: Mapping[int, str] = NOTHING_ENCODED,
) -> Iterator[tuple[Key, Row]]:
    """Return the rows that hold what the commit under this lock stored of a platform's facts.

    `encoded`: see `JsonFactLines.line`.
    """
    lines = [LINES.line(fact, encoded) for fact in facts]
    pk = fact_keys.facts_log(lock.uid, platform)
    for number, packed in enumerate(_pack(lines), start=lock.logged):
        sk = fact_keys.logged_part(lock.fence, number)
        yield (pk, sk), {"pk": {"S": pk}, "sk": {"S": sk}, "facts": {"B": packed}}


def _pack(lines: list[bytes]) -> Iterator[bytes]:
    """The lines compressed, in as many pieces as rows need."""
    if len(lines) <= MOST_FACTS:
        packed = zlib.compress(b"\n".join(lines), LEVEL)
        if len(packed) <= MOST_BYTES or len(lines) == 1:
            yield packed
            return
    half = min(MOST_FACTS, (len(lines) + 1) // 2)
    yield from _pack(lines[:half])
    yield from _pack(lines[half:])


def _line(kind: str, scope: ScopeId, body: str, besides: str = "") -> bytes:
    place = orjson.dumps(scope).decode()
    return f'{{"kind":"{kind}","scope":{place},"fact":{body}{besides}}}'.encode()
