"""The phone: what it shows, what it says, and to whom it listens."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from simulators.phone.__main__ import find_network, main
from simulators.phone.network import Network, NoNetwork, Received, number_of
from simulators.phone.web import PhoneServer

ANN, BEN, SHOP = "+12065550100", "+12065550101", "+12065550199"
TOPIC = "arn:aws:sns:us-east-1:000000000000:aiq-pos-local-InboundSms-1"
OTHER = "arn:aws:sns:us-east-1:000000000000:aiq-pos-local-Operator-1"
TOPICS = f"<R><TopicArn>{OTHER}</TopicArn><m><TopicArn>{TOPIC}</TopicArn></m></R>"


class LocalAws:
    """As much of the local AWS as a phone meets."""

    def __init__(self) -> None:
        self.outbox: dict[str, list[dict[str, Any]]] = {}
        self.published: list[dict[str, str]] = []
        self.topics = TOPICS
        self.url = ""

    def text(self, number: str, body: str) -> None:
        sender = {"AWS.MM.SMS.OriginationNumber": {"DataType": "String", "StringValue": SHOP}}
        self.outbox.setdefault(number, []).append({"Message": body, "MessageAttributes": sender})

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(form["Message"]) for form in self.published]


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    aws = LocalAws()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = parse_qs(urlsplit(self.path).query).get("phoneNumber")
            kept = {n: texts for n, texts in aws.outbox.items() if number in (None, [n])}
            self.answer(json.dumps({"sms_messages": kept}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if form["Action"] == "Publish":
                aws.published.append(form)
            self.answer(aws.topics)

        def answer(self, body: str) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    aws.url = f"http://127.0.0.1:{server.server_port}"
    yield aws
    server.shutdown()
    server.server_close()


class Page(NamedTuple):
    status: int
    headers: dict[str, str]
    html: str

    @property
    def texts(self) -> list[tuple[str, str]]:
        """(kind, text) of each bubble."""
        found = re.findall(r"<li class=(\w+)><small>.*?</small>(.*?)</li>", self.html, re.DOTALL)
        return [(kind, unescape(text)) for kind, text in found]

    def hidden(self, name: str) -> str:
        return str(re.findall(rf'name="{name}" value="([^"]*)"', self.html)[0])


class Browser:
    def __init__(self, url: str) -> None:
        self.place = urlsplit(url)

    def get(self, path: str = "/", **headers: str) -> Page:
        return self.send("GET", path, None, headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Page:
        return self.send("POST", path, urlencode(form), headers)

    def send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Page:
        http = HTTPConnection(self.place.hostname or "", self.place.port or 0, timeout=5)
        http.request(method, path, body, headers)
        answer = http.getresponse()
        page = Page(answer.status, dict(answer.headers.items()), answer.read().decode())
        http.close()
        return page


@contextmanager
def a_phone(aws: LocalAws) -> Iterator[Browser]:
    with PhoneServer(Network(aws.url, TOPIC)) as phone:
        yield Browser(phone.url)


@pytest.fixture
def browser(aws: LocalAws) -> Iterator[Browser]:
    with a_phone(aws) as found_browser:
        yield found_browser


# --- the network ---


def test_a_number_shows_what_it_received(aws: LocalAws) -> None:
    aws.text(ANN, "Reply YES")
    aws.text(BEN, "Hello")

    network = Network(aws.url)

    assert network.received(ANN) == [Received(SHOP, "Reply YES")]
    assert network.numbers() == [ANN, BEN]


def test_an_answer_is_the_two_way_payload_with_a_subject_and_an_attribute(aws: LocalAws) -> None:
    Network(aws.url).say(ANN, "YES", SHOP, "m1")

    [form] = aws.published
    assert (form["TopicArn"], form["Subject"]) == (TOPIC, "inbound")
    assert form["MessageAttributes.entry.1.Value.StringValue"] == "sms"
    assert json.loads(form["Message"]) == {
        "originationNumber": ANN,
        "destinationNumber": SHOP,
        "messageKeyword": "KEYWORD",
        "messageBody": "YES",
        "inboundMessageId": "m1",
        "previousPublishedMessageId": "",
    }


def test_without_an_inbound_topic_nothing_can_be_said(aws: LocalAws) -> None:
    aws.topics = "<R></R>"

    with pytest.raises(NoNetwork, match="deployed"):
        Network(aws.url).say(ANN, "YES", SHOP)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+12065550100", ANN),
        (" (206) 555-0100 ", ANN),
        ("+442079460000", "+442079460000"),
        ("12345", None),
        ("<b>", None),
        ("", None),
    ],
)
def test_a_number_is_understood_as_people_write_it(typed: str, number: str | None) -> None:
    assert number_of(typed) == number


# --- the page ---


def test_the_page_offers_the_numbers_that_received_something(
    aws: LocalAws, browser: Browser
) -> None:
    assert "No number has received a text yet." in browser.get().html

    aws.text(ANN, "Reply YES")

    assert f"<option>{ANN}</option>" in browser.get().html


def test_what_is_said_stands_where_it_was_said(aws: LocalAws, browser: Browser) -> None:
    aws.text(ANN, "Reply YES")
    page = browser.post("/show", {"number": ANN})
    assert page.hidden("to") == SHOP
    form = {"number": ANN, "to": SHOP, "message": page.hidden("message"), "word": "YES"}

    said = browser.post("/say", form)
    aws.text(ANN, "You are signed up")

    assert said.texts == [("got", "Reply YES"), ("said", "YES")]
    assert browser.post("/show", {"number": ANN}).texts == [
        ("got", "Reply YES"),
        ("said", "YES"),
        ("got", "You are signed up"),
    ]


def test_a_form_sent_twice_is_one_text(aws: LocalAws, browser: Browser) -> None:
    aws.text(ANN, "Reply YES")
    form = {"number": ANN, "to": SHOP, "message": "m7", "text": "yes please"}

    browser.post("/say", form)
    again = browser.post("/say", form)

    assert {said["inboundMessageId"] for said in aws.said()} == {"m7"}
    assert again.texts == [("got", "Reply YES"), ("said", "yes please")]


def test_whatever_a_text_says_is_text(aws: LocalAws, browser: Browser) -> None:
    attack = "<script>alert('x')</script>\"><img src=x>"
    aws.text(ANN, attack)
    form = {"number": ANN, "to": f'"><b>{SHOP}', "text": attack, "message": '"><i>'}

    pages = [
        browser.post("/show", {"number": ANN}),
        browser.post("/say", form),
        browser.post("/say", {**form, "to": SHOP}),
        browser.post("/show", {"number": attack}),
    ]

    assert pages[0].texts == [("got", attack)]
    for page in pages:
        for tag in ("<script", "<img", "<b>", "<i>"):
            assert tag not in page.html


def test_numbers_stay_out_of_addresses(aws: LocalAws, browser: Browser) -> None:
    aws.text(ANN, "Reply YES")

    for page in (browser.get(), browser.post("/show", {"number": ANN})):
        links = re.findall(r'(?:href|action|src)="([^"]*)"', page.html)
        assert set(links) <= {"/", "/show", "/say"}
        assert 'method="get"' not in page.html.lower()
        assert "Location" not in page.headers


@pytest.mark.parametrize(
    ("form", "status", "reason"),
    [
        ({"number": "12", "to": SHOP, "text": "x"}, 422, "no phone number"),
        ({"number": ANN, "to": "shop", "text": "x"}, 422, "no phone number"),
        ({"number": ANN, "to": SHOP, "text": ""}, 422, "Write a text"),
        ({"number": ANN, "to": SHOP, "text": "x" * 1601}, 422, "at most 1600"),
        ({}, 422, "no phone number"),
    ],
)
def test_what_cannot_be_sent_is_said_and_not_sent(
    aws: LocalAws, browser: Browser, form: dict[str, str], status: int, reason: str
) -> None:
    page = browser.post("/say", form)

    assert (page.status, reason in page.html) == (status, True)
    assert aws.published == []


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
    ids=str,
)
def test_other_sites_cannot_speak_for_the_phone(
    aws: LocalAws, browser: Browser, headers: dict[str, str]
) -> None:
    page = browser.post("/say", {"number": ANN, "to": SHOP, "text": "STOP"}, **headers)

    assert page.status == 403
    assert aws.published == []


def test_its_own_page_may_speak_for_it(aws: LocalAws, browser: Browser) -> None:
    own = f"http://{browser.place.netloc}"

    page = browser.post("/say", {"number": ANN, "to": SHOP, "text": "STOP"}, Origin=own)

    assert page.status == 200
    assert [said["messageBody"] for said in aws.said()] == ["STOP"]


def test_it_listens_on_loopback_and_keeps_to_itself(browser: Browser) -> None:
    page = browser.get()

    assert browser.place.hostname == "127.0.0.1"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert (browser.get("/say").status, browser.get("/x").status) == (405, 404)


def test_without_the_local_aws_it_says_so() -> None:
    with PhoneServer(Network("http://127.0.0.1:9", TOPIC)) as phone:
        page = Browser(phone.url).get()

    assert page.status == 502
    assert "does not answer" in page.html


# --- the command ---


def test_the_command_shows_and_answers(aws: LocalAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.text(ANN, "Reply YES")
    here = ["--endpoint", aws.url, "--number", ANN]

    assert main(here) == 0
    assert main([*here, "--say", "YES"]) == 0

    assert capsys.readouterr().out == f"{SHOP}: Reply YES\nsaid 'YES' to {SHOP}\n"
    assert [(said["messageBody"], said["destinationNumber"]) for said in aws.said()] == [
        ("YES", SHOP)
    ]


def test_a_number_that_received_nothing_must_say_to_whom(
    aws: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["--endpoint", aws.url, "--number", ANN, "--say", "STOP"]

    assert main(here) == 1
    assert "--to" in capsys.readouterr().err
    assert main([*here, "--to", SHOP]) == 0


def test_the_command_finds_the_stack_that_runs(aws: LocalAws, tmp_path: Path) -> None:
    for name, url in (("demo", "http://127.0.0.1:9"), ("stack", aws.url)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stack.json").write_text(json.dumps({"endpoint": url}))
    aws.text(ANN, "Reply YES")

    assert find_network("", tmp_path).numbers() == [ANN]
    with pytest.raises(NoNetwork, match="make demo"):
        find_network("", tmp_path / "nowhere")
