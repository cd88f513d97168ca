"""What a retailer does at the screen once data comes in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Browser, expect

from tests.browser.shop import PASSWORD, Shop, loaded

REMOVAL_WARNING = (
    "If this setting is removed after it has been set, it can cause loyalty Personas to be lost if"
    " they only became a member through this setting and did not use a signup form. We do not"
    " recommend changing this after it is set."
)
COGNITO = "http://localhost"
ENROLL = "Enroll Personas in loyalty program who purchased after"


def test_keys_are_matched_on_one_page_and_the_bell_clears_by_itself(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    shop.connect("posabit")
    shop.wait_for_syncs()
    with shop.page(browser, "/settings/stores") as page:
        expect(page.get_by_role("button", name=re.compile("Notifications, [1-9]"))).to_be_visible()
        page.get_by_role("link", name=re.compile(r"Match keys \(2\)")).click()
        choices = page.get_by_role("combobox", name=re.compile("^Store for"))
        expect(choices).to_have_count(2)
        for choice in choices.all():
            choice.click()
            page.get_by_role("option", name="New store from this key").click()
        page.get_by_role("button", name="Save 2 mappings").click()

        expect(page.get_by_text("2 mappings saved. Past sales are being assigned.")).to_be_visible()
        expect(page.get_by_text("Every key has its store.")).to_be_visible()
        mapped = {key["store"] for key in shop.owner.store_keys()}
        assert mapped == {1, 2}

        page.get_by_role("link", name="Back to Retail Store").click()
        page.get_by_role("link", name=re.compile("^Edit ")).first.click()
        loaded(page)
        expect(page.get_by_role("heading", name="Store Mappings")).to_be_visible()
        page.get_by_label("Nickname").fill("Downtown")
        page.get_by_role("button", name="Save settings").click()
        expect(page.get_by_text(re.compile(r"^Saved\."))).to_be_visible()


def test_a_key_that_somebody_maps_meanwhile_is_named_and_no_choice_is_lost(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    shop.connect("posabit")
    shop.wait_for_syncs()
    for name in ("Harbor House", "Summit Supply"):
        shop.owner.call("POST", "/stores", {"name": name})
    with shop.page(browser, "/settings/stores/match") as page:
        choices = page.get_by_role("combobox", name=re.compile("^Store for"))
        expect(choices).to_have_count(2)
        for choice in choices.all():
            choice.click()
            page.get_by_role("option", name="Summit Supply").click()
        first, *_ = (key["id"] for key in shop.owner.store_keys())
        shop.owner.call(
            "PUT", "/mappings", {"items": [{"key": first, "store": 1}], "versions": {"1": 1}}
        )

        page.get_by_role("button", name="Save 2 mappings").click()
        expect(
            page.get_by_text(re.compile("is mapped to Harbor House. Take it away there"))
        ).to_be_visible()
        expect(choices).to_have_count(1)
        expect(choices).to_have_value("Summit Supply")
        assert [key["store"] for key in shop.owner.store_keys()].count(None) == 1

        page.get_by_role("button", name="Save 1 mapping").click()
        expect(page.get_by_text("Every key has its store.")).to_be_visible()
        assert {key["store"] for key in shop.owner.store_keys()} == {1, 2}


def test_a_key_is_mapped_at_its_store(browser: Browser, shops: Callable[[], Shop]) -> None:
    """Click Edit on the store you wish you map

    Click on the empty field to the right of the symbol and a dropdown will appear to "map" the key

    Click Save settings and you are done mapping the store.

    This can be found in AIQ under your Retail Stores Settings
    """
    shop = shops()
    shop.connect("posabit")
    shop.wait_for_syncs()
    shop.owner.call("POST", "/stores", {"name": "Harbor House"})
    with shop.page(browser, "/settings/stores") as page:
        page.get_by_role("link", name="Edit Harbor House").first.click()
        expect(page.get_by_text("Store number 1:")).to_be_visible()
        mappings = page.get_by_role("region", name="Store Mappings")
        field = mappings.get_by_label("POSaBIT keys of this store").first
        symbol = mappings.locator(".symbol").first.bounding_box()
        empty = field.bounding_box()
        assert symbol
        assert empty
        assert symbol["x"] + symbol["width"] <= empty["x"]
        field.click()
        page.get_by_role("option").first.click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Save settings").click()
        expect(page.get_by_text("Saved. Past sales are being assigned.")).to_be_visible()
        assert [key["store"] for key in shop.owner.store_keys()].count(1) == 1


def test_personas_say_at_a_glance_where_they_are_sourced_from(
    browser: Browser, connected: Shop
) -> None:
    """Look under your Personas page in AIQ.

    The integration is functioning properly if you see "{platform}" under the Sourced from column
    """
    with connected.page(browser) as page:
        for platform in ("posabit", "thsuite", "webjoint", "auphan", "profitek"):
            connected.go(page, f"/personas?source={platform}")
            expect(page.get_by_role("columnheader", name="Sourced from")).to_be_visible()
            heads = [head.strip() for head in page.get_by_role("columnheader").all_inner_texts()]
            cells = page.get_by_role("row").nth(1).get_by_role("cell")
            expect(cells.nth(heads.index("Sourced from"))).to_contain_text(platform)


def test_the_card_leads_to_its_personas_and_a_phone_finds_one(
    browser: Browser, connected: Shop
) -> None:
    persona = next(
        p for p in connected.owner.personas() if p["phone"] and "posabit" in p["sources"]
    )
    with connected.page(browser, "/settings/integrations/posabit") as page:
        page.get_by_role("link", name="Personas from POSaBIT").click()
        loaded(page)
        rows = page.get_by_role("row")
        expect(rows.nth(1)).to_contain_text("posabit")

        page.get_by_label("Search personas").fill(persona["phone"])
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_role("row")).to_have_count(2)
        assert persona["phone"].lstrip("+") not in page.url
        page.get_by_role("row").nth(1).get_by_role("link").click()
        expect(page.get_by_role("heading", name="Why")).to_be_visible()


def test_the_card_leads_to_the_stock_of_each_store(browser: Browser, connected: Shop) -> None:
    with connected.page(browser, "/settings/integrations/posabit") as page:
        page.get_by_role("link", name="See stock").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Stock of POSaBIT")
        loaded(page)
        expect(page.get_by_text(re.compile(r"^\d+ products in all stores, listed"))).to_be_visible()
        page.get_by_label("Search stock").fill("flower")
        page.get_by_role("button", name="Find").click()
        names = page.get_by_role("table", name="Stock").locator("tbody td:first-child")
        expect(names.filter(has_not_text=re.compile("flower", re.IGNORECASE))).to_have_count(0)
        expect(names.first).to_contain_text("Flower")

        page.get_by_label("Search stock").fill("nothing of the kind")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_text("Nothing matches these filters.")).to_be_visible()
        page.get_by_role("button", name="Clear filters").click()
        expect(names.first).to_be_visible()


def test_enrolling_says_its_numbers_and_removing_it_keeps_whoever_would_be_lost(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    shop.connect("thsuite")
    shop.wait_for_syncs()
    day = (datetime.now(UTC) - timedelta(days=200)).date().isoformat()
    with shop.page(browser, "/settings/integrations/thsuite") as page:
        page.get_by_role("button", name=f"Set date: {ENROLL}").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Day").fill(day)
        dialog.get_by_role("button", name="Preview change").click()
        expect(dialog.get_by_text(re.compile(r"would be enrolled"))).to_be_visible()
        dialog.get_by_role("button", name=re.compile(r"^Enroll \d")).click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_role("button", name=f"Change: {ENROLL}")).to_be_visible()
        expect(page.get_by_text(re.compile(r"\d+ of \d+ done|Waiting to start"))).to_have_count(0)
        members = sum(p["member"] for p in shop.owner.personas())
        assert members > 0

        page.get_by_role("button", name=f"Change: {ENROLL}").click()
        dialog.get_by_role("button", name="Remove", exact=True).click()
        expect(dialog.get_by_text(REMOVAL_WARNING)).to_be_visible()
        expect(dialog.get_by_role("radio", name="Keep them")).to_be_checked()
        dialog.get_by_role("button", name=re.compile(f"Remove, keep {members}")).click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_role("button", name=f"Set date: {ENROLL}")).to_be_visible()
        expect(page.get_by_text(re.compile(r"\d+ of \d+ done|Waiting to start"))).to_have_count(0)
        assert sum(p["member"] for p in shop.owner.personas()) == members


def test_each_role_sees_its_pages_and_no_others(browser: Browser, connected: Shop) -> None:
    seen = {
        "Analyst": ({"Overview", "Personas", "Activity log"}, {"API & Tracking"}),
        "Marketing": ({"Discounts", "Integrations"}, {"API & Tracking", "Activity log"}),
        "Manager": ({"Personas", "Retail Store"}, {"Integrations", "Overview", "Loyalty"}),
    }
    for role, (shown, hidden) in seen.items():
        with connected.page(browser, email=connected.member(role)) as page:
            menu = page.get_by_role("navigation", name="Main")
            for name in shown:
                expect(menu.get_by_role("link", name=name, exact=True)).to_be_visible()
            for name in hidden:
                expect(menu.get_by_role("link", name=name, exact=True)).to_have_count(0)
            page.goto(connected.at("/settings/api"))
            expect(
                page.get_by_text(f"Your role, {role}, does not include this page.")
            ).to_be_visible()
    with connected.page(browser, email=connected.member("Staff")) as page:
        expect(page.get_by_role("heading", level=1)).to_contain_text("Staff")
        expect(page.get_by_role("navigation", name="Main")).to_be_hidden()


def test_what_was_typed_is_still_there_after_a_session_ended(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    with shop.page(browser, "/settings/stores") as page:
        page.get_by_role("button", name="Add store").first.click()
        page.get_by_role("dialog").get_by_label("Name").fill("Harbor Two")
        refused = json.dumps(
            {"__type": "NotAuthorizedException", "message": "Refresh Token revoked"}
        )
        page.route("**/api/accounts/**", lambda route: route.fulfill(status=401, body="{}"))
        page.route(
            f"{COGNITO}:{shop.stack.port}/", lambda route: route.fulfill(status=400, body=refused)
        )
        page.get_by_role("dialog").get_by_role("button", name="Add store").click()
        expect(page.get_by_text("Your session ended. Log in to go on;")).to_be_visible()

        page.unroute_all()
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()

        expect(page.get_by_role("heading", level=1)).to_contain_text("Harbor Two")
        assert [store["name"] for store in shop.owner.get("/stores")["items"]] == ["Harbor Two"]
