"""`python -m tools.requirements` writes docs/requirements.md; `--check` fails when it differs.

It lists every sentence of the help articles with the tests that quote it in their docstrings, or
with the reason written in docs/requirements.yaml; a sentence with neither fails both commands. A
quotation says that a test is about the sentence: *full*, or *part* where that file says what of it
no test shows.
A sentence that several articles have counts once, with `{title}` and `{platform}` for the name of
the platform. A test quotes it in that form for all of them, or with one platform's name for one.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.articles import Article, named, read_all
from tools.paths import ROOT

TARGET = ROOT / "docs" / "requirements.md"
REASONS = ROOT / "docs" / "requirements.yaml"
TESTS = ROOT / "tests"

PART = "part"
STATUSES = {"open": "Open", "outside": "Outside the product", PART: "Tested in part"}
"""Status in the file of reasons → how the document calls it."""
FULL = "Tested in full"

_SIGNS = re.compile("[\N{WARNING SIGN}\N{INFORMATION SOURCE}\N{VARIATION SELECTOR-16}]")
_LEAD = re.compile(r"^(?:(?:warning|note): )+", re.IGNORECASE)
_QUOTES = re.compile("[\"'`\u201c\u201d\u2018\u2019]")

HEAD = """# Requirements

Every sentence of the help articles ([docs/articles](articles)) with the tests that quote it in
their docstrings, or with the reason why none does ([requirements.yaml](requirements.yaml)). Written
by `python -m tools.requirements`; `make check` fails where a sentence has neither. *full*: the
tests show all that the sentence promises; **Part** says what of it they do not. `{title}` stands
for the name of each platform in the third column, `{platform}` for its value in *Sourced from*.
Titles promise nothing and are left out, but for those of the settings, which are labels.

