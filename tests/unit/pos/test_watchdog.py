"""Cuts of what takes too long, all made by one thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from chalicelib.pos.transport import watchdog as watchdogs
from chalicelib.pos.transport.watchdog import Watchdog

AGES = 3_600.0
WAIT = 10.0


class Line:
    """A connection that somebody may cut."""

    def __init__(self) -> None:
        self.was_cut = threading.Event()

    def cut(self) -> None:
        self.was_cut.set()


def threads() -> int:
    return sum(thread.name == "watchdog" for thread in threading.enumerate())


def test_what_takes_too_long_is_cut_though_what_was_asked_before_has_more_time() -> None:
    watchdog, patient, hasty = Watchdog(), Line(), Line()
    waits = watchdog.cut_after(AGES, patient.cut)

    late = watchdog.cut_after(0.01, hasty.cut)

    assert hasty.was_cut.wait(WAIT)
    assert late.is_late
    assert not waits.is_late
    assert not patient.was_cut.is_set()


def test_what_was_in_time_is_not_cut_and_nothing_is_kept_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(watchdogs, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    watchdog, line, after = Watchdog(), Line(), Line()
    kept = weakref.ref(line)
    due = watchdog.cut_after(0.5, line.cut)
    watchdog.take_back(due)
    del line
    gc.collect()

    seconds[0] = 1.0
    watchdog.cut_after(0.0, after.cut)

    assert after.was_cut.wait(WAIT)
    assert not due.is_late
    assert kept() is None


def test_one_thread_watches_over_all_and_goes_on_after_a_cut() -> None:
    watchdog, before = Watchdog(), threads()
    for _ in range(3):
        line = Line()
        watchdog.cut_after(AGES, Line().cut)
        watchdog.cut_after(0.0, line.cut)
        assert line.was_cut.wait(WAIT)

    assert threads() == before + 1


def test_cuts_that_were_taken_back_do_not_pile_up() -> None:
    watchdog = Watchdog()
    for _ in range(1_000):
        watchdog.take_back(watchdog.cut_after(AGES, Line().cut))

    assert len(watchdog._due) == 1


def test_many_threads_have_their_cuts_made_each() -> None:
    watchdog, lines = Watchdog(), [Line() for _ in range(64)]

    def ask(cut: Callable[[], None], seconds: float) -> None:
        watchdog.take_back(watchdog.cut_after(AGES, Line().cut))
        watchdog.cut_after(seconds, cut)

    asking = [
        threading.Thread(target=ask, args=(line.cut, 0.001 * (n % 7)))
        for n, line in enumerate(lines)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()

    assert all(line.was_cut.wait(WAIT) for line in lines)
