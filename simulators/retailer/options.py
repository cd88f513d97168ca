"""Command-line options that describe a world, shared by the servers and the oracle."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace

from simulators.retailer.platforms import Platform
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.zones import DAY, parse_instant


def add_world_options(parser: ArgumentParser, clock: float) -> None:
    """`clock` (seconds) decides the default of `--now`: the 00:00 UTC before it."""
    today = int(clock * 1000) // DAY * DAY
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--shoppers", type=int, default=2000, help="customer rows of all venues")
    parser.add_argument("--stores", type=int, default=2)
    parser.add_argument("--sales", type=int, default=8000, help="sales rows of all venues")
    parser.add_argument("--products", type=int, default=240)
    parser.add_argument("--old-lots", type=int, default=3000, help="sold-out rows per venue")
    parser.add_argument("--mess", type=float, default=1.0, help="factor on messy data; 0 = none")
    parser.add_argument("--old-sales", type=float, default=0.0, help="share older than two years")
    parser.add_argument("--overlap", type=float, default=0.0, help="share of people of the town")
    parser.add_argument("--town", type=int, default=1, help="whom the platforms have in common")
    parser.add_argument(
        "--unlinked", type=float, help="share of sales without a shopper; default the platform's"
    )
    parser.add_argument("--now", type=instant_of, default=today, help="ISO 8601 or milliseconds")


def world_spec(chosen: Namespace) -> WorldSpec:
    return WorldSpec(
        now=chosen.now,
        seed=chosen.seed,
        shoppers=chosen.shoppers,
        stores=chosen.stores,
        sales=chosen.sales,
        products=chosen.products,
        old_lots=chosen.old_lots,
        mess=chosen.mess,
        old_sales=chosen.old_sales,
        overlap=chosen.overlap,
        town=chosen.town,
    )


def world_platform(chosen: Namespace, platform: Platform) -> Platform:
    """The platform with what the options say otherwise of its retailers."""
    return platform if chosen.unlinked is None else replace(platform, no_shopper=chosen.unlinked)


def instant_of(text: str) -> int:
    """ISO 8601 text or milliseconds. Raises ValueError."""
    if text.isdecimal():
        return int(text)
    instant = parse_instant(text)
    if instant is None:
        raise ValueError(text)
    return instant
