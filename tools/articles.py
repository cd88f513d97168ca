"""Splits the help articles that retailers read (docs/articles/) into their sentences.

A line of an article is a title, a question with its answer below, a step of a list, or a
paragraph; the last two hold one or more sentences. Titles make no promise, but for those of the
settings: they are labels on the card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.paths import ROOT

ARTICLES = ROOT / "docs" / "articles"

TITLES = {
    "posabit": "POSaBIT",
    "thsuite": "THSuite",
    "webjoint": "Webjoint",
    "auphan": "Auphan",
    "profitek": "Profitek",
}
"""Platform → its name in running text, in the order in which the platforms are shown."""

SETTINGS_SECTION = "Additional AIQ Settings"
QUESTIONS_SECTION = "FAQs"

_SITE = ("Skip to main content", "Did this answer your question?")
"""Lines of the help site around the article."""

_LOST_IN_COPYING = (
    (
        "Obtain your\nAPI Key,CompanyID, andFacilityIDs from WebjointNote: ",
        "Obtain your API Key, CompanyID, and FacilityIDs from Webjoint\nNote: ",
    ),
    ("IP\\:PORT", "IP:PORT"),
)
"""Mistakes in the copies of articles, with the texts of their pages."""

_MARK = re.compile(r"\s*(?:\d+\.|•)\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])")
_ENDED = (".", "!", "?", ":")
_SIGNS = ("\N{WARNING SIGN}", "\N{INFORMATION SOURCE}", "NOTE:")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with the section it is in; `text` has `{title}` and `{platform}` where the article
    names its platform."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """One article: `sections` are all its titles in order, `sentences` those below them."""

    platform: str
    sections: tuple[str, ...]
    sentences: tuple[Sentence, ...]


def read_all(folder: Path = ARTICLES) -> tuple[Article, ...]:
    """The articles of the folder, in the order of `TITLES`."""
    texts = {
        platform: _correct_copy((folder / f"{platform}.txt").read_text(encoding="utf-8"))
        for platform in TITLES
    }
    marked = [p for p, text in texts.items() if any(map(_MARK.match, text.splitlines()))]
    # Without marks a step looks like a title; the titles are the same in every article.
    known = {
        generic(line, platform).casefold()
        for platform in marked
        for line in _titles(texts[platform])
    }
    return tuple(_article(platform, text, known) for platform, text in texts.items())


def generic(text: str, platform: str) -> str:
    """The text with placeholders for the names of the article's platform."""
    return text.replace(TITLES[platform], "{title}").replace(platform, "{platform}")


def named(text: str, platform: str) -> str:
    """The text as the platform's article has it."""
    return text.replace("{title}", TITLES[platform]).replace("{platform}", platform)


def split(line: str) -> list[str]:
    """The sentences of a line; a sentence of one word ("Yes!") belongs to the next."""
    sentences: list[str] = []
    for text in _SENTENCE_END.split(line):
        if sentences and " " not in sentences[-1]:
            sentences[-1] += f" {text}"
        else:
            sentences.append(text)
    return sentences


def _correct_copy(text: str) -> str:
    for wrong, right in _LOST_IN_COPYING:
        text = text.replace(wrong, right)
    return text


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Line without its mark, and whether it had one; without blank lines and the help site's."""
    for raw in text.splitlines():
        line = _MARK.sub("", raw, count=1).strip()
        if line and line not in _SITE:
            yield line, _MARK.match(raw) is not None


def _titles(text: str) -> Iterator[str]:
    """The titles of an article whose lists are marked: bare lines that are no whole sentence and
    answer no question."""
    asked = False
    for line, marked in _lines(text):
        if not (marked or asked or line.endswith(_ENDED) or line.startswith(_SIGNS)):
            yield line
        asked = not marked and line.endswith(("?", "!")) and not line.startswith(_SIGNS)


def _article(platform: str, content: str, titles: set[str]) -> Article:
    sections: list[str] = []
    sentences: list[Sentence] = []
    within_settings = within_questions = False
    for line, _ in _lines(content):
        text = generic(line, platform)
        if text.casefold() in titles:
            sections.append(text)
            within_questions = within_questions or text == QUESTIONS_SECTION
            if within_settings and not within_questions:
                sentences.append(Sentence(text, text))
            within_settings = within_settings or text == SETTINGS_SECTION
        else:
            question = within_questions and line.endswith(("?", "!"))
            texts = [text] if question else split(text)
            sentences += [Sentence(sections[-1], each) for each in texts]
    return Article(platform, tuple(sections), tuple(sentences))
