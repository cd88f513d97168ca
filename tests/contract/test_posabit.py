"""POSaBIT's own traps: ways in, permissions and their degraded shapes, refunds, messy rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import PermissionMissing, UnexpectedAnswer
from chalicelib.domain.records import Customer, InventoryItem, Sale
from chalicelib.domain.times import DAY
from chalicelib.services.ports.pos import StreamPlan
from simulators.oracle import answer

from .bench import NOW, read
from .posabit import Posabit

YEARS_AGO = NOW - 3 * 365 * DAY
ENHANCED = "Enhanced Customer Data Access"


@pytest.fixture
def bench() -> Iterator[Posabit]:
    with Posabit() as started:
        yield started


def permit(bench: Posabit, **changes: Any) -> None:
    permissions = bench.server.api.permissions
    code = bench.shop.venue.code
    permissions[code] = permissions[code].with_changes(changes)


def versions(bench: Posabit) -> set[tuple[str, str]]:
    """(version, kind of credential) of every request."""
    return {(line["version"], line["auth"]) for line in bench.server.stats.log(0)}


def sales(bench: Posabit, **changes: Any) -> dict[str, Sale]:
    found = read(bench, "sales", **({"history_from": YEARS_AGO} | changes)).facts
    return {fact.ext_id: fact for fact in found if isinstance(fact, Sale)}


def test_with_an_integrator_token_the_third_version_is_spoken(bench: Posabit) -> None:
    read(bench, "customers")

    assert versions(bench) == {("v3", "basic")}


def test_without_an_integrator_token_the_second_version_is_spoken(bench: Posabit) -> None:
    bench.integrator_token = None

    assert read(bench, "customers").ids == set(bench.truth("customers"))
    assert versions(bench) == {("v2", "bearer")}


def test_a_key_of_the_second_version_is_found_out_at_once(bench: Posabit) -> None:
    bench.server.api.settings.accept = "bearer"

    reading = read(bench, "customers")

    assert reading.ids == set(bench.truth("customers"))
    assert [page.requests for page in reading.pages[:2]] == [2, 1]


@pytest.mark.parametrize("accept", ["basic", "bearer", "both"])
def test_a_check_finds_the_way_in(bench: Posabit, accept: str) -> None:
    bench.server.api.settings.accept = accept

    assert bench.gateway.check(bench.access()).outcome == "ok"


@pytest.mark.parametrize(
    ("lacking", "name"),
    [
        ({"menu_feed": False}, "Menu Feed Access"),
        ({"incoming_orders": False}, "Incoming Orders Access"),
        ({"venue_data": False}, "Venue Data Access"),
        ({"enhanced_customer_data": False, "degraded": ["forbidden"]}, ENHANCED),
        ({"enhanced_customer_data": False, "degraded": ["null_identity"]}, ENHANCED),
        ({"enhanced_customer_data": False, "degraded": ["null_links"]}, ENHANCED),
    ],
)
def test_a_check_names_the_permission_that_is_missing(
    bench: Posabit, lacking: Any, name: str
) -> None:
    """The permissions to grant are

    1. Menu Feed Access
    2. Incoming Orders Access
    3. Venue Data Access
    4. Enhanced Customer Data Access
    """
    bench.server.api.settings.max_per_page = 1000
    permit(bench, **lacking)

    checked = bench.gateway.check(bench.access())

    assert checked.outcome == "permission_missing"
    assert checked.missing_permissions == (name,)
    assert name in checked.message


def test_what_only_an_account_rep_can_enable_is_said_where_it_lacks(bench: Posabit) -> None:
    """Reach out to POSaBIT to enable "Enhanced Customer Data Access"

    This is not available in your POSaBIT settings until enabled by your account rep.
    """
    permit(bench, enhanced_customer_data=False)
    enhanced = bench.gateway.check(bench.access())
    permit(bench, enhanced_customer_data=True, menu_feed=False)
    another = bench.gateway.check(bench.access())

    assert 'Reach out to POSaBIT to enable "Enhanced Customer Data Access"' in enhanced.message
    assert "until enabled by your account rep." in enhanced.message
    assert "account rep" not in another.message


def test_without_the_enhanced_permission_nobody_is_read_and_no_sale_is_anybodys(
    bench: Posabit,
) -> None:
    """Enhanced Customer Data Access is required for us to pull in persona information and associate
    sales with personas.
    """
    linked = {name for name, sale in sales(bench).items() if sale.customer_ext_id}
    permit(bench, enhanced_customer_data=False, degraded=["forbidden", "null_links"])

    with pytest.raises(PermissionMissing) as missing:
        read(bench, "customers")
    nobodys = sales(bench)

    assert missing.value.details["permissions"] == [ENHANCED]
    assert linked
    assert set(nobodys) >= linked
    assert {sale.customer_ext_id for sale in nobodys.values()} == {None}


def test_a_check_names_all_permissions_in_the_order_of_the_screen(bench: Posabit) -> None:
    permit(bench, menu_feed=False, incoming_orders=False, venue_data=False)
    permit(bench, enhanced_customer_data=False)

    checked = bench.gateway.check(bench.access())

    assert checked.missing_permissions == (
        "Menu Feed Access",
        "Incoming Orders Access",
        "Venue Data Access",
        ENHANCED,
    )


def test_a_missing_permission_still_tells_the_store(bench: Posabit) -> None:
    permit(bench, menu_feed=False)

    checked = bench.gateway.check(bench.access())

    assert [store.name for store in checked.stores] == [bench.shop.venue.name]


def test_a_check_that_fails_half_way_tells_the_store_all_the_same(bench: Posabit) -> None:
    bench.fault("sales", "500")

    checked = bench.gateway.check(bench.access())

    assert (checked.outcome, checked.scope) == ("unexpected_answer", bench.shop.venue.code)


def test_few_sales_of_nobody_prove_nothing(bench: Posabit) -> None:
    bench.server.api.settings.max_per_page = 10
    permit(bench, enhanced_customer_data=False, degraded=["null_links"])

    assert bench.gateway.check(bench.access()).outcome == "ok"


def test_reading_customers_without_permission_names_it(bench: Posabit) -> None:
    permit(bench, enhanced_customer_data=False)

    with pytest.raises(PermissionMissing) as missing:
        read(bench, "customers")

    assert missing.value.details["permissions"] == [ENHANCED]


def test_an_endpoint_that_no_version_has_is_an_unexpected_answer(bench: Posabit) -> None:
    bench.fault("sales", "404")

    with pytest.raises(UnexpectedAnswer):
        read(bench, "sales")


def test_an_endpoint_that_only_the_older_version_has_is_found_there(bench: Posabit) -> None:
    bench.fault("sales", "404", times=1)

    assert set(sales(bench)) == set(bench.truth("sales"))
    assert ("v2", "bearer") in versions(bench)


def test_old_customers_are_met_because_the_window_is_the_widest(bench: Posabit) -> None:
    bench.server.api.settings.dates_required = True

    read(bench, "customers")

    asked = [line["params"] for line in bench.server.stats.log(0)]
    assert {(p["start_date"], p["end_date"]) for p in asked} == {("2015-01-01", "2035-01-01")}


def test_a_page_size_that_is_cut_loses_nothing(bench: Posabit) -> None:
    bench.server.api.settings.max_per_page = 7

    assert read(bench, "customers").ids == set(bench.truth("customers"))
    assert read(bench, "inventory").pages[-1].full_listing


def test_messy_shoppers_are_judged_as_the_oracle_judges_them() -> None:
    with Posabit(shoppers=1500, sales=10) as bench:
        facts = read(bench, "customers").facts
        bench.shop, bench.key = bench.server.world.shops[1], bench.server.world.venues[1].token
        facts += read(bench, "customers").facts
        expected = answer(bench.server.world)["shoppers"]

    people = {fact.ext_id: fact for fact in facts if isinstance(fact, Customer)}
    flags = Counter(flag for shopper in people.values() for flag in shopper.flags)
    assert len(people) == expected["kept"]
    for flag in ("employee", "inactive", "test"):
        assert flags[flag] == expected["flags"][flag] > 0
    for contact in ("phone", "email"):
        unusable = flags[f"bad_{contact}"] + flags[f"placeholder_{contact}"]
        assert unusable == expected["flags"][f"{contact}_unusable"] > 0


def test_broken_sales_are_set_aside_with_the_reasons_of_the_oracle() -> None:
    with Posabit(shoppers=300, sales=2000, page_size=1000) as bench:
        here = read(bench, "sales", history_from=YEARS_AGO)
        bench.shop, bench.key = bench.server.world.shops[1], bench.server.world.venues[1].token
        there = read(bench, "sales", history_from=YEARS_AGO)
        expected = answer(bench.server.world)

    both = [*here.facts, *there.facts]
    kept = [fact for fact in both if isinstance(fact, Sale)]
    reasons = Counter(reject.reason for reject in [*here.rejects, *there.rejects])
    unknown: Counter[str] = Counter()
    for page in [*here.pages, *there.pages]:
        unknown.update(page.unknown_words)
    assert dict(sorted(reasons.items())) == expected["set_aside"]["sales"]["by_reason"]
    assert len(kept) == expected["sales"]["kept"]
    assert sum(s.customer_ext_id is not None for s in kept) == expected["sales"]["linked"]
    assert sum(s.is_final and s.kind == "sale" for s in kept) == expected["sales"]["final"]
    assert sum(s.kind == "return" for s in kept) == expected["sales"]["return_rows"]
    assert sum(s.kind == "void" for s in kept) == expected["sales"]["voided"]
    assert sum(unknown.values()) == expected["sales"]["unknown_status"] > 0


@pytest.mark.parametrize("status", ["refunded", "voided"])
def test_a_sale_taken_back_in_place_leaves_nothing_that_counts(bench: Posabit, status: str) -> None:
    whole = a_whole_sale(bench)

    edit = {"do": "refund", "id": int(whole.ext_id), "shape": "R2", "status": status}
    bench.server.edits.apply(edit)
    after = sales(bench)[whole.ext_id]

    assert after.status == status
    assert not after.is_final or after.total == 0


def test_a_return_of_its_own_row_is_below_zero_and_final(bench: Posabit) -> None:
    whole, before = a_whole_sale(bench), sales(bench)

    bench.server.edits.apply({"do": "refund", "id": int(whole.ext_id), "shape": "R1"})
    after = sales(bench)

    (number,) = set(after) - set(before)
    assert (after[number].kind, after[number].is_final) == ("return", True)
    assert after[number].total < 0
    assert after[number].customer_ext_id == whole.customer_ext_id
    assert after[whole.ext_id] == whole


def a_whole_sale(bench: Posabit) -> Sale:
    return next(
        s for s in sales(bench).values() if s.kind == "sale" and s.is_final and s.total > 500
    )


def test_a_partial_refund_lowers_the_total_of_the_same_sale(bench: Posabit) -> None:
    whole = a_whole_sale(bench)

    bench.server.edits.apply({"do": "refund", "id": int(whole.ext_id), "shape": "R3"})
    after = sales(bench)[whole.ext_id]

    assert (after.kind, after.is_final) == ("sale", True)
    assert 0 < after.total < whole.total


def test_a_pos_whose_clock_goes_wrong_loses_nothing(bench: Posabit) -> None:
    bench.server.api.settings.skew_seconds = 600
    changed = sorted(bench.truth("customers"))[:3]
    bench.touch("customers", changed)

    reading = read(bench, "customers", since=NOW - DAY)

    assert set(changed) <= reading.ids


def test_a_merged_shopper_is_gone_and_the_sales_name_the_other(bench: Posabit) -> None:
    found = sales(bench)
    linked = next(s.customer_ext_id for s in found.values() if s.customer_ext_id)
    keep = next(number for number in bench.truth("customers") if number != linked)

    bench.server.edits.apply({"do": "merge", "keep": int(keep), "gone": int(linked)})
    people, moved = read(bench, "customers"), sales(bench)

    assert linked not in people.ids
    assert linked not in {s.customer_ext_id for s in moved.values()}
    assert set(moved) == set(found)


def test_only_what_is_on_hand_is_listed(bench: Posabit) -> None:
    listed = [fact for fact in read(bench, "inventory").facts if isinstance(fact, InventoryItem)]

    assert listed
    assert all(float(lot.quantity) > 0 for lot in listed)


def test_the_scope_is_asked_for_when_nobody_knows_it(bench: Posabit) -> None:
    session = bench.gateway.open(replace(bench.access(), scope=None))
    page = session.fetch(StreamPlan("sales", NOW), None)

    assert {fact.store_key for fact in page.facts if isinstance(fact, Sale)} == {
        bench.shop.venue.code
    }
