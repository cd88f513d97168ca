"""Facts and the commit lock: the fake and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.adapters.aws.outages import Throttled
from chalicelib.adapters.dynamo import commit_locks
from chalicelib.adapters.dynamo.batch import MAX_WRITE, SIDE_BY_SIDE, BatchTable
from chalicelib.adapters.dynamo.commit_locks import (
    PATIENT_SECONDS,
    PERSON_SECONDS,
    WISH_SECONDS,
    CommitLocks,
)
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.domain.errors import CommitBusy, LeaseLost
from chalicelib.domain.id_ranges import NO_IDS_SEEN
from chalicelib.domain.identity import MergeKey, SourceRecord
from chalicelib.domain.ids import record_id
from chalicelib.domain.ledger import RecordPoints
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer, LineItem, Sale, Tender
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.services.ports.commits import Intent, Writes
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.stored_facts import (
    KeyCarriers,
    RecordRows,
    RecordSales,
    SaleId,
    StoredRecord,
    StoredSale,
)
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import NOON, FakeClock
from tests.fakes.facts import MemoryFacts
from tests.fakes.rules import memory_commits
from tests.fakes.stores import MemoryStores
from tests.functional.personas_table import TABLE, Client, Stumbling, an_aws, personas_table, size

OURS, OTHERS = "3912", "4000"
ODD = "Käse #7|\x1f☃/é"
PHONE = MergeKey("phone", "+12065550001")
EMAIL = MergeKey("email", "ana@example.com")
NAMED = MergeKey("name_dob", "añá\x1f#b\x1f1990-01-02")
LOCK_SECONDS = 20.0


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with an_aws() as made:
        yield made


@pytest.fixture(params=["fake", "table"])
def facts(request: pytest.FixtureRequest, client: Any) -> Iterator[FactStore]:
    if request.param == "fake":
        yield MemoryFacts()
        return
    with personas_table(client):
        yield a_store(client, FakeClock())


@pytest.fixture
def table(client: Any) -> Iterator[Any]:
    """The client of a table that is there."""
    with personas_table(client):
        yield client


def a_store(client: Any, clock: FakeClock, wrap: Callable[[Any], Any] = Client) -> DynamoFacts:
    table = BatchTable(wrap(client), TABLE, clock)
    return DynamoFacts(table, CommitLocks(table, clock, lock_seconds=LOCK_SECONDS))


def a_record(
    ext_id: str = "1", scope: str = "north", customer: Customer | None = None
) -> StoredRecord:
    rid = record_id(OURS, "posabit", scope, ext_id)
    told = customer or Customer(ext_id, first="Ana", phone=PHONE.value, email=EMAIL.value)
    return StoredRecord(
        SourceRecord(rid, "posabit", scope, told, NOON), frozenset({PHONE, EMAIL, NAMED})
    )


def a_sale(ext_id: str = "s1", scope: str = "north", record: str | None = None) -> StoredSale:
    sale = Sale(
        ext_id,
        "Main",
        NOON,
        "2026-01-01 12:00",
        "USD",
        4321,
        items=(LineItem("Blüte", "3.5", discounts=("10 %",)),),
        tenders=(Tender("cash", 5000), Tender("change", -679)),
    )
    return StoredSale(SaleId("posabit", scope, ext_id), record, sale)


def a_persona(rid: str, name: str = "Ana") -> Persona:
    return Persona(rid, (rid,), name, "", PHONE.value, None, None, ("posabit",), 7, NOON, None)


def ref(ext_id: str, at: int = NOON, scope: str = "north") -> SaleRef:
    return SaleRef("posabit", scope, ext_id, f"posabit:{scope}:Main", at, counts=True)


def write(facts: FactStore, writes: Writes, uid: str = OURS) -> None:
    lock = facts.lock(uid)
    facts.write(lock, writes)
    facts.unlock(lock, done=True)


def test_a_record_is_read_as_it_was_written(facts: FactStore) -> None:
    stored = a_record(ODD, ODD)
    rid = stored.record.id
    summary = SalesSummary.rebuild([ref("a"), ref("b", NOON - 5)])
    persona = a_persona(rid, "Añá #1")

    sales = RecordSales(summary, RecordPoints(earned=1_200, unlinked_at=NOON))
    write(facts, Writes(records={rid: stored}, summaries={rid: sales}, personas={rid: persona}))

    assert facts.rows(OURS, [rid]) == {rid: RecordRows(stored, sales, persona)}


def test_what_is_not_there_reads_as_empty_rows(facts: FactStore) -> None:
    assert facts.rows(OURS, ["0" * 32]) == {"0" * 32: RecordRows()}
    assert facts.carriers(OURS, [PHONE]) == {}
    assert facts.wide_carriers(OURS, PHONE) == {}
    assert facts.sales(OURS, [SaleId("posabit", "north", "s1")]) == {}
    assert facts.pointers(OURS, "0" * 32) == {}


def test_another_account_sees_nothing_of_it(facts: FactStore) -> None:
    stored, sale = a_record(), a_sale()
    rid = stored.record.id
    write(
        facts,
        Writes(
            records={rid: stored},
            sales={sale.id: sale},
            carriers={PHONE: KeyCarriers({rid: "posabit:north"})},
            carrier_rows={(PHONE, rid): "posabit:north"},
            pointers={(rid, ref("s1")): ()},
            shared={PHONE: True},
        ),
    )

    assert facts.rows(OTHERS, [rid]) == {rid: RecordRows()}
    assert facts.sales(OTHERS, [sale.id]) == {}
    assert facts.carriers(OTHERS, [PHONE]) == {}
    assert facts.wide_carriers(OTHERS, PHONE) == {}
    assert facts.pointers(OTHERS, rid) == {}
    assert facts.shared_keys(OTHERS) == []  # type: ignore[attr-defined]


def test_sales_are_read_by_platform_scope_and_id(facts: FactStore) -> None:
    linked, unlinked = a_sale("s1", record="0" * 32), a_sale(ODD, ODD)

    write(facts, Writes(sales={linked.id: linked, unlinked.id: unlinked}))

    assert facts.sales(OURS, [linked.id, unlinked.id, SaleId("thsuite", "north", "s1")]) == {
        linked.id: linked,
        unlinked.id: unlinked,
    }


def test_sales_whose_scope_and_id_run_together_the_same_are_two(facts: FactStore) -> None:
    one, other = a_sale("7#1", "Store "), a_sale("1", "Store #7")
    percent, sign = a_sale("1", "a%23b"), a_sale("1", "a#b")
    wanted = {sale.id: sale for sale in (one, other, percent, sign)}

    write(facts, Writes(sales=dict(wanted)))

    assert facts.sales(OURS, wanted) == wanted


def test_carriers_of_a_key_are_stored_few_and_many(facts: FactStore) -> None:
    few = KeyCarriers({"a" * 32: "posabit:north", "b" * 32: f"posabit:{ODD}"})
    many = KeyCarriers(counts={"posabit:north": 41})
    carriers = {f"{n:032x}": "posabit:north" for n in range(41)}

    write(
        facts,
        Writes(
            carriers={NAMED: few, PHONE: many},
            carrier_rows={(PHONE, rid): scope for rid, scope in carriers.items()},
        ),
    )

    assert facts.carriers(OURS, [NAMED, PHONE, EMAIL]) == {NAMED: few, PHONE: many}
    assert facts.wide_carriers(OURS, PHONE) == carriers


def test_what_is_put_away_is_gone(facts: FactStore) -> None:
    rid, gone = "a" * 32, "b" * 32
    write(
        facts,
        Writes(
            carriers={
                PHONE: KeyCarriers({rid: "posabit:north"}),
                EMAIL: KeyCarriers({rid: "posabit:north"}),
            },
            carrier_rows={(PHONE, rid): "posabit:north", (PHONE, gone): "posabit:north"},
            pointers={(rid, ref("s1")): (), (rid, ref("s2")): ()},
            personas={rid: a_persona(rid), gone: a_persona(gone)},
            shared={PHONE: True, EMAIL: True},
        ),
    )

    write(
        facts,
        Writes(
            carriers={PHONE: None},
            carrier_rows={(PHONE, gone): None},
            pointers={(rid, ref("s1")): None},
            personas={gone: None},
            shared={EMAIL: False},
        ),
    )

    assert set(facts.carriers(OURS, [PHONE, EMAIL])) == {EMAIL}
    assert set(facts.wide_carriers(OURS, PHONE)) == {rid}
    assert facts.pointers(OURS, rid) == {ref("s2"): ()}
    assert [row.persona is None for row in facts.rows(OURS, [rid, gone]).values()] == [False, True]
    assert facts.shared_keys(OURS) == [PHONE]  # type: ignore[attr-defined]


def test_pointers_of_a_record_are_its_own(facts: FactStore) -> None:
    rid, other = "a" * 32, "b" * 32
    wanted = {ref(ODD, NOON, ODD), ref("s2", NOON + 1), ref("s3", NOON - 10**12)}

    write(
        facts,
        Writes(pointers={**{(rid, one): () for one in wanted}, (other, ref("s9")): ()}),
    )

    assert set(facts.pointers(OURS, rid)) == wanted


def test_what_a_shops_clock_showed_is_kept_with_the_pointer(facts: FactStore) -> None:
    rid = "a" * 32
    wanted = {ref("s1"), replace(ref("s2"), wall_clock=NOON)}

    write(facts, Writes(pointers={(rid, one): () for one in wanted}))

    assert set(facts.pointers(OURS, rid)) == wanted


def test_a_sale_that_only_changes_its_store_keeps_one_pointer(facts: FactStore) -> None:
    rid = "a" * 32
    before = ref("s1")
    after = SaleRef("posabit", "north", "s1", "posabit:north:Kiosk", NOON, counts=True)
    write(facts, Writes(pointers={(rid, before): ()}))

    write(facts, Writes(pointers={(rid, after): (), (rid, before): None}))

    assert facts.pointers(OURS, rid) == {after: ()}


def test_the_ids_that_a_scope_has_seen_are_read_as_they_were_written(facts: FactStore) -> None:
    seen = NO_IDS_SEEN.with_ids(records=["1", ODD], returned=["s1"])

    write(facts, Writes(seen_ids={("posabit", ODD): seen}))

    assert facts.seen_ids(OURS, "posabit", ODD) == seen
    assert facts.seen_ids(OURS, "posabit", "north") == NO_IDS_SEEN
    assert facts.seen_ids(OTHERS, "posabit", ODD) == NO_IDS_SEEN


def test_whom_only_a_sale_names_is_not_listed(facts: FactStore) -> None:
    told = a_record()
    named = record_id(OURS, "posabit", "north", "2")
    write(facts, Writes(records={told.record.id: told}, summaries={named: RecordSales()}))

    assert facts.listed_records(OURS, [told.record.id, named]) == {told.record.id}


def test_ids_are_noted_as_seen_while_no_older_code_commits(table: Any) -> None:
    """It takes the lock without saying that it keeps them: what it commits is in no range."""
    facts = a_store(table, FakeClock())
    for _ in range(2):
        lock = facts.lock(OURS)
        facts.unlock(lock, done=True)
        assert lock.has_seen_ids
    table.update_item(
        TableName=TABLE,
        Key={"pk": {"S": fact_keys.commit(OURS)}, "sk": {"S": fact_keys.COMMIT_SK}},
        UpdateExpression="ADD fence :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )

    assert not facts.lock(OURS).has_seen_ids


def test_more_rows_than_one_call_takes_are_written_and_read(facts: FactStore) -> None:
    records = {stored.record.id: stored for stored in (a_record(str(n)) for n in range(60))}

    write(facts, Writes(records=records))

    found = facts.rows(OURS, [*records, *records])
    assert {rid: row.stored for rid, row in found.items()} == records


def test_an_intent_not_done_is_handed_to_the_next(facts: FactStore) -> None:
    intent = Intent(("a" * 32,), (PHONE, NAMED), (SaleId("posabit", ODD, ODD),))
    lock = facts.lock(OURS)
    assert lock.leftover is None
    facts.store_intent(lock, intent)
    facts.unlock(lock, done=False)

    following = facts.lock(OURS)
    others = facts.lock(OTHERS)
    facts.unlock(following, done=True)

    assert following.leftover == intent
    assert others.leftover is None
    assert facts.lock(OURS).leftover is None


def test_a_holder_that_was_overtaken_can_neither_intend_nor_write(table: Any) -> None:
    clock = FakeClock()
    slow, quick = a_store(table, clock), a_store(table, clock)
    lock = slow.lock(OURS)
    slow.store_intent(lock, Intent(("a" * 32,)))
    clock.move(LOCK_SECONDS + 1)
    following = quick.lock(OURS)

    with pytest.raises(LeaseLost):
        slow.store_intent(lock, Intent(("b" * 32,)))
    with pytest.raises(LeaseLost):
        slow.write(lock, Writes(records={a_record().record.id: a_record()}))
    slow.unlock(lock, done=True)

    assert following.leftover == Intent(("a" * 32,))
    assert quick.rows(OURS, [a_record().record.id]) == {a_record().record.id: RecordRows()}
    quick.store_intent(following, Intent(("c" * 32,)))


def test_a_lock_is_waited_for_until_it_is_given_back_or_ends(table: Any) -> None:
    clock = FakeClock()
    one, other = a_store(table, clock), a_store(table, clock)
    first = one.lock(OURS)

    second = other.lock(OURS)

    assert second.fence == first.fence + 1
    assert LOCK_SECONDS <= (clock.now() - NOON) / 1000 < LOCK_SECONDS + 2


def test_a_lock_given_back_is_free_at_once(table: Any) -> None:
    clock = FakeClock()
    one, other = a_store(table, clock), a_store(table, clock)
    one.unlock(one.lock(OURS), done=True)

    other.lock(OURS)

    assert clock.slept == 0


def test_accounts_do_not_wait_for_each_other(table: Any) -> None:
    clock = FakeClock()
    store = a_store(table, clock)
    store.lock(OURS)

    store.lock(OTHERS)

    assert clock.slept == 0


class RestlessClock(FakeClock):
    """Somebody works whenever somebody else sleeps."""

    work: Callable[[], object] = staticmethod(lambda: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.work()


@pytest.mark.parametrize(("urgent", "longest"), [(True, PERSON_SECONDS), (False, PATIENT_SECONDS)])
def test_a_lock_that_is_never_given_back_is_given_up_in_the_end_by_a_person_soon(
    table: Any, monkeypatch: pytest.MonkeyPatch, *, urgent: bool, longest: float
) -> None:
    for pause in ("PAUSE_SECONDS", "PERSON_PAUSE_SECONDS"):
        monkeypatch.setattr(commit_locks, pause, (0.2, 0.4))
    clock = RestlessClock()
    busy, waiting = a_store(table, clock), a_store(table, clock)
    lock = busy.lock(OURS)
    clock.work = lambda: busy.store_intent(lock, Intent())

    with pytest.raises(CommitBusy) as refused:
        waiting.lock(OURS, urgent=urgent)

    assert refused.value.retriable
    assert refused.value.details["retry_after"]
    assert longest - 0.01 <= clock.slept < longest + 1


def test_a_person_goes_before_everybody_who_waited_longer(table: Any) -> None:
    clock = RestlessClock()
    holder, sync, person = (a_store(table, clock) for _ in range(3))
    lock = holder.lock(OURS)
    order: list[str] = []

    def a_person_comes() -> None:
        clock.work = lambda: None
        person_waits = RestlessClock(clock.now())
        person_waits.work = lambda: holder.unlock(lock, done=True)
        person = a_store(table, person_waits)
        held = person.lock(OURS, urgent=True)
        order.append("person")
        clock.at = person_waits.at
        clock.work = lambda: person.unlock(held, done=True)

    clock.work = a_person_comes
    sync.lock(OURS)
    order.append("sync")

    assert order == ["person", "sync"]
    assert person.lock(OTHERS)


def test_a_free_lock_that_a_person_wishes_for_is_left_to_them(table: Any) -> None:
    clock = FakeClock()
    watcher, sync = Watcher(table), a_store(table, clock)
    holder, person = a_store(table, clock), a_store(table, RestlessClock(clock.now()))
    lock = holder.lock(OURS)
    with pytest.raises(CommitBusy):
        person.lock(OURS, urgent=True)
    holder.unlock(lock, done=True)
    clock.at = int(watcher.get()["wanted_until"]["N"]) - 1_500

    sync.lock(OURS)

    left = 1.5 - 0.05  # the clock rounds each of the short waits to a millisecond
    assert left <= clock.slept < WISH_SECONDS, "the wish of somebody who is gone ends soon"


def test_who_got_the_lock_takes_the_wish_along(table: Any) -> None:
    clock = FakeClock()
    holder, person = a_store(table, clock), a_store(table, clock)
    holder.lock(OURS)

    with pytest.raises(CommitBusy):
        person.lock(OURS, urgent=True)
    clock.move(LOCK_SECONDS)
    person.lock(OURS, urgent=True)

    assert "wanted_until" not in Watcher(table).get()


def test_who_waits_for_a_lock_asks_with_reads_and_pays_for_no_refused_write(table: Any) -> None:
    clock = FakeClock()
    holder = a_store(table, clock)
    counted = Counted(table)
    holder.lock(OURS)

    a_store(table, clock, lambda _: counted).lock(OURS)

    assert counted.tries == 2, "the first, and the one that succeeded"
    assert counted.looks > 100


class Counted(Client):
    """Counts looks at the lock and tries to take it."""

    looks = tries = 0

    def get_item(self, **asked: Any) -> Any:
        self.looks += 1
        return self._client.get_item(**asked)

    def update_item(self, **asked: Any) -> Any:
        self.tries += 1
        return super().update_item(**asked)


def test_whoever_waits_is_heard_of(table: Any) -> None:
    clock = FakeClock()
    holder, waiting = a_store(table, clock), a_store(table, clock)
    holder.lock(OURS)
    heard: list[int] = []

    waiting.lock(OURS, while_waiting=lambda: heard.append(clock.now()))

    assert heard
    assert max(later - earlier for earlier, later in pairwise(heard)) < 1_000


def test_a_run_that_lost_its_lease_waits_no_longer(table: Any) -> None:
    clock = FakeClock()
    holder, waiting = a_store(table, clock), a_store(table, clock)
    holder.lock(OURS)

    def lost() -> None:
        raise LeaseLost("another worker took the run over")

    with pytest.raises(LeaseLost):
        waiting.lock(OURS, while_waiting=lost)

    assert clock.slept < 1


def test_who_reads_for_long_keeps_the_lock(table: Any) -> None:
    clock = FakeClock()
    slow = a_store(table, clock, lambda client: SlowReads(client, clock, seconds=11))
    lock = slow.lock(OURS)

    for number in range(4):
        slow.rows(OURS, [str(number)])

    assert clock.now() > NOON + LOCK_SECONDS * 1000
    assert int(Watcher(table).get()["held_until"]["N"]) > clock.now()
    slow.store_intent(lock, Intent())


class SlowReads(Client):
    def __init__(self, client: object, clock: FakeClock, *, seconds: float) -> None:
        super().__init__(client)
        self.clock, self.seconds = clock, seconds

    def batch_get_item(self, **asked: object) -> object:
        self.clock.move(self.seconds)
        return self._client.batch_get_item(**asked)


def test_a_long_write_keeps_its_lock(table: Any) -> None:
    clock = FakeClock()
    slow, quick = (
        a_store(table, clock, lambda client: Slow(client, clock, seconds=11)),
        a_store(table, clock),
    )
    lock = slow.lock(OURS)

    slow.write(
        lock,
        Writes(
            records={
                r.record.id: r for r in map(a_record, map(str, range(3 * SIDE_BY_SIDE * MAX_WRITE)))
            }
        ),
    )

    assert clock.now() > NOON + LOCK_SECONDS * 1000
    slow.store_intent(lock, Intent())
    assert quick.lock(OURS).fence == lock.fence + 1


@pytest.mark.parametrize("code", [None, "ProvisionedThroughputExceededException"])
def test_a_write_that_is_throttled_for_long_never_lands_after_its_lock(
    table: Any, code: str | None
) -> None:
    clock = FakeClock()
    landed: list[tuple[int, int]] = []

    class Crawling(Stumbling):
        def batch_write_item(self, **asked: object) -> object:
            clock.move(11)
            ends = int(watcher.get()["held_until"]["N"])
            landed.append((clock.now(), ends))
            return super().batch_write_item(**asked)

    slow = a_store(table, clock, lambda client: Crawling(client, 6, code))
    watcher = Watcher(table)
    lock = slow.lock(OURS)

    slow.write(lock, Writes(records={r.record.id: r for r in map(a_record, map(str, range(10)))}))

    assert len(landed) == 7
    assert all(at <= ends for at, ends in landed)


class Watcher:
    """Reads the lock's row past the store."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get(self) -> dict[str, dict[str, str]]:
        key = {"pk": {"S": f"{OURS}#COMMIT"}, "sk": {"S": "COMMIT"}}
        row: dict[str, dict[str, str]] = self._client.get_item(TableName=TABLE, Key=key)["Item"]
        return row


