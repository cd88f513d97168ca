"""Credentials: validated, checked, sealed, changed, removed (product.md §3.2, §3.5, §15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Conflict,
    InvalidInput,
    KeyRejected,
    NotFound,
    PermissionMissing,
    SecretUnreadable,
    ServerUnreachable,
    StaleVersion,
    TooManyCredentials,
    UnexpectedAnswer,
)
from chalicelib.domain.points_import import NEVER
from chalicelib.domain.records import StoreFact
from chalicelib.domain.rules import Rules, Source
from chalicelib.domain.times import start_of_day
from chalicelib.domain.words import CredentialId
from chalicelib.services.credentials.check import ScopeTaken, WhichStore, learn_scope
from chalicelib.services.credentials.credentials import NEW_STORE
from chalicelib.services.credentials.fields import check_fields
from chalicelib.services.credentials.history_from import history_start
from chalicelib.services.credentials.key_ring import last_four
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.pos import CheckResult, PlatformInfo
from tests.fakes.common import NOON
from tests.fakes.facts import Crash
from tests.fakes.pos import a_field, a_platform, an_own_server_platform
from tests.fakes.retailer import ANN, KEY, OTHERS, OURS, Retailer

LOS_ANGELES = "America/Los_Angeles"
GOOD = {"store_name": "Ballard", "key": KEY, "market": "WA"}


@pytest.fixture
def shop() -> Retailer:
    return Retailer()


def faults(info: PlatformInfo, given: Mapping[str, str]) -> list[dict[str, object]]:
    with pytest.raises(InvalidInput) as refused:
        check_fields(info, given)
    return refused.value.details["errors"]  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"store_name": ""}, "fields.store_name", "required"),
        ({"store_name": "  \t"}, "fields.store_name", "required"),
        ({"key": "short"}, "fields.key", "does not look like a Key"),
        ({"key": KEY + "\n" + KEY}, "fields.key", "line break"),
        ({"key": KEY[:5] + "\x00" + KEY[5:]}, "fields.key", "line break"),
        ({"store_name": "B\u202eallard"}, "fields.store_name", "line break"),
        ({"store_name": "B\u0430llard"}, "fields.store_name", "look like others"),
        ({"store_name": "\uff22allard"}, "fields.store_name", "look like others"),
        ({"store_name": "\U0001d401allard"}, "fields.store_name", "look like others"),
        ({"store_name": "B" * 201}, "fields.store_name", "at most 200"),
        ({"market": "W" * 201}, "fields.market", "at most 200"),
        ({"password": "x"}, "fields.password", "unknown field"),
    ],
)
def test_a_bad_field_is_refused_with_reason_and_example(
    changes: dict[str, str], field: str, reason: str
) -> None:
    [fault] = faults(a_platform(), GOOD | changes)

    assert fault["field"] == field
    assert reason in str(fault["reason"])
    assert fault["example"]


def test_every_bad_field_is_named_at_once_and_no_value_is_repeated() -> None:
    found = faults(a_platform(), {"key": "!secret!", "market": "W" * 300})

    assert [fault["field"] for fault in found] == [
        "fields.store_name",
        "fields.key",
        "fields.market",
    ]
    assert "!secret!" not in str(found)


def test_blanks_around_a_pasted_key_are_cut_and_blank_optional_fields_left_out() -> None:
    fields = check_fields(
        a_platform(), {"store_name": " Ballard ", "key": f" {KEY}\n", "market": ""}
    )

    assert fields == {"store_name": "Ballard", "key": KEY}


def test_a_name_is_one_and_the_same_however_its_accents_are_written() -> None:
    pasted = check_fields(a_platform(), GOOD | {"store_name": "Co\u0302te-des-Neiges"})

    assert pasted["store_name"] == "C\u00f4te-des-Neiges"


@pytest.mark.parametrize(
    "name",
    ["Café Élan", "Cafe\u0301", "L'Été", "Зелёный лист", "Leaf Листья", "緑の葉っぱ", "½ Nº 1"],
)
def test_a_store_may_be_called_anything_that_can_be_typed(name: str) -> None:
    kept = check_fields(a_platform(), GOOD | {"store_name": name})["store_name"]

    assert kept == normalize("NFC", name)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=220), max_size=4))
def test_whatever_passes_validation_is_printable_and_bounded(given_: dict[str, str]) -> None:
    info = a_platform()

    try:
        fields = check_fields(info, GOOD | given_)
    except InvalidInput:
        return

    assert set(fields) <= {field.key for field in info.fields}
    assert all(0 < len(value) <= 200 and value.isprintable() for value in fields.values())


def test_a_checked_key_is_stored_sealed_with_the_scope_it_opens(shop: Retailer) -> None:
    added = shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN)

    held = shop.credentials.get(OURS, "posabit", added.credential.id)
    assert added.check is not None
    assert added.check.outcome == "ok"
    assert (held.scope, held.market, held.created_at) == ("venue-Ballard", "WA", NOON)
    assert held.fields == {"store_name": "Ballard", "market": "WA"}
    assert (list(held.sealed), held.last_four) == (["key"], {"key": "2b7d"})
    assert KEY.encode() not in held.sealed["key"]
    assert KEY not in repr(held) + str(shop.audited())
    assert shop.key_ring.secrets(held) == {"key": KEY}


def test_one_credential_too_many_is_refused_until_the_operator_allows_more(
    shop: Retailer,
) -> None:
    for number in range(300):
        shop.credentials.add(
            Credential(OURS, "webjoint", CredentialId(f"crd_{number}"), str(number), {}, {})
        )

    with pytest.raises(TooManyCredentials):
        shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN)
    assert shop.credentials.for_integration(OURS, "posabit") == []

    shop.raised_limits.put(OURS, "credentials", 301)
    shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN)
    with pytest.raises(TooManyCredentials):
        shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN)


def test_a_secret_moved_to_another_credential_does_not_open(shop: Retailer) -> None:
    held = shop.credentials.get(OURS, "posabit", shop.add_credential())

    for moved in (replace(held, uid=OTHERS), replace(held, id="crd_other")):
        with pytest.raises(SecretUnreadable):
            shop.key_ring.secrets(moved)


def test_the_last_four_of_a_short_secret_are_not_shown() -> None:
    assert last_four("a" * 8 + "bcde") == "bcde"
    assert last_four("shortsecret") == ""


def test_a_fingerprint_is_the_same_for_the_same_key_in_one_account_only(shop: Retailer) -> None:
    ours = shop.credentials.get(OURS, "posabit", shop.add_credential("Ballard"))
    again = shop.credentials.get(OURS, "posabit", shop.add_credential("Fremont"))
    theirs = shop.credentials.get(OTHERS, "posabit", shop.add_credential("Ballard", uid=OTHERS))

    assert ours.fingerprints == again.fingerprints
    assert ours.fingerprints != theirs.fingerprints


def test_a_rejected_key_is_not_stored(shop: Retailer) -> None:
    shop.pos.answers[KEY] = CheckResult("key_rejected", "POSaBIT rejected this key.")

    with pytest.raises(KeyRejected) as refused:
        shop.add_credential()

    assert refused.value.message == "POSaBIT rejected this key."
    assert refused.value.details == {"outcome": "key_rejected"}
    assert shop.credentials.rows == {}
    assert shop.audited() == []


@pytest.mark.parametrize("outcome", ["server_unreachable", "unexpected_answer"])
def test_a_host_that_does_not_answer_may_be_saved_without_a_scope(
    shop: Retailer, outcome: str
) -> None:
    shop.pos.answers[KEY] = CheckResult(outcome, "No answer within 8 s.")  # type: ignore[arg-type]

    added = shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN)

    assert added.credential.scope == ""
    assert added.check is not None
    assert added.check.outcome == outcome


def test_a_missing_permission_is_saved_and_named(shop: Retailer) -> None:
    shop.pos.answers[KEY] = CheckResult(
        "permission_missing",
        "The key lacks Enhanced Customer Data Access.",
        scope="venue-7",
        missing_permissions=("Enhanced Customer Data Access",),
    )

    added = shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN)

    assert added.credential.scope == "venue-7"
    assert added.check is not None
    assert added.check.missing_permissions == ("Enhanced Customer Data Access",)


def test_stores_that_the_key_opens_are_recorded_as_store_keys(shop: Retailer) -> None:
    shop.pos.answers[KEY] = CheckResult(
        "ok", "ok", "venue-7", (StoreFact("b", "Ballard", LOS_ANGELES),)
    )

    shop.add_credential()

    [key] = shop.stores.keys(OURS)
    assert (key.id, key.name, key.sales) == ("posabit:venue-7:b", "Ballard", 0)
    assert key.time_zone == LOS_ANGELES


def a_chain_of_shops(count: int) -> CheckResult:
    shops = tuple(StoreFact(f"s{n:05}", f"Shop {n}") for n in range(count))
    return CheckResult("ok", "ok", "venue-7", shops)


def test_a_chain_of_thousands_of_shops_costs_a_request_no_more_than_its_first_shops(
    shop: Retailer,
) -> None:
    shop.pos.answers[KEY] = a_chain_of_shops(12_000)

    shop.add_credential()

    assert [key.key for key in shop.stores.keys(OURS)] == [f"s{n:05}" for n in range(100)]


def test_a_credential_whose_shops_cannot_be_recorded_is_synced_all_the_same(
    shop: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.pos.answers[KEY] = a_chain_of_shops(1)
    shop.add_credential()
    shop.connect()
    shop.pos.answers["vt_another_key"] = replace(a_chain_of_shops(1), scope="venue-8")
    monkeypatch.setattr(shop.stores, "see_keys", crash)
    shop.sync.started.clear()

    with pytest.raises(Crash):
        shop.add_credential("Fremont", "vt_another_key")

    [(_, _, started, _)] = shop.sync.started
    assert shop.credentials.get(OURS, "posabit", started).next_sync_at == NOON


def crash(*_: object) -> None:
    raise Crash("see_keys")


def test_a_second_credential_for_a_scope_says_what_to_do(shop: Retailer) -> None:
    first = shop.add_credential("Ballard")

    with pytest.raises(Conflict) as refused:
        shop.add_credential("Ballard", "vt_another_key")

    assert "opens this store already" in refused.value.message
    assert refused.value.details == {"scope": "venue-Ballard", "credential": first}
    assert len(shop.credentials.rows) == 1


def test_a_re_added_credential_takes_the_old_scope_up(shop: Retailer) -> None:
    first = shop.add_credential("Ballard")
    shop.credential_service.remove(OURS, "posabit", first, actor=ANN)

    second = shop.add_credential("Ballard")

    assert second != first
    assert shop.credentials.get(OURS, "posabit", second).scope == "venue-Ballard"


def test_checking_stores_nothing(shop: Retailer) -> None:
    result = shop.credential_service.check(OURS, "posabit", GOOD)

    assert result.outcome == "ok"
    assert shop.pos.checked[0].time_zone == LOS_ANGELES
    assert (shop.credentials.rows, shop.audited(), shop.sync.started) == ({}, [], [])


def test_a_stored_credential_is_checked_with_its_secret_and_scope(shop: Retailer) -> None:
    credential = shop.add_credential()

    shop.credential_service.check_stored(OURS, "posabit", credential)

    assert shop.pos.checked[-1].fields == {"store_name": "Ballard", "key": KEY}
    assert shop.pos.checked[-1].scope == "venue-Ballard"


@pytest.mark.parametrize("state", ["freezing", "frozen"])
def test_a_frozen_source_is_not_even_checked(shop: Retailer, state: str) -> None:
    credential = shop.add_credential()
    shop.integrations.save(Integration(OURS, "posabit", state=state))  # type: ignore[arg-type]
    asked = len(shop.pos.checked)

    for ask in (
        lambda: shop.credential_service.check(OURS, "posabit", GOOD),
        lambda: shop.credential_service.check_stored(OURS, "posabit", credential),
        lambda: shop.add_credential("Fremont"),
    ):
        with pytest.raises(Conflict, match="last backup"):
            ask()

    assert len(shop.pos.checked) == asked


def test_a_credential_added_to_a_connected_integration_syncs_at_once(shop: Retailer) -> None:
    shop.add_credential("Ballard")
    shop.connect()

    second = shop.add_credential("Fremont")

    assert shop.sync.started[-1] == (OURS, "posabit", second, "connect")
    assert shop.credentials.get(OURS, "posabit", second).next_sync_at == NOON


def test_a_credential_added_before_connecting_calls_nobody(shop: Retailer) -> None:
    credential = shop.add_credential()

    assert shop.sync.started == []
    assert shop.credentials.get(OURS, "posabit", credential).next_sync_at is None


def change(shop: Retailer, credential: str, version: int = 1, **changes: object) -> object:
    return shop.credential_service.change(
        OURS,
        "posabit",
        credential,
        version,
        actor=ANN,
        **changes,  # type: ignore[arg-type]
    )


def test_a_new_secret_is_checked_sealed_and_starts_a_stopped_schedule_again(
    shop: Retailer,
) -> None:
    credential = shop.add_credential()
    shop.connect()
    shop.credentials.record_run(
        OURS,
        "posabit",
        credential,
        run_id="run_1",
        good_at=None,
        error="key_rejected",
        failures_in_a_row=3,
        stopped="key_rejected",
        next_sync_at=None,
    )
    subject = f"posabit:{credential}"
    shop.notifier.raise_(OURS, "key_rejected", subject, title="POSaBIT", scope="Ballard")
    shop.sync.started.clear()

    change(shop, credential, given={"key": "vt_fresh_key_0001"})

    held = shop.credentials.get(OURS, "posabit", credential)
    assert shop.key_ring.secrets(held) == {"key": "vt_fresh_key_0001"}
    assert (held.last_four, held.fields) == ({"key": "0001"}, {"store_name": "Ballard"})
    assert (held.stopped, held.failures_in_a_row, held.next_sync_at) == (None, 0, NOON)
    assert shop.sync.started == [(OURS, "posabit", credential, "connect")]
    assert shop.notifications.open_for(OURS) == []


def seal_for_another(shop: Retailer, credential: CredentialId) -> None:
    """The row holds a secret that was sealed for another credential, as a restored table may."""
    held = shop.credentials.get(OURS, "posabit", credential)
    sealed = shop.key_ring.seal(OURS, CredentialId("crd_other"), {"key": KEY}).sealed
    shop.credentials.save(replace(held, sealed=sealed))


def test_a_secret_of_another_context_is_told_at_its_field(shop: Retailer) -> None:
    credential = shop.add_credential()
    seal_for_another(shop, credential)

    with pytest.raises(SecretUnreadable) as refused:
        shop.credential_service.check_stored(OURS, "posabit", credential)

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert fault["field"] == "fields.key"
    assert "enter the key again" in refused.value.message


def test_a_secret_of_another_context_is_mended_by_giving_it_again(shop: Retailer) -> None:
    credential = shop.add_credential()
    seal_for_another(shop, credential)

    change(shop, credential, version=2, given={"key": KEY})

    held = shop.credentials.get(OURS, "posabit", credential)
    assert shop.key_ring.secrets(held) == {"key": KEY}


def test_a_new_secret_that_is_rejected_leaves_the_old_one(shop: Retailer) -> None:
    credential = shop.add_credential()
    shop.pos.answers["vt_wrong_key"] = CheckResult("key_rejected", "rejected")

    with pytest.raises(KeyRejected):
        change(shop, credential, given={"key": "vt_wrong_key"})

    held = shop.credentials.get(OURS, "posabit", credential)
    assert (shop.key_ring.secrets(held), held.version) == ({"key": KEY}, 1)


def test_a_key_of_another_store_is_not_put_in_place_of_this_one(shop: Retailer) -> None:
    credential = shop.add_credential()
    shop.pos.answers["vt_other_store"] = CheckResult("ok", "ok", "venue-Fremont")

    with pytest.raises(Conflict, match="another store"):
        change(shop, credential, given={"key": "vt_other_store"})

    assert shop.credentials.get(OURS, "posabit", credential).version == 1


def test_a_changed_market_asks_nobody(shop: Retailer) -> None:
    credential = shop.add_credential()
    asked = len(shop.pos.checked)

    change(shop, credential, given={"market": "OR"})
    change(shop, credential, version=2, given={"market": ""})

    assert len(shop.pos.checked) == asked
    before, after = (entry.after["fields"] for entry in shop.audited()[1:])  # type: ignore[index]
    assert (before, after) == (
        {"store_name": "Ballard", "market": "OR"},
        {"store_name": "Ballard"},
    )
    assert shop.credentials.get(OURS, "posabit", credential).market is None


def test_a_stale_change_asks_nobody_and_changes_nothing(shop: Retailer) -> None:
    credential = shop.add_credential()
    asked = len(shop.pos.checked)

    with pytest.raises(StaleVersion):
        change(shop, credential, version=7, given={"key": "vt_fresh_key_0001"})

    assert len(shop.pos.checked) == asked


def test_an_immutable_field_cannot_be_changed_and_says_why() -> None:
    shop = Retailer()
    shop.pos.infos = [an_own_server_platform()]
    given = {"store_name": "Kitsilano", "auth_key": "a1b2c3d4e5f6"}
    added = shop.credential_service.add(OURS, "profitek", given, None, actor=ANN).credential

    with pytest.raises(Conflict) as refused:
        shop.credential_service.change(
            OURS, "profitek", added.id, 1, actor=ANN, given={"store_name": "Gastown"}
        )

    assert refused.value.message.startswith("Store Name cannot be changed")
    assert refused.value.details == {"field": "store_name"}
    assert added.own_server is True


def test_an_optional_secret_can_be_taken_away(shop: Retailer) -> None:
    extra = a_field("pin", secret=True, required=False)
    shop.pos.infos = [a_platform(fields=(*a_platform().fields, extra))]
    added = shop.credential_service.add(OURS, "posabit", GOOD | {"pin": "12345"}, None, actor=ANN)

    change(shop, added.credential.id, given={"pin": ""})

    held = shop.credentials.get(OURS, "posabit", added.credential.id)
    assert list(held.sealed) == list(held.fingerprints) == list(held.last_four) == ["key"]


def test_history_goes_back_twelve_months_unless_said_otherwise(shop: Retailer) -> None:
    default = shop.credentials.get(OURS, "posabit", shop.add_credential())
    wanted = shop.credential_service.add(
        OURS, "posabit", GOOD | {"store_name": "Fremont"}, date(2020, 2, 29), actor=ANN
    )

    assert default.history_from == start_of_day(date(2025, 1, 1), LOS_ANGELES)
    assert wanted.credential.history_from == start_of_day(date(2020, 2, 29), LOS_ANGELES)


def test_a_year_before_the_29th_of_february_is_the_28th() -> None:
    leap_day = start_of_day(date(2028, 2, 29), "UTC")

    assert history_start(None, leap_day, "UTC") == start_of_day(date(2027, 2, 28), "UTC")


@pytest.mark.parametrize("day", [date(2026, 1, 2), date(1999, 12, 31)])
def test_history_from_has_bounds(shop: Retailer, day: date) -> None:
    with pytest.raises(InvalidInput) as refused:
        shop.credential_service.add(OURS, "posabit", GOOD, day, actor=ANN)

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert fault == {
        "field": "history_from",
        "reason": "a day from 2000-01-01 to today (2026-01-01)",
        "example": "2025-01-01",
    }
    assert shop.pos.checked == []


def test_removing_forgets_the_secret_and_stops_everything(shop: Retailer) -> None:
    credential = shop.add_credential()
    shop.connect()
    subject = f"posabit:{credential}"
    shop.notifier.raise_(OURS, "stale_source", subject, title="POSaBIT", scope="Ballard")

    shop.credential_service.remove(OURS, "posabit", credential, actor=ANN)

    row = shop.credentials.rows[OURS, "posabit", credential]
    assert (row.sealed, row.next_sync_at) == ({}, None)
    assert shop.sync.stopped == [(OURS, "posabit", credential)]
    assert shop.notifications.open_for(OURS) == []
    assert [entry.action for entry in shop.audited()][-1] == "credential.removed"


def test_removing_ends_the_import_of_points_of_its_scope(shop: Retailer) -> None:
    credential = shop.add_credential()
    scope = shop.credentials.get(OURS, "posabit", credential).scope
    shop.rules.set(OURS, Rules(sources={"posabit": Source(imported_on=20_500)}))

    shop.credential_service.remove(OURS, "posabit", credential, actor=ANN)

    assert shop.rules.get(OURS).source("posabit").import_locks == {scope: NEVER}
    assert len(shop.jobs.sent) == 1


def test_another_account_s_credential_is_not_there(shop: Retailer) -> None:
    credential = shop.add_credential()
    service = shop.credential_service

    for act in (
        lambda: service.get(OTHERS, "posabit", credential),
        lambda: service.check_stored(OTHERS, "posabit", credential),
        lambda: service.change(OTHERS, "posabit", credential, 1, actor=ANN, given={}),
        lambda: service.remove(OTHERS, "posabit", credential, actor=ANN),
        lambda: service.add(OURS, "sixth-pos", {}, None, actor=ANN),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.fixture
def unreached(shop: Retailer) -> Retailer:
    shop.pos.answers[KEY] = CheckResult("server_unreachable", "No answer within 8 s.")
    return shop


def learn(shop: Retailer, credential: str) -> str:
    held = shop.credentials.get(OURS, "posabit", credential)
    access = shop.key_ring.access(held, time_zone="UTC", currency="USD", permit=do_nothing)
    return learn_scope(shop.pos, shop.credentials, held, access).scope


def test_the_worker_claims_the_scope_at_the_first_answer(unreached: Retailer) -> None:
    credential = unreached.add_credential()
    unreached.pos.answers[KEY] = CheckResult("ok", "ok", "venue-7")

    assert learn(unreached, credential) == "venue-7"
    assert unreached.credentials.get(OURS, "posabit", credential).scope == "venue-7"


def test_a_known_scope_is_not_asked_for_again(shop: Retailer) -> None:
    credential = shop.add_credential()
    asked = len(shop.pos.checked)

    assert learn(shop, credential) == "venue-Ballard"
    assert len(shop.pos.checked) == asked


def test_of_two_unreached_credentials_of_one_scope_only_the_first_syncs(
    unreached: Retailer,
) -> None:
    first, second = unreached.add_credential(), unreached.add_credential()
    unreached.pos.answers[KEY] = CheckResult("ok", "ok", "venue-7")
    learn(unreached, first)

    with pytest.raises(ScopeTaken, match="opens this store already"):
        learn(unreached, second)


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ("key_rejected", KeyRejected),
        ("permission_missing", PermissionMissing),
        ("server_unreachable", ServerUnreachable),
        ("unexpected_answer", UnexpectedAnswer),
    ],
)
def test_a_check_without_a_scope_fails_the_run_for_its_reason(
    unreached: Retailer, outcome: str, error: type[Exception]
) -> None:
    credential = unreached.add_credential()
    unreached.pos.answers[KEY] = CheckResult(outcome, "why")  # type: ignore[arg-type]

    with pytest.raises(error, match="why"):
        learn(unreached, credential)


def test_a_new_key_for_an_unreached_credential_claims_the_scope(unreached: Retailer) -> None:
    credential = unreached.add_credential()
    unreached.pos.answers["vt_fresh_key_0001"] = CheckResult("ok", "ok", "venue-7")

    change(unreached, credential, given={"key": "vt_fresh_key_0001"})

    held = unreached.credentials.get(OURS, "posabit", credential)
    assert held.scope == "venue-7"
    assert unreached.key_ring.secrets(held) == {"key": "vt_fresh_key_0001"}


SILENT = CheckResult("ok", "ok", None)
"""A key that works and does not tell what it opens."""


def add_silent(shop: Retailer, same_store_as: CredentialId | None = None) -> str:
    given = {"store_name": "Ballard", "key": "vt_silent_key"}
    shop.pos.answers["vt_silent_key"] = SILENT
    added = shop.credential_service.add(
        OURS, "posabit", given, None, actor=ANN, same_store_as=same_store_as
    )
    return added.credential.id


def test_a_key_that_does_not_tell_its_store_asks_which_it_is_where_there_are_others(
    shop: Retailer,
) -> None:
    """A new store or a new token for an existing one, the person says."""
    known = shop.add_credential()

    with pytest.raises(WhichStore) as asked:
        add_silent(shop)

    assert asked.value.details["credentials"] == [known]
    assert len(shop.credentials.for_integration(OURS, "posabit")) == 1


def test_a_first_key_that_does_not_tell_its_store_is_stored_unasked(shop: Retailer) -> None:
    assert shop.credentials.get(OURS, "posabit", add_silent(shop)).scope == ""


def test_a_new_key_for_a_known_store_takes_the_place_of_the_old_one(shop: Retailer) -> None:
    known = CredentialId(shop.add_credential())

    same = add_silent(shop, known)

    held = shop.credentials.get(OURS, "posabit", known)
    assert (same, held.scope, held.last_four) == (known, "venue-Ballard", {"key": "_key"})
    assert [entry.action for entry in shop.audited()][-1] == "credential.changed"


def test_a_key_said_to_be_of_a_new_store_is_stored_until_its_first_sync_tells(
    shop: Retailer,
) -> None:
    known = shop.add_credential()

    new = add_silent(shop, NEW_STORE)

    assert new != known
    assert shop.credentials.get(OURS, "posabit", CredentialId(new)).scope == ""


def test_a_key_for_another_accounts_credential_is_stored_nowhere(shop: Retailer) -> None:
    theirs = CredentialId(shop.add_credential(uid=OTHERS))

    with pytest.raises(NotFound):
        add_silent(shop, theirs)

    assert shop.credentials.for_integration(OURS, "posabit") == []
