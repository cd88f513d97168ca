"""A mistake in a profile is told with the line it is in: when it is read, or when it is held
against what the POS sends."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.faults import BrokenProfile, dotted_path, line_of
from tests.contract.bench import bench_of
from tests.contract.review import Heard, listen, review

WITHIN_AN_ENTRY = ("given", "refused", "unless", "rows", "of", "otherwise")

Path = tuple[str | int, ...]

PLATFORMS = registry.names()


@cache
def heard(platform: str) -> Heard:
    with bench_of(platform)() as bench:
        return listen(bench)


def written(platform: str) -> str:
    return (load.FOLDER / platform / load.FILE).read_text(encoding="utf-8")


def loaded(platform: str) -> Any:
    return yaml.load(written(platform), Loader=yaml.CSafeLoader)


def dumped(raw: Any) -> str:
    return yaml.dump(raw, Dumper=yaml.CSafeDumper, sort_keys=False)


def told(text: str, platform: str) -> str:
    """What is said about a profile; nothing about a good one."""
    try:
        return "\n".join(review(text, heard(platform)))
    except BrokenProfile as error:
        return str(error)


def keys(node: Any, at: Path = ()) -> Iterator[Path]:
    for step, inner in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(node, dict):
            yield (*at, step)
        if isinstance(inner, dict | list):
            yield from keys(inner, (*at, step))


def holder(raw: Any, path: Path) -> Any:
    for step in path[:-1]:
        raw = raw[step]
    return raw


def may_be_left_out(platform: str, key: str) -> bool:
    patterns = [re.escape(known).replace(r"\*", r"[^.]+") for known in bench_of(platform).untold]
    return any(re.fullmatch(pattern, key) for pattern in patterns)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_profile_says_all_that_the_pos_sends_and_nothing_it_does_not(platform: str) -> None:
    assert told(written(platform), platform) == ""


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_key_that_is_deleted_is_told_with_the_line_it_was_in(platform: str) -> None:
    raw, untold, lines = loaded(platform), set(), 0
    for path in keys(raw):
        if "variables" in path:  # what a report of Auphan is asked for besides
            continue
        without = copy.deepcopy(raw)
        del holder(without, path)[path[-1]]
        text = dumped(without)
        found = told(text, platform)
        if found and path[0] != "evidence":
            assert all(re.match(r"profile\.yaml:\d+: ", line) for line in found.split("\n"))
            lines += str(line_of(text, path[:-1])) in re.findall(r"yaml:(\d+):", found)
        elif path[0] != "evidence":
            untold.add(dotted_path(path))

    assert {key for key in untold if not may_be_left_out(platform, key)} == set()
    assert lines > 60
    assert len(untold) < 0.14 * len(list(keys(raw)))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_mapping_that_is_broken_is_told_with_its_line(platform: str) -> None:
    raw, broken = loaded(platform), 0
    for stream in raw["streams"]:
        for path in list(keys(raw["streams"][stream]["map"], ("streams", stream, "map"))):
            if not isinstance(holder(raw, path)[path[-1]], str) or path[-1] == "at":
                continue
            wrong = copy.deepcopy(raw)
            holder(wrong, path)[path[-1]] = "no such field"
            text = dumped(wrong)

            found = told(text, platform)

            lines = {int(line) for line in re.findall(r"yaml:(\d+):", found)}
            entry = path[:-1] if path[-1] in WITHIN_AN_ENTRY else path
            assert lines & {line_of(text, path), line_of(text, entry)}, (dotted_path(path), found)
            broken += 1

    assert broken > 30


def test_what_is_no_yaml_is_told_with_its_line() -> None:
    with pytest.raises(BrokenProfile, match=r"^newpos/profile\.yaml:2: "):
        load.parse("platform: newpos\ntitle: [unclosed\n", "newpos/profile.yaml")


def test_the_line_is_that_of_the_file_as_it_is_written() -> None:
    text = written("posabit")
    at = next(n for n, line in enumerate(text.splitlines(), 1) if "last: last_name" in line)

    found = told(text.replace("last: last_name", "last_word: last_name", 1), "posabit")

    assert f"profile.yaml:{at}: streams.customers.map.last_word: " in found
    assert "customers need last" in found