class Slow(Client):
    """A wave of writes side by side takes so many seconds."""

    def __init__(self, client: object, clock: FakeClock, *, seconds: float) -> None:
        super().__init__(client)
        self.clock, self.seconds = clock, seconds

    def batch_write_item(self, **asked: object) -> object:
        self.clock.move(self.seconds / SIDE_BY_SIDE)
        return super().batch_write_item(**asked)


@pytest.mark.parametrize(
    "code", [None, "ProvisionedThroughputExceededException", "ThrottlingException"]
)
def test_rows_that_dynamodb_leaves_are_asked_for_again(table: Any, code: str | None) -> None:
    clock = FakeClock()
    records = {r.record.id: r for r in map(a_record, map(str, range(40)))}
    write(a_store(table, clock, lambda client: Stumbling(client, 5, code)), Writes(records=records))

    found = a_store(table, clock, lambda client: Stumbling(client, 5, code)).rows(OURS, records)

    assert {rid: row.stored for rid, row in found.items()} == records
    assert 0 < clock.slept < 20


@pytest.mark.parametrize("code", [None, "ProvisionedThroughputExceededException"])
def test_throttling_without_end_is_said_and_the_lock_given_back_keeps_the_intent(
    table: Any, code: str | None
) -> None:
    clock = FakeClock()
    stuck = a_store(table, clock, lambda client: Stumbling(client, 10_000, code))
    lock = stuck.lock(OURS)
    stuck.store_intent(lock, Intent(("a" * 32,)))

    with pytest.raises(Throttled):
        stuck.write(lock, Writes(records={r.record.id: r for r in map(a_record, "1234567890")}))
    with pytest.raises(Throttled):
        stuck.rows(OURS, ["a" * 32])
    stuck.unlock(lock, done=False)

    assert a_store(table, clock).lock(OURS).leftover == Intent(("a" * 32,))


