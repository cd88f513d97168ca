"""A new setting of a card is one row of the table and its rule: everything else follows (§7)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import pytest
from pydantic import ValidationError

from chalicelib.adapters.dynamo import rules as rule_rows
from chalicelib.domain import rules, settings
from chalicelib.domain.errors import Conflict, InvalidInput
from chalicelib.domain.rules import KeptMembers, Rules, Source
from chalicelib.domain.settings import CardSetting, card_settings
from chalicelib.domain.times import day_number
from chalicelib.domain.words import Day
from chalicelib.entrypoints.dashboard.setting_fields import settings_fields
from chalicelib.entrypoints.http.shapes import Change
from chalicelib.services.changes.wording import sentence
from chalicelib.services.integrations.settings import SettingView, settings_view
from tests.fakes.pos import a_platform, an_own_server_platform
from tests.fakes.retailer import ANN, OURS, Retailer
from tests.worlds.backroom import PLATFORM, UID, Backroom
from tests.worlds.changes import ago, apply, preview, tick
from tests.worlds.syncing import a_room

WELCOME = CardSetting(
    key="welcome_after",
    label="Welcome Personas who purchased after",
    kind="date",
    help="Welcomes shoppers of {name}.",
    warning="They are welcomed once.",
    example="2026-03-01",
    rule="welcomed_from",
    needs="writable",
    previewed=True,
    moves_points=True,
    keeps_members=True,
    sends_sms=True,
)


@dataclass(frozen=True, slots=True)
class WelcomingSource(Source):
    """A source with the rule of the new setting."""

    welcomed_from: Day | None = None


@pytest.fixture(autouse=True)
def _one_row_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CARD_SETTINGS", (*settings.CARD_SETTINGS, WELCOME))
    monkeypatch.setattr(rules, "NO_SOURCE", WelcomingSource())
    monkeypatch.setattr(rule_rows, "Source", WelcomingSource)


def on_the_card(room: Backroom) -> SettingView:
    card = room.integrations.get(UID, PLATFORM)
    view = settings_view(a_platform(PLATFORM), card, room.rules.get(UID))
    return view.settings[-1]


def test_the_cards_of_platforms_that_can_do_it_show_it() -> None:
    shop = Retailer()
    shop.pos.infos = [a_platform(), an_own_server_platform()]

    able, unable = (shop.settings.get(OURS, name).settings for name in ("posabit", "profitek"))

    assert (able[-1].label, able[-1].kind) == ("Welcome Personas who purchased after", "date")
    assert (able[-1].help, able[-1].warning) == (
        "Welcomes shoppers of POSaBIT.",
        "They are welcomed once.",
    )
    assert "welcome_after" not in [row.key for row in unable]


def test_it_is_only_changed_by_a_preview_after_the_age_gate_box_and_by_a_fitting_day() -> None:
    shop = Retailer()
    day = date(2025, 6, 1)

    with pytest.raises(Conflict, match="Tick the age-gate box first"):
        shop.settings.change(OURS, "posabit", 0, {"welcome_after": day}, actor=ANN)
    with pytest.raises(InvalidInput):
        shop.settings.change(OURS, "posabit", 0, {"welcome_after": True}, actor=ANN)
    shop.connecting.tick_age_gate(OURS, "posabit", actor=ANN)
    with pytest.raises(Conflict, match="Preview the change"):
        shop.settings.change(OURS, "posabit", 1, {"welcome_after": day}, actor=ANN)


def test_its_preview_counts_messages_and_balances_and_applying_puts_it_into_force() -> None:
    room = a_room()
    tick(room)
    day = ago(room, 4)

    made = preview(room, welcome_after=day)
    job = apply(room, welcome_after=day)

    assert sentence(made) == (
        "0 personas would be enrolled, 0 messages would be sent, 0 members would be lost;"
        " 0 balances would change, by 0 points in total"
    )
    assert room.rules.get(UID).source(PLATFORM) == WelcomingSource(welcomed_from=day_number(day))
    assert (job.before, job.changes) == (
        {"welcome_after": None},
        {"welcome_after": day.isoformat()},
    )
    shown = on_the_card(room)
    assert (shown.value, shown.applied, shown.status) == (day.isoformat(), True, "In effect.")


def test_whom_it_made_a_member_is_kept_when_it_is_removed() -> None:
    room = a_room()
    tick(room)
    apply(room, welcome_after=ago(room, 4))

    proposal = room.proposals.settings(UID, PLATFORM, {"welcome_after": None})

    kept = proposal.rules_with_keeps("keep").source(PLATFORM)
    assert kept.keeping == (KeptMembers("welcome_after", day_number(ago(room, 4))),)
    assert proposal.rules_with_keeps("let_go") == proposal.wanted


def test_its_rule_is_stored_and_read_back() -> None:
    wanted = Rules(sources={PLATFORM: WelcomingSource(welcomed_from=day_number(date(2026, 3, 1)))})

    text = rule_rows.pack(wanted)

    assert json.loads(text)["sources"] == {PLATFORM: {"welcomed_from": "2026-03-01"}}
    assert rule_rows.unpack(text, 0) == wanted


def test_code_without_the_setting_passes_over_it_in_a_stored_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = WelcomingSource(enroll_after=20_000, welcomed_from=20_001)
    text = rule_rows.pack(Rules(sources={PLATFORM: source}))
    monkeypatch.undo()

    assert rule_rows.unpack(text, 0) == Rules(sources={PLATFORM: Source(enroll_after=20_000)})


def test_the_api_takes_it() -> None:
    @settings_fields(card_settings())
    class SettingsChange(Change):
        """The settings to change."""

    schema = SettingsChange.model_json_schema()

    body = SettingsChange.model_validate({"welcome_after": "2026-03-01"})
    assert body.sent_fields() == {"welcome_after": date(2026, 3, 1)}
    assert SettingsChange.model_validate({"welcome_after": None}).sent_fields() == {
        "welcome_after": None
    }
    assert list(schema["properties"])[-1] == "welcome_after"
    assert schema["properties"]["welcome_after"]["examples"] == ["2026-03-01"]
    assert schema["description"] == "The settings to change."
    with pytest.raises(ValidationError):
        SettingsChange.model_validate({"farewell_after": "2026-03-01"})
