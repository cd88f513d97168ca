"""A preview's counts in words, and the help article's warning (product.md §7)."""

from __future__ import annotations

from chalicelib.domain.settings import LOSS, card_setting
from chalicelib.domain.words import POINT, Points
from chalicelib.services.ports.changes import ACCOUNT, LOYALTY, STORE, Preview

STILL_COUNTING = "Still counting: {personas} personas so far."
PEOPLE = "{enrolled} would be enrolled, {messages} would be sent, {lost} would be lost"
POINTS = "{balances} would change, by {points} points in total"

JOINED = "{personas} would be joined to another"
SPLIT = "{personas} more, where one comes apart"
DROPPED = "{personas} would be shown no more"
EARNED_TWICE = (
    "{sales} would earn twice: the balances of today hold their points, so let Points accrual"
    " start date be tomorrow"
)
DOUBLED = "{sales} to earn only after somebody says that the other POS tells of another purchase"
OUT_OF_MARKET = "{contacts} of other markets would be left out"
BACK_IN_MARKET = "{contacts} would be taken up again"


def sentence(preview: Preview) -> str:
    """Say a preview's counts.

    As "412 personas would be enrolled, 388 messages would be sent, 57 members would be lost".
    """
    counts = preview.counts
    if preview.state != "ready":
        return STILL_COUNTING.format(personas=_number(counts.personas))
    clauses = []
    if preview.subject != LOYALTY:
        clauses.append(
            PEOPLE.format(
                enrolled=_many(counts.enrolled, "persona"),
                messages=_many(counts.messages, "message"),
                lost=_many(counts.lost, "member"),
            )
        )
    if counts.balances or _is_about_points(preview):
        balances = _many(counts.balances, "balance")
        clauses.append(POINTS.format(balances=balances, points=_points(counts.points)))
    for number, words in (
        (counts.joined, JOINED),
        (counts.split, SPLIT),
        (counts.dropped, DROPPED),
    ):
        if number:
            clauses.append(words.format(personas=_many(number, "persona")))
    if counts.earned_twice:
        clauses.append(EARNED_TWICE.format(sales=_many(counts.earned_twice, "sale")))
    if counts.doubled:
        looks = "sale that looks doubled" if counts.doubled == 1 else "sales that look doubled"
        clauses.append(DOUBLED.format(sales=f"{_number(counts.doubled)} {looks}"))
    if counts.out_of_market:
        clauses.append(OUT_OF_MARKET.format(contacts=_many(counts.out_of_market, "contact")))
    if counts.back_in_market:
        clauses.append(BACK_IN_MARKET.format(contacts=_many(counts.back_in_market, "contact")))
    return "; ".join(clauses)


def warning(preview: Preview) -> str | None:
    """The help article's ⚠️ warning where members would be lost by a setting, else None."""
    is_of_card = preview.subject not in (LOYALTY, ACCOUNT) and not preview.subject.startswith(STORE)
    return LOSS if preview.counts.lost and is_of_card else None


def _is_about_points(preview: Preview) -> bool:
    """Whether balances are named even where none would change."""
    rows = [card_setting(key) for key in preview.changes]
    return preview.subject == LOYALTY or any(row is not None and row.moves_points for row in rows)


def _many(count: int, noun: str) -> str:
    return f"{_number(count)} {noun}{'' if count == 1 else 's'}"


def _number(count: int) -> str:
    return f"{count:,}"


def _points(points: Points) -> str:
    whole = f"{points / POINT:,.2f}"
    return whole.removesuffix(".00")
