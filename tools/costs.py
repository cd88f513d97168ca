"""Write docs/reference/costs.md: what AWS bills, from measured units and named prices.

    python -m tools.costs [--bench bench.json] [--check]

Units come from the bench: `--bench` takes over those of its JSON (BENCH_JSON of `make bench`) into
docs/performance/units.json. Prices and assumptions are data, docs/reference/prices.json, each price
with its date and where it is from.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.paths import ROOT

PAGE = ROOT / "docs" / "reference" / "costs.md"
PRICES = ROOT / "docs" / "reference" / "prices.json"
UNITS = ROOT / "docs" / "performance" / "units.json"
SHOPPERS = 1_000_000
_COUNTED = ("writes", "index_writes", "reads")

_INTRODUCTION = """\
Written by `python -m tools.costs`; do not edit. Units are those that `make bench` counts by AWS's
rules (`docs/performance/units.json`); prices and assumptions stand in [prices.json](prices.json):
{region}, {currency}, as of {date}, without free tiers, discounts and taxes. Look at AWS's price
pages before you rely on it. A worker's second on the bench counts as {slower} on Lambda, where it
has 0.58 of a core and DynamoDB is some milliseconds away.
"""
_RETAILER = """\
{shoppers:,} shoppers, {new_shoppers_a_day} new ones and {sales_a_day} sales a day, one credential,
{passes_a_day} passes a day of which one lists everything, and {dashboard_requests_a_day:,} requests
of the dashboard a day. Texts are apart: AWS bills each part of a text and what the carrier takes,
and numbers by the month ([Texting on AWS](../how-to/texting-on-aws.md)). Backups and audience runs
are not measured yet.
"""

Usage = dict[str, float]
"""How much of what prices.json prices, by its name there."""


def units_of(bench: Mapping[str, Any]) -> dict[str, Any]:
    """What the page needs of a bench's JSON: units, seconds and rows by phase."""
    kept = {}
    for name, phase in bench["parts"]["syncs"]["phases"].items():
        counts: Counter[str] = Counter()
        for section in phase["counts"].values():
            counts.update({unit: section.get(unit, 0) for unit in _COUNTED})
        by_stream = {
            stream: {unit: phase["counts"].get(stream, {}).get(unit, 0) for unit in _COUNTED}
            for stream in ("customers", "sales")
        }
        kept[name] = {
            "seconds": round(phase["wall_seconds"], 2),
            "shoppers": phase["streams"]["customers"]["new"],
            "sales": phase["streams"]["sales"]["new"],
            "units": dict(counts),
            "of_stream": by_stream,
        }
    return kept


def first_load(units: Mapping[str, Any], assumed: Mapping[str, Any]) -> Usage:
    """The first load of 1,000,000 shoppers with their sales: cost per record is flat."""
    phase = units["first load"]
    times = SHOPPERS / phase["shoppers"]
    return {
        "write_units": times * (phase["units"]["writes"] + phase["units"]["index_writes"]),
        "read_units": times * phase["units"]["reads"],
        "gb_seconds": times * _worker_seconds(phase["seconds"], assumed),
    }


def retailer_month(units: Mapping[str, Any], assumed: Mapping[str, Any]) -> Usage:
    """A month of one retailer with one credential, texts apart."""
    retailer, days = assumed["retailer"], assumed["days"]
    passes = retailer["passes_a_day"] - 1
    each = {stream: _each_new(units["first load"], stream) for stream in ("customers", "sales")}
    new = {"customers": retailer["new_shoppers_a_day"], "sales": retailer["sales_a_day"]}
    daily, between = units["no change"], units["no change, incremental"]
    used: Counter[str] = Counter()
    for unit, name in (("writes", "write_units"), ("index_writes", "write_units"),
                       ("reads", "read_units")):  # fmt: skip
        used[name] += days * (
            daily["units"][unit]
            + passes * between["units"][unit]
            + sum(new[stream] * each[stream][unit] for stream in each)
        )
    seconds = days * (daily["seconds"] + passes * between["seconds"])
    stored = retailer["shoppers"] * retailer["bytes_a_shopper"]
    stored += retailer["sales_kept"] * retailer["bytes_a_sale"]
    requests = days * retailer["dashboard_requests_a_day"]
    return {
        **used,
        "gb_seconds": _worker_seconds(seconds, assumed) + requests * assumed["request_gb_seconds"],
        "invocations": days * retailer["passes_a_day"] + requests,
        "api_requests": requests,
        "key_requests": days * retailer["passes_a_day"] * 2,
        "table_gb_months": stored / 1e9,
        "recovery_gb_months": stored / 1e9,
    }


