"""At the till: sign up, redeem, undo; a discount that the POS mirrors."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.shop import Shop, loaded

PHONE_WIDTH = 390
PRICE = 100


@dataclass(frozen=True)
class Member:
    """A shopper who was signed up and has points."""

    phone: str
    contact_id: str


@pytest.fixture
def member(connected: Shop) -> Member:
    phone = a_phone()
    told = {"phone": phone, "first": "Rosa", "last": "Redeems"}
    signed_up = connected.owner.call("POST", "/counter/signup", told, headers=once())
    points = {"amount": 500, "reason": "To redeem"}
    path = f"/personas/{signed_up['contact_id']}/points"
    connected.owner.call("POST", path, points, headers=once())
    return Member(phone, signed_up["contact_id"])


@pytest.fixture
def discount(connected: Shop) -> str:
    """The name of a discount that anybody with the points can redeem again and again."""
    name = f"Off {secrets.token_hex(3)}"
    wanted = {"name": name, "points": PRICE, "amount_off": 500, "reusable": True}
    connected.owner.call("POST", "/discounts", wanted)
    return name


def a_phone() -> str:
    return f"206555{secrets.randbelow(9000) + 1000}"


def once() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def find(page: Page, phone: str) -> None:
    page.get_by_label("Phone or e-mail").fill(phone)
    page.get_by_role("button", name="Find").click()


def balance(shop: Shop, member: Member) -> float:
    wallet = shop.owner.get(f"/counter/wallet/{member.contact_id}")
    return float(wallet["balance"])


def test_staff_sign_a_shopper_up_who_is_a_persona_at_once(
    browser: Browser, connected: Shop
) -> None:
    phone = a_phone()
    staff = connected.member("Staff")
    with connected.page(browser, email=staff, width=PHONE_WIDTH) as page:
        find(page, phone)
        expect(page.get_by_text("No member has this phone.")).to_be_visible()
        page.get_by_role("button", name="Sign up a shopper").click()
        expect(page.get_by_label("Phone", exact=True)).to_have_value(phone)

        page.get_by_label("First name").fill("Maria")
        page.get_by_label("Last name").fill("Quick")
        page.get_by_label("Customer Consent").check()
        page.get_by_label("Or the full name, typed").fill("Maria Quick")
        page.get_by_role("button", name="Sign up", exact=True).click()

        expect(page.get_by_text("Maria Quick is signed up.")).to_be_visible()
        page.get_by_role("button", name="Done").click()
        expect(page.get_by_label("Phone or e-mail")).to_be_focused()

    search = {"phone": phone}
    [persona] = connected.owner.call("POST", "/personas/search", search)["items"]
    assert persona["member"]
    with connected.page(browser, f"/personas/{persona['id']}") as page:
        expect(page.get_by_text("Sourced from: AIQ Loyalty")).to_be_visible()


def test_a_signature_may_be_drawn(browser: Browser, connected: Shop) -> None:
    with connected.page(browser, "/counter", width=PHONE_WIDTH) as page:
        page.get_by_role("button", name="Sign up a shopper").click()
        page.get_by_label("Phone", exact=True).fill(a_phone())
        page.get_by_label("Customer Consent").check()
        pad = page.get_by_role("img", name="Sign here")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box
        page.mouse.move(box["x"] + 20, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 90, steps=5)
        page.mouse.up()
        with page.expect_request("**/counter/signup") as sent:
            page.get_by_role("button", name="Sign up", exact=True).click()
        expect(page.get_by_text("is signed up.")).to_be_visible()

        told = sent.value.post_data_json
        assert told["signature"].startswith("data:image/png;base64,")
        assert told["consent"] is True


def test_a_double_tap_redeems_once_and_it_is_undone(
    browser: Browser, connected: Shop, member: Member, discount: str
) -> None:
    staff = connected.member("Staff")
    with connected.page(browser, email=staff, width=PHONE_WIDTH) as page:
        find(page, member.phone)
        expect(page.get_by_text("500 points")).to_be_visible()
        page.get_by_role("button", name=f"Redeem {discount}").click()
        dialog = page.get_by_role("dialog", name=f"Redeem {discount} for Rosa R.?")
        expect(dialog.get_by_text(f"{PRICE} points leave now.")).to_be_visible()
        dialog.get_by_role("button", name=f"Redeem {discount}").dblclick()

        expect(page.get_by_text(f"Done. Give {discount} in the POS.")).to_be_visible()
        expect(page.get_by_text("400 points")).to_be_visible()
        assert balance(connected, member) == 400

        page.get_by_role("button", name=f"Undo {discount}").click()
        expect(page.get_by_text(f"{discount} was given back.")).to_be_visible()
        expect(page.get_by_text("500 points")).to_be_visible()


def test_a_redemption_without_network_says_so_and_the_second_try_is_the_same_act(
    browser: Browser, connected: Shop, member: Member, discount: str
) -> None:
    def lose(route: Route) -> None:
        """The act is done; its answer never arrives."""
        key = {"Idempotency-Key": route.request.headers["idempotency-key"]}
        connected.owner.call("POST", "/counter/redeem", route.request.post_data_json, headers=key)
        route.abort()

    with connected.page(browser, "/counter", width=PHONE_WIDTH) as page:
        find(page, member.phone)
        page.get_by_role("button", name=f"Redeem {discount}").click()
        dialog = page.get_by_role("dialog")
        page.context.set_offline(True)
        dialog.get_by_role("button", name=f"Redeem {discount}").click()
        expect(dialog.get_by_text("No network. Nothing was redeemed.")).to_be_visible()
        page.context.set_offline(False)

        page.route("**/counter/redeem", lose)
        dialog.get_by_role("button", name="Check").click()
        expect(dialog.get_by_text("We do not know if it went through.")).to_be_visible()
        page.unroute_all()
        dialog.get_by_role("button", name="Check").click()

        expect(page.get_by_text(f"Done. Give {discount} in the POS.")).to_be_visible()
        assert balance(connected, member) == 400


def test_a_discount_is_created_and_its_twin_in_the_pos_is_known_by_name(
    browser: Browser, connected: Shop
) -> None:
    """Discounts must be created in AIQ first and then mirrored in your POS."""
    unknown = f"Only here {secrets.token_hex(3)}"
    with connected.page(browser, "/discounts") as page:
        for name, state in (("AIQ $5", "Mirrored"), (unknown, "Missing")):
            page.get_by_role("link", name="Create discount").click()
            page.get_by_label("Name", exact=True).fill(name)
            page.get_by_label("Points", exact=True).fill("100")
            page.get_by_role("textbox", name="Amount off").fill("5")
            page.get_by_role("button", name="Create discount").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(name)
            mirrors = page.get_by_role("region", name="In the POS")
            expect(mirrors.get_by_text(state).first).to_be_visible()
            connected.go(page, "/discounts")
        expect(page.get_by_text("Now mirror it in")).to_have_count(0)
        page.get_by_role("link", name=unknown).click()
        loaded(page)
        expect(page.get_by_text("Now mirror it in")).to_be_visible()
        expect(page.get_by_role("button", name="Copy name")).to_be_visible()
