"""What a person is told at the end, and what a machine is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.demo.comparison import Shown, aside, first_runs, totals
from tools.demo.memory import Memory
from tools.demo.retailer import Json, Retailer
from tools.demo.steps import ACCOUNT, OWNER, TEAM
from tools.stack import LocalStack
from tools.stack.local import DIGEST_SENDER


def in_json(
    shown: Shown,
    second: Sequence[Json],
    answers: Json,
    wrong: Sequence[str],
    seconds: float,
) -> dict[str, Any]:
    """The result of `--once`. `answers`: what came of a YES and a STOP."""
    counted = totals(shown)
    result: dict[str, Any] = {
        "personas": counted["personas"],
        "of_several_platforms": sum(_of_several(each) for each in shown.personas),
        "members": counted["members"],
        "points": counted["points"],
        "sales": counted["sales"],
        "store_keys": counted["store_keys"],
        "set_aside": counted["set_aside"],
        "second_sync": {
            "persona_writes": sum(run["persona_writes"] for run in second),
            "requests": sum(run["requests"] for run in second),
        },
        "sms_requested": counted["sms_requested"],
        "answers": answers,
        "oracle": "different" if wrong else "equal",
        "seconds": round(seconds, 1),
    }
    return result | ({"differences": list(wrong)} if wrong else {})


def _of_several(persona: Json) -> bool:
    return len(persona["sources"]) > 1


def addresses(stack: LocalStack, memory: Memory, phone: str) -> str:
    """Where to look and how to get in, while the first sync goes on."""
    return "\n".join(
        (
            "",
            f"  API          {stack.url}/api/health, {stack.url}/api/openapi.json",
            f"  its pages    {stack.url}/docs/index.html",
            f"  a phone      {phone}/ shows the shoppers' texts and answers them",
            f"  log in as    {OWNER}",
            f"               {', '.join(TEAM.values())} ({' and '.join(TEAM)})",
            f"  password     {memory.password}",
            f"  Cognito      client {stack.outputs['UserPoolClientId']} at {stack.endpoint_url}",
            "  first steps  docs/how-to/demo.md",
            "",
        )
    )


def in_words(retailer: Retailer, cards: Mapping[str, Json], second: Sequence[Json]) -> str:
    """What came in, and what needs a person."""
    personas = retailer.personas()
    writes = sum(run["persona_writes"] for run in second)
    several = [persona for persona in personas if _of_several(persona)]
    best = max(several, key=lambda persona: (len(persona["sources"]), persona["id"]))
    return "\n".join(
        (
            "",
            f"The retailer {ACCOUNT} (UID {retailer.uid}) has connected {len(cards)} POS:",
            *(_of_platform(retailer, card, personas) for card in cards.values()),
            f"  together     {len(personas)} personas, {len(several)} sourced from several POS,",
            f"               such as {best['first']} {best['last']}: "
            + ", ".join(cards[source]["title"] for source in best["sources"]),
            f"  synced again {writes} personas written: nothing had changed",
            *_of_loyalty(retailer, personas),
            *_needs_a_person(retailer),
        )
    )


def _of_loyalty(retailer: Retailer, personas: Sequence[Json]) -> list[str]:
    """Members with their points, and texts."""
    members = [persona for persona in personas if persona["member"]]
    points = sum(persona["points"] for persona in members)
    sent = {text["number"] for text in retailer.requests()}
    waiting = retailer.sms_requested() - len(sent)
    later = f"{waiting} more will be, by day at their store"
    return [
        f"  loyalty      {len(members)} members with {points:,.0f} points together",
        f"  texts        {len(sent)} shoppers were asked for SMS consent, {later}",
        *(f"               such as {number}" for number in sorted(sent)[:1]),
    ]


def _of_platform(retailer: Retailer, card: Json, personas: Sequence[Json]) -> str:
    """One line: what came in from a POS."""
    platform = card["platform"]
    runs = retailer.runs(platform)
    people = sum(platform in persona["sources"] for persona in personas)
    linked = sum(run["sales_linked"] for run in runs)
    unlinked = sum(run["sales_unlinked"] for run in runs)
    broken = sum(aside(first_runs(runs)).values())
    where = "own server" if card["capabilities"]["own_server"] else "hosted"
    return (
        f"  {card['title']:<12} {people:>4} personas, {linked:>4} sales linked to shoppers,"
        f" {unlinked:>3} without a shopper, {broken:>2} broken records set aside"
        f" ({where}; contract {card['contract']['status']})"
    )


def of_digests(stack: LocalStack) -> str:
    """The lines of what was e-mailed to the Owner, who chose errors and warnings."""
    got = [each for each in stack.emails(OWNER) if each["Source"] == DIGEST_SENDER]
    if not got:
        return ""
    return (
        f"\n  e-mails      {OWNER} got {len(got)}, the latest: {got[-1]['Subject']}"
        f"\n               read them at {stack.endpoint_url}/_ministack/ses/messages"
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
