"""Sentences of articles, the tests that quote them, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import requirements
from tools.articles import ARTICLES, TITLES, Article, Sentence, named, read_all, split
from tools.paths import ROOT
from tools.requirements import (
    QuotingTest,
    Reason,
    Requirement,
    plain,
    quoting_tests,
    reasons,
    render,
    trace,
)


def an_article(platform: str, *texts: str) -> Article:
    return Article(platform, ("FAQs",), tuple(Sentence("FAQs", text) for text in texts))


def a_test(docstring: str, name: str = "test_it") -> QuotingTest:
    return QuotingTest("tests/test_a.py", name, plain(docstring))


def traced(
    articles: Sequence[Article], *docstrings: str, why: Sequence[tuple[str, Reason]] = ()
) -> tuple[list[Requirement], list[str]]:
    return trace(articles, [a_test(docstring) for docstring in docstrings], why)


@pytest.mark.parametrize("platform", TITLES)
def test_an_article_here_is_the_article_that_retailers_read(platform: str) -> None:
    ours = ARTICLES / f"{platform}.txt"
    theirs = ROOT.parent / "shared" / "seeds" / ours.name

    assert f"AIQ <> {TITLES[platform]} Integration" in ours.read_text(encoding="utf-8")
    assert not theirs.exists() or ours.read_bytes() == theirs.read_bytes()


def test_no_word_of_an_article_is_lost() -> None:
    site = ["Skip to main content", "Did this answer your question?"]
    for article in read_all():
        texts = [*(sentence.text for sentence in article.sentences), *article.sections]
        text = (ARTICLES / f"{article.platform}.txt").read_text(encoding="utf-8")

        left = letters(text)
        for known in sorted([*site, *(named(each, article.platform) for each in texts)], key=len)[
            ::-1
        ]:
            left = left.replace(letters(known), "|")

        assert set(left) == {"|"}


def letters(text: str) -> str:
    """Without what only separates: blanks, marks of lists, punctuation."""
    return re.sub(r"\W", "", re.sub(r"(?m)^\s*\d+\.", "", text))


def test_steps_without_marks_are_no_titles() -> None:
    articles = {article.platform: article for article in read_all()}
    steps = {
        platform: [s.text for s in article.sentences if s.section == "How to Map a Store"]
        for platform, article in articles.items()
    }

    assert len(steps["posabit"]) == 6
    assert steps["webjoint"] == steps["profitek"] == steps["posabit"]


def test_a_settings_title_is_a_label_and_counts() -> None:
    [auphan] = [article for article in read_all() if article.platform == "auphan"]

    labels = [s.text for s in auphan.sentences if s.text == s.section]

    assert labels == [
        "Enroll Personas in loyalty program who purchased after",
        "Send SMS double opt-ins to Personas who purchased after",
        "Use AIQ's last backup",
    ]


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("One. Two! Three", ["One. Two!", "Three"]),
        ("It ends here. And goes on.", ["It ends here.", "And goes on."]),
        ("Yes! It has.", ["Yes! It has."]),
        ("Contacts (e.g., name) will flow.", ["Contacts (e.g., name) will flow."]),
        ("Call 192.101.102.103:25565 now.", ["Call 192.101.102.103:25565 now."]),
    ],
)
def test_a_line_is_split_into_its_sentences(line: str, sentences: list[str]) -> None:
    assert split(line) == sentences


def test_a_sentence_of_several_articles_counts_once() -> None:
    both = [an_article("posabit", "{title} is fine."), an_article("auphan", "{title} is fine.")]

    [requirement], _ = traced(both)

    assert requirement.platforms == ("posabit", "auphan")


def test_a_sentence_without_test_and_reason_is_told_with_its_articles() -> None:
    rows, wrong = traced([an_article("posabit", "{title} is fine.")], "Something else.")

    assert rows[0].untested == ("posabit",)
    assert wrong == ["neither test nor reason (posabit): {title} is fine."]


@pytest.mark.parametrize(
    "docstring",
    [
        "POSaBIT is fine.",
        "{title} is fine",
        'It works.\n\n    > "POSaBIT\n    is   fine."\n',
        "A warning: POSaBIT is \u2018fine\u2019. And so on.",
    ],
)
def test_line_ends_quotation_marks_and_the_full_stop_do_not_matter(docstring: str) -> None:
    _, wrong = traced([an_article("posabit", "{title} is fine.")], docstring)

    assert wrong == []


@pytest.mark.parametrize("docstring", ["posabit is fine.", "POSaBIT is finer.", "is fine."])
def test_other_words_are_no_quotation(docstring: str) -> None:
    _, wrong = traced([an_article("posabit", "{title} is fine.")], docstring)

    assert len(wrong) == 1


def test_the_name_of_one_platform_stands_for_its_article_only() -> None:
    both = [an_article("posabit", "{title} is fine."), an_article("auphan", "{title} is fine.")]

    [named], _ = traced(both, "Auphan is fine.")
    [meant], wrong = traced(both, "{title} is fine.")

    assert named.untested == ("posabit",)
    assert (meant.untested, wrong) == ((), [])


def test_who_quotes_a_longer_sentence_does_not_quote_its_part() -> None:
    articles = [an_article("posabit", "Store Access", "Store Access is required for sales.")]

    rows, _ = traced(articles, "Store Access is required for sales.")
    both, _ = traced(articles, "Store Access is required for sales. Store Access")

    assert [len(each.quoting) for each in rows] == [0, 1]
    assert [len(each.quoting) for each in both] == [1, 1]


def test_the_signs_before_a_warning_need_not_be_quoted() -> None:
    text = "\N{WARNING SIGN}\N{VARIATION SELECTOR-16} Warning: Do not turn this on."

    [requirement], _ = traced([an_article("posabit", text)], "Do not turn this on.")

    assert requirement.untested == ()


def test_a_reason_is_enough_until_a_test_comes() -> None:
    articles = [an_article("posabit", "It is fine.")]
    why = [("It is fine.", Reason("open", "backups"))]

    [waiting], fine = traced(articles, why=why)
    _, wrong = traced(articles, "It is fine.", why=why)

    assert (waiting.status, fine) == ("Open", [])
    assert wrong == ["has a test now, its reason may go: It is fine."]


def test_what_no_test_shows_of_a_sentence_stands_beside_the_tests_that_quote_it() -> None:
    articles = [an_article("posabit", "It is fine.", "It is fast.")]
    why = [("It is fine.", Reason("part", "the page"))]

    rows, wrong = traced(articles, "It is fine.", "It is fast.", why=why)
    document = render(articles, rows)

    assert wrong == []
    assert "Tested in full: 1, tested in part: 1, open: 0, outside the product: 0." in document
    assert "| It is fine. | [it](../tests/test_a.py)<br>**Part**: the page | posabit |" in document
    assert "| It is fast. | [it](../tests/test_a.py)<br>*full* | posabit |" in document


def test_what_is_tested_in_part_needs_a_test() -> None:
    why = [("It is fine.", Reason("part", "the page"))]

    _, wrong = traced([an_article("posabit", "It is fine.")], "Something else.", why=why)

    assert wrong == ["tested in part by no test (posabit): It is fine."]


def test_a_reason_for_what_no_article_says_is_told() -> None:
    _, wrong = traced([], why=[("It is fine.", Reason("open", "backups"))])

    assert wrong == ["no article has the sentence of a reason: It is fine."]


def test_two_reasons_for_one_sentence_are_told() -> None:
    twice = [("It is fine.", Reason("open", why)) for why in ("backups", "discounts")]

    _, wrong = traced([an_article("posabit", "It is fine.")], why=twice)

    assert wrong == ["two reasons for one sentence: It is fine."]


def test_a_status_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="later"):
        list(reasons("later: {backups: [It is fine.]}"))


def test_only_docstrings_of_tests_quote(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(
        '"""Of the module."""\n\ndef test_it():\n    """Of the test."""\n\n'
        'def helper():\n    """Of a helper."""\n\ndef test_bare():\n    assert "Of a text."\n'
    )

    assert quoting_tests(tmp_path / "tests") == [
        QuotingTest("tests/test_a.py", "test_it", "Of the test.")
    ]


def test_the_document_links_tests_and_gives_reasons() -> None:
    articles = [an_article("posabit", "It is fine.", "It is | open.")]
    rows, _ = traced(articles, "It is fine.", why=[("It is | open.", Reason("open", "backups"))])

    document = render(articles, rows)

    assert "2 sentences. Tested in full: 1, tested in part: 0, open: 1, outside" in document
    assert "| It is fine. | [it](../tests/test_a.py)<br>*full* | posabit |" in document
    assert "| It is \\| open. | **Open**: backups | posabit |" in document


def test_a_stale_document_fails_the_check_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "TARGET", tmp_path / "requirements.md")
    faults: list[str] = []

    requirements.main(["--check"], faults.append)
    stale, faults[:] = faults[-1], []
    requirements.main([], faults.append)
    requirements.main(["--check"], faults.append)

    assert stale == "requirements.md is stale: run python -m tools.requirements and commit it"
    assert stale not in faults
