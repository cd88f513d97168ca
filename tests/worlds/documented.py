"""The commands that docs and runbook tell people to give."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.paths import ROOT

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
    *sorted((ROOT / "docs" / "runbook").glob("*.md")),
    *sorted((ROOT / "docs" / "reference").glob("*.md")),
]
ELLIPSIS = "…"
_FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:make|aws|python -m) [^`]+)`")
_PROGRAMS = ("make", "aws", "python", ".venv/bin/python")


@dataclass(frozen=True, slots=True)
class Documented:
    """A command of a page, in words; `…` stands for what the reader fills in."""

    page: str
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        return self.words[0]

    @property
    def variables(self) -> dict[str, str]:
        """`VARIABLE=value` of a make command."""
        pairs = (word.partition("=") for word in self.words[1:] if "=" in word)
        return {name: value for name, _, value in pairs}

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def documented(*programs: str) -> list[Documented]:
    """All documented commands of these programs, each once."""
    found = dict.fromkeys(
        Documented(path.relative_to(ROOT).as_posix(), tuple(words))
        for path in PAGES
        for line in _lines(path)
        if (words := _words(line)) and words[0] in _PROGRAMS
    )
    return [each for each in found if each.program in programs]


def _lines(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    for block in _FENCED.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from _INLINE.findall(_FENCED.sub("", text))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []
