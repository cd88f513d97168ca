"""A retailer connects their POS at the screen, as the help articles say (docs/articles)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.shop import Shop

AGE_GATE = "Required All users from this source have passed an age gate compliant with my industry"
NOTE = (
    "NOTE: Do not touch any other settings in this integration card without consulting an"
    " Onboarding Specialist or Customer Success Manager as they can affect your data and the"
    " shopper's opt-in status!"
)
EACH_SET = re.compile("Add one for each set of credentials you received.")
TITLES = {"auphan": "Auphan", "profitek": "Profitek", "webjoint": "Webjoint", "posabit": "POSaBIT"}


def open_card(page: Page, typed: str, title: str) -> None:
    """Settings > Integrations, search, click on it."""
    page.get_by_role("link", name="Integrations", exact=True).first.click()
    page.get_by_label("Search integrations").fill(typed)
    cards = page.locator("a.tile")
    expect(cards).to_have_count(1)
    cards.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)


def fill(page: Page, labels: dict[str, str]) -> None:
    form = page.locator("#credentials form")
    for label, value in labels.items():
        form.get_by_label(label, exact=True).fill(value)


def labelled(shop: Shop, platform: str, at: int = 0) -> dict[str, str]:
    """A credential's values by the labels of the card's fields."""
    fields = shop.owner.card(platform)["credential_fields"]
    values = shop.credentials(platform)[at]
    return {field["label"]: values[field["key"]] for field in fields if field["key"] in values}


@pytest.mark.parametrize("platform", ["profitek", "auphan"])
def test_a_pos_on_the_retailers_own_server_is_connected(
    browser: Browser, shops: Callable[[], Shop], platform: str
) -> None:
    shop = shops()
    values = labelled(shop, platform)
    address = next(label for label in values if "IP" in label)
    with shop.page(browser) as page:
        open_card(page, platform, TITLES[platform])
        fill(page, values | {address: "10.0.0.1:80"})
        page.get_by_role("button", name="Add Credential").click()
        expect(page.get_by_label(address, exact=True)).to_have_attribute("aria-invalid", "true")

        fill(page, values)
        page.get_by_label("Allow plain HTTP").check()
        page.get_by_role("button", name="Add Credential").click()
        expect(page.get_by_text(re.compile(r"^Saved\."))).to_be_visible()
        page.get_by_role("button", name="Connect", exact=True).click()

        expect(page.get_by_role("button", name="Sync now")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_contain_text(
            re.compile("Connected|Syncing")
        )
        assert shop.owner.card(platform)["state"] == "connected"


def test_connect_says_what_is_missing_and_thsuite_is_read_only(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    """After these are filled in, click the Add Credential button.

    Scroll down to the Loyalty section and check off the box next to Required All users from this
    source have passed an age gate compliant with my industry.

    Lastly, click the purple Connect button in the top right.
    """
    shop = shops()
    with shop.page(browser) as page:
        open_card(page, "THSuite API", "THSuite API")
        assert_purple_in_the_top_right(page, page.get_by_role("button", name="Connect", exact=True))
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_label("APIKey", exact=True)).to_be_focused()

        fill(page, labelled(shop, "thsuite"))
        page.get_by_role("button", name="Add Credential").click()
        expect(page.get_by_text(re.compile(r"^Saved\."))).to_be_visible()
        page.get_by_role("button", name="Connect", exact=True).click()
        loyalty = page.get_by_role("region", name="Loyalty")
        expect(loyalty.get_by_role("checkbox", name=AGE_GATE)).to_be_focused()

        page.keyboard.press("Space")
        expect(page.get_by_text(re.compile("^Ticked"))).to_be_visible()
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_role("button", name="Sync now")).to_be_visible()
        expect(page.get_by_text("AIQ only reads from THSuite.")).to_be_visible()
        expect(page.get_by_text("Sync Personas / Sync Contacts")).to_have_count(0)


def assert_purple_in_the_top_right(page: Page, button: Locator) -> None:
    button.scroll_into_view_if_needed()
    box, view = button.bounding_box(), page.viewport_size
    assert box
    assert view
    assert box["x"] + box["width"] / 2 > view["width"] / 2
    assert box["y"] < view["height"] / 3
    colour = str(button.evaluate("button => getComputedStyle(button).backgroundColor"))
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    assert green < red < blue, colour


def test_a_key_of_posabit_is_mended_there_and_checked_again(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    """Click "Add Credential". You will need to complete this for each set of credentials

    Fill out the API Key & UID from AIQ which you can obtain from API & Tracking.

    Enter your store ID number into the Data field and replacing the "#" with the stores's number.

    Reach out to POSaBIT to enable "Enhanced Customer Data Access"
    """
    shop = shops()
    first, second = (labelled(shop, "posabit", at) for at in range(2))
    shop.owner.call("POST", "/stores", {"name": "Ballard"})
    with shop.page(browser) as page:
        open_card(page, "posabit", "POSaBIT")
        assert copied(page, "UID") == shop.owner.uid
        assert copied(page, "Data, Ballard") == "1"
        expect(page.get_by_text(NOTE)).to_be_visible()

        fill(page, first | {"Key": "vt_wrong_key"})
        page.get_by_role("button", name="Add Credential").click()
        expect(page.get_by_text("POSaBIT rejected this key. Nothing was saved.")).to_be_visible()
        expect(page.get_by_text("Copy it again; it must belong to this store.")).to_be_visible()

        with held_back(shop):
            fill(page, first)
            page.get_by_role("button", name="Add Credential").click()
            outcome = page.locator("#credentials").get_by_role("listitem")
            expect(outcome).to_have_text(
                [
                    "Menu Feed Access: allowed",
                    "Incoming Orders Access: allowed",
                    "Venue Data Access: allowed",
                    re.compile(
                        "^Enhanced Customer Data Access: missing"
                        'Reach out to POSaBIT to enable "Enhanced Customer Data Access"'
                    ),
                ]
            )
            assert shop.owner.card("posabit")["credentials"] == []
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text(EACH_SET)).to_be_visible()

        page.get_by_role("button", name="Add Credential").click()
        fill(page, second)
        page.get_by_role("button", name="Add Credential").click()
        for values in (first, second):
            expect(
                page.get_by_role("button", name=f"Acts for {values['Store Name']}")
            ).to_be_visible()
    assert len(shop.owner.card("posabit")["credentials"]) == 2


def copied(page: Page, label: str) -> str:
    page.get_by_role("button", name=f"Copy {label}", exact=True).click()
    return str(page.evaluate("() => navigator.clipboard.readText()"))


@contextmanager
def held_back(shop: Shop) -> Iterator[None]:
    """The account rep of POSaBIT has not enabled Enhanced Customer Data Access."""
    posabit = shop.simulators["posabit"]
    posabit.control("POST", "permissions", {"enhanced_customer_data": False})
    try:
        yield
    finally:
        posabit.control("POST", "permissions", {"enhanced_customer_data": True})


def test_an_empty_list_of_facilities_brings_the_key_of_each(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    """If empty, sales and inventory will be pulled for ALL available facilities."""
    shop = shops()
    values = labelled(shop, "webjoint")
    values.pop("FacilityIDs")
    with shop.page(browser) as page:
        open_card(page, "webjoint", "Webjoint")
        expect(
            page.get_by_text(
                "If empty, sales and inventory will be pulled for ALL available facilities."
            )
        ).to_be_visible()
        fill(page, values)
        page.get_by_role("button", name="Add Credential").click()
        expect(page.get_by_text(re.compile(r"^Saved\. The key opens"))).to_be_visible()
        page.get_by_role("checkbox", name=AGE_GATE).click()
        expect(page.get_by_text(re.compile("^Ticked"))).to_be_visible()
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_role("button", name="Sync now")).to_be_visible()
        shop.wait_for_syncs()

        shop.go(page, "/settings/stores/match")
        facilities = shop.simulators["webjoint"].facts["stores"]
        expect(page.get_by_role("combobox", name=re.compile("^Store for"))).to_have_count(
            len(facilities)
        )
        for each in facilities:
            choice = page.get_by_role("combobox", name=re.compile(re.escape(each["name"])))
            expect(choice).to_be_visible()
