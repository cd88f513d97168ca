"""Every page, light and dark, on a phone and at a desk: axe finds nothing, nothing is too wide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.shop import SYNC_SECONDS, Shop, loaded
from tools.dashboard import DASHBOARD

PAGES = (
    "",
    "/personas",
    "/personas/{persona}",
    "/personas/{persona}?tab=sources",
    "/discounts",
    "/discounts/new",
    "/audiences",
    "/counter",
    "/notifications",
    "/activity",
    "/me",
    "/settings/integrations",
    "/settings/integrations/posabit",
    "/settings/integrations/profitek",
    "/settings/integrations/posabit/syncs/{sync}",
    "/settings/integrations/posabit/stock",
    "/settings/integrations/posabit/switch",
    "/settings/account",
    "/settings/stores",
    "/settings/stores/{store}",
    "/settings/stores/match",
    "/settings/loyalty",
    "/settings/texting",
    "/settings/texting?tab=replies",
    "/settings/texting?tab=sent",
    "/settings/api",
)
MACHINE_WORD = re.compile(
    r"\b\d{4}-\d{2}-\d{2}\b|\d:\d{2}(?::[\d.]+)?Z\b|\bUTC\b|\buser:\S+|\b[a-z]+(?:_[a-z]+)+\b"
    r"|\b(?:[Rr]uns?|[Jj]obs?|[Ss]copes?|[Ss]treams?|[Cc]ursors?|[Tt]okens?)\b"
    r"|\bundefined\b|\bnull\b|\bNaN\b|Invalid Date|\[object"
)
WORDS_OF_THE_ARTICLES = ("Audience runs", "audience run", "Run now", "INTEGRATION TOKEN")
AXE = DASHBOARD / "node_modules" / "axe-core" / "axe.min.js"
ENDLESS = "2065554399"
HOSTILE = (
    "<script>document.title='broken'</script>",
    "\u05d7\u05e0\u05d5\u05ea \u05e6\u05e4\u05d5\u05df",
    "\N{GRINNING FACE}" * 40,
    "W" * 100,
)


@pytest.fixture(scope="module")
def hostile(connected: Shop) -> Shop:
    """Stores and shoppers whose names try to be more than text: markup, right to left, emoji, one
    long word, and in a POS a name without end."""
    for at, name in enumerate(HOSTILE):
        connected.owner.call("POST", "/stores", {"name": name})
        once = {"Idempotency-Key": f"hostile-{at}"}
        told = {"phone": f"20655543{at:02}", "first": name, "last": name}
        connected.owner.call("POST", "/counter/signup", told, headers=once)
    endless = {"first_name": "W" * 10_000, "last_name": "Endless", "telephone": ENDLESS}
    connected.simulators["posabit"].control("POST", "edits", {"do": "create", "set": endless})
    credentials = connected.owner.card("posabit")["credentials"]
    runs = [connected.owner.sync_now(each["id"], "posabit") for each in credentials]
    connected.owner.finish(runs, seconds=SYNC_SECONDS)
    return connected


def test_hostile_names_of_shoppers_are_text(browser: Browser, hostile: Shop) -> None:
    with hostile.page(browser, "/personas") as page:
        for name in HOSTILE[:2]:
            expect(page.get_by_text(f"{name} {name}"[:40]).first).to_be_visible()
        page.get_by_label("Search personas").fill(ENDLESS)
        page.get_by_role("button", name="Find").click()
        found = page.get_by_role("row").nth(1)
        expect(found).to_contain_text("WWWW")
        assert len(found.inner_text()) < 1_000
        found.get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("WWWW")
        assert not faults(page)


def test_hostile_names_are_text(browser: Browser, hostile: Shop) -> None:
    with hostile.page(browser, "/settings/stores") as page:
        for name in HOSTILE[:2]:
            expect(page.get_by_text(name).first).to_be_visible()
        assert page.title() == "Retail Store \N{MIDDLE DOT} Green Leaf \N{MIDDLE DOT} AIQ"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, hostile: Shop, scheme: str, width: int
) -> None:
    names = names_of(hostile)
    wrong: list[str] = []
    with hostile.page(browser, scheme=scheme, width=width) as page:
        for path in PAGES:
            hostile.go(page, path.format(**names))
            wrong += [f"{path}: {each}" for each in [*faults(page), *machine_words(page)]]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_before_a_log_in_are_accessible_too(
    browser: Browser, connected: Shop, scheme: str
) -> None:
    context = browser.new_context(
        base_url=connected.stack.url, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    wrong = []
    for path in ("/login", "/login/forgot"):
        page.goto(path)
        loaded(page)
        wrong += [f"{path}: {each}" for each in faults(page)]
    context.close()

    assert not wrong, "\n".join(wrong)


def names_of(shop: Shop) -> dict[str, str]:
    """What the addresses in PAGES leave open."""
    stores = shop.owner.get("/stores")["items"]
    store = stores[0] if stores else shop.owner.call("POST", "/stores", {"name": "Annex"})
    return {
        "persona": shop.owner.personas()[0]["id"],
        "sync": shop.owner.runs("posabit")[0]["id"],
        "store": str(store["id"]),
    }


def machine_words(page: Page) -> list[str]:
    """What is no word for a shopkeeper: ISO days and times, codes, ids of people, our own words."""
    text = page.locator("body").inner_text()
    for word in WORDS_OF_THE_ARTICLES:
        text = text.replace(word, "")
    return [f"says {found[0]!r}" for found in MACHINE_WORD.finditer(text)]


def faults(page: Page) -> list[str]:
    """What axe finds on the page, and whether it scrolls sideways."""
    page.evaluate(Path(AXE).read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    wrong = [
        f"{each['id']} at {', '.join(str(node['target'][0]) for node in each['nodes'][:3])}"
        for each in found["violations"]
    ]
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    return [*wrong, *(["scrolls sideways"] if wide > 0 else [])]
