"""`python -m tools.screens` writes a picture of every page of the running demo to docs/screens/.

Each light at a desk, some dark or on a phone too. It needs `make demo` to run, and a Chromium.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tools import chromium
from tools.demo.memory import Memory
from tools.demo.steps import OWNER
from tools.paths import LOCAL, ROOT
from tools.stack.__main__ import running_stack

TARGET = ROOT / "docs" / "screens"
DESK, PHONE = 1280, 360
HEIGHT, TALL = 860, 1500
SETTLE_MS = 1000
"""Charts draw themselves anew when their place changes."""
SHOWN = "() => !document.querySelector('[role=status][aria-label=Loading], .symbol:empty')"
LONG = {"overview"}
"""Pages whose best part stands below what a screen shows."""
PATIENCE_MS = 60_000
PAGES = {
    "overview": "",
    "personas": "/personas",
    "persona": "/personas/{persona}",
    "discounts": "/discounts",
    "audiences": "/audiences",
    "counter": "/counter",
    "notifications": "/notifications",
    "activity": "/activity",
    "integrations": "/settings/integrations",
    "card": "/settings/integrations/posabit",
    "stock": "/settings/integrations/posabit/stock",
    "account": "/settings/account",
    "stores": "/settings/stores",
    "store": "/settings/stores/1",
    "match": "/settings/stores/match",
    "loyalty": "/settings/loyalty",
    "texting": "/settings/texting",
    "api": "/settings/api",
    "me": "/me",
}
LOOKS = (
    ("light", DESK, set(PAGES)),
    ("dark", DESK, {"overview", "card", "persona"}),
    ("light", PHONE, {"overview", "card", "personas", "counter"}),
)
"""Colour scheme, width, and the pages that are shown so."""


def pictures(browser: Browser, url: str, password: str) -> Iterator[Path]:
    for scheme, width, shown in LOOKS:
        context = browser.new_context(
            base_url=url,
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": HEIGHT},
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        if scheme == "light" and width == DESK:
            page.goto("/grid")
            yield shoot(page, "grid", scheme, width)
        page.goto("/login")
        if scheme == "light" and width == DESK:
            yield shoot(page, "login", scheme, width)
        page.get_by_label("E-mail").fill(OWNER)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name=f"{OWNER}: my settings and log out").wait_for()
        account = "/".join(page.url.split("/")[3:5])
        page.goto(f"/{account}/personas?is=member&sort=points")
        link = page.get_by_role("table").get_by_role("link").first.get_attribute("href") or ""
        for name, path in PAGES.items():
            if name not in shown:
                continue
            page.goto(f"/{account}{path.format(persona=link.split('/')[-1])}")
            yield shoot(page, name, scheme, width)
        context.close()


def shoot(page: Page, name: str, scheme: str, width: int) -> Path:
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function(SHOWN)
    path = TARGET / f"{name}-{scheme}-{'phone' if width == PHONE else 'desk'}.png"
    if name in LONG:
        page.set_viewport_size({"width": width, "height": TALL})
        page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    page.set_viewport_size({"width": width, "height": HEIGHT})
    return path


def main() -> int:
    data_dir = LOCAL / "demo"
    facts = running_stack(data_dir)
    path = chromium.find()
    if not facts:
        print("no demo runs: start it with `make demo` and wait for its summary", file=sys.stderr)
        return 1
    if not path:
        print("needs Chromium; on Debian: apt-get install chromium", file=sys.stderr)
        return 1
    TARGET.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        for picture in pictures(browser, facts["url"], Memory.load(data_dir).password):
            print(picture.relative_to(ROOT))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