"""


@dataclass(frozen=True, slots=True, order=True)
class QuotingTest:
    """A test by file (from the root of the repository) and name, with its docstring as `plain`
    text."""

    file: str
    name: str
    plain: str


@dataclass(frozen=True, slots=True)
class Reason:
    status: str
    why: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """A sentence of the articles, with the tests that quote it or the reason why none does.

    `platforms`: those whose article has it; `tests`: by platform for which a test quotes it.
    """

    section: str
    text: str
    platforms: tuple[str, ...]
    tests: Mapping[str, tuple[QuotingTest, ...]]
    reason: Reason | None

    @property
    def untested(self) -> tuple[str, ...]:
        return tuple(platform for platform in self.platforms if platform not in self.tests)

    @property
    def status(self) -> str:
        """How the document counts it."""
        return STATUSES[self.reason.status] if self.reason else FULL

    @property
    def quoting(self) -> list[QuotingTest]:
        return sorted({test for tests in self.tests.values() for test in tests})


def plain(text: str) -> str:
    """The text as quotes are compared: one space between words, no quotation marks or signs."""
    return " ".join(_QUOTES.sub("", _SIGNS.sub("", text)).split())


def quoting_tests(folder: Path = TESTS) -> list[QuotingTest]:
    """Every test with a docstring, in the order of files and lines."""
    tests = []
    for file in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                docstring = ast.get_docstring(node)
                if docstring:
                    where = file.relative_to(folder.parent).as_posix()
                    tests.append(QuotingTest(where, node.name, plain(docstring)))
    return tests


def reasons(text: str) -> Iterator[tuple[str, Reason]]:
    """Sentence and reason from `{status: {why: [sentence]}}`. Raises ValueError."""
    for status, groups in (yaml.safe_load(text) or {}).items():
        if status not in STATUSES:
            raise ValueError(f"{status!r} is none of {', '.join(STATUSES)}")
        for why, sentences in (groups or {}).items():
            for sentence in sentences or ():
                yield sentence, Reason(status, why)


def trace(
    articles: Sequence[Article], tests: Sequence[QuotingTest], why: Iterable[tuple[str, Reason]]
) -> tuple[list[Requirement], list[str]]:
    """The requirements in the order of the articles, and what is wrong with them."""
    texts = _texts(articles)
    quoted = _quotes(texts, tests)
    given: dict[str, Reason] = {}
    wrong = []
    for sentence, reason in why:
        if sentence not in texts:
            wrong.append(f"no article has the sentence of a reason: {sentence}")
        elif sentence in given:
            wrong.append(f"two reasons for one sentence: {sentence}")
        given[sentence] = reason
    requirements = [
        Requirement(section, text, tuple(platforms), quoted[text], given.get(text))
        for text, (section, platforms) in texts.items()
    ]
    return requirements, wrong + [fault for each in requirements if (fault := _fault(each))]


def _fault(requirement: Requirement) -> str | None:
    untested = ", ".join(requirement.untested)
    if untested and not requirement.reason:
        return f"neither test nor reason ({untested}): {requirement.text}"
    is_part = requirement.reason is not None and requirement.reason.status == PART
    if untested and is_part:
        return f"tested in part by no test ({untested}): {requirement.text}"
    if not untested and requirement.reason and not is_part:
        return f"has a test now, its reason may go: {requirement.text}"
    return None


def _texts(articles: Sequence[Article]) -> dict[str, tuple[str, list[str]]]:
    """Sentence → the first section that has it, and the platforms."""
    texts: dict[str, tuple[str, list[str]]] = {}
    for article in articles:
        for sentence in article.sentences:
            _, platforms = texts.setdefault(sentence.text, (sentence.section, []))
            if article.platform not in platforms:
                platforms.append(article.platform)
    return texts


def _quotes(
    texts: Mapping[str, tuple[str, list[str]]], tests: Sequence[QuotingTest]
) -> dict[str, dict[str, tuple[QuotingTest, ...]]]:
    """Sentence → platform → the tests that quote it.

    Looks for longer sentences first and takes out what it finds: whoever quotes a sentence does not
    quote a shorter one within it.
    """
    forms = sorted(
        (
            (form, text, platforms)
            for text, (_, all_of_them) in texts.items()
            for form, platforms in _forms(text, all_of_them)
        ),
        key=lambda each: -len(each[0]),
    )
    quotes: dict[str, dict[str, tuple[QuotingTest, ...]]] = {text: {} for text in texts}
    for test in tests:
        left = test.plain
        for form, text, platforms in forms:
            left, times = _boundary(form).subn("\0", left)
            for platform in platforms if times else ():
                known = quotes[text].get(platform, ())
                if test not in known:
                    quotes[text][platform] = (*known, test)
    return quotes


def _forms(text: str, platforms: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """How a sentence may be quoted, and for which platforms that stands."""
    yield _needle(text), platforms
    for platform in platforms:
        if named(text, platform) != text:
            yield _needle(named(text, platform)), [platform]


def _needle(text: str) -> str:
    return _LEAD.sub("", plain(text)).rstrip(".:!")


def _boundary(form: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(form)}(?!\w)")


def render(articles: Sequence[Article], requirements: Sequence[Requirement]) -> str:
    """The document."""
    names = (*STATUSES.values(), FULL)
    counts = {name: sum(each.status == name for each in requirements) for name in names}
    lines = [f"{len(requirements)} sentences. " + _sentence(counts), ""]
    sections: dict[str, str] = {}
    for title in (title for each in articles for title in each.sections):
        sections.setdefault(title.casefold(), title)
    for key, title in sections.items():
        rows = [each for each in requirements if each.section.casefold() == key]
        if rows:
            lines += [
                f"## {_escaped(title)}",
                "",
                "| sentence | test or reason | articles |",
                "|---|---|---|",
            ]
            lines += [_row(each) for each in rows]
            lines.append("")
    return HEAD + "\n".join(lines)


def _sentence(counts: Mapping[str, int]) -> str:
    order = (FULL, STATUSES[PART], STATUSES["open"], STATUSES["outside"])
    return (", ".join(f"{name.lower()}: {counts[name]}" for name in order) + ".").capitalize()


def _row(requirement: Requirement) -> str:
    cells = [f"[{test.name.removeprefix('test_')}](../{test.file})" for test in requirement.quoting]
    if requirement.reason:
        status = "Part" if requirement.reason.status == PART else requirement.status
        cells.append(f"**{status}**: {_escaped(requirement.reason.why)}")
    else:
        cells.append("*full*")
    articles = ", ".join(requirement.platforms)
    return f"| {_escaped(requirement.text)} | {'<br>'.join(cells)} | {articles} |"


def _escaped(text: str) -> str:
    return re.sub(r"([|<>*_#\[\]])", r"\\\1", text)


def main(arguments: list[str], tell: Callable[[str], None] = print) -> int:
    """0 when every sentence is answered for and the document is written, or says so already."""
    articles = read_all()
    why = reasons(REASONS.read_text(encoding="utf-8"))
    requirements, wrong = trace(articles, quoting_tests(), why)
    rendered = render(articles, requirements)
    if "--check" not in arguments:
        TARGET.write_text(rendered, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != rendered:
        wrong.append(f"{TARGET.name} is stale: run python -m tools.requirements and commit it")
    for fault in wrong:
        tell(fault)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
