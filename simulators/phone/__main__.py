"""`python -m simulators.phone --number +12065550123 --say YES`

Without --say it prints what the number received; without --number it serves the phone as a page.
The local AWS is found where `make demo` or `make stack` runs, unless --endpoint names it.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path

from simulators.phone.network import Network, NoNetwork, number_of
from simulators.phone.web import PhoneServer
from simulators.serving.signals import stop_event

LOCAL = Path(__file__).resolve().parents[2] / ".local"
STACKS = ("demo", "stack")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulators.phone", description=__doc__)
    parser.add_argument("--number", default="", help="the shopper's")
    parser.add_argument("--say", default="", help="a text; without --to it answers the latest")
    parser.add_argument("--to", default="", help="the shop's number")
    parser.add_argument("--endpoint", default="", help="of the local AWS")
    parser.add_argument("--port", type=int, default=0, help="of the page")
    chosen = parser.parse_args(arguments)
    try:
        network = find_network(chosen.endpoint)
        if not chosen.number:
            return _serve(network, chosen.port)
        print(_use(network, chosen.number, chosen.say, chosen.to))
    except NoNetwork as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def find_network(endpoint: str, local: Path = LOCAL) -> Network:
    """The network at `endpoint`, else of a stack that runs. Raises NoNetwork."""
    if endpoint:
        return Network(endpoint)
    for name in STACKS:
        with suppress(OSError, ValueError, KeyError, NoNetwork):
            facts = json.loads((local / name / "stack.json").read_text(encoding="utf-8"))
            network = Network(facts["endpoint"])
            network.numbers()
            return network
    raise NoNetwork("no local AWS runs; start it: make demo")


def _use(network: Network, typed: str, say: str, to: str) -> str:
    number = number_of(typed)
    if number is None:
        raise NoNetwork(f"{typed!r} is no phone number; write it like +12065550123")
    received = network.received(number)
    if not say:
        return "\n".join(f"{text.sender}: {text.body}" for text in received) or "no texts"
    shop = number_of(to) or (received[-1].sender if received else "")
    if not shop:
        raise NoNetwork("it has received nothing to answer; name the shop's number: --to +1…")
    network.say(number, say, shop)
    return f"said {say!r} to {shop}"


def _serve(network: Network, port: int) -> int:
    stopped = stop_event()
    with PhoneServer(network, port=port) as phone:
        print(json.dumps({"url": phone.url, "port": phone.port}), flush=True)
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
