"""Keyboard alone, large type, high contrast, little motion, pages that do not jump."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.shop import Shop
from tests.browser.test_every_page import PAGES, names_of

NARROW = 320
"""CSS pixels: 1280 at 400 %."""
MOST_SHIFT = 0.01
SHIFTS = """
    window.shifted = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            if (entry.hadRecentInput) continue;
            const named = ({node}) => node && (node.id || node.className || node.textContent);
            const nodes = entry.sources.map(named).map((name) => String(name).slice(0, 60));
            window.shifted.push([entry.value, nodes]);
        }
    }).observe({type: 'layout-shift', buffered: true});
"""
MAIN_PAGES = (
    "",
    "/personas",
    "/notifications",
    "/settings/integrations",
    "/settings/integrations/posabit",
    "/settings/stores",
    "/settings/account",
    "/audiences",
)
DIALOGS = (
    ("/settings/stores", "Add store"),
    ("/settings/account", "Invite"),
    ("/settings/integrations/thsuite", "Set date: Enroll Personas"),
    ("/settings/integrations/thsuite", "Use AIQ's last backup"),
    ("/settings/integrations/thsuite", "What is inferred"),
    ("/settings/api", "Create key"),
    ("/personas/{persona}", "Adjust points"),
    ("/personas/{persona}", "Export"),
    ("/personas/{persona}", "Erase"),
)


def test_every_dialog_is_worked_by_keyboard_and_gives_the_focus_back(
    browser: Browser, connected: Shop
) -> None:
    wrong: list[str] = []
    names = names_of(connected)
    with connected.page(browser) as page:
        for path, opener in DIALOGS:
            connected.go(page, path.format(**names))
            button = page.get_by_role("button", name=opener).first
            button.focus()
            page.keyboard.press("Enter")
            dialog = page.get_by_role("dialog")
            expect(dialog).to_be_visible()
            expect(dialog.get_by_role("heading").first).to_be_focused()
            for key in ["Tab"] * 12 + ["Shift+Tab"] * 3:
                page.keyboard.press(key)
                if not is_inside(page):
                    wrong.append(f"{path} {opener}: {key} leads out of the dialog")
                    break
            page.keyboard.press("Escape")
            expect(dialog).to_have_count(0)
            try:
                expect(button).to_be_focused(timeout=5_000)
            except AssertionError:
                wrong.append(f"{path} {opener}: the focus does not come back")
    assert not wrong, "\n".join(wrong)


def is_inside(page: Page) -> bool:
    """Whether the focus is in a dialog, or in a list that belongs to it."""
    return bool(
        page.evaluate(
            "() => document.activeElement.closest('[role=dialog],[role=listbox]') !== null"
        )
    )


def test_a_card_is_connected_by_keyboard_alone(browser: Browser, shops: Any) -> None:
    shop: Shop = shops()
    [values] = shop.credentials("thsuite")
    with shop.page(browser, "/settings/integrations") as page:
        page.get_by_label("Search integrations").focus()
        page.keyboard.type("thsuite")
        reach(page, "TH")
        page.keyboard.press("Enter")
        expect(page.get_by_label("APIKey").first).to_be_visible()
        reach(page, "APIKey")
        page.keyboard.type(values["api_key"])
        page.keyboard.press("Enter")
        expect(page.get_by_text("Saved.").first).to_be_visible()
        reach(page, "Required All users from this source")
        page.keyboard.press("Space")
        expect(page.get_by_text("Ticked").first).to_be_visible()
        reach(page, "Connect", back=True)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Sync now")).to_be_visible()


def reach(page: Page, name: str, *, back: bool = False) -> None:
    """Press Tab until the focus is on what has this name."""
    for _ in range(80):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        said = page.evaluate(
            """() => {
                const on = document.activeElement;
                const label = on.labels?.[0]?.textContent ?? on.getAttribute('aria-label');
                return (label ?? on.textContent).trim();
            }"""
        )
        if said.startswith(name):
            return
    raise AssertionError(f"Tab does not reach {name}")


def test_at_400_percent_nothing_scrolls_sideways(browser: Browser, connected: Shop) -> None:
    wide = []
    names = names_of(connected)
    with connected.page(browser, width=NARROW) as page:
        for path in PAGES:
            connected.go(page, path.format(**names))
            if page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"):
                wide.append(path)
    assert not wide


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_jumps_while_it_loads(browser: Browser, connected: Shop, width: int) -> None:
    jumping = []
    with connected.page(browser, width=width) as page:
        page.add_init_script(SHIFTS)
        for path in MAIN_PAGES:
            connected.go(page, path)
            page.wait_for_timeout(800)
            shifts = page.evaluate("() => window.shifted")
            if sum(value for value, _ in shifts) > MOST_SHIFT:
                jumping.append(f"{path}: {shifts}")
    assert not jumping, "\n".join(jumping)


def test_forced_colours_keep_states_and_focus_visible(browser: Browser, connected: Shop) -> None:
    with connected.page(browser, "/settings/integrations/posabit") as page:
        page.emulate_media(forced_colors="active")
        pill = page.locator(".pill").first
        assert style(pill, "border-top-style") == "solid"
        assert style(pill, "border-top-color") != style(pill, "background-color")
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert style(focused, "outline-style") != "none"
        box = page.get_by_role("checkbox").first
        assert style(box, "border-top-style") == "solid"


def style(of: Any, name: str) -> str:
    return str(of.evaluate("(each, name) => getComputedStyle(each)[name]", name))


def test_with_reduced_motion_nothing_moves(browser: Browser, connected: Shop) -> None:
    moving = """() => document.getAnimations().filter(
        (each) => each.playState === 'running' && each.effect.getTiming().duration > 1
    ).length"""
    with connected.page(browser, "/settings/stores") as page:
        page.emulate_media(reduced_motion="reduce")
        page.reload()  # whoever wants no motion wanted none before the page opened
        page.get_by_role("button", name="Add store").first.click()
        assert page.evaluate(moving) == 0
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        assert page.evaluate(moving) == 0
