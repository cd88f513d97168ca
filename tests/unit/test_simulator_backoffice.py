"""A server in a back office is offline, hung, self-signed or somebody else whenever it likes."""

from __future__ import annotations

import hashlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulators import auphan, profitek
from simulators.registry import platform_of, server_of
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import parse_instant
from simulators.serving.backoffice import BackOfficeServer
from simulators.serving.probe import Answer, Probe

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
SPEC = WorldSpec(now=NOW, shoppers=5, sales=5, products=5, old_lots=0)


@pytest.fixture(params=[auphan, profitek], ids=["auphan", "profitek"])
def server(request: pytest.FixtureRequest) -> Iterator[BackOfficeServer[Any]]:
    with request.param.SERVER(World(SPEC, request.param.PLATFORM)) as running:
        yield running


def knock(server: BackOfficeServer[Any], timeout: float = 5) -> Answer:
    with Probe(f"http://127.0.0.1:{server.port}", timeout=timeout) as probe:
        return probe.get("/reports/api.php")


def knock_tls(server: BackOfficeServer[Any], context: ssl.SSLContext) -> tuple[int, bytes]:
    """The status, and the certificate that was shown."""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as channel,
    ):
        channel.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = channel.recv(200)
        return int(head.split()[1]), channel.getpeercert(binary_form=True) or b""


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_an_offline_server_refuses_and_comes_back_on_its_port(
    server: BackOfficeServer[Any],
) -> None:
    port, before = server.port, knock(server)

    server.change_front("offline")

    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            knock(server)
    server.change_front("itself")
    assert (server.port, knock(server).body) == (port, before.body)


def test_going_offline_breaks_connections_that_are_open(server: BackOfficeServer[Any]) -> None:
    with Probe(server.url) as probe:
        probe.get("/nothing")
        server.change_front("offline")

        with pytest.raises((OSError, http.client.HTTPException)):
            probe.get("/nothing")


def test_a_hung_server_takes_the_connection_and_says_nothing(
    server: BackOfficeServer[Any],
) -> None:
    server.change_front("hangs")

    with pytest.raises(TimeoutError):
        knock(server, timeout=0.2)

    server.change_front("itself")
    assert knock(server).status in (200, 404)
    assert server.front_state()["knocks"] == 2


@pytest.mark.parametrize("tls", ["none", "self-signed"])
def test_a_server_that_hangs_or_is_offline_stops_at_once(tls: str) -> None:
    for front in ("hangs", "offline"):
        server = auphan.SERVER(World(SPEC, auphan.PLATFORM), tls=tls).start()
        server.change_front(front)
        waiting = threading.Thread(target=_swallow, args=(lambda s=server: knock(s),))
        waiting.start()
        time.sleep(0.05)

        begin = time.monotonic()
        server.stop()
        waiting.join(5)

        assert not waiting.is_alive()
        assert time.monotonic() - begin < 2
        with pytest.raises(ConnectionRefusedError):
            knock(server)


def _swallow(act: Callable[[], object]) -> None:
    try:
        act()
    except (OSError, http.client.HTTPException):
        return


@pytest.mark.parametrize(
    ("front", "status", "kind", "part"),
    [
        ("router", 200, "text/html", b"Router login"),
        ("other_server", 200, "application/json; charset=utf-8", b"camera"),
        ("nothing_here", 404, "text/html", b"Not Found"),
        ("redirect", 302, "text/html", b""),
    ],
)
def test_somebody_else_may_answer_whatever_is_asked(
    server: BackOfficeServer[Any], front: str, status: int, kind: str, part: bytes
) -> None:
    server.change_front(front)

    with Probe(server.url) as probe:
        for path in ("/reports/api.php", "/api/Customer/GetCustomers", "/_sim/world", "/"):
            page = probe.get(path)

            assert (page.status, page.headers["Content-Type"]) == (status, kind)
            assert part in page.body
            assert ("Location" in page.headers) is (front == "redirect")
    assert server.stats.as_dict()["requests"] == 0


def test_the_control_plane_stays_whatever_the_front_is(server: BackOfficeServer[Any]) -> None:
    with Probe(server.control_url) as desk:
        for front in ("offline", "hangs", "router", "itself"):
            shown = desk.post("/_sim/front", {"as": front}).json()

            assert shown["front"] == server.front == front
            assert desk.get("/_sim/stats").status == 200
            assert desk.get("/_sim/front").json() == shown
        world = desk.get("/_sim/world").json()

    assert world["control_url"] == server.control_url
    assert world["url"] == server.url
    assert (world["front"], world["tls"]) == ("itself", "none")