def _worker_seconds(bench: float, assumed: Mapping[str, Any]) -> float:
    """GB-seconds of a worker on Lambda that took so many seconds on the bench."""
    gb_seconds: float = bench * assumed["lambda_seconds_a_bench_second"] * assumed["worker_gb"]
    return gb_seconds


def _each_new(phase: Mapping[str, Any], stream: str) -> Mapping[str, float]:
    count = phase["shoppers"] if stream == "customers" else phase["sales"]
    return {unit: phase["of_stream"][stream][unit] / count for unit in _COUNTED}


def fixed_month(assumed: Mapping[str, Any]) -> Usage:
    """A month of a stage that nobody uses: schedules, empty polls, key, alarms, dashboard."""
    minutes = assumed["days"] * 24 * 60
    ticks = assumed["schedules"] * minutes / 5
    return {
        "keys": 1,
        "alarm_metrics": assumed["alarm_metrics"],
        "own_metrics": assumed["own_metrics"],
        "dashboards": 1,
        "invocations": ticks,
        "gb_seconds": ticks * assumed["tick_gb"] * assumed["tick_seconds"],
        "queue_requests": minutes * assumed["queues"] * assumed["polls_a_minute_and_queue"],
        "log_gb": assumed["log_gb"],
    }


def cost(usage: Usage, prices: Mapping[str, Any]) -> dict[str, float]:
    """The dollars of each kind of usage."""
    return {name: n * prices[name]["usd"] / prices[name]["per"] for name, n in usage.items() if n}


def page(data: Mapping[str, Any], units: Mapping[str, Any]) -> str:
    prices, assumed = data["prices"], data["assumptions"]
    load = units["first load"]
    return "\n".join(
        (
            "# What it costs\n",
            _INTRODUCTION.format(**data, slower=assumed["lambda_seconds_a_bench_second"]),
            f"## The first load of {SHOPPERS:,} shoppers\n",
            f"With {load['sales'] / load['shoppers']:.0f} sales each, every record new; once.\n",
            *_table(first_load(units, assumed), prices),
            "## A month of one retailer\n",
            _RETAILER.format(**assumed["retailer"]),
            *_table(retailer_month(units, assumed), prices),
            "## A month of a stage without a retailer\n",
            "Schedules, empty polls of the queues, the key, alarms and their dashboard.\n",
            *_table(fixed_month(assumed), prices),
            "## Prices\n",
            "| what | price | where from |\n| --- | --- | --- |",
            *(
                f"| {each['what']} | {each['usd']:.10g}{_per(each['per'])} | {each['mark']} |"
                for each in prices.values()
            ),
            "",
        )
    )


def _per(count: int) -> str:
    return "" if count == 1 else f" for {count:,}"


def _table(usage: Usage, prices: Mapping[str, Any]) -> Iterator[str]:
    costs = cost(usage, prices)
    yield "| what | how much | USD |\n| --- | --- | --- |"
    for name, dollars in costs.items():
        amount = usage[name]
        told = f"{amount:,.0f}" if amount >= 10 else f"{amount:.2f}"
        yield f"| {prices[name]['what']} | {told} | {dollars:.2f} |"
    yield f"| **together** |  | **{sum(costs.values()):.2f}** |\n"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.costs", description=__doc__)
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.bench:
        UNITS.write_text(json.dumps(units_of(_read(options.bench)), indent=1), encoding="utf-8")
    written = page(_read(PRICES), _read(UNITS))
    if options.check:
        if PAGE.read_text(encoding="utf-8") != written:
            print("docs/reference/costs.md is old: python -m tools.costs", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