def test_an_endless_name_can_still_be_a_key(table: Any) -> None:
    store = a_store(table, FakeClock())
    endless = MergeKey("name_dob", "é" * 3_000)
    members = KeyCarriers({"a" * 32: "posabit:north"})

    write(store, Writes(carriers={endless: members}, shared={endless: True}))

    assert store.carriers(OURS, [endless]) == {endless: members}
    assert len(store.shared_keys(OURS)) == 1


def a_reference_shopper(number: int) -> Customer:
    return Customer(
        ext_id=str(4_000_000 + number),
        first="Maximiliana",
        last="Featherstonehaugh",
        phone_raw=f"(206) 555-{number:04d}",
        phone=f"+1206555{number:04d}",
        email_raw=f"Maximiliana.Featherstonehaugh{number}@Example.com",
        email=f"maximiliana.featherstonehaugh{number}@example.com",
        birth_date="1990-01-02",
        gender="female",
        type="recreational",
        state="WA",
        address="12345 Rainier Avenue South, Apartment 77, Seattle, WA 98118",
        pos_loyalty_member=True,
        pos_points=1_250,
        sms_consent="yes",
        email_consent="no",
        terms_agreed=True,
        created_at=NOON - 10**9,
        updated_at=NOON,
        flags=frozenset({"employee"}),
    )


