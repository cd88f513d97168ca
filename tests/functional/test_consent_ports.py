"""Consent log, texts and their settings: the fakes and the tables keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

import pytest

from chalicelib.adapters.dynamo import consent
from chalicelib.adapters.dynamo.accounts import DynamoAccounts, UserRow
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.consent import DynamoConsent
from chalicelib.adapters.dynamo.keys.text_keys import TEXT_SHARDS, text_shard_number
from chalicelib.adapters.dynamo.kill_switch import DynamoKillSwitch
from chalicelib.adapters.dynamo.limits import DynamoThrottle
from chalicelib.adapters.dynamo.texting import DynamoTextingSettings
from chalicelib.adapters.dynamo.texts import DynamoTexts
from chalicelib.domain.consent import Entry, derive_consent
from chalicelib.domain.consent_requests import drop_request, judge_request
from chalicelib.domain.contact_states import (
    ContactState,
    WantedRequest,
    begin_request,
    finish_request,
    plan_request,
)
from chalicelib.domain.errors import Conflict, StaleVersion
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import DAY, MINUTE
from chalicelib.services.ports.consent import ConsentLog, Contact, DueContact, DueText
from chalicelib.services.ports.texting import (
    Caps,
    Holders,
    Switch,
    Text,
    TextingSettings,
    TextLog,
    TextTotals,
)
from tests.fakes.common import NOON, FakeClock
from tests.fakes.texting import MemoryTextingSettings, MemoryTexts
from tests.functional.personas_table import TABLE, an_aws, personas_table
from tests.unit.domain.test_consent_requests import seen

OURS, THEIRS = "3912", "4000"
NUMBER, OTHER = "+12065550123", "+12065550124"
ACCOUNTS = "accounts-under-test"
WANTED = WantedRequest("a" * 32, "posabit", NOON)


@dataclass
class Repositories:
    log: ConsentLog
    texts: TextLog
    settings: TextingSettings


@pytest.fixture(scope="module")
def aws() -> Iterator[Any]:
    with an_aws() as client:
        yield client


@pytest.fixture(params=["fake", "table"])
def rows(request: pytest.FixtureRequest) -> Iterator[Repositories]:
    if request.param == "fake":
        memory = MemoryTexts()
        yield Repositories(memory, memory, MemoryTextingSettings())
        return
    client = request.getfixturevalue("aws")
    with personas_table(client), accounts_table(client):
        table = BatchTable(client, TABLE, FakeClock())
        yield Repositories(
            DynamoConsent(table), DynamoTexts(table), DynamoTextingSettings(ACCOUNTS)
        )


class accounts_table:  # noqa: N801  # reads as a function where it is used
    def __init__(self, client: Any) -> None:
        self._client = client

    def __enter__(self) -> None:
        DynamoAccounts(ACCOUNTS)
        UserRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)

    def __exit__(self, *_: object) -> None:
        self._client.delete_table(TableName=ACCOUNTS)


def an_entry(name: str = "flag#1", at: int = NOON, **changes: Any) -> Entry:
    base = Entry(name, at, "flag_no", "posabit", "platform:posabit", "words", "", "", {"seq": 1})
    return replace(base, **changes)


def a_text(name: str = "request#1", **changes: Any) -> Text:
    base = Text(name, OURS, "request", NUMBER, "Reply YES …", 2, NOON, "2026-01-01", "posabit")
    return replace(base, **changes)


CAPS = Caps(daily=2, monthly_parts=5)


def save(rows: Repositories, state: ContactState, *entries: Entry, uid: str = OURS) -> ContactState:
    before = rows.log.read(uid, state.channel, state.contact).state
    assert rows.log.write(uid, before, state, entries)
    return rows.log.read(uid, state.channel, state.contact).state


def test_nobody_ever_heard_of_is_an_empty_contact(rows: Repositories) -> None:
    assert rows.log.read(OURS, "sms", NUMBER) == Contact(ContactState(NUMBER))
    assert rows.log.states(OURS, [NUMBER, OTHER]) == {
        NUMBER: ContactState(NUMBER),
        OTHER: ContactState(OTHER),
    }


def test_a_state_is_read_as_it_was_saved_through_its_whole_life(rows: Repositories) -> None:
    wanted = plan_request(ContactState(NUMBER), WANTED)
    sending = begin_request(wanted, "posabit", NOON, "2026-01-01")
    sent = finish_request(sending, "sent", limit=2)
    dropped = drop_request(sent, judge_request(wanted, seen(flags=frozenset({"minor"}))), NOON)
    answered = replace(dropped, consent=derive_consent([an_entry()]), unusable="gone")

    for version, state in enumerate((wanted, sending, sent, dropped, answered), 1):
        saved = save(rows, state)
        assert saved == replace(state, version=version)
        assert rows.log.states(OURS, [NUMBER]) == {NUMBER: saved}


def test_entries_are_appended_once_and_never_change(rows: Repositories) -> None:
    save(rows, ContactState(NUMBER), an_entry("a"), an_entry("b", at=NOON + 1))
    contact = rows.log.read(OURS, "sms", NUMBER)

    again = rows.log.write(OURS, contact.state, contact.state, [an_entry("a", wording="other")])

    assert not again
    found = rows.log.read(OURS, "sms", NUMBER)
    assert {entry.id: entry.wording for entry in found.entries} == {"a": "words", "b": "words"}
    assert found.state.version == 1


def test_of_two_who_read_the_same_state_the_second_writes_nothing(rows: Repositories) -> None:
    state = save(rows, plan_request(ContactState(NUMBER), WANTED))

    assert rows.log.write(OURS, state, replace(state, tries=1), [an_entry("a")])
    assert not rows.log.write(OURS, state, replace(state, tries=2), [an_entry("b")])
    assert not rows.log.write(OURS, ContactState(NUMBER), state)

    found = rows.log.read(OURS, "sms", NUMBER)
    assert (found.state.tries, [entry.id for entry in found.entries]) == (1, ["a"])


def test_accounts_channels_and_contacts_keep_apart(rows: Repositories) -> None:
    save(rows, ContactState(NUMBER), an_entry("a"))
    save(rows, ContactState("jo@example.com", "email"), an_entry("b"))

    assert rows.log.read(THEIRS, "sms", NUMBER).entries == ()
    assert rows.log.read(OURS, "sms", OTHER).entries == ()
    [entry] = rows.log.read(OURS, "email", "jo@example.com").entries
    assert entry == an_entry("b")


def test_what_is_due_is_found_in_its_shard_and_claimed_once(rows: Repositories) -> None:
    save(rows, plan_request(ContactState(NUMBER), WANTED))
    save(rows, plan_request(ContactState(NUMBER), replace(WANTED, at=NOON + 1)), uid=THEIRS)
    save(rows, replace(ContactState(OTHER), tries=1))
    shard = text_shard_number(NUMBER)

    due = rows.log.due(shard, NOON + 1, 10)

    assert due == [DueContact(OURS, NUMBER, NOON), DueContact(THEIRS, NUMBER, NOON + 1)]
    assert rows.log.due(shard, NOON, 10) == due[:1]
    assert rows.log.due(shard, NOON + 1, 1) == due[:1]
    assert rows.log.due(shard, NOON + 1, 1, due[0]) == due[1:]
    assert rows.log.due(shard, NOON + 1, 10, due[1]) == []
    others = [found for n in range(TEXT_SHARDS) if n != shard for found in rows.log.due(n, NOON, 9)]
    assert others == []
    assert rows.log.claim(due[0], NOON + MINUTE)
    assert not rows.log.claim(due[0], NOON + MINUTE)
    assert rows.log.read(OURS, "sms", NUMBER).state.due_at == NOON + MINUTE


def test_what_an_account_has_due_later_is_found_whatever_others_have(
    rows: Repositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent, "LATER_AT_ONCE", 2)
    numbers = [f"+1206555{n:04d}" for n in range(200)]
    shard = text_shard_number(NUMBER)
    ours = [number for number in numbers if text_shard_number(number) == shard][:5]
    for at, number in enumerate(ours):
        save(rows, plan_request(ContactState(number), replace(WANTED, at=NOON + at)))
        save(rows, plan_request(ContactState(number), replace(WANTED, at=NOON + at)), uid=THEIRS)

    found = list(rows.log.due_later(OURS, shard, NOON))

    assert found == [DueContact(OURS, number, NOON + at) for at, number in enumerate(ours)][1:]


def test_what_is_no_longer_due_leaves_the_index(rows: Repositories) -> None:
    state = save(rows, plan_request(ContactState(NUMBER), WANTED))
    save(rows, drop_request(state, judge_request(state, seen(causes=())), NOON))

    assert rows.log.due(text_shard_number(NUMBER), NOON, 10) == []
    assert not rows.log.claim(DueContact(OURS, NUMBER, NOON), NOON + 1)


def test_what_waits_is_counted_per_account(rows: Repositories) -> None:
    for number in (NUMBER, OTHER, "+12065550125"):
        save(rows, plan_request(ContactState(number), WANTED))
    state = rows.log.read(OURS, "sms", OTHER).state
    save(rows, drop_request(state, judge_request(state, seen(causes=())), NOON))

    assert (rows.log.count_waiting(OURS), rows.log.count_waiting(THEIRS)) == (2, 0)


def test_a_text_is_begun_with_its_state_and_entry_or_not_at_all(rows: Repositories) -> None:
    state = save(rows, plan_request(ContactState(NUMBER), WANTED))
    after = begin_request(state, "posabit", NOON, "2026-01-01")
    entry = an_entry("request#1", act="request")

    begun = rows.texts.begin(a_text(), CAPS, before=state, after=after, entries=[entry])
    again = rows.texts.begin(a_text("b"), CAPS, before=state, after=after, entries=[])

    assert (begun, again) == ("begun", "changed")
    found = rows.log.read(OURS, "sms", NUMBER)
    assert (found.state.sending, found.entries) == (after.sending, (entry,))
    assert rows.texts.get(OURS, "2026-01-01", NOON, "request#1") == a_text()
    assert rows.texts.totals(OURS, "2026-01-01") == TextTotals(1, 2, 0)
    assert rows.texts.totals(OURS, "2026-01") == TextTotals(1, 2, 0)


def test_the_same_text_is_begun_once(rows: Repositories) -> None:
    assert [rows.texts.begin(a_text(), caps) for caps in (None, None, CAPS)] == [
        "begun",
        "taken",
        "taken",
    ]
    assert rows.texts.totals(OURS, "2026-01-01").texts == 1


def test_a_day_takes_so_many_texts_and_a_month_so_many_parts(rows: Repositories) -> None:
    state = save(rows, plan_request(ContactState(NUMBER), WANTED))
    after = begin_request(state, "posabit", NOON, "2026-01-01")
    assert rows.texts.begin(a_text("a"), CAPS) == "begun"
    assert rows.texts.begin(a_text("b"), CAPS) == "begun"

    assert rows.texts.begin(a_text("c"), CAPS, before=state, after=after) == "daily_cap"
    tomorrow = a_text("c", day="2026-01-02")
    assert rows.texts.begin(tomorrow, CAPS, before=state, after=after) == "monthly_budget"
    assert rows.log.read(OURS, "sms", NUMBER).state == state
    assert rows.texts.begin(replace(tomorrow, parts=1), CAPS) == "begun"
    assert rows.texts.begin(a_text("d", day="2026-02-01"), CAPS) == "begun"


@pytest.mark.parametrize(
    ("caps", "expected"), [(Caps(0, 9), "daily_cap"), (Caps(9, 1), "monthly_budget")]
)
def test_a_cap_of_nothing_lets_nothing_through(
    rows: Repositories, caps: Caps, expected: str
) -> None:
    assert rows.texts.begin(a_text(), caps) == expected


def test_an_answer_is_counted_whatever_the_cap(rows: Repositories) -> None:
    for name in "abc":
        assert rows.texts.begin(a_text(name), None) == "begun"

    assert rows.texts.begin(a_text("d"), CAPS) == "daily_cap"
    assert rows.texts.totals(OURS, "2026-01-01").texts == 3


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("sent", TextTotals(1, 2, 0)),
        ("unknown", TextTotals(1, 2, 1)),
        ("refused", TextTotals(0, 0, 0)),
    ],
)
def test_a_text_ends_once_and_is_counted_by_how(
    rows: Repositories, state: Any, counts: TextTotals
) -> None:
    before = save(rows, plan_request(ContactState(NUMBER), WANTED))
    after = begin_request(before, "posabit", NOON, "2026-01-01")
    rows.texts.begin(a_text(), CAPS, before=before, after=after)
    begun = rows.log.read(OURS, "sms", NUMBER).state
    done = finish_request(begun, "sent", limit=1)

    ended = rows.texts.end(a_text(), state, "msg-1", before=begun, after=done)
    again = rows.texts.end(a_text(), "sent", "msg-2")

    assert (ended, again) == (True, False)
    found = rows.texts.get(OURS, "2026-01-01", NOON, "request#1")
    assert found == a_text(state=state, message_id="msg-1")
    assert rows.texts.totals(OURS, "2026-01-01") == counts
    assert rows.log.read(OURS, "sms", NUMBER).state == replace(done, version=begun.version + 1)


def test_a_text_without_a_state_is_due_until_it_ends(rows: Repositories) -> None:
    shard = text_shard_number(a_text().number)
    rows.texts.begin(a_text(), None, ends_by=NOON + MINUTE)

    [due] = rows.log.due(shard, NOON + MINUTE, 10)
    assert due == DueText(OURS, "2026-01-01", NOON, "request#1", NOON + MINUTE)
    assert rows.log.due(shard, NOON, 10) == []
    assert rows.log.claim(due, NOON + DAY)
    assert not rows.log.claim(due, NOON + DAY)

    assert rows.texts.end(a_text(), "sent", "msg-1")
    assert rows.log.due(shard, NOON + DAY, 10) == []
    assert not rows.log.claim(DueText(OURS, "2026-01-01", NOON, "request#1", NOON + DAY), NOON)


def test_an_outcome_is_not_written_over_a_state_somebody_changed(rows: Repositories) -> None:
    state = save(rows, plan_request(ContactState(NUMBER), WANTED))
    rows.texts.begin(
        a_text(), CAPS, before=state, after=begin_request(state, "posabit", NOON, "2026-01-01")
    )
    begun = rows.log.read(OURS, "sms", NUMBER).state
    save(rows, replace(begun, unusable="gone"))

    assert not rows.texts.end(
        a_text(), "sent", "m", before=begun, after=finish_request(begun, "sent", 1)
    )
    assert rows.texts.get(OURS, "2026-01-01", NOON, "request#1") == a_text()


def test_a_days_texts_are_paged_newest_first_without_loss_or_doubling(rows: Repositories) -> None:
    for number in range(7):
        rows.texts.begin(a_text(f"t{number}", at=NOON + number), None)
    rows.texts.begin(a_text("tomorrow", day="2026-01-02"), None)
    rows.texts.begin(a_text("theirs", uid=THEIRS), None)

    shown: list[str] = []
    position: str | None = None
    for _ in range(3):
        page, position = rows.texts.texts(OURS, "2026-01-01", 3, position)
        shown += [text.id for text in page]

    assert shown == [f"t{number}" for number in reversed(range(7))]
    assert position is None


RULES = TextingRules(
    number="+12065550100",
    brand="Green Leaf",
    request_limit=1,
    opens=time(9, 30),
    closes=time(20),
    daily_cap=7,
    monthly_budget=8,
    start_after_minutes=0,
    wordings={"help": "{brand}: STOP"},
)


def test_settings_are_read_as_they_were_saved(rows: Repositories) -> None:
    assert rows.settings.get(OURS) == TextingRules()

    rows.settings.assign("+12065550100", OURS)
    saved = rows.settings.save(OURS, TextingRules(), RULES)

    assert saved == rows.settings.get(OURS) == replace(RULES, version=1)
    assert rows.settings.holders("+12065550100").current == OURS
    assert rows.settings.holders("+12065550101") == Holders()


def test_a_stale_save_is_refused_and_leaves_the_number_alone(rows: Repositories) -> None:
    rows.settings.assign("+12065550100", OURS)
    rows.settings.assign("+12065550101", OURS)
    saved = rows.settings.save(OURS, TextingRules(), RULES)

    with pytest.raises(StaleVersion):
        rows.settings.save(OURS, TextingRules(), replace(RULES, number="+12065550101"))
    with pytest.raises(StaleVersion):
        rows.settings.save(OURS, replace(saved, version=7), replace(RULES, number="+12065550101"))

    assert rows.settings.holders("+12065550100").current == OURS
    assert rows.settings.holders("+12065550101") == Holders()


def test_a_number_has_one_account_until_that_gives_it_up(rows: Repositories) -> None:
    rows.settings.assign("+12065550100", OURS)
    ours = rows.settings.save(OURS, TextingRules(), RULES)
    with pytest.raises(Conflict):
        rows.settings.save(THEIRS, TextingRules(), RULES)
    assert rows.settings.get(THEIRS) == TextingRules()

    ours = rows.settings.save(OURS, ours, replace(ours, daily_cap=3))
    rows.settings.save(OURS, ours, replace(ours, number=None))
    assert rows.settings.holders("+12065550100") == Holders(None, (OURS,))

    rows.settings.assign("+12065550100", THEIRS)
    rows.settings.assign("+12065550101", THEIRS)
    theirs = rows.settings.save(THEIRS, TextingRules(), RULES)
    assert rows.settings.holders("+12065550100") == Holders(THEIRS, (OURS,))

    rows.settings.save(THEIRS, theirs, replace(theirs, number="+12065550101"))
    assert rows.settings.holders("+12065550100") == Holders(None, (OURS, THEIRS))
    assert rows.settings.holders("+12065550101") == Holders(THEIRS)


def test_an_assigned_number_is_taken_by_its_account_alone(rows: Repositories) -> None:
    rows.settings.assign("+12065550100", OURS)

    with pytest.raises(Conflict):
        rows.settings.save(THEIRS, TextingRules(), RULES)
    assert rows.settings.save(OURS, TextingRules(), RULES).number == "+12065550100"
    with pytest.raises(Conflict):
        rows.settings.assign("+12065550100", THEIRS)


def test_nobody_takes_a_number_that_the_operator_assigned_to_no_one(rows: Repositories) -> None:
    with pytest.raises(Conflict):
        rows.settings.save(OURS, TextingRules(), RULES)

    assert rows.settings.get(OURS) == TextingRules()
    assert rows.settings.holders("+12065550100") == Holders()


def test_the_kill_switch_is_read_at_most_once_a_minute(aws: Any) -> None:
    clock = FakeClock()
    with accounts_table(aws):
        reader, operator = (DynamoKillSwitch(ACCOUNTS, clock) for _ in range(2))
        assert reader.read() == Switch()
        switch = Switch(off=True, by="operator", at=NOON, reason="carrier trouble")

        operator.turn(switch)

        assert operator.read() == switch
        clock.move(59)
        assert not reader.read().off
        clock.move(1)
        assert reader.read() == switch


def test_a_throttle_counts_within_a_period_and_per_account(aws: Any) -> None:
    clock = FakeClock(NOON + 10 * MINUTE)
    with accounts_table(aws):
        throttle = DynamoThrottle(ACCOUNTS, clock)

        assert [throttle.take(OURS, "test", 2, 3600) for _ in range(3)] == [None, None, 3000]
        assert throttle.take(THEIRS, "test", 2, 3600) is None
        clock.move(3000)
        assert throttle.take(OURS, "test", 2, 3600) is None
