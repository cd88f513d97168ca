"""The end of the demo in words for a person, and in JSON for a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.demo.comparison import ApiView, api_totals, count_set_aside, first_runs
from tools.demo.memory import Memory
from tools.demo.retailer import Json, Retailer
from tools.demo.steps import ACCOUNT, OWNER, TEAM
from tools.demo.switch import OWNER as SWITCHER
from tools.stack import LocalStack
from tools.stack.local import DIGEST_SENDER


def result_json(
    api: ApiView,
    second: Sequence[Json],
    answers: Json,
    at_counter: Mapping[str, int],
    wrong: Sequence[str],
    seconds: float,
) -> dict[str, Any]:
    """The result of `--once`. `answers`: the outcome of a YES and a STOP; `at_counter`: signups,
    redemptions, refunds, and who was created in a POS."""
    counted = api_totals(api)
    result: dict[str, Any] = {
        "personas": counted["personas"],
        "of_several_platforms": sum(_is_of_several(each) for each in api.personas),
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
        **at_counter,
        "oracle": "different" if wrong else "equal",
        "seconds": round(seconds, 1),
    }
    return result | ({"differences": list(wrong)} if wrong else {})


def _is_of_several(persona: Json) -> bool:
    return len(persona["sources"]) > 1


def switch_text(switched: Json) -> str:
    """What came of the second account's switch."""
    return (
        f"\nA second account ({SWITCHER}, same password) switched POS:"
        f" {switched['joined']} personas joined, {switched['only_old']} are only in the old;"
        f" {switched['doubled_sales']} sale looked doubled"
    )


def addresses_text(stack: LocalStack, memory: Memory, phone: str, uid: str) -> str:
    """The addresses and the log-in, to print while the first sync goes on."""
    return "\n".join(
        (
            "",
            f"  dashboard    {stack.url}/",
            f"  API          {stack.url}/api/health, {stack.url}/api/openapi.json",
            f"  its pages    {stack.url}/docs/index.html",
            f"  signup form  {stack.url}/join/{uid}",
            f"  a phone      {phone}/ shows the shoppers' texts and answers them",
            f"  log in as    {OWNER}",
            f"               {', '.join(TEAM.values())} ({' and '.join(TEAM)})",
            f"  password     {memory.password}",
            f"  Cognito      client {stack.outputs['UserPoolClientId']} at {stack.endpoint_url}",
            "  first steps  docs/how-to/demo.md",
            "",
        )
    )


def summary_text(retailer: Retailer, cards: Mapping[str, Json], second: Sequence[Json]) -> str:
    """The summary of what was pulled, and of what needs a person. `second`: the runs that synced
    again, when there were any."""
    personas = retailer.personas()
    writes = sum(run["persona_writes"] for run in second)
    several = [persona for persona in personas if _is_of_several(persona)]
    best = sorted(several, key=lambda persona: (len(persona["sources"]), persona["id"]))[-1:]
    return "\n".join(
        (
            "",
            f"The retailer {ACCOUNT} (UID {retailer.uid}) has connected {len(cards)} POS:",
            *(_platform_line(retailer, card, personas) for card in cards.values()),
            f"  together     {len(personas)} personas, {len(several)} sourced from several POS,",
            *(
                f"               such as {each['first']} {each['last']}: "
                + ", ".join(cards[source]["title"] for source in each["sources"])
                for each in best
            ),
            *([f"  synced again {writes} personas written: nothing had changed"] if second else []),
            *_loyalty_lines(retailer, personas),
            *_notification_lines(retailer),
        )
    )


def _loyalty_lines(retailer: Retailer, personas: Sequence[Json]) -> list[str]:
    """How many members with how many points, and how many texts."""
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


def _platform_line(retailer: Retailer, card: Json, personas: Sequence[Json]) -> str:
    """The line about what was pulled from one POS."""
    platform = card["platform"]
    runs = retailer.runs(platform)
    people = sum(platform in persona["sources"] for persona in personas)
    linked = sum(run["sales_linked"] for run in runs)
    unlinked = sum(run["sales_unlinked"] for run in runs)
    broken = sum(count_set_aside(first_runs(runs)).values())
    where = "own server" if card["capabilities"]["own_server"] else "hosted"
    return (
        f"  {card['title']:<12} {people:>4} personas, {linked:>4} sales linked to shoppers,"
        f" {unlinked:>3} without a shopper, {broken:>2} broken records set aside"
        f" ({where}; contract {card['contract']['status']})"
    )


def digests_text(stack: LocalStack) -> str:
    """The lines about e-mails to the Owner, who chose errors and warnings; blank without any."""
    emails = [each for each in stack.emails(OWNER) if each["Source"] == DIGEST_SENDER]
    if not emails:
        return ""
    return (
        f"\n  e-mails      {OWNER} got {len(emails)}, the latest: {emails[-1]['Subject']}"
        f"\n               read them at {stack.endpoint_url}/_ministack/ses/messages"
    )


def _notification_lines(retailer: Retailer) -> list[str]:
    title = "  needs you    "
    waiting = [note for note in retailer.notifications() if note["severity"] != "info"]
    if not waiting:
        return [f"{title}nothing"]
    lines = []
    for note in waiting:
        lines += [note["title"], f"  {note['what_to_do']}"]
    return [(title if at == 0 else " " * len(title)) + line for at, line in enumerate(lines)]
