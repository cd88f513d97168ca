"""The phone's web server, on loopback only.

Numbers and texts travel in bodies, never in addresses. Other sites' pages may not speak for a
phone: what does not name this host, or comes from another origin, is refused.
"""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from typing import NamedTuple, Self
from urllib.parse import parse_qs

from simulators.phone.network import LONGEST, Network, NoNetwork, number_of
from simulators.phone.page import STYLE_HASH, Bubble, chooser, conversation
from simulators.serving.httpd import Httpd, Reply, Request, Sender, do_nothing

LOOPBACK = "127.0.0.1"
HTML = "text/html; charset=utf-8"
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{STYLE_HASH}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
GUARDS = (
    f"Content-Security-Policy: {POLICY}",
    "Referrer-Policy: same-origin",
    "X-Content-Type-Options: nosniff",
    "Cache-Control: no-store",
)
NO_NUMBER = "That is no phone number; write it like +12065550123."


class _SentText(NamedTuple):
    """A text that the shopper sent. `after`: how many texts the phone had received by then."""

    after: int
    to: str
    body: str
    message: str


class PhoneServer:
    """Serves the page of a shopper's phone and remembers, while it runs, the texts sent from it.

    Use it as `with PhoneServer(Network(endpoint)) as phone: … phone.url`.
    """

    skew_seconds = 0

    def __init__(self, network: Network, *, port: int = 0) -> None:
        self.closing = threading.Event()
        self._network = network
        self._sent_texts: dict[str, list[_SentText]] = defaultdict(list)
        self._lock = threading.Lock()
        self._http = Httpd((LOOPBACK, port), self)
        self.port = int(self._http.server_address[1])
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._hosts = {f"{name}:{self.port}" for name in (LOOPBACK, "localhost")}

    def __enter__(self) -> Self:
        self._http.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.stop()

    def handle(self, request: Request, send: Sender) -> None:
        """Answer one request; see `httpd.Simulator`."""
        send(self._answer(request), None, do_nothing)

    def _answer(self, request: Request) -> Reply:
        if not self._is_ours(request):
            return _plain(403, "This phone answers its own page only.")
        form = {
            name: values[-1]
            for name, values in parse_qs(request.body.decode(errors="replace")).items()
        }
        call = (request.method, request.path)
        if call == ("GET", "/"):
            return self._chooser("")
        if call == ("POST", "/show"):
            return self._show(form)
        if call == ("POST", "/say"):
            return self._say(form)
        if request.path in ("/", "/show", "/say"):
            return _plain(405, "Start at /")
        return _plain(404, "There is nothing here; start at /")

    def _is_ours(self, request: Request) -> bool:
        host = request.headers.get("host", "")
        origin = request.headers.get("origin")
        return host in self._hosts and origin in (None, f"http://{host}")

    def _chooser(self, problem: str, status: int = 200) -> Reply:
        try:
            numbers = self._network.numbers()
        except NoNetwork as error:
            return _page(chooser((), problem or str(error)), 502)
        return _page(chooser(numbers, problem), status)

    def _show(self, form: dict[str, str], problem: str = "", status: int = 200) -> Reply:
        number = number_of(form.get("number", ""))
        if number is None:
            return self._chooser(NO_NUMBER, 422)
        try:
            received = self._network.received(number)
        except NoNetwork as error:
            return self._chooser(str(error), 502)
        bubbles = []
        with self._lock:
            sent = list(self._sent_texts[number])
        for at, text in enumerate([*received, None]):
            bubbles += [Bubble("said", each.to, each.body) for each in sent if each.after == at]
            if text is not None:
                bubbles.append(Bubble("got", text.sender, text.body))
        shop = form.get("to") or (received[-1].sender if received else "")
        message = secrets.token_hex(16)
        return _page(conversation(number, bubbles, shop, message, problem), status)

    def _say(self, form: dict[str, str]) -> Reply:
        number, to = number_of(form.get("number", "")), number_of(form.get("to", ""))
        body = form.get("word") or form.get("text", "")
        if number is None or to is None:
            return self._show(form, NO_NUMBER, 422)
        if not body or len(body) > LONGEST:
            return self._show(form, f"Write a text of at most {LONGEST} characters.", 422)
        message = form.get("message") or secrets.token_hex(16)
        try:
            after = len(self._network.received(number))
            self._network.say(number, body, to, message)
        except NoNetwork as error:
            return self._show(form, str(error), 502)
        with self._lock:
            if all(each.message != message for each in self._sent_texts[number]):
                self._sent_texts[number].append(_SentText(after, to, body, message))
        return self._show({"number": number, "to": to})


def _page(html: str, status: int = 200) -> Reply:
    return Reply(status, html.encode(), HTML, headers=GUARDS)


def _plain(status: int, text: str) -> Reply:
    return Reply(status, f"{text}\n".encode(), "text/plain; charset=utf-8", headers=GUARDS)
