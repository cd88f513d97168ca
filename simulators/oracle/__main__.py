"""`python -m simulators.oracle --seed 7 … --out oracle.json`: what is right."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from simulators.oracle import answer
from simulators.registry import platform_names, platform_of
from simulators.retailer.options import add_world_options, instant_of, world_platform, world_spec
from simulators.retailer.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m simulators.oracle")
    parser.add_argument("--platform", choices=platform_names(), default="posabit")
    add_world_options(parser, time.time())
    parser.add_argument("--history-from", type=instant_of, default=None)
    parser.add_argument("--out", type=Path, default=None, help="default: standard output")
    chosen = parser.parse_args()
    platform = world_platform(chosen, platform_of(chosen.platform))
    world = World(world_spec(chosen), platform)
    text = json.dumps(answer(world, chosen.history_from), indent=1)
    if chosen.out:
        chosen.out.write_text(text + "\n", encoding="utf-8")
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
