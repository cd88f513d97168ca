"""The signup form as it is served: pages, headers, and what becomes of what is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.adapters.dynamo.batch import commit_client
from chalicelib.adapters.dynamo.stores import StoreRow
from chalicelib.config import config
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.public.join import CONTENT_SECURITY_POLICY
from chalicelib.services.ports.stores import Store
from chalicelib.services.signups import join_form
from tests.fakes.common import MemoryQueue
from tests.functional.gateway import OURS, Gateway, Got, World
from tests.functional.personas_table import TABLE, personas_table

FORM = {"content-type": "application/x-www-form-urlencoded"}
ANA = {"first": "Ana", "last": "Ruiz", "phone": "206 555 0142", "birth_date": "1990-07-23"}
SIGNED = {"consent": "yes", "signed_name": "Ana Ruiz"}
JOIN = f"/join/{OURS}"


@pytest.fixture
def browser(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setenv("TABLE_PERSONAS", TABLE)
    queue = MemoryQueue()
    monkeypatch.setattr(wiring.queues, "texts_queue", lambda: queue)
    StoreRow.Meta.table_name = "stores-under-test"
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    with personas_table(commit_client()):
        yield world.gateway(None)


class Page(HTMLParser):
    """The inputs of a page by name, its labels, and what refers to what."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inputs: dict[str, dict[str, str]] = {}
        self.labels: set[str] = set()
        self.ids: set[str] = set()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids.add(values.get("id", ""))
        if tag == "label":
            self.labels.add(values["for"])
        if tag in ("input", "select") and "name" in values:
            self.inputs[values["name"]] = values


def opened(browser: Gateway) -> Page:
    return Page(browser.get(JOIN).text)


def sent(browser: Gateway, typed: dict[str, str] | None = None, **changes: str) -> Got:
    proof = changes.pop("proof", "") or opened(browser).inputs["proof"]["value"]
    values = {**ANA, **(typed or {}), **changes, "proof": proof}
    return browser.send("POST", JOIN, raw=urlencode(values), headers=FORM)


def persona(phone: str = "+12065550142") -> Any:
    found = wiring.derivation.persona_lookup().by_number(OURS, phone)
    return found[0] if found else None


def test_a_shopper_signs_up_and_is_a_member_when_the_thanks_are_shown(browser: Gateway) -> None:
    got = sent(browser, SIGNED)

    assert (got.status, got.headers["Location"]) == (303, f"{JOIN}/thanks")
    thanks = browser.get(f"{JOIN}/thanks")
    assert (thanks.status, "Welcome to" in thanks.text) == (200, True)
    held = persona()
    assert (held.persona.first, held.persona.member) == ("Ana", True)
    assert {reason.name for reason in held.persona.reasons} == {"form"}
    assert held.persona.sources == ("aiq",)


def test_the_same_form_twice_is_one_signup_with_the_same_thanks(browser: Gateway) -> None:
    proof = opened(browser).inputs["proof"]["value"]

    first, again = (sent(browser, SIGNED, proof=proof) for _ in range(2))

    assert (first.status, first.headers["Location"]) == (again.status, again.headers["Location"])
    assert len(persona().records) == 1


def test_the_email_of_somebody_else_merges_nobody(browser: Gateway) -> None:
    sent(browser, phone="", email="victim@example.com")
    sent(browser, phone="206 555 0177", email="victim@example.com")

    attacker = persona("+12065550177")
    assert attacker.persona.email is None
    assert len(attacker.records) == 1


def test_every_field_has_a_label_and_what_is_said_of_it_is_there(browser: Gateway) -> None:
    text = sent(browser, {"phone": "12", "first": "", "birth_date": ""}).text
    page = Page(text)

    shown = {name for name, field in page.inputs.items() if field.get("type") != "hidden"}
    assert {page.inputs[name]["id"] for name in shown} <= page.labels
    referred = re.findall(r'aria-(?:describedby|labelledby)="([^"]+)"', text)
    assert {each for refs in referred for each in refs.split()} <= page.ids
    assert '<html lang="en">' in text
    assert {f for f, v in page.inputs.items() if v.get("aria-invalid")} == {
        "first",
        "phone",
        "birth_date",
    }
    assert page.inputs["last"]["value"] == "Ruiz"


