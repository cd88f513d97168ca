"""What another zone, merge rule, age or placeholder would do is counted before it is done
(product.md §4, §6, §7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, InvalidInput, StaleVersion
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import HOUR, day_from_text, from_text
from chalicelib.services.changes.preview import PAGE, token_of
from chalicelib.services.ports.changes import Preview, PreviewCounts
from chalicelib.services.ports.stores import Store, StoreKeySighting
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom
from tests.worlds.changes import ANN, points

LATE = from_text("2026-01-31T23:30:00-08:00")
"""Still January in Los Angeles, February in New York."""
BORN = "1990-12-31"


@pytest.fixture
def room() -> Backroom:
    """Whoever bought in February is a member and earns."""
    made = Backroom()
    made.clock.at = LATE + HOUR
    february = Source(enroll_after=day_from_text("2026-02-01"))
    made.rules.set(
        UID, Rules(Loyalty(enabled=True, points_per_100=10_000), {PLATFORM: february}, version=1)
    )
    made.stores.create(Store(UID, 0, "North House"))
    made.stores.see_keys(UID, [StoreKeySighting(PLATFORM, SCOPE, "north", None, LATE)])
    made.stores.map_keys(UID, 1, [f"{PLATFORM}:{SCOPE}:north"], version=1)
    return made


def came(room: Backroom, *customers: Customer, sold: bool = True) -> None:
    """Each bought late in January for 10.00."""
    sales = [
        Sale(f"s{c.ext_id}", "north", LATE, "", "USD", 1_000, customer_ext_id=c.ext_id)
        for c in customers
    ]
    room.commits.commit(UID, PLATFORM, SCOPE, customers=customers, sales=sales if sold else [])


def ana(ext_id: str = "1", **more: Any) -> Customer:
    fields: dict[str, Any] = {"phone": f"+1206555000{ext_id}", "birth_date": BORN, **more}
    return Customer(ext_id, "Ana", "Ruiz", **fields)


def preview(room: Backroom, **changes: Any) -> Preview:
    made, _ = room.changing.preview(room.terms_proposals.preview_of_account(UID, changes))
    return made


def preview_zone(room: Backroom, zone: str | None) -> Preview:
    proposal = room.terms_proposals.preview_of_store(UID, 1, {"time_zone": zone})
    return room.changing.preview(proposal)[0]


def change(room: Backroom, token: str | None, **changes: Any) -> None:
    version = room.accounts.get(UID).version
    room.terms_changes.account(UID, version, changes, token, actor=ANN)
    room.work_off()


def people(room: Backroom) -> Mapping[str, tuple[bool, int]]:
    return {p.id: (p.member, p.points) for p in room.facts.shown(UID)}


def test_another_zone_of_the_account_says_whom_it_enrols_and_what_they_earn(
    room: Backroom,
) -> None:
    came(room, ana())
    assert not any(member for member, _ in people(room).values())

    counted = preview(room, time_zone="America/New_York")
    before = people(room)
    change(room, token_of(counted), time_zone="America/New_York")

    assert before == dict.fromkeys(before, (False, 0)), "a preview changes nothing"
    assert counted.counts.enrolled == 1
    assert (counted.counts.balances, counted.counts.points) == (1, 1_000)
    assert [member for member, _ in people(room).values()] == [True]
    assert list(points(room).values()) == [1_000]


def test_another_zone_of_a_store_counts_the_sales_of_its_keys_and_no_others(
    room: Backroom,
) -> None:
    came(room, ana())
    room.commits.commit(
        UID,
        PLATFORM,
        SCOPE,
        customers=[Customer("9", phone="+12065550009")],
        sales=[Sale("s9", "south", LATE, "", "USD", 1_000, customer_ext_id="9")],
    )

    east = preview_zone(room, "America/New_York").counts
    west = preview_zone(room, "America/Los_Angeles").counts

    assert (east.personas, east.enrolled, east.points) == (2, 1, 1_000)
    assert (west.personas, west.enrolled, west.points) == (2, 0, 0)


def test_a_zone_that_the_pos_tells_wins_over_the_stores(room: Backroom) -> None:
    sighting = StoreKeySighting(
        PLATFORM, SCOPE, "north", None, LATE, time_zone="America/Los_Angeles"
    )
    room.stores.see_keys(UID, [sighting])
    came(room, ana())

    assert preview_zone(room, "America/New_York").counts.enrolled == 0


def test_joining_by_name_and_birth_date_counts_who_becomes_one(room: Backroom) -> None:
    came(room, ana("1"), ana("2"), ana("3", birth_date="1991-01-01"))

    counted = preview(room, merge_on_name_and_birth_date=True)
    change(room, token_of(counted), merge_on_name_and_birth_date=True)
    apart = preview(room, merge_on_name_and_birth_date=False)

    assert (counted.counts.personas, counted.counts.joined) == (3, 1)
    assert len(people(room)) == 2
    assert (apart.counts.joined, apart.counts.split) == (0, 1)


def test_people_of_one_name_are_joined_wherever_the_pages_of_the_list_end(room: Backroom) -> None:
    others = [
        Customer(f"a{n}", "Aa", f"Z{n:03d}", phone=f"+1206556{n:04d}") for n in range(PAGE - 1)
    ]
    came(room, *others, ana("1"), ana("2"), sold=False)

    counts = preview(room, merge_on_name_and_birth_date=True).counts

    assert (counts.personas, counts.joined) == (PAGE + 1, 1)


def test_what_points_a_join_moves_is_counted_too(room: Backroom) -> None:
    came(room, ana("1"))
    room.commits.commit(UID, PLATFORM, SCOPE, customers=[ana("2")])
    room.commits.commit(
        UID,
        PLATFORM,
        SCOPE,
        sales=[Sale("f", "north", LATE + 24 * HOUR, "", "USD", 500, customer_ext_id="2")],
    )
    before = sum(balance for _, balance in people(room).values())

    counted = preview(room, merge_on_name_and_birth_date=True)
    change(room, token_of(counted), merge_on_name_and_birth_date=True)

    after = sum(balance for _, balance in people(room).values())
    assert counted.counts.points == after - before


def test_an_age_that_makes_members_minors_counts_them_as_lost(room: Backroom) -> None:
    room.accounts.update(replace(room.accounts.get(UID), minimum_age=18))
    room.clock.move(30 * 24 * 3600)
    sale = Sale("s1", "north", LATE + HOUR, "", "USD", 1_000, customer_ext_id="1")
    young = ana(birth_date="2006-06-01")
    room.commits.commit(UID, PLATFORM, SCOPE, customers=[young], sales=[sale])
    held = [member for member, _ in people(room).values()]

    counted = preview(room, minimum_age=21)
    change(room, token_of(counted), minimum_age=21)

    now = [member for member, _ in people(room).values()]
    assert counted.counts.lost == sum(held) - sum(now)


def test_a_placeholder_says_who_would_be_shown_no_more(room: Backroom) -> None:
    came(room, ana("1"), ana("2", email="ana@example.com"))

    counted = preview(room, placeholders=["+12065550001", "+12065550002"])
    change(room, token_of(counted), placeholders=["+12065550001", "+12065550002"])

    assert (counted.counts.personas, counted.counts.dropped) == (2, 1)
    assert len(people(room)) == 1


def test_a_change_of_nothing_that_counts_needs_no_preview_and_gets_none(room: Backroom) -> None:
    change(room, None, name="Greener")

    assert room.accounts.get(UID).name == "Greener"
    with pytest.raises(InvalidInput):
        preview(room, time_zone=room.accounts.get(UID).time_zone)


def test_a_token_is_good_for_exactly_what_was_previewed_at_its_version(room: Backroom) -> None:
    token = token_of(preview(room, time_zone="America/New_York"))
    assert token is not None

    with pytest.raises(Conflict) as other:
        change(room, token, time_zone="America/Denver")
    with pytest.raises(Conflict, match="no such token"):
        change(room, f"{token}x", time_zone="America/New_York")
    with pytest.raises(StaleVersion):
        room.terms_changes.account(UID, 7, {"name": "x"}, None, actor=ANN)
    change(room, None, name="Greener")
    with pytest.raises(Conflict) as late:
        change(room, token, time_zone="America/New_York")

    assert room.accounts.get(UID).time_zone == "America/Los_Angeles"
    fresh = room.changes.preview(UID, str(other.value.details["preview"]))
    assert fresh.changes == {"time_zone": "America/Denver"}
    assert "preview" in late.value.details


def test_what_a_request_cannot_count_a_job_counts_on(room: Backroom) -> None:
    came(room, ana("1"), ana("2"))
    busy = Preview("prv_x", UID, "loyalty", {}, 1, 0, "s", room.clock.now())
    room.changes.make_live(busy, room.clock.now(), room.clock.now() + HOUR)

    begun = preview(room, merge_on_name_and_birth_date=True)
    room.work_off()

    counted = room.changes.preview(UID, begun.id)
    assert (begun.state, begun.counts) == ("counting", PreviewCounts())
    assert (counted.state, counted.counts.joined) == ("ready", 1)


def test_a_count_ends_where_the_account_is_changed_meanwhile(room: Backroom) -> None:
    came(room, ana("1"))
    busy = Preview("prv_x", UID, "loyalty", {}, 1, 0, "s", room.clock.now())
    room.changes.make_live(busy, room.clock.now(), room.clock.now() + HOUR)
    begun = preview(room, time_zone="America/New_York")

    room.accounts.update(replace(room.accounts.get(UID), name="Greener"))
    room.work_off()

    assert room.changes.preview(UID, begun.id).state == "outdated"


def test_the_state_of_a_store_counts_where_a_source_is_synced_to_its_market(
    room: Backroom,
) -> None:
    with pytest.raises(InvalidInput):
        room.terms_proposals.preview_of_store(UID, 1, {"state": "OR"})
    rules = room.rules.get(UID)
    source = replace(rules.source(PLATFORM), to_market=True, markets={SCOPE: "WA"})
    room.rules.set(UID, replace(rules, sources={PLATFORM: source}, version=2))
    came(room, ana())

    proposal = room.terms_proposals.preview_of_store(UID, 1, {"state": "OR"})
    counts = room.changing.preview(proposal)[0].counts

    assert (counts.personas, counts.dropped, counts.out_of_market) == (1, 0, 1)
