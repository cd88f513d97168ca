"""`python -m simulators posabit --port 0 --seed 7 --shoppers 2000 --stores 2 --sales 8000`.

Prints one line of JSON (port, URL, tokens, venues) when it listens, and stops on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time

from simulators.options import add_world_options, world_spec
from simulators.posabit.control import describe
from simulators.posabit.server import PosabitServer
from simulators.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m simulators")
    platforms = parser.add_subparsers(dest="platform", required=True)
    posabit = platforms.add_parser("posabit")
    posabit.add_argument("--port", type=int, default=0)
    posabit.add_argument("--host", default="127.0.0.1")
    posabit.add_argument("--cache-mb", type=int, default=512, help="rendered rows kept")
    posabit.add_argument("--warm", action="store_true", help="render all rows before listening")
    add_world_options(posabit, time.time())
    chosen = parser.parse_args()

    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    world = World(world_spec(chosen))
    size = chosen.cache_mb * 1_000_000
    with PosabitServer(world, port=chosen.port, host=chosen.host, cache_bytes=size) as server:
        if chosen.warm:
            server.api.warm()
        print(json.dumps(describe(server)), flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