def a_reference_sale(number: int, customer: str, day: int = 0) -> Sale:
    items = tuple(
        LineItem(
            name=f"Blue Dream Premium Flower 3.5g Jar {line}",
            quantity="1",
            total=3_500,
            ext_id=str(88_000_000 + line),
            product_ext_id=str(770_000 + line),
            sku=f"SKU-000{line}",
            brand="Evergreen Farms",
            category="Flower",
            unit_price=4_000,
            subtotal=3_500,
            discount=500,
            tax=1_295,
            cost=1_400,
            discounts=("Happy Hour 10 %",),
        )
        for line in range(3)
    )
    return Sale(
        ext_id=str(9_000_000 + number),
        store_key="Main Street",
        ordered_at=NOON - day * 86_400_000 - number,
        ordered_at_text="2026-01-01T12:00:00.000-08:00",
        currency="USD",
        total=14_385,
        status="completed",
        number="TX-100200300",
        customer_ext_id=customer,
        channel="in store",
        employee_id="5501",
        employee_name="Robin",
        subtotal=10_500,
        discount=1_500,
        tax=3_885,
        tenders=(Tender("cash", 15_000), Tender("change", -615)),
        items=items,
        updated_at=NOON,
    )


def test_a_reference_shopper_and_sale_stay_within_their_write_units(table: Any) -> None:
    clock = FakeClock()
    stores = MemoryStores()
    stores.mapping = lambda _uid: {"posabit:north:Main Street": 7}  # type: ignore[method-assign]
    shoppers = [a_reference_shopper(n) for n in range(25)]

    def committed(**given: object) -> Client:
        client = Client(table)
        rows = BatchTable(client, TABLE, clock)
        facts = DynamoFacts(rows, CommitLocks(rows, clock))
        commits = memory_commits(facts, stores, MemoryAccounts(an_account(OURS)), clock)
        commits.commit(OURS, "posabit", "north", **given)  # type: ignore[arg-type]
        return client

    arrived = committed(customers=shoppers)
    bought = committed(sales=[a_reference_sale(n, s.ext_id) for n, s in enumerate(shoppers)])
    bought_again = committed(
        sales=[a_reference_sale(100 + n, s.ext_id, 1) for n, s in enumerate(shoppers)]
    )
    unchanged = committed(customers=shoppers)

    rows = [row for row in (*arrived.puts, *bought.puts) if "#LOG#" not in row["pk"]["S"]]
    assert max(map(size, rows)) <= 1024
    assert arrived.write_units() <= 5 * len(shoppers)
    assert arrived.index_units() == 2 * len(shoppers)
    assert bought_again.write_units() <= 4 * len(shoppers)
    assert bought.write_units() - bought.log_units() <= 4 * len(shoppers) + 5
    # The facts log: what one commit of few facts costs, the most there is (freezing.md).
    assert arrived.log_units() <= 0.12 * len(shoppers)
    assert bought.log_units() <= 0.24 * len(shoppers)
    assert unchanged.batches == []


