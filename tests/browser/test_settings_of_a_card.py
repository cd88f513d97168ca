"""Settings that touch people: what they do is seen first, and can be taken back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.shop import Shop, loaded
from tools.number import assign

ENROLL = "Enroll Personas in loyalty program who purchased after"
ASK = "Send SMS double opt-ins to Personas who purchased after"
IMPORTED = "Loyalty points imported on"
APPLY = re.compile("^(Enroll|Apply)")
WORKING = re.compile(r"\d+ of \d+ done|Waiting to start")


def ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days)).date().isoformat()


def preview(page: Page, setting: str, day: str) -> None:
    """Choose a day for a setting and have it counted."""
    page.get_by_role("button", name=re.compile(f"(Set date|Change): {setting}")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Day").fill(day)
    dialog.get_by_role("button", name="Preview change").click()


def applied(page: Page, button: re.Pattern[str] | str) -> None:
    """Press the button that applies the preview, and wait until its work is done."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(WORKING)).to_have_count(0)


def members(shop: Shop) -> int:
    return sum(persona["member"] for persona in shop.owner.personas())


def a_number(shop: Shop) -> None:
    """An origination number of the account's own, so that texts may go."""
    number = f"+1206555{secrets.randbelow(9000) + 1000}"
    assign(shop.stack.client, shop.stack.outputs, number, shop.owner.uid)
    texting = shop.owner.get("/texting")
    shop.owner.change("PATCH", "/texting", {"number": number}, version=texting["version"])


