"""What people are told, and how often."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import get_args

import pytest

from chalicelib.services.notifications.notify import TEMPLATES, Kind, Notifier
from tests.fakes.common import FakeClock
from tests.fakes.notifications import MemoryNotifications, OperatorMailbox

UID = "3912"


@dataclass
class Desk:
    notifications: MemoryNotifications = field(default_factory=MemoryNotifications)
    operator: OperatorMailbox = field(default_factory=OperatorMailbox)
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def notifier(self) -> Notifier:
        return Notifier(self.notifications, self.operator, self.clock)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_says_what_happened_what_to_do_and_where(kind: Kind) -> None:
    desk = Desk()
    facts = {name: f"<{name}>" for name in TEMPLATES[kind].facts}

    desk.notifier.raise_(UID, kind, "posabit:crd_1", **facts)

    [notification] = desk.notifications.open_for(UID)
    assert notification.kind == kind
    assert notification.what_to_do
    assert notification.link.startswith("/")
    assert "{" not in notification.title + notification.what_to_do + notification.link
    assert all(fact in notification.title + notification.what_to_do for fact in facts.values())


def test_the_card_of_the_platform_is_linked() -> None:
    desk = Desk()

    desk.notifier.raise_(UID, "key_rejected", "posabit:crd_1", title="POSaBIT", scope="Ballard")

    assert desk.notifications.open_for(UID)[0].link == "/settings/integrations/posabit"


def test_the_operator_hears_once_until_it_is_mended_and_comes_back() -> None:
    desk = Desk()
    for _ in range(3):
        desk.notifier.raise_(UID, "unmapped_stores", "account", names=["Ballard"], sales=3)
    assert len(desk.operator.letters) == 1

    desk.notifier.clear(UID, "unmapped_stores", "account")
    desk.notifier.raise_(UID, "unmapped_stores", "account", names=["Fremont"], sales=1)

    assert [subject for subject, _ in desk.operator.letters] == ["3912 unmapped_stores"] * 2
    assert "Fremont" in desk.operator.letters[-1][1]


def test_refreshing_shows_the_latest_facts_and_keeps_since_when() -> None:
    desk = Desk()
    desk.notifier.raise_(UID, "unmapped_stores", "account", names=["Ballard"], sales=3)
    since = desk.clock.now()
    desk.clock.move(60)

    desk.notifier.raise_(UID, "unmapped_stores", "account", names=["Ballard", "Fremont"], sales=9)

    [notification] = desk.notifications.open_for(UID)
    assert "Ballard, Fremont. 9 sales" in notification.title
    assert (notification.raised_at, notification.refreshed_at) == (since, since + 60_000)


def test_many_names_are_cut() -> None:
    desk = Desk()

    desk.notifier.raise_(UID, "unmapped_stores", "account", names=list("abcdefgh"), sales=0)

    assert "a, b, c, d, e and 3 more" in desk.notifications.open_for(UID)[0].title


def test_what_belongs_to_no_account_reaches_only_the_operator() -> None:
    desk = Desk()

    desk.notifier.tell_operator("dead_letter", "sync", queue="sync", count=1)

    assert desk.notifications.rows == {}
    assert desk.operator.letters[0][0] == "dead_letter"


def test_a_fact_left_out_is_a_mistake_of_ours_not_a_hole_in_the_text() -> None:
    with pytest.raises(KeyError):
        Desk().notifier.raise_(UID, "key_rejected", "posabit", title="POSaBIT")


def test_of_shops_without_end_some_are_kept_and_all_are_counted() -> None:
    desk = Desk()
    names = ["店" * 500] * 1000

    desk.notifier.raise_(UID, "unmapped_stores", "account", names=names, sales=3)

    [notification] = desk.notifications.open_for(UID)
    assert "and 995 more" in notification.title
    assert len(json.dumps(notification.data)) < 100_000
