"""Contact sync to POSaBIT (product.md §7 and §11, partner-api.md S21)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import (
    Conflict,
    KeyRejected,
    NotFound,
    RateLimited,
    RecordRefused,
    UpstreamError,
)
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Source
from tests.fakes.facts import Crash
from tests.worlds.contact_sync import ANA, BEN, POS, SyncedTown
from tests.worlds.shop import UID


def taken(*fields: str) -> RecordRefused:
    return RecordRefused("POSaBIT refuses.", taken=True, fields=list(fields))


@pytest.fixture
def town() -> SyncedTown:
    return SyncedTown()


def test_a_signup_that_the_pos_does_not_know_is_created_there(town: SyncedTown) -> None:
    """What the setting promises:

    - Enabling this setting allows AIQ to keep shopper records aligned between POSaBIT and AIQ.
    - From AIQ to POS: If a shopper signs up through an AIQ form and no existing match is found in
      POSaBIT, a new shopper profile will be created in POSaBIT automatically.
    """
    record = town.sign_up(email="ana@example.com")

    [shopper] = town.pos.all("north")
    assert (shopper.first, shopper.phone, shopper.email) == ("Ana", ANA, "ana@example.com")
    assert town.intent(record).state == "created"
    town.settle()
    assert town.intent(record).state == "done"
    assert town.intents.due_at(UID, POS) is None


def test_who_carries_the_phone_in_any_scope_is_a_match(town: SyncedTown) -> None:
    town.pos.add("south", Customer("7", "Ana", "R", phone=ANA))

    record = town.sign_up()

    assert (town.intent(record).state, town.intent(record).ext_id) == ("matched", "7")
    assert town.pos.created == 0


def test_who_was_pulled_is_a_match_without_a_call(town: SyncedTown) -> None:
    town.tell(Customer("7", "Ana", "R", phone=ANA), scope="south")

    record = town.sign_up()

    assert (town.intent(record).state, town.pos.log) == ("matched", [])


@pytest.mark.parametrize(("state", "scopes"), [(None, [1, 0]), ("Oregon", [0, 1])])
def test_a_shopper_is_created_in_the_scope_of_their_state_else_in_the_first_connected(
    town: SyncedTown, state: str | None, scopes: list[int]
) -> None:
    town.credential("south", market="OR", created_at=1)

    town.sign_up(state=state)

    assert [len(town.pos.all(scope)) for scope in ("north", "south")] == scopes


def test_a_contact_of_no_market_is_not_created_while_markets_are_synced(town: SyncedTown) -> None:
    """When enabled, AIQ will only sync contacts that belong to the region or state associated with
    the given credential."""
    town.card(settings={"sync_to_market": True})
    for scope in ("north", "south"):
        town.credential(scope, market="WA")

    out, inside = town.sign_up(state="Oregon"), town.sign_up(BEN, state="Washington")

    assert (town.intent(out).state, town.intent(inside).state) == ("dropped", "created")


def test_signups_of_the_pos_itself_and_of_before_the_day_are_not_created(town: SyncedTown) -> None:
    own = town.sign_up(platform=POS)
    town.card(personas_synced_from=town.clock.now() + 86_400_000)
    early = town.sign_up(BEN)

    assert town.intents.get(UID, POS, own) is None
    assert town.intents.get(UID, POS, early) is None
    assert town.pos.log == []


def test_while_the_setting_is_off_nothing_is_created_and_what_waits_is_dropped(
    town: SyncedTown,
) -> None:
    town.card(state="frozen")
    record = town.sign_up()
    town.card(state="connected", personas_synced_from=None)

    town.settle()

    assert (town.intent(record).state, town.pos.log) == ("dropped", [])


def test_twenty_syncs_after_five_creations_create_nobody_else(town: SyncedTown) -> None:
    records = [town.sign_up(f"+120655501{n:02}", first=f"Ana{n}") for n in range(5)]

    for _ in range(20):
        town.pull()
        town.deliver(*records)
        town.wait(600)

    assert town.pos.created == 5
    assert {town.intent(record).state for record in records} == {"done"}


def test_a_second_signup_of_the_same_person_by_other_means_creates_nobody(town: SyncedTown) -> None:
    town.sign_up(email="ana@example.com")

    record = town.sign_up(None, email="ana@example.com", platform="rest_api")

    assert (town.intent(record).state, town.pos.created) == ("matched", 1)


@pytest.mark.parametrize("accident", [UpstreamError("cut"), Crash])
def test_what_was_stored_before_the_answer_was_lost_is_found_again(
    town: SyncedTown, accident: Any
) -> None:
    town.pos.lag_seconds = 10
    town.pos.accidents = [accident]
    record = town.sign_up()
    assert town.intent(record).state == "sending"

    town.settle()

    assert (town.intent(record).state, town.intent(record).ext_id) == ("done", "p1")
    assert len(town.pos.all("north")) == 1


def test_a_creation_that_never_arrived_is_sent_again_once_the_search_must_have_shown_it(
    town: SyncedTown,
) -> None:
    town.pos.accidents, town.pos.after = [UpstreamError("timeout")], False
    record = town.sign_up()
    town.wait(60)
    assert town.pos.created == 1

    town.settle()

    assert (town.pos.created, len(town.pos.all("north"))) == (2, 1)
    assert town.intent(record).state == "done"


def test_a_double_that_the_search_showed_too_late_is_flagged_and_cleared(town: SyncedTown) -> None:
    town.pos.lag_seconds = 700
    town.pos.accidents = [UpstreamError("timeout")]
    record = town.sign_up()

    town.settle()

    intent = town.intent(record)
    assert (intent.state, set(intent.doubles)) == ("double", {"p1", "p2"})
    assert town.intents.shown(UID, POS, 9) == [intent]
    town.pos.hidden.add("p2")
    town.wait(86_400)
    assert town.intent(record).state == "done"


def test_a_refusal_as_taken_is_a_match_where_the_search_shows_who_took_it(town: SyncedTown) -> None:
    town.pos.accidents = [taken("telephone")]

    record = town.sign_up()

    assert town.intent(record).state == "matched"
    assert (town.intent(record).ext_id, town.pos.created) == ("p1", 1)


def test_a_lasting_refusal_is_tried_three_times_then_shown_until_a_pull_brings_the_shopper(
    town: SyncedTown,
) -> None:
    town.pos.accidents, town.pos.after = [taken("telephone")] * 9, False
    record = town.sign_up()

    town.settle()
    town.wait(86_400, times=5)

    intent = town.intent(record)
    assert (intent.state, intent.tries, intent.refused_for) == ("refused", 3, ("telephone",))
    assert (town.pos.created, intent.waiting) == (3, "taken")
    town.tell(Customer("7", "Ana", "R", phone=ANA), scope="north")
    town.wait(86_400)
    assert town.intent(record).state == "matched"


@pytest.mark.parametrize(
    ("error", "waiting"),
    [
        (RateLimited("wait", retry_after=1800), "rate_limited"),
        (KeyRejected("no"), "key_rejected"),
        (UpstreamError("500"), "failing"),
    ],
)
def test_while_the_pos_fails_signups_wait_and_say_why(
    town: SyncedTown, error: Any, waiting: str
) -> None:
    town.pos.search_fails = error
    record, other = town.sign_up(), town.sign_up(BEN)
    town.wait(601)
    assert (town.intent(record).state, town.intent(record).waiting) == ("queued", waiting)

    town.pos.search_fails = None
    town.settle()

    assert {town.intent(each).state for each in (record, other)} == {"done"}


@pytest.mark.parametrize("state", ["freezing", "frozen", "unfreezing", "disconnected"])
def test_a_frozen_source_gets_no_call_and_what_waited_goes_when_it_moves_again(
    town: SyncedTown, state: str
) -> None:
    town.card(state=state)
    record = town.sign_up()
    town.settle()
    assert (town.pos.log, len(town.intents.open_ones(UID, POS))) == ([], 1)

    town.card(state="connected")
    town.settle()

    assert town.intent(record).state == "done"


def test_a_source_that_is_frozen_between_two_requests_is_asked_nothing_more(
    town: SyncedTown,
) -> None:
    find = town.pos.open_shoppers

    def freeze_meanwhile(access: Any) -> Any:
        session = find(access)
        search = session.find

        def then_freeze(*contacts: Any) -> Any:
            found = search(*contacts)
            town.card(state="frozen")
            town.clock.move(2.1)
            return found

        session.find = then_freeze
        return session

    town.pos.open_shoppers = freeze_meanwhile  # type: ignore[method-assign]
    record = town.sign_up()

    assert [verb for verb, _ in town.pos.log] == ["find"]
    assert (town.intent(record).state, town.intent(record).waiting) == ("queued", "frozen")


def test_who_was_deleted_in_the_pos_is_not_created_again_but_by_a_person(town: SyncedTown) -> None:
    record = town.sign_up()
    town.settle()
    town.pull()
    town.pos.shoppers["north"] = []

    town.sign_up()
    town.card(personas_synced_from=None)
    town.card(personas_synced_from=0)
    town.deliver(record)
    town.settle()
    assert town.pos.created == 1

    town.view.create_again(UID, POS, record, actor="user:ann")
    town.work()

    assert (town.pos.created, town.intent(record).state) == (2, "created")


def test_what_waits_and_what_a_person_has_to_look_at_is_shown(town: SyncedTown) -> None:
    town.pos.accidents, town.pos.after = [taken("telephone")] * 3, False
    refused = town.sign_up()
    town.settle()
    town.card(state="frozen")
    town.sign_up(BEN)

    state = town.view.state(UID, POS)

    assert (state.queued, state.waits_for) == (1, "frozen")
    [shown] = state.shown
    assert (shown.record, shown.name) == (refused, "Ana Ruiz")
    assert shown.message == "Refused by POSaBIT: telephone taken."
    assert "archived profiles too" in shown.what_to_do
    with pytest.raises(Conflict):
        town.view.create_again(UID, POS, town.intents.open_ones(UID, POS)[0].record, actor="u")
    with pytest.raises(NotFound):
        town.view.create_again(UID, POS, "f" * 32, actor="u")


def test_a_minor_is_not_created(town: SyncedTown) -> None:
    record = town.sign_up(birth_date="2015-01-01")

    assert (town.intent(record).state, town.pos.log) == ("dropped", [])


@pytest.mark.parametrize("dies", range(1, 40))
@pytest.mark.parametrize("lag", [0, 10])
def test_wherever_the_worker_dies_nobody_is_created_twice(dies: int, lag: float) -> None:
    town = SyncedTown()
    town.pos.lag_seconds = lag
    town.wire.at = dies

    record = town.sign_up(email="ana@example.com")
    other = town.sign_up(None, email="ana@example.com", platform="rest_api")
    town.settle()
    town.settle()

    assert len(town.pos.all("north")) == 1
    assert {town.intent(each).state for each in (record, other)} <= {"done", "matched"}


def test_two_workers_never_have_the_same_source_at_once(town: SyncedTown) -> None:
    town.intents.take_turn(UID, POS, "another", town.clock.now())

    town.sign_up()
    assert town.pos.log == []
    town.intents.end_turn(UID, POS, "another")
    town.settle()

    assert town.pos.created == 1


def test_what_a_cashier_edits_wins_over_the_form_and_a_repetition_of_it(town: SyncedTown) -> None:
    """What the setting promises:

    - From POS to AIQ: Updates made to shopper profiles in POSaBIT (e.g., name, email, phone number,
      or date of birth) will flow into AIQ.
    - ⚠️ Warning: The POS remains the source of truth — to change a shopper's contact info, update
      it directly in POSaBIT so it flows through to AIQ.
    """
    town.rule(posabit=Source(pos_wins_from=town.clock.now()))
    record = town.sign_up(email="e1@example.com")
    town.settle()
    town.clock.move(60)
    [created] = town.pos.all("north")
    edited = replace(created, email="e2@example.com", updated_at=town.clock.now())
    town.pos.shoppers["north"] = [(town.clock.now(), edited)]
    town.pull()

    town.sign_up(email="e1@example.com")

    persona = town.lookup.by_record(UID, record).persona
    assert persona.email == "e2@example.com"
    assert (town.pos.all("north"), town.pos.created) == ([edited], 1)