def test_a_hundred_sales_leave_a_summary_of_one_unit() -> None:
    summary = SalesSummary.rebuild([ref(str(n), NOON - n * 3 * 86_400_000) for n in range(100)])

    assert len(summary.pack()) < 900


A = a_record("a")


def test_rows_and_the_lock_are_given_back_at_once(facts: FactStore) -> None:
    lock = facts.lock(OURS)

    fits = facts.write_and_unlock(lock, Writes(records={A.record.id: A}))
    facts.unlock(lock, done=True)

    assert fits
    assert facts.rows(OURS, [A.record.id])[A.record.id].stored == A
    following = facts.lock(OURS)
    assert following.leftover is None
    facts.unlock(following, done=True)


def test_more_rows_than_one_transaction_takes_are_left_to_batches(facts: FactStore) -> None:
    lock = facts.lock(OURS)
    records = [a_record(str(number)) for number in range(100)]
    many = {row.record.id: row for row in records}

    fits = facts.write_and_unlock(lock, Writes(records=many))

    assert not fits
    assert facts.rows(OURS, list(many)[:1])[next(iter(many))].stored is None
    facts.write(lock, Writes(records=many))
    facts.unlock(lock, done=True)


def test_a_holder_that_was_overtaken_writes_nothing_at_once(table: Any) -> None:
    clock = FakeClock()
    slow, quick = a_store(table, clock), a_store(table, clock)
    late = slow.lock(OURS)
    clock.move(LOCK_SECONDS + 1)
    following = quick.lock(OURS)

    with pytest.raises(LeaseLost):
        slow.write_and_unlock(late, Writes(records={A.record.id: A}))

    assert quick.rows(OURS, [A.record.id])[A.record.id].stored is None
    quick.unlock(following, done=True)


def test_records_and_keys_are_read_in_one_call(table: Any) -> None:
    store = a_store(table, FakeClock())
    lock = store.lock(OURS)
    carriers = KeyCarriers(carriers={A.record.id: "posabit:north"})
    store.write(lock, Writes(records={A.record.id: A}, carriers={PHONE: carriers}))
    store.unlock(lock, done=True)

    rows, found = store.rows_and_carriers(OURS, [A.record.id, "b"], [PHONE, EMAIL])

    assert (rows[A.record.id].stored, rows["b"].stored) == (A, None)
    assert found == {PHONE: carriers}
