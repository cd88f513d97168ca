"""*Use AIQ's last backup* and *Switch POS*, as a retailer does them at the screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SMALL
from tests.browser.shop import Shop, loaded
from tests.browser.test_connecting import AGE_GATE, fill, labelled
from tests.browser.test_settings_of_a_card import ENROLL, applied, preview
from tools.demo.platforms import RETAILER
from tools.demo.simulator import Simulator

FREEZES = (
    "Freezes data from this source at the last audience run and stops AIQ from hitting the Profitek"
    " API for new data."
)
WARNING = (
    "Do not turn this on unless you are switching POS systems and want to retain existing data."
)
STAYS = "Signups, consents, redemptions, adjusted points, mappings and erasures always stay."
FROZEN = re.compile("^Frozen since")
ACCRUAL = "Points accrual start date"


@pytest.fixture
def shop(shops: Callable[[], Shop], tmp_path: Path) -> Iterator[Shop]:
    """A retailer with a Profitek server that nobody else asks, synced once."""
    pos = next(each for each in RETAILER if each.platform == "profitek")
    world = replace(pos, **SMALL).world(int(datetime.now(UTC).timestamp() * 1000))
    with Simulator("profitek", port=0, world=world, log=tmp_path / "profitek.log") as profitek:
        made = shops()
        shop = replace(made, simulators={**made.simulators, "profitek": profitek})
        shop.connect("profitek")
        shop.wait_for_syncs()
        yield shop


def calls(shop: Shop) -> int:
    return int(shop.simulators["profitek"].control("GET", "stats")["requests"])


def freeze(page: Page) -> None:
    """Read the dialog, take a backup now, and wait until the source stands still."""
    dialog = page.get_by_role("dialog", name="Use AIQ's last backup")
    for words in (FREEZES, WARNING, STAYS, "Nothing is rolled back."):
        expect(dialog.get_by_text(words)).to_be_visible()
    dialog.get_by_role("radio", name="Take a backup now").check()
    dialog.get_by_role("button", name="Freeze Profitek").click()
    expect(dialog).to_have_count(0)


def test_a_frozen_source_is_not_called_and_changes_nothing_but_what_it_may(
    browser: Browser, shop: Shop
) -> None:
    credential = labelled(shop, "profitek")["Store Name"]
    with shop.page(browser, "/settings/integrations/profitek") as page:
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Use AIQ's last backup").click()
        freeze(page)
        expect(page.get_by_text(FROZEN)).to_be_visible()
        expect(page.get_by_text("AIQ makes no call to Profitek.")).to_be_visible()
        asked = calls(shop)

        for button in ("Sync now", "Add Credential"):
            expect(page.get_by_role("button", name=button)).to_be_disabled()
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("menuitem", name="Disconnect")).to_be_disabled()
        expect(page.get_by_role("menuitem", name="Switch POS")).to_be_enabled()
        page.keyboard.press("Escape")
        page.get_by_role("button", name=f"Acts for {credential}").click()
        for act in ("Check", "Replace key", "Sync now", "Re-read from date"):
            expect(page.get_by_role("menuitem", name=act, exact=True)).to_be_disabled()
        expect(page.get_by_role("menuitem", name="Remove", exact=True)).to_be_enabled()
        page.keyboard.press("Escape")

        page.get_by_role("checkbox", name=AGE_GATE).click()
        page.get_by_role("dialog").get_by_role("button", name="Untick").click()
        expect(page.get_by_role("checkbox", name=AGE_GATE)).not_to_be_checked()
        page.get_by_role("checkbox", name=AGE_GATE).click()
        expect(page.get_by_text(re.compile("^Ticked"))).to_be_visible()
        preview(page, ENROLL, datetime.now(UTC).date().isoformat())
        applied(page, re.compile("^(Enroll|Apply)"))
        assert calls(shop) == asked

        page.get_by_role("button", name="Unfreeze Profitek").first.click()
        dialog = page.get_by_role("dialog", name="Unfreeze Profitek")
        expect(
            dialog.get_by_text(
                re.compile(r"^Puts back what was rolled back, then catches up from .*\d")
            )
        ).to_be_visible()
        dialog.get_by_role("button", name="Unfreeze Profitek").click()
        expect(page.get_by_text(FROZEN)).to_have_count(0)
        expect(page.get_by_role("button", name="Sync now")).to_be_enabled()
        shop.wait_for_syncs()
    assert calls(shop) > asked


def test_a_pos_is_switched_step_by_step(browser: Browser, shop: Shop) -> None:
    with shop.page(browser, "/settings/integrations/profitek") as page:
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Switch POS").click()
        page.get_by_role("combobox", name="New POS").click()
        page.get_by_role("option", name="THSuite API").click()
        page.get_by_role("button", name="Begin switch").click()

        page.get_by_role("button", name="Freeze Profitek", exact=True).click()
        freeze(page)
        to_the_card(page, "Add its credentials, tick the age-gate box and connect.")
        fill(page, labelled(shop, "thsuite"))
        page.get_by_role("button", name="Add Credential").click()
        expect(page.get_by_text(re.compile(r"^Saved\."))).to_be_visible()
        page.get_by_role("checkbox", name=AGE_GATE).click()
        expect(page.get_by_text(re.compile("^Ticked"))).to_be_visible()
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_role("button", name="Sync now")).to_be_visible()
        shop.wait_for_syncs()

        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Switch POS").click()
        expect(page.get_by_text(re.compile(f"^{ACCRUAL}:"))).to_be_visible()
        day = datetime.now(UTC).date().isoformat()
        to_the_card(page, "Proposed: the switch day, so that no sale earns twice.")
        preview(page, ACCRUAL, day)
        applied(page, re.compile("^(Apply|Change)"))

        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Switch POS").click()
        check = page.get_by_role("button", name=re.compile("^Check (now|again)$"))
        check.click()
        expect(check).to_be_enabled()
        for found in (
            "joined in both",
            "only in Profitek",
            "only in THSuite API",
            "looks? doubled",
        ):
            expect(page.get_by_text(re.compile(rf"\d .*{found}"))).to_be_visible()
        page.get_by_role("button", name="Finish").click()
        expect(page.get_by_role("button", name="Begin switch")).to_be_visible()
    assert [each["state"] for each in shop.owner.get("/switches")["items"]] == ["finished"]


def to_the_card(page: Page, step: str) -> None:
    """Open the card from the step that is next."""
    expect(page.get_by_text(re.compile(f"^{re.escape(step)}"))).to_be_visible()
    page.get_by_role("link", name="Open the card").click()
    expect(page.get_by_role("heading", name="Additional AIQ Settings")).to_be_visible()
    loaded(page)
