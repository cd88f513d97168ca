"""`python -m simulators posabit --port 0 --seed 7 --shoppers 2000 --stores 2 --sales 8000`.

Prints one line of JSON (port, URLs, keys, stores) when it listens, and stops on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import time

from simulators.registry import platform_names, platform_of, server_of
from simulators.retailer.options import add_world_options, world_platform, world_spec
from simulators.retailer.world import World
from simulators.serving.backoffice import TLS, BackOfficeServer
from simulators.serving.signals import stop_event


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m simulators")
    parser.add_argument("platform", choices=platform_names())
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--cache-mb", type=int, default=512, help="rendered rows kept")
    parser.add_argument("--warm", action="store_true", help="render all rows before listening")
    parser.add_argument("--tls", choices=TLS, default="none", help="of a server in a back office")
    add_world_options(parser, time.time())
    chosen = parser.parse_args()

    stopped = stop_event()
    options = {"port": chosen.port, "host": chosen.host, "cache_bytes": chosen.cache_mb * 1_000_000}
    make = server_of(chosen.platform)
    if chosen.tls != "none":
        if not (isinstance(make, type) and issubclass(make, BackOfficeServer)):
            parser.error(f"{chosen.platform} does not run in a back office")
        options["tls"] = chosen.tls
    world = World(world_spec(chosen), world_platform(chosen, platform_of(chosen.platform)))
    with make(world, **options) as server:
        if chosen.warm:
            server.api.warm()
        print(json.dumps(server.describe()), flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
