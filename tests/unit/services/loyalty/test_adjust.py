"""*Adjust points* keeps to the day's limit of who adjusts, whatever happens to its commit (§8)."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.domain.errors import CommitBusy, Conflict, LeaseLost, TooManyRequests
from chalicelib.domain.times import DAY
from chalicelib.domain.words import POINT
from chalicelib.services.loyalty import adjust
from chalicelib.services.loyalty.adjust import Adjuster
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.changes import MemoryAdjustments
from tests.fakes.facts import Crash
from tests.fakes.notifications import MemoryAudit
from tests.worlds.shop import ANA, UID, Shop


class Counter(Shop):
    """A shop whose manager may give 50 points a day."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tell(ANA)
        views: Any = SimpleNamespace(
            get=lambda _uid, _id: SimpleNamespace(row=self.held().persona.figures)
        )
        self.adjuster = Adjuster(
            views,
            self.commits,
            self.facts,
            MemoryAdjustments(),
            MemoryAccounts(an_account(UID)),
            MemoryAudit(),
            self.clock,
        )

    def give(self, points: int, key: str) -> float:
        self.adjuster.adjust(UID, self.rid(), points * POINT, "Goodwill", key, actor="user:ann")
        return self.points()

    def before_the_next(self, method: str, act: Callable[[], object]) -> None:
        usual = getattr(self.facts, method)

        def instead(*given: Any, **named: Any) -> Any:
            setattr(self.facts, method, usual)
            act()
            return usual(*given, **named)

        setattr(self.facts, method, instead)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(adjust, "DAILY_LIMIT", 50 * POINT)
    return Counter()


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("at", "error"),
    [
        ("lock", CommitBusy("busy")),
        ("write_and_unlock", LeaseLost("lost")),
        ("write_and_unlock", Crash()),
        ("store_intent", LeaseLost("lost")),
        ("write", LeaseLost("lost")),
        ("write", Crash()),
    ],
    ids=[
        "the lock stays taken",
        "before its transaction",
        "it dies before its transaction",
        "before the intent",
        "before its rows",
        "it dies",
    ],
)
def test_an_adjustment_that_was_not_made_leaves_the_limit_as_it_was(
    counter: Counter, at: str, error: BaseException
) -> None:
    if at in ("store_intent", "write"):
        counter.facts.rows_at_once = 0  # too many for one transaction
    counter.before_the_next(at, failing(error))
    with pytest.raises(type(error)):
        counter.give(50, "key-1")

    assert counter.give(50, "key-2") == 50
    with pytest.raises(TooManyRequests):
        counter.give(1, "key-3")


def test_a_key_whose_adjustment_was_not_made_is_free_for_another(counter: Counter) -> None:
    counter.before_the_next("write_and_unlock", failing(LeaseLost("lost")))
    with pytest.raises(LeaseLost):
        counter.give(40, "key-1")

    assert counter.give(30, "key-1") == 30


def test_two_at_once_do_not_pass_the_limit(counter: Counter) -> None:
    counter.before_the_next("lock", lambda: counter.give(30, "key-1"))

    with pytest.raises(TooManyRequests):
        counter.give(30, "key-2")

    assert counter.points() == 30


def test_the_same_key_again_takes_nothing_of_a_later_days_limit(counter: Counter) -> None:
    counter.give(50, "key-1")
    counter.clock.at += DAY

    assert counter.give(50, "key-1") == 50
    assert counter.give(50, "key-2") == 100


def test_a_key_is_good_for_one_adjustment_also_on_a_later_day(counter: Counter) -> None:
    counter.give(50, "key-1")
    counter.clock.at += DAY

    with pytest.raises(Conflict):
        counter.give(40, "key-1")
    assert counter.points() == 50
