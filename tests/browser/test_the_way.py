"""The way through the pages that the help articles describe, for every POS."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import HELP
from tests.browser.shop import Shop

TITLES = {
    "posabit": "POSaBIT",
    "thsuite": "THSuite API",
    "webjoint": "Webjoint",
    "auphan": "Auphan",
    "profitek": "Profitek",
}


def test_each_card_is_found_in_settings_integrations_by_its_title(
    browser: Browser, connected: Shop
) -> None:
    """In AIQ, navigate to Settings > Integrations, search for {title} and click on it to open the
    integration card.

    In AIQ, navigate to Settings > Integrations, search for {title} API and click on it to open the
    integration card.

    Navigate to Settings > Integrations, search for {title} and click on it to open the integration
    card.

    Navigate to Settings > Integrations, search for {title} and click the on it to open the
    integration card.

    To access them, navigate to Settings > Integrations, locate {title} and click on it to open the
    integration card.
    """
    with connected.page(browser) as page:
        menu = page.get_by_role("navigation", name="Main")
        for title in TITLES.values():
            menu.get_by_role("link", name="Integrations", exact=True).click()
            page.get_by_label("Search integrations").fill(title)
            cards = page.locator("a.tile")
            expect(cards).to_have_count(1)
            cards.click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(title)
            expect(page.get_by_role("heading", name="Additional AIQ Settings")).to_be_visible()


def test_the_mappings_of_a_store_have_a_row_for_each_pos_with_its_symbol(
    browser: Browser, connected: Shop
) -> None:
    """Navigate to Settings -> Company Account > Retail Store

    Under Store Mappings you'll see the {title} symbol
    """
    connected.owner.call("POST", "/stores", {"name": "Harbor House"})
    with connected.page(browser) as page:
        menu = page.get_by_role("navigation", name="Main")
        expect(menu.get_by_text("Company Account")).to_be_visible()
        menu.get_by_role("link", name="Retail Store", exact=True).click()
        page.get_by_role("link", name="Edit Harbor House").first.click()
        mappings = page.get_by_role("region", name="Store Mappings")
        for title in TITLES.values():
            expect(mappings.get_by_label(f"{title} keys of this store").first).to_be_visible()
        expect(mappings.locator(".symbol")).to_have_count(len(TITLES))


@pytest.mark.parametrize(
    "path", ["", "/settings/integrations/webjoint", "/settings/integrations/posabit"]
)
def test_help_is_one_link_away(browser: Browser, connected: Shop, path: str) -> None:
    """Need Help?

    I read the information on how to connect AIQ to {title} but I still can't figure it out, help!

    If you need assistance, reach out to AIQ Support anytime via chat widget within your AIQ
    Dashboard.
    """
    said = connected.owner.get("/api/config") | {"help": {"url": HELP, "chat_script": None}}
    with connected.page(browser) as page:
        page.route("**/api/config", lambda route: route.fulfill(json=said))
        connected.go(page, path)
        expect(page.get_by_role("link", name="Need help?").last).to_have_attribute("href", HELP)
