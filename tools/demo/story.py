"""What a person is told at the end, and what a machine is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tools.demo.comparison import Outcome, aside, first_runs
from tools.demo.memory import Memory
from tools.demo.retailer import Json, Retailer
from tools.demo.steps import ACCOUNT, OWNER, TEAM
from tools.stack import LocalStack


def in_json(
    found: Outcome, second: Sequence[Json], wrong: Sequence[str], seconds: float
) -> dict[str, Any]:
    """The result of `--once`. Nothing makes members, points or texts yet: they are counted all the
    same, so that the shape stays."""
    sources = Counter(source for persona in found.personas for source in persona["sources"])
    result: dict[str, Any] = {
        "personas": dict(sorted(sources.items())),
        "members": sum(1 for persona in found.personas if persona["member"]),
        "points": 0,
        "sales": {"linked": found.linked, "unlinked": found.unlinked},
        "store_keys": found.store_keys,
        "set_aside": found.set_aside,
        "second_sync": {
            "persona_writes": sum(run["persona_writes"] for run in second),
            "requests": sum(run["requests"] for run in second),
        },
        "sms_requested": 0,
        "oracle": "different" if wrong else "equal",
        "seconds": round(seconds, 1),
    }
    return result | ({"differences": list(wrong)} if wrong else {})


def in_words(
    stack: LocalStack,
    retailer: Retailer,
    memory: Memory,
    *,
    card: Json,
    personas: Sequence[Json],
    second: Sequence[Json],
) -> str:
    runs = retailer.runs()
    linked = sum(run["sales_linked"] for run in runs)
    unlinked = sum(run["sales_unlinked"] for run in runs)
    set_aside = sum(aside(first_runs(runs)).values())
    names = " and ".join(each["fields"]["store_name"] for each in card["credentials"])
    writes = sum(run["persona_writes"] for run in second)
    return "\n".join(
        (
            "",
            f"The retailer {ACCOUNT} (UID {retailer.uid}) has connected {card['title']}: {names}.",
            f"  came in      {len(personas)} personas with posabit under Sourced from,",
            f"               {linked} sales linked to shoppers, {unlinked} without a shopper,",
            f"               {set_aside} broken records set aside with the reason",
            f"  synced again {writes} personas written: nothing had changed",
            "  not yet      members, points and texts come with later versions",
            *_needs_a_person(retailer),
            "",
            f"  API          {stack.url}/api/health, {stack.url}/api/openapi.json",
            f"  its pages    {stack.url}/docs/index.html",
            f"  log in as    {OWNER}",
            f"               {', '.join(TEAM.values())} ({' and '.join(TEAM)})",
            f"  password     {memory.password}",
            f"  Cognito      client {stack.outputs['UserPoolClientId']} at {stack.endpoint_url}",
            "  first steps  docs/how-to/demo.md",
        )
    )


def _needs_a_person(retailer: Retailer) -> list[str]:
    told = ["  needs you    "]
    waiting = [note for note in retailer.notifications() if note["severity"] != "info"]
    if not waiting:
        return ["  needs you    nothing"]
    lines = []
    for note in waiting:
        lines += [note["title"], f"  {note['what_to_do']}"]
    return [(told[0] if at == 0 else " " * 15) + line for at, line in enumerate(lines)]
