"""What a retailer sees when the network fails, the service fails, or two people edit one thing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import CHAT, HELP
from tests.browser.shop import Shop, loaded, log_in

FAULT = {
    "status": 500,
    "title": "Internal Server Error",
    "detail": "Something went wrong on our side.",
    "code": "internal",
    "actor": "us",
    "request_id": "req-4711",
}


def problem(status: int, **headers: str) -> Callable[[Route], None]:
    body = json.dumps({**FAULT, "status": status, "actor": "us" if status >= 500 else "you"})
    return lambda route: route.fulfill(
        status=status, body=body, content_type="application/problem+json", headers=headers
    )


def test_two_people_who_edit_a_store_see_both_versions(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    store = shop.owner.call("POST", "/stores", {"name": "Summit Supply"})
    path = f"/stores/{store['id']}"
    with shop.page(browser, f"/settings{path}") as page:
        page.get_by_label("Nickname").fill("Mine")
        page.get_by_label("Phone").fill("206 555 0100")
        theirs = {"nickname": "Theirs", "address": "1 Pine St"}
        shop.owner.change("PATCH", path, theirs, version=shop.owner.get(path)["version"])
        page.get_by_role("button", name="Save settings").click()

        dialog = page.get_by_role("dialog", name="Changed by somebody else")
        expect(dialog.get_by_text("Theirs: Theirs")).to_be_visible()
        dialog.get_by_label("Yours: Mine").check()
        dialog.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text(re.compile(r"^Saved\."))).to_be_visible()
    saved = shop.owner.get(path)
    assert (saved["nickname"], saved["address"]) == ("Mine", "1 Pine St")
    assert saved["phone"]


def test_two_people_who_edit_the_account_see_both_versions(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    with shop.page(browser, "/settings/account") as page:
        page.get_by_label("Name", exact=True).fill("Green Leaves")
        version = shop.owner.get("")["version"]
        shop.owner.change("PATCH", "", {"name": "Evergreen"}, version=version)
        page.get_by_role("button", name="Save settings").click()
        dialog = page.get_by_role("dialog", name="Changed by somebody else")
        expect(dialog.get_by_text("Theirs: Evergreen")).to_be_visible()
        dialog.get_by_role("button", name="Discard mine").click()
        expect(page.get_by_label("Name", exact=True)).to_have_value("Evergreen")
        assert shop.owner.get("")["name"] == "Evergreen"


def test_two_people_who_edit_a_discount_see_both_versions_and_lose_nothing_typed(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    wanted = {"name": "$5 off", "points": 100, "amount_off": 500}
    path = f"/discounts/{shop.owner.call('POST', '/discounts', wanted)['id']}"
    with shop.page(browser, path) as page:
        name = page.get_by_label("Name", exact=True)
        name.fill("Mine")
        page.get_by_label("Points", exact=True).fill("120")
        theirs = {"name": "Theirs", "amount_off": None, "percent_off": 10}
        shop.owner.change("PATCH", path, theirs, version=shop.owner.get(path)["version"])
        show(page, "hidden")
        with page.expect_response(f"**{path}"):
            page.clock.install()
            page.clock.fast_forward(60_000)
            show(page, "visible")
        expect(name).to_have_value("Mine")

        page.get_by_role("button", name="Save settings").click()
        dialog = page.get_by_role("dialog", name="Changed by somebody else")
        expect(dialog.get_by_text("Theirs: Theirs")).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(name).to_have_value("Mine")

        page.get_by_role("button", name="Save settings").click()
        dialog.get_by_label("Yours: Mine").check()
        dialog.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    saved = shop.owner.get(path)
    assert (saved["name"], saved["points"], saved["percent_off"]) == ("Mine", 120, 10)


def test_two_people_who_edit_the_loyalty_rules_see_both_versions(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    with shop.page(browser, "/settings/loyalty") as page:
        page.get_by_label("Points per $100 spent").fill("150")
        shop.owner.decide("/loyalty", {"points_per_100": 125, "points_per_order": 5})
        page.get_by_role("button", name="Preview changes").click()
        page.get_by_role("dialog").get_by_role("button", name="Apply change").click()

        dialog = page.get_by_role("dialog", name="Changed by somebody else")
        expect(dialog.get_by_text("Theirs: 125")).to_be_visible()
        dialog.get_by_label("Yours: 150").check()
        dialog.get_by_role("button", name="Save", exact=True).click()
        counted = page.get_by_role("dialog")
        counted.get_by_role("button", name="Apply change").click()
        expect(counted).to_have_count(0)
    saved = shop.owner.get("/loyalty")
    assert (saved["points_per_100"], saved["points_per_order"]) == (150, 5)


def test_a_fault_of_ours_names_its_reference_and_another_try_mends_it(
    browser: Browser, connected: Shop
) -> None:
    with connected.page(browser, "/settings/loyalty") as page:
        page.route("**/api/accounts/*/stores", problem(500))
        menu = page.get_by_role("navigation", name="Main")
        menu.get_by_role("link", name="Retail Store", exact=True).click()
        expect(page.get_by_text("Something went wrong on our side").first).to_be_visible()
        expect(page.get_by_text("Reference req-4711")).to_be_visible()
        page.unroute_all()
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("Reference req-4711")).to_have_count(0)


def test_too_fast_counts_down_and_then_may_be_tried_again(
    browser: Browser, connected: Shop
) -> None:
    with connected.page(browser, "/settings/loyalty") as page:
        page.route("**/api/accounts/*/stores", problem(429, **{"Retry-After": "3"}))
        menu = page.get_by_role("navigation", name="Main")
        menu.get_by_role("link", name="Retail Store", exact=True).click()
        expect(page.get_by_text(re.compile(r"Too fast\. Try again in \d s\."))).to_be_visible()
        expect(page.get_by_role("button", name="Try again")).to_be_disabled()
        page.unroute_all()
        expect(page.get_by_role("button", name="Try again")).to_be_enabled()
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("button", name="Try again")).to_have_count(0)


def test_without_network_the_page_stays_and_says_how_old_it_is(
    browser: Browser, connected: Shop
) -> None:
    with connected.page(browser) as page:
        page.clock.install()
        connected.go(page, "/settings/integrations/posabit")
        expect(page.get_by_role("heading", name="Credentials")).to_be_visible()
        page.context.set_offline(True)
        expect(page.get_by_text(re.compile("^You are offline"))).to_be_visible()
        stale = page.get_by_text(re.compile(r"^Showing data from .+\. It could not be refreshed\."))
        let_time_pass(page, until=lambda: stale.count() > 0)
        expect(stale.first).to_be_visible()
        expect(page.get_by_role("heading", name="Credentials")).to_be_visible()

        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").first.click()
        let_time_pass(page, until=lambda: stale.count() == 0)
        expect(stale).to_have_count(0)


def let_time_pass(page: Page, until: Callable[[], bool]) -> None:
    """Move the page's clock on, second by second, at most five minutes: between two tries of a
    request its answer has to arrive, which takes time of ours."""
    for _ in range(300):
        if until():
            return
        page.clock.run_for(1_000)
        page.wait_for_timeout(50)


def test_a_hidden_tab_asks_nothing(browser: Browser, connected: Shop) -> None:
    with connected.page(browser) as page:
        page.clock.install()
        connected.go(page, "/settings/integrations/posabit")
        page.wait_for_load_state("networkidle")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        show(page, "hidden")
        page.clock.run_for(180_000)
        page.wait_for_timeout(500)
        assert asked == []

        with page.expect_request("**/api/**"):
            show(page, "visible")
            page.clock.run_for(16_000)


def show(page: Page, state: str) -> None:
    """Hide or show the tab, as the browser tells its page."""
    page.evaluate(
        """state => {
            Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
            document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
        }""",
        state,
    )


def test_a_link_into_the_account_leads_there_after_the_log_in(
    browser: Browser, connected: Shop
) -> None:
    path = connected.at("/personas?source=posabit&sort=name")
    context = browser.new_context(base_url=connected.stack.url)
    page = context.new_page()
    log_in(page, connected.owner.email, at=path)
    expect(page.get_by_role("heading", level=1)).to_have_text("Personas")
    assert page.url.endswith(path)
    context.close()


def test_help_is_absent_where_the_installation_has_none(browser: Browser, connected: Shop) -> None:
    said = connected.owner.get("/api/config") | {"help": {"url": None, "chat_script": None}}
    with connected.page(browser) as page:
        page.route("**/api/config", lambda route: route.fulfill(json=said))
        connected.go(page, "/settings/integrations/webjoint")
        expect(page.get_by_role("link", name="Integration Grid")).to_be_visible()
        expect(page.get_by_text("Need help?")).to_have_count(0)


@pytest.mark.parametrize("loads", [True, False])
def test_the_chat_is_loaded_when_somebody_asks_for_help(
    browser: Browser, connected: Shop, loads: bool
) -> None:
    """If you need assistance, reach out to AIQ Support anytime via chat widget within your AIQ
    Dashboard.
    """
    asked: list[str] = []

    def widget(route: Route) -> None:
        asked.append(route.request.url)
        if loads:
            route.fulfill(body="document.body.append('Hello!')", content_type="text/javascript")
        else:
            route.abort()

    with connected.page(browser) as page:
        page.route(CHAT, widget)
        connected.go(page, "/settings/integrations/webjoint")
        assert asked == []
        page.get_by_role("button", name="Need help?").last.click()
        if loads:
            expect(page.get_by_text("Hello!")).to_be_visible()
            expect(page.get_by_text("Need help?")).to_have_count(0)
        else:
            expect(page.get_by_text("The chat did not load.").first).to_be_visible()
            help_link = page.get_by_role("link", name="Need help?").first
            expect(help_link).to_have_attribute("href", HELP)
        assert asked == [CHAT]


def test_the_integration_grid_is_open_to_everybody(browser: Browser, connected: Shop) -> None:
    """Review our Integration Grid for supported features."""
    context = browser.new_context(base_url=connected.stack.url)
    page = context.new_page()
    page.goto("/grid")
    loaded(page)
    for title in ("POSaBIT", "THSuite API", "Webjoint", "Auphan", "Profitek"):
        expect(page.get_by_role("columnheader", name=title)).to_be_visible()
    context.close()