def test_another_retailer_moves_in_behind_the_same_door(server: BackOfficeServer[Any]) -> None:
    before = server.describe()

    with Probe(server.control_url) as desk:
        after = desk.post("/_sim/reset", {"seed": 9, "shoppers": 7, "stores": 1}).json()

    assert (after["url"], after["control_url"]) == (before["url"], before["control_url"])
    assert [store["customers"] for store in after["stores"]] == [7]
    keys = [told.get("api_key") or told["stores"][0]["auth_key"] for told in (before, after)]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("asked", [{"as": "asleep"}, {"tls": "trusted"}, [], {"as": 1}])
def test_a_front_that_does_not_exist_is_refused_and_changes_nothing(
    server: BackOfficeServer[Any], asked: Any
) -> None:
    with Probe(server.control_url) as desk:
        assert desk.post("/_sim/front", asked).status == 400

    assert (server.front, server.tls_kind) == ("itself", "none")
    assert knock(server).status in (200, 404)


def test_a_self_signed_server_is_not_to_be_trusted_but_to_be_known_again(
    server: BackOfficeServer[Any],
) -> None:
    server.change_front(tls="self-signed")

    with pytest.raises(ssl.SSLCertVerificationError):
        knock_tls(server, ssl.create_default_context())
    status, certificate = knock_tls(server, trusting())
    again = knock_tls(server, trusting())[1]

    assert status == 404
    assert certificate == again
    assert hashlib.sha256(certificate).hexdigest() == server.front_state()["certificate_sha256"]
    assert server.url.startswith("https://")


def test_another_certificate_is_another_fingerprint(server: BackOfficeServer[Any]) -> None:
    server.change_front(tls="self-signed")
    first = server.certificate_sha256

    server.change_front(tls="self-signed")

    shown = hashlib.sha256(knock_tls(server, trusting())[1]).hexdigest()
    assert shown == server.certificate_sha256 != first


def test_an_expired_certificate_says_so(server: BackOfficeServer[Any]) -> None:
    server.change_front(tls="expired")
    pem = ssl.DER_cert_to_PEM_cert(knock_tls(server, trusting())[1])
    context = ssl.create_default_context(cadata=pem)
    context.check_hostname = False

    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        knock_tls(server, context)


def test_plain_and_secure_callers_at_the_wrong_door_get_no_data(
    server: BackOfficeServer[Any],
) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the TLS library
        knock_tls(server, trusting())

    server.change_front(tls="self-signed")
    with pytest.raises((OSError, http.client.HTTPException)):
        knock(server)

    server.change_front(tls="none")
    assert knock(server).status in (200, 404)


def test_faults_work_behind_tls_too() -> None:
    with auphan.SERVER(World(SPEC, auphan.PLATFORM), tls="self-signed") as server:
        server.faults.add({"fault": "503", "requests": [1]})
        server.faults.add({"fault": "reset", "requests": [2]})

        assert knock_tls(server, trusting())[0] == 503
        with pytest.raises((OSError, IndexError)):
            knock_tls(server, trusting())
        assert knock_tls(server, trusting())[0] == 404


# --- from the command line ---


@pytest.mark.parametrize("platform", ["auphan", "profitek"])
def test_the_command_says_where_it_listens_and_stops_when_told(platform: str) -> None:
    sizes = ["--now", str(NOW), "--shoppers", "20", "--sales", "40", "--old-lots", "2"]
    told = ["--tls", "self-signed", "--unlinked", "1.0", *sizes]
    with subprocess.Popen(
        [sys.executable, "-m", "simulators", platform, *told], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        line = json.loads(process.stdout.readline())
        with Probe(line["control_url"]) as desk:
            found = desk.get("/_sim/oracle").json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert (line["platform"], line["tls"]) == (platform, "self-signed")
    assert line["url"] == f"https://127.0.0.1:{line['port']}"
    assert (found["sales"]["linked"], found["sales"]["fetched"]) == (0, 40)
    assert line["stores"][0]["sales_histories"] + line["stores"][1]["sales_histories"] == 40


def test_a_hosted_platform_has_no_certificate_of_its_own() -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "simulators", "posabit", "--tls", "expired"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 2
    assert "back office" in refused.stderr


def test_both_platforms_are_found_by_their_names() -> None:
    for package in (auphan, profitek):
        assert platform_of(package.PLATFORM.name) is package.PLATFORM
        assert server_of(package.PLATFORM.name) is package.SERVER
