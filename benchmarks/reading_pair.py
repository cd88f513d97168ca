"""Compares what reading a record costs here and in another clone, in turns, in one run.

    python -m benchmarks.reading_pair ../before [platform ...]

Each turn is a process of its own over the same records, here and there; the medians of the turns'
ratios are shown, of records that are new and of records that are known by their rows. The machine's
CPU is worth more or less from one second to the next, so that one run beside another says little.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tools.paths import ROOT

TURNS = 3
MEASURE = """
import json, sys
from collections import deque
import benchmarks.normalising as reading

told, measure = [], reading._measure

def known_pages(session, plan):
    cursor = None
    while True:
        page = session.fetch(plan, cursor, lambda _id, _row: True)
        yield page
        cursor = page.cursor
        if cursor is None:
            return

def measure_both(profile, access, plan, bodies):
    made = measure(profile, access, plan, bodies)

    def pages():
        auth = reading.AuthVariants(
            profile, reading.Keyring(access.fields), reading.Replay(bodies)
        )
        return known_pages(reading.Session(profile, access, auth), plan)

    known = reading._least(lambda: deque(pages(), maxlen=0)) / made.records * 1e6
    told.append([profile.platform, plan.stream, "new", made.read])
    told.append([profile.platform, plan.stream, "known", known])
    return made

reading._measure = measure_both
reading.reading_costs(sys.argv[1:])
print(json.dumps(told))
"""
"""Run in either clone, so that it knows only what both have."""

Kind = tuple[str, str, str]


def turn(clone: Path, platforms: list[str]) -> dict[Kind, float]:
    """Microseconds a record, by platform, stream and whether it is new."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *platforms],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return {(platform, stream, kind): cost for platform, stream, kind, cost in told}


def main(arguments: list[str]) -> int:
    if not arguments or not (Path(arguments[0]) / "benchmarks" / "normalising.py").is_file():
        print("name the clone to compare with, then platforms or none", file=sys.stderr)
        return 2
    other, platforms = Path(arguments[0]), arguments[1:]
    costs: dict[Kind, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(TURNS):
        before, now = turn(other, platforms), turn(ROOT, platforms)
        for kind in now:
            costs[kind].append((before[kind], now[kind]))
    for kind, pairs in costs.items():
        ratio = statistics.median(here / there for there, here in pairs)
        there, here = (min(costs) for costs in zip(*pairs, strict=True))
        print(f"{' '.join(kind):28} {there:6.1f} µs there {here:6.1f} µs here  {ratio:.2f} of it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