def test_the_trap_is_out_of_everybodys_way(browser: Gateway) -> None:
    trap = opened(browser).inputs["join_ref_7"]

    assert (trap["tabindex"], trap["autocomplete"]) == ("-1", "off")


def test_hostile_names_are_shown_as_they_are_and_run_nothing(browser: Gateway) -> None:
    script = '"><script>alert(1)</script>'
    wiring.outside.stores().create(Store(OURS, 0, script))

    text = sent(browser, {"first": script, "phone": "x"}).text

    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_a_minor_is_told_kindly_and_nothing_is_stored(browser: Gateway) -> None:
    got = sent(browser, birth_date="2020-01-01")

    assert (got.status, "or older to join. Nothing was saved." in got.text) == (422, True)
    assert persona() is None


@pytest.mark.parametrize("uid", ["9999", "1", "x", "39%2012"])
def test_an_unknown_account_has_one_neutral_page(browser: Gateway, uid: str) -> None:
    got, posted = (
        browser.get(f"/join/{uid}"),
        browser.send("POST", f"/join/{uid}", raw=urlencode(ANA), headers=FORM),
    )

    assert (got.status, posted.status) == (404, 404)
    assert "Ask at the counter" in got.text
    assert got.text == posted.text


def test_pages_have_a_policy_of_their_own_that_runs_no_script_of_others(browser: Gateway) -> None:
    for got in (browser.get(JOIN), sent(browser, {"phone": "x"}), browser.get("/join/9999")):
        assert got.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert got.headers["Content-Type"] == "text/html; charset=utf-8"
        assert got.headers["Cache-Control"] == "no-store"
        assert "onclick" not in got.text
        assert "style=" not in got.text


@pytest.mark.parametrize(
    ("name", "kind"), [("join.css", "text/css"), ("join.js", "text/javascript")]
)
def test_the_style_and_the_script_are_served(browser: Gateway, name: str, kind: str) -> None:
    got = browser.get(f"/join/assets/{name}")

    assert (got.status, got.headers["Content-Type"].split(";")[0]) == (200, kind)
    assert browser.get("/join/assets/other.js").status == 404


def test_the_address_that_aiq_gave_leads_to_the_form(browser: Gateway) -> None:
    got = browser.get(f"/joinMembers/{OURS}")

    assert (got.status, got.headers["Location"]) == (301, JOIN)
    assert browser.get("/joinMembers/evil.example").headers["Location"] == "/join/unknown"


@pytest.mark.parametrize(
    "raw", ["", "%FF%FE=1", "a&b&c", "first=" + "A" * 5000, "&".join("abc=1" for _ in range(99))]
)
def test_whatever_is_sent_is_answered_with_the_form(browser: Gateway, raw: str) -> None:
    got = browser.send("POST", JOIN, raw=raw, headers=FORM)

    assert (got.status, "<form" in got.text) == (422, True)


def test_a_form_that_is_too_large_says_what_to_do(browser: Gateway) -> None:
    got = sent(browser, signature="A" * 1_100_000)

    assert (got.status, "sign by typing your name" in got.text) == (413, True)


def test_json_is_no_form(browser: Gateway) -> None:
    assert browser.post(JOIN, {"first": "Ana"}).status == 415


def test_who_goes_round_the_front_counts_as_one_whatever_addresses_they_make_up(
    browser: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_form, "PAGES_PER_ADDRESS", 2)
    monkeypatch.setenv("FRONT_SECRET", "of the front")
    config.cache_clear()

    def opened_by(address: str, **headers: str) -> int:
        passed = {"X-Forwarded-For": f"{address}, 127.0.0.1", **headers}
        return browser.send("GET", JOIN, headers=passed).status

    forged = [opened_by(f"203.0.113.{each}") for each in range(4)]
    guessed = opened_by("203.0.113.9", x_front_secret="of the back")
    shoppers = [opened_by(f"203.0.113.{each}", x_front_secret="of the front") for each in range(4)]

    assert forged == [200, 200, 429, 429]
    assert guessed == 429
    assert shoppers == [200] * 4