def test_whoever_is_let_go_is_no_member_any_more(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    shop.connect("thsuite")
    shop.wait_for_syncs()
    shop.owner.decide("/integrations/thsuite/settings", {"enroll_after": ago(200)})
    enrolled = members(shop)
    assert enrolled
    with shop.page(browser, "/settings/integrations/thsuite") as page:
        page.get_by_role("button", name=f"Change: {ENROLL}").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Remove", exact=True).click()
        dialog.get_by_role("radio", name="Let them go").check()
        applied(page, re.compile(f"Remove, let {enrolled} go"))
        expect(page.get_by_role("button", name=f"Set date: {ENROLL}")).to_be_visible()
    shop.owner.wait_for(lambda: {} if members(shop) == 0 else None, "nobody to be a member")


def test_what_decides_who_is_a_person_is_counted_before_it_is_saved(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()

    def with_losses(route: Route) -> None:
        said = shop.owner.get(f"/previews/{route.request.url.rsplit('/', 1)[-1]}")
        said["counts"]["lost"] = 3
        route.fulfill(json=said)

    with shop.page(browser, "/settings/account") as page:
        page.route("**/previews/*", with_losses)
        page.get_by_label("Minimum age").fill("30")
        page.get_by_role("button", name="Save settings").click()
        dialog = page.get_by_role("dialog", name="Change Account Settings")
        expect(dialog.get_by_text("3 members would be lost")).to_be_visible()
        dialog.get_by_role("button", name="Cancel").click()
        expect(page.get_by_label("Minimum age")).to_have_value("30")
        assert shop.owner.get("")["minimum_age"] == 21
        page.unroute_all()

        page.get_by_role("button", name="Discard").click()
        page.get_by_label("Also join same name and birth date").check()
        page.get_by_label("Name", exact=True).fill("Evergreen")
        page.get_by_role("button", name="Save settings").click()
        expect(page.get_by_text(re.compile(r"^Saved\."))).to_be_visible()
    account = shop.owner.get("")
    assert (account["name"], account["merge_on_name_and_birth_date"]) == ("Evergreen", True)


def test_texts_that_wait_are_cancelled_and_the_setting_is_as_before(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    shop.connect("thsuite")
    shop.wait_for_syncs()
    a_number(shop)
    with shop.page(browser, "/settings/integrations/thsuite") as page:
        preview(page, ASK, ago(300))
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text(re.compile("would be sent"))).to_be_visible()
        applied(page, re.compile(r"^Text \d"))
        expect(page.get_by_text(re.compile("^Texts start at"))).to_be_visible()

        page.get_by_role("button", name="Cancel sending").click()
        dialog.get_by_role("button", name="Cancel sending").click()
        expect(page.get_by_role("button", name=f"Set date: {ASK}")).to_be_visible()
        expect(page.get_by_text(re.compile("^Texts start at"))).to_have_count(0)
    asked = {each["key"]: each["value"] for each in shop.owner.card("thsuite")["settings"]}
    assert asked["sms_opt_in_after"] is None


def test_marketing_counts_a_change_and_leaves_applying_it_to_others(
    browser: Browser, connected: Shop
) -> None:
    marketer = connected.member("Marketing")
    with connected.page(browser, "/settings/integrations/webjoint", email=marketer) as page:
        preview(page, ENROLL, ago(200))
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text(re.compile("would be enrolled"))).to_be_visible()
        expect(dialog.get_by_text("An Owner or Operator can apply this.")).to_be_visible()
        expect(dialog.get_by_role("button", name=re.compile("^Enroll"))).to_have_count(0)


def test_the_points_import_warns_until_loyalty_starts_the_day_after(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    """Loyalty points imported on

    Note: this setting is used in conjunction with Settings > Loyalty > Points accrual start date
    """
    shop = shops()
    shop.connect("posabit")
    shop.wait_for_syncs()
    note = next(
        each["note"]
        for each in shop.owner.card("posabit")["settings"]
        if each["key"] == "points_imported_on"
    )
    day = datetime.now(ZoneInfo("America/Los_Angeles")).date()  # the account's
    with shop.page(browser, "/settings/integrations/posabit") as page:
        expect(page.get_by_text(note)).to_be_visible()
        preview(page, IMPORTED, day.isoformat())
        applied(page, APPLY)
        warning = page.get_by_text(re.compile("^Set Points accrual start date to"))
        expect(warning).to_be_visible()

        page.get_by_role("navigation", name="Main").get_by_role("link", name="Loyalty").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Loyalty")
        loaded(page)
        page.get_by_label("Points accrual start date").fill((day + timedelta(1)).isoformat())
        page.get_by_role("button", name="Preview changes").click()
        applied(page, APPLY)

        shop.go(page, "/settings/integrations/posabit")
        expect(page.get_by_text(note)).to_be_visible()
        expect(warning).to_have_count(0)


def test_the_data_of_a_source_is_removed_by_its_name_and_put_back(
    browser: Browser, shops: Callable[[], Shop]
) -> None:
    shop = shops()
    shop.connect("thsuite")
    shop.wait_for_syncs()
    before = len(shop.owner.personas())
    assert before
    with shop.page(browser, "/settings/integrations/thsuite") as page:
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name=re.compile("Remove this source.s data")).click()
        dialog = page.get_by_role("dialog", name=re.compile("Remove THSuite API.s data"))
        expect(dialog.get_by_text(re.compile(rf"{before} personas? leaves? your"))).to_be_visible()
        expect(dialog.get_by_role("button", name="Remove data")).to_be_disabled()
        dialog.get_by_label("Type THSuite API to confirm").fill("THSuite API")
        dialog.get_by_role("button", name="Remove data").click()

        removed = page.get_by_text(re.compile("^The data of THSuite API was removed."))
        expect(removed).to_be_visible()
        assert shop.owner.personas() == []

        page.get_by_role("button", name="Undo: put the data back").click()
        page.get_by_role("dialog").get_by_role("button", name="Put data back").click()
        expect(removed).to_have_count(0)
        connected = lambda: shop.owner.card("thsuite")["state"] == "connected"  # noqa: E731
        shop.owner.wait_for(lambda: {} if connected() else None, "the data to be back")
        expect(page.get_by_role("button", name="Sync now")).to_be_enabled()
    assert len(shop.owner.personas()) == before
