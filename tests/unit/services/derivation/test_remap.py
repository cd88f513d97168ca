"""Deriving an account again after a mapping or a rule changed (product.md §4)."""

from __future__ import annotations

import pytest

from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.services.derivation import rederive as remap
from chalicelib.services.derivation.rederive import Remapper
from chalicelib.services.job_messages.account_jobs import RemapMessage, account_job
from tests.fakes.persona_list import MemoryPersonaList
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom
from tests.worlds.syncing import a_room, people, sales, show

MAPPED = {store_key_id(PLATFORM, SCOPE, "north"): 7}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remap, "PAGE", 4)


def a_mapped_room() -> tuple[Backroom, Remapper]:
    """Ten personas, five of whom bought something; their store was mapped afterwards."""
    room = a_room(customers=people(10))
    show(room, sales=sales(room, 20, of=5))
    room.sync()
    room.stores.mapping = lambda uid: MAPPED if uid == UID else {}
    return room, Remapper(room.commits, MemoryPersonaList(room.facts), room.jobs)


def favourites(room: Backroom) -> dict[str, int | None]:
    return {rid: persona.favourite_store for (_, rid), persona in room.facts.personas.items()}


def buyers() -> set[str]:
    return {record_id(UID, PLATFORM, SCOPE, str(n)) for n in range(5)}


def in_time() -> bool:
    return True


def test_a_mapping_gives_past_sales_their_store() -> None:
    room, remapper = a_mapped_room()

    changed = remapper.handle(RemapMessage(UID), in_time)

    assert changed == 5
    assert {rid for rid, store in favourites(room).items() if store == 7} == buyers()
    assert room.jobs.sent == []


def test_only_personas_that_change_are_written() -> None:
    room, remapper = a_mapped_room()
    remapper.handle(RemapMessage(UID), in_time)
    written = room.facts.rows_written

    assert remapper.handle(RemapMessage(UID), in_time) == 0
    assert room.facts.rows_written == written


def test_when_time_is_up_the_rest_is_queued_and_nobody_is_left_out() -> None:
    room, remapper = a_mapped_room()
    message, changed, hops = RemapMessage(UID, "store 7 mapped"), 0, 0

    while True:
        changed += remapper.handle(message, lambda: False)
        if not room.jobs.sent:
            break
        [body] = room.jobs.take()
        message, hops = account_job(body), hops + 1

    assert (changed, hops) == (5, 2)
    assert message.reason == "store 7 mapped"
    assert {rid for rid, store in favourites(room).items() if store == 7} == buyers()


def test_a_page_done_twice_changes_nothing() -> None:
    room, remapper = a_mapped_room()
    remapper.handle(RemapMessage(UID), lambda: False)
    [body] = room.jobs.take()
    onward = account_job(body)
    first = remapper.handle(onward, in_time)
    after = favourites(room)

    second = remapper.handle(onward, in_time)

    assert (first > 0, second) == (True, 0)
    assert favourites(room) == after


def test_an_account_without_personas_is_done_at_once() -> None:
    room, remapper = a_mapped_room()
    room.accounts.accounts["2000"] = room.accounts.get(UID)

    assert remapper.handle(RemapMessage("2000"), in_time) == 0
    assert favourites(room) == dict.fromkeys(favourites(room))


def test_who_follows_a_new_derivation_sees_how_far_it_is() -> None:
    room, _ = a_mapped_room()
    store = room.store_service.create(UID, {"name": "North"}, actor="user:ann")

    job = room.store_service.map_keys(UID, store.id, [], 1, actor="user:ann")
    room.work_off()

    seen = room.changes.job(UID, job.id)
    people = len(room.facts.shown(UID))
    assert (job.state, seen.state, seen.done, seen.total) == ("queued", "done", people, people)
    assert room.changes.latest_job(UID) is None, "no rule was changed"


def test_a_derivation_whose_row_is_gone_goes_on_unseen() -> None:
    room, _ = a_mapped_room()

    assert room.remapper.handle(RemapMessage(UID, work="work_gone"), in_time) == 5
