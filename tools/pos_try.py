"""Show what a recorded answer of a POS becomes, as `make pos-try` does, without any network:

    make pos-try NAME=newpos STREAM=customers FILE=answer.json

Facts with their flags, rows that are set aside with the reason, words that the profile does not
know, and keys that nobody reads, nested ones too. What is shown may be of real people: nothing is
stored or sent.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from chalicelib.domain.errors import AiqError
from chalicelib.domain.records import STREAMS, Fact
from chalicelib.domain.times import is_zone
from chalicelib.pos.paging.receipts import Receipts
from chalicelib.pos.paging.response_page import response_page
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normalised, Normaliser
from chalicelib.pos.transport import answers
from chalicelib.pos.transport.answer_rules import AnswerRules
from tools.profiles import read_profile
from tools.unread_keys import unread_keys


@dataclass(frozen=True)
class Trial:
    """What became of an answer: how many `rows` it has, what they are read as, and the `unread`
    keys."""

    rows: int
    normalised: Normalised
    unread: list[str]


def trial(profile: Profile, stream_name: str, body: bytes, setting: Setting) -> Trial:
    """Read one answer as the engine does.

    Raises ValueError for a stream that the profile does not have and for what is no JSON, AiqError
    for an answer that the engine refuses.
    """
    name = next((each for each in STREAMS if each == stream_name), None)
    stream = profile.streams.get(name) if name else None
    if name is None or stream is None:
        known = ", ".join(profile.streams)
        raise ValueError(f"there is no stream {stream_name!r}: name one of {known}")
    rules = AnswerRules(profile.answers, profile.title)
    try:
        rule, data = rules.of_text(body), None
        if rule is None:
            data = answers.parse_json(body, "application/json")
            rule = rules.of_data(data)
    except answers.UnreadableAnswer as unreadable:
        raise ValueError(f"{profile.title} {unreadable}") from None
    if rule:
        raise rules.error(rule, None, None)
    rows = response_page(data, stream, stream.endpoint).rows
    unread = unread_keys(profile, stream, data, rows)
    if stream.group:
        rows = Receipts(stream.group, str(stream.map["total"])).with_lines_merged(rows)
    return Trial(len(rows), Normaliser(profile, name, setting).page(rows), unread)


def shown(found: Trial) -> Iterator[str]:
    """The lines that tell a person what became of an answer."""
    made = found.normalised
    yield (
        f"{found.rows} rows: {len(made.facts)} facts, {len(made.rejects)} set aside,"
        f" {made.sold_out} sold out"
    )
    yield from (f"fact {_json(_said(fact))}" for fact in made.facts)
    flags = Counter(flag for fact in made.facts for flag in getattr(fact, "flags", ()))
    yield from (f"flag {flag}: {count}" for flag, count in sorted(flags.items()))
    for reject in made.rejects:
        yield f"set aside, {reject.reason} at {reject.field or 'the row'}: {_json(reject.row)}"
    for word, count in made.unknown_words.items():
        yield f"a word that sale_words do not have, {word}: {count}"
    yield from (f"nobody reads {key}" for key in found.unread)


def _said(fact: Fact) -> dict[str, Any]:
    """The fields of a fact that are not as they would be anyway."""
    said = {each.name: getattr(fact, each.name) for each in fields(fact)}
    usual = {each.name: each.default for each in fields(fact) if each.default is not MISSING}
    usual |= {"flags": frozenset()}
    return {name: value for name, value in said.items() if usual.get(name, MISSING) != value}


def _json(value: object) -> str:
    return orjson.dumps(value, default=sorted).decode()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make pos-try", description=__doc__)
    parser.add_argument("name", help="a platform, or the path of a profile")
    parser.add_argument("stream", help=", ".join(STREAMS))
    parser.add_argument("file", help="the body of one answer, as it came")
    parser.add_argument("--store", default="store", help="the store that rows name none of")
    parser.add_argument("--zone", default="UTC", help="of times without offset, as in IANA's list")
    parser.add_argument("--currency", default="USD")
    asked = parser.parse_args(arguments)
    if not is_zone(asked.zone):
        print(f"there is no zone {asked.zone!r}: an IANA name, such as UTC", file=sys.stderr)
        return 1
    try:
        body = Path(asked.file).read_bytes()
        setting = Setting(asked.store, asked.zone, asked.currency)
        found = trial(read_profile(asked.name), asked.stream, body, setting)
    except OSError as error:
        print(f"{asked.file} cannot be read: {error.strerror}", file=sys.stderr)
        return 1
    except AiqError as error:
        print(f"the answer is refused: {error.message}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(shown(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
