"""The retailer of the browser tests, and what they do at the screen again and again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, expect

from tools.account import create_account
from tools.demo.platforms import RETAILER, Pos
from tools.demo.retailer import LIVE, Refused, Retailer
from tools.demo.simulator import Simulator
from tools.stack import LocalStack

PASSWORD = "Correct-horse-7"
SYNC_SECONDS = 240
PATIENCE_MS = 60_000
"""A machine that does other things is slow at times: no verdict by the clock."""

expect.set_options(timeout=PATIENCE_MS)


def new_owner(stack: LocalStack) -> Retailer:
    """A new account with its Owner logged in, at the API."""
    email = f"owner-{secrets.token_hex(6)}@example.com"
    account = create_account(
        stack.client, stack.outputs, name="Green Leaf", owner=email, password=PASSWORD
    )
    return Retailer(stack, email, PASSWORD, account.uid)


@dataclass(frozen=True)
class Shop:
    """One retailer, at the API as `owner`, and at the screen with `page`."""

    stack: LocalStack
    simulators: Mapping[str, Simulator]
    owner: Retailer
    team: dict[str, str] = field(default_factory=dict)

    @classmethod
    def connected_to_all(cls, stack: LocalStack, simulators: Mapping[str, Simulator]) -> Shop:
        shop = cls(stack, simulators, new_owner(stack))
        for pos in RETAILER:
            shop.connect(pos.platform)
        shop.wait_for_syncs()
        return shop

    def pos(self, platform: str) -> Pos:
        return next(pos for pos in RETAILER if pos.platform == platform)

    def credentials(self, platform: str) -> list[dict[str, str]]:
        return self.pos(platform).credentials(self.simulators[platform].facts)

    def connect(self, platform: str) -> None:
        """Connect at the API: for tests of what comes after."""
        for fields in self.credentials(platform):
            self.owner.add_credential(fields, platform=platform, trust=self.pos(platform).trust)
        self.owner.tick_age_gate(platform)
        self.owner.connect(platform)

    def wait_for_syncs(self) -> None:
        runs = [
            run for pos in RETAILER for run in self.owner.runs(pos.platform) if run["state"] in LIVE
        ]
        ended = self.owner.finish(runs, seconds=SYNC_SECONDS, every=0.5)
        assert {run["state"] for run in ended} <= {"succeeded"}

    def leave(self) -> None:
        for pos in RETAILER:
            with suppress(Refused):
                self.owner.disconnect(pos.platform)

    def member(self, role: str) -> str:
        """Somebody of the team with this role and our password, the same each time: invitations
        are limited by the hour. Returns their e-mail."""
        if role in self.team:
            return self.team[role]
        email = f"{role.lower()}-{secrets.token_hex(6)}@example.com"
        self.owner.call("POST", "/users", {"email": email, "role": role})
        self.stack.client("cognito-idp").admin_set_user_password(
            UserPoolId=self.stack.outputs["UserPoolId"],
            Username=email,
            Password=PASSWORD,
            Permanent=True,
        )
        self.team[role] = email
        return email

    @contextmanager
    def page(
        self,
        browser: Browser,
        path: str = "",
        *,
        email: str | None = None,
        scheme: str = "light",
        width: int = 1280,
    ) -> Iterator[Page]:
        """A page of the account, logged in by the form; it must log nothing as an error."""
        context = browser.new_context(
            base_url=self.stack.url,
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE_MS)
        broken: list[str] = []
        try:
            page = context.new_page()
            page.on("pageerror", lambda error: broken.append(str(error)))
            log_in(page, email or self.owner.email, at=self.at(path))
            yield page
            assert not broken
        finally:
            context.close()

    def at(self, path: str) -> str:
        return f"/a/{self.owner.uid}{path}"

    def go(self, page: Page, path: str) -> None:
        """Go to a page of the account and wait until its data is there."""
        page.goto(self.at(path))
        loaded(page)


def log_in(page: Page, email: str, at: str = "/", password: str = PASSWORD) -> None:
    """Log in by the form, at a page that asks for it."""
    page.goto(at)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name=f"{email}: my settings and log out")).to_be_visible()
    loaded(page)


def loaded(page: Page) -> None:
    """Wait until no part of the page is loading."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
