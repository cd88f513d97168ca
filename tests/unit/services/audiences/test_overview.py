"""The Overview's figures and charts, of small counts and no persona (product.md §13)."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.records import Customer
from chalicelib.domain.times import DAY, local_day_number
from chalicelib.services.audiences.figures import (
    DAYS_KEPT,
    AccountFigures,
    RunFigures,
    figures_after,
    read_figures,
)
from chalicelib.services.audiences.overview import Overview, OverviewService
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.runs import StreamState
from tests.fakes.sync_state import MemorySyncStates
from tests.worlds.audiences import AudienceRoom
from tests.worlds.backroom import PLATFORM, SCOPE, UID

ZONE = "America/Los_Angeles"


class Office:
    """An account's Overview over its audience runs."""

    def __init__(self) -> None:
        self.audience = AudienceRoom()
        self.room = self.audience.room
        self.states = MemorySyncStates(self.room.clock)
        self.service = OverviewService(
            accounts=self.room.accounts,
            runs=self.audience.rows,
            objects=self.audience.objects,
            integrations=self.room.integrations,
            credentials=self.room.credentials,
            states=self.states,
            clock=self.room.clock,
        )

    @property
    def today(self) -> int:
        return local_day_number(self.room.clock.now(), self.room.accounts.get(UID).time_zone)

    def tell(self, *shoppers: str) -> None:
        customers = [
            Customer(each, first=each, email=f"{each.lower()}@example.com") for each in shoppers
        ]
        self.room.commits.commit(UID, PLATFORM, SCOPE, customers=customers)

    def run_audiences(self) -> None:
        self.audience.run_now()


@pytest.fixture
def office() -> Office:
    return Office()


def test_before_the_first_audience_run_nothing_is_known(office: Office) -> None:
    assert office.service.overview(UID) == Overview()
    assert office.service.series(UID, "personas", 0, 10, "day").as_of is None


def test_the_figures_are_those_of_the_latest_run(office: Office) -> None:
    office.tell("Ana", "Ben")
    office.run_audiences()
    office.tell("Cleo")

    found = office.service.overview(UID)

    assert (found.personas, found.personas_today, found.members) == (2, 2, 0)
    assert found.sources == {PLATFORM: 2}
    assert found.points_open == 0
    assert found.as_of is not None


def test_new_personas_are_shown_on_the_day_they_were_first_seen(office: Office) -> None:
    first = office.today
    office.tell("Ana", "Ben")
    office.room.clock.move(86_400)
    office.tell("Cleo")
    office.run_audiences()

    series = office.service.series(UID, "personas", first, first + 1, "day")

    assert [bucket.values for bucket in series.buckets] == [{PLATFORM: 2}, {PLATFORM: 1}]
    assert series.sources == (PLATFORM,)


def test_the_line_of_open_points_has_a_value_for_each_day_that_had_a_run(office: Office) -> None:
    first = office.today
    office.tell("Ana")
    office.run_audiences()
    office.room.clock.move(2 * 86_400)
    office.run_audiences()

    series = office.service.series(UID, "points", first - 5, first + 5, "day")

    assert [bucket.day - first for bucket in series.buckets] == [0, 2]


def test_sales_are_those_that_the_syncs_saw_and_an_unread_day_is_a_gap(office: Office) -> None:
    now, today, pos = office.room.clock.now(), office.today, "webjoint"
    office.room.integrations.save(Integration(UID, pos, state="connected"))
    for name, good_at in (("east", now), ("south", now - DAY)):
        held = Credential(UID, pos, name, name, {}, {}, last_good_run_at=good_at)
        office.room.credentials.add(held)
        days = {str(today): 2, str(today - 1): 5}
        office.states.kept_streams[UID, name, "sales"] = StreamState(days=days)

    series = office.service.series(UID, "sales", today - 2, today, "day")

    assert [bucket.values for bucket in series.buckets] == [{}, {pos: 10}, {pos: 4}]
    assert [pos in bucket.unread for bucket in series.buckets] == [False, False, True]


def test_a_span_that_ends_before_it_begins_is_refused(office: Office) -> None:
    with pytest.raises(InvalidInput):
        office.service.series(UID, "sales", 10, 9, "day")


def test_days_beyond_what_a_chart_shows_are_forgotten() -> None:
    today = 20_000
    old = AccountFigures(
        0, {}, {today - DAYS_KEPT: RunFigures().totals(), today - 1: RunFigures().totals()}
    )

    after = figures_after(old, RunFigures(personas=1), today * DAY + DAY // 2, "UTC")

    assert sorted(after.history) == [today - 1, today]


def test_figures_that_cannot_be_read_are_none(office: Office) -> None:
    office.tell("Ana")
    office.run_audiences()
    latest = office.audience.rows.head(UID).latest
    office.audience.objects.put(f"{UID}/snapshots/{latest}/figures.json", b"{")

    assert read_figures(office.audience.objects, UID, latest) is None
    assert office.service.overview(UID).points_open is None
    assert office.service.overview(UID).personas == 1
