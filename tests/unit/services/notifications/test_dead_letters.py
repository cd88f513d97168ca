"""Who is told of work that failed for good (product.md §12, §15)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.services.notifications.dead_letters import DeadLetterWatch
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.dead_letters import DeadLetters
from tests.fakes.common import FakeClock
from tests.fakes.notifications import MemoryNotifications, OperatorMailbox


@dataclass
class Grave:
    name: str
    found: DeadLetters

    def bury(self, *_: str) -> None:
        raise AssertionError("a watch buries nothing")

    def look(self) -> DeadLetters:
        return self.found


def watch(*graves: Grave) -> tuple[DeadLetterWatch, MemoryNotifications, OperatorMailbox]:
    notifications, operator = MemoryNotifications(), OperatorMailbox()
    notifier = Notifier(notifications, operator, FakeClock())
    return DeadLetterWatch(list(graves), notifier), notifications, operator


def test_each_account_is_told_of_its_own_once() -> None:
    looking, notifications, operator = watch(
        Grave("sync", DeadLetters(3, {"3912": 2, "4000": 1})), Grave("jobs", DeadLetters(0, {}))
    )

    waiting = [looking.look() for _ in range(3)]

    [ours] = notifications.open_for("3912")
    [theirs] = notifications.open_for("4000")
    assert waiting == [3, 3, 3]
    assert "(sync, 2 waiting)" in ours.title
    assert "(sync, 1 waiting)" in theirs.title
    assert len(operator.letters) == 2


def test_what_names_nobody_is_for_the_operator() -> None:
    looking, notifications, operator = watch(Grave("sync", DeadLetters(4, {}, without_account=4)))

    looking.look()

    assert notifications.rows == {}
    [(_, text)] = operator.letters
    assert "(sync, 4 waiting)" in text


def test_old_letters_are_not_told_of_again_and_again() -> None:
    looking, _, operator = watch(Grave("sync", DeadLetters(4, {}, without_account=0)))

    assert looking.look() == 4

    assert operator.letters == []
