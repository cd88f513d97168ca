"""Account, team, notifications and activity log through the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest

from chalicelib.config import Config, config
from chalicelib.domain.times import from_text
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard import auth
from chalicelib.services.ports.accounts import User
from chalicelib.services.ports.audit import AuditEntry
from tests.fakes.accounts import an_account
from tests.functional.gateway import OURS, THEIRS, Gateway, Got, Person, World

ACCOUNT = f"/api/accounts/{OURS}"


def test_the_account_is_read_with_its_etag(api: Gateway) -> None:
    got = api.get(ACCOUNT)

    assert got.status == 200
    assert got.headers["ETag"] == '"1"'
    assert got.json == {
        "uid": OURS,
        "name": an_account().name,
        "time_zone": "America/Los_Angeles",
        "currency": "USD",
        "sync_hour": 3,
        "sync_every_hours": 6,
        "minimum_age": 21,
        "merge_on_name_and_birth_date": False,
        "placeholders": [],
        "counter_pin": False,
        "locale": "en-US",
        "created_at": "1970-01-01T00:00:00Z",
        "version": 1,
    }


@pytest.mark.usefixtures("jobs")
def test_a_change_touches_what_was_sent_and_nothing_else(world: World, api: Gateway) -> None:
    got = api.patch(ACCOUNT, {"currency": "CAD", "sync_hour": 5}, if_match='W/"1"')

    assert (got.status, got.headers["ETag"]) == (200, '"2"')
    account = world.account()
    assert (account.currency, account.sync_hour) == ("CAD", 5)
    assert (account.name, account.minimum_age) == (an_account().name, 21)


def test_a_change_of_our_account_leaves_theirs_alone(world: World, api: Gateway) -> None:
    before = world.account(THEIRS)

    api.patch(ACCOUNT, {"name": "Greener"}, if_match='"1"')

    assert world.account(THEIRS) == before


def test_the_activity_log_tells_who_changed_what(api: Gateway) -> None:
    api.patch(ACCOUNT, {"name": "One"}, if_match='"1"')
    api.patch(ACCOUNT, {"name": "Two"}, if_match='"2"')
    api.patch(ACCOUNT, {"name": "Three"}, if_match='"3"')

    first = api.get(f"{ACCOUNT}/audit", limit=2)
    rest = api.get(f"{ACCOUNT}/audit", limit=2, cursor=first.json["next_cursor"])

    names = [entry["after"]["name"] for entry in first.json["items"] + rest.json["items"]]
    assert names == ["Three", "Two", "One"]
    assert rest.json["next_cursor"] is None
    assert {entry["actor"] for entry in first.json["items"]} == {f"user:sub-{OURS}-Owner"}


def test_the_activity_log_names_people(world: World, api: Gateway) -> None:
    api.patch(ACCOUNT, {"name": "One"}, if_match='"1"')
    gone = Person("sub-gone", "gone@example.com")
    wiring.outside.audit().record(
        OURS, AuditEntry(1, f"user:{gone.sub}", "texting.test", "texting")
    )
    wiring.outside.audit().record(OURS, AuditEntry(0, "system", "account.created", "account"))

    names = [entry["actor_name"] for entry in api.get(f"{ACCOUNT}/audit").json["items"]]

    assert names == [f"owner@{OURS}.example", "a former member", "AIQ"]


def test_who_comes_too_late_is_told_who_changed_it_and_when(world: World, api: Gateway) -> None:
    api.patch(ACCOUNT, {"name": "One"}, if_match='"1"')
    changed = api.get(f"{ACCOUNT}/audit").json["items"][0]

    late = world.gateway("Operator").patch(ACCOUNT, {"name": "Two"}, if_match='"1"')

    assert late.status == 412
    assert late.json["changed_by"] == f"owner@{OURS}.example"
    assert late.json["changed_at"] == changed["at"]


def lines(api: Gateway, **query: object) -> list[str]:
    """The actions that the activity log shows, over all pages."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        page = api.get(f"{ACCOUNT}/audit", limit=1, **query, **cursor).json  # type: ignore[arg-type]
        found += [line["action"] for line in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the pages never end")


def noted(at: str, actor: str, action: str, subject: str) -> None:
    wiring.outside.audit().record(OURS, AuditEntry(from_text(at), actor, action, subject))


def test_the_activity_log_is_narrowed_to_a_person_a_thing_and_days(api: Gateway) -> None:
    noted("2026-01-31T12:00:00Z", "user:ada", "account.changed", "account")
    noted("2026-02-01T12:00:00Z", "user:ada", "store.changed", "store:1")
    noted("2026-02-02T07:59:00Z", "user:bo", "store.changed", "store:12")  # the 1st in Los Angeles
    noted("2026-02-02T08:00:00Z", "user:bo", "stores.cleared", "stores")

    assert lines(api, actor="user:ada") == ["store.changed", "account.changed"]
    assert lines(api, subject="store") == ["store.changed"] * 2
    assert lines(api, subject="store:1") == ["store.changed"]
    assert lines(api, **{"from": "2026-02-02"}) == ["stores.cleared"]
    assert lines(api, **{"from": "2026-02-01", "to": "2026-02-01"}) == ["store.changed"] * 2
    assert lines(api, to="2026-01-31", subject="account") == ["account.changed"]
    assert lines(api, **{"from": "0001-01-01", "to": "9999-12-31"}) == lines(api)
    assert lines(api, to="0001-01-01") == []


def test_days_that_run_backwards_are_refused(api: Gateway) -> None:
    got = api.get(f"{ACCOUNT}/audit", **{"from": "2026-02-02", "to": "2026-02-01"})

    assert (got.status, got.json["errors"][0]["field"]) == (422, "to")


def test_a_cursor_belongs_to_the_filter_it_was_made_for(api: Gateway) -> None:
    for at in ("2026-01-01T12:00:00Z", "2026-03-01T12:00:00Z"):
        noted(at, "user:ada", "account.changed", "account")
    cursor = api.get(f"{ACCOUNT}/audit", limit=1).json["next_cursor"]

    got = api.get(f"{ACCOUNT}/audit", to="2026-01-31", cursor=cursor)

    assert got.status == 422


def test_numbers_are_written_as_in_the_country_of_the_currency_until_somebody_chooses(
    api: Gateway,
) -> None:
    assert api.get(ACCOUNT).json["locale"] == "en-US"
    canadian = api.patch(ACCOUNT, {"currency": "CAD"}, if_match='"1"').json
    french = api.patch(ACCOUNT, {"locale": "fr-CA"}, if_match='"2"').json

    assert (canadian["locale"], french["locale"]) == ("en-CA", "fr-CA")
    assert api.get(ACCOUNT).json["locale"] == "fr-CA"


@pytest.mark.parametrize("locale", ["", "English", "en_US", "en-us", "fr-CA-x-long"])
def test_a_locale_that_is_none_is_refused(api: Gateway, locale: str) -> None:
    assert api.patch(ACCOUNT, {"locale": locale}, if_match='"1"').status == 422


def test_a_late_change_of_what_nobody_is_known_to_have_changed_says_so_plainly(
    api: Gateway,
) -> None:
    late = api.patch(ACCOUNT, {"name": "Two"}, if_match='"7"')

    assert late.status == 412
    assert "changed_by" not in late.json


def test_a_cursor_of_one_account_opens_nothing_in_another(world: World, api: Gateway) -> None:
    for version in (1, 2):
        api.patch(ACCOUNT, {"name": f"Name {version}"}, if_match=f'"{version}"')
    cursor = api.get(f"{ACCOUNT}/audit", limit=1).json["next_cursor"]

    got = world.gateway("Owner", THEIRS).get(f"/api/accounts/{THEIRS}/audit", cursor=cursor)

    assert got.status == 422
    assert got.json["errors"][0]["field"] == "cursor"


def test_me_lists_every_account_with_role_and_rights(world: World) -> None:
    ada = Person("ada", "ada@example.com")
    world.accounts.add_user(User(OURS, "ada", ada.email, "Owner"))
    world.accounts.add_user(User(THEIRS, "ada", ada.email, "Staff"))

    got = Gateway(ada).get("/api/me").json

    assert (got["sub"], got["email"]) == ("ada", "ada@example.com")
    assert {(a["uid"], a["role"]) for a in got["accounts"]} == {(OURS, "Owner"), (THEIRS, "Staff")}
    staff = next(a for a in got["accounts"] if a["role"] == "Staff")
    assert staff["rights"] == ["counter:use"]


def test_me_of_somebody_without_an_account_is_empty_not_refused(world: World) -> None:
    got = world.gateway(None).get("/api/me")

    assert (got.status, got.json["accounts"]) == (200, [])


def test_an_invited_person_gets_in_with_their_role(world: World, api: Gateway) -> None:
    got = api.post(f"{ACCOUNT}/users", {"email": " New@Example.com ", "role": "Analyst"})

    assert (got.status, got.json["email"], got.json["role"]) == (201, "new@example.com", "Analyst")
    invited = Gateway(Person(got.json["sub"]))
    assert invited.get(ACCOUNT).status == 200
    assert invited.patch(ACCOUNT, {"name": "Mine"}, if_match='"1"').status == 403


def test_an_owner_sends_an_invitation_again_until_the_person_has_logged_in(
    world: World, api: Gateway
) -> None:
    sub = api.post(f"{ACCOUNT}/users", {"email": "new@example.com", "role": "Analyst"}).json["sub"]

    again = api.post(f"{ACCOUNT}/users/{sub}/resend")
    world.people.used.add("new@example.com")
    late = api.post(f"{ACCOUNT}/users/{sub}/resend")

    assert (again.status, again.json["sub"]) == (200, sub)
    assert world.people.letters == ["new@example.com"] * 2
    assert late.status == 409
    assert "log-in already" in late.json["detail"]
    assert api.post(f"{ACCOUNT}/users/nobody/resend").status == 404
    assert world.gateway("Operator").post(f"{ACCOUNT}/users/{sub}/resend").status == 403


@pytest.mark.parametrize("sign", ["\u200b", "\u202e", "\x00"])
def test_nobody_is_invited_under_an_address_with_a_sign_that_cannot_be_seen(
    api: Gateway, sign: str
) -> None:
    invitation = {"email": f"new{sign}@example.com", "role": "Analyst"}

    got = api.post(f"{ACCOUNT}/users", invitation)

    assert (got.status, got.json["errors"][0]["field"]) == (422, "email")


def invite_theirs(world: World, api: Gateway, role: str = "Marketing") -> Gateway:
    """The Owner of the other account is invited to ours; their log-in."""
    email = f"owner@{THEIRS}.example"
    world.people.subs[email] = f"sub-{THEIRS}-Owner"
    got = api.post(f"{ACCOUNT}/users", {"email": email, "role": role})
    assert got.status == 201, got.text
    return world.gateway("Owner", THEIRS)


def answer(person: Gateway, *, accept: object, uid: str = OURS) -> Got:
    return person.post(f"/api/me/invitations/{uid}", {"accept": accept})


def test_who_has_a_log_in_already_opens_the_account_once_they_accept(
    world: World, api: Gateway
) -> None:
    invited = invite_theirs(world, api)
    me = invited.get("/api/me").json
    before = invited.get(ACCOUNT).status

    accepted = answer(invited, accept=True)

    assert [account["uid"] for account in me["accounts"]] == [THEIRS]
    [invitation] = me["invitations"]
    assert (invitation["uid"], invitation["name"]) == (OURS, an_account().name)
    assert (invitation["role"], before, accepted.status) == ("Marketing", 404, 200)
    assert {account["uid"] for account in accepted.json["accounts"]} == {OURS, THEIRS}
    assert (accepted.json["invitations"], invited.get(ACCOUNT).status) == ([], 200)
    assert api.get(f"{ACCOUNT}/audit").json["items"][0]["action"] == "user.accepted"


def test_who_declines_stays_out_and_cannot_be_let_in_over_their_head(
    world: World, api: Gateway
) -> None:
    invited = invite_theirs(world, api)

    declined = answer(invited, accept=False)

    assert (declined.status, declined.json["invitations"]) == (200, [])
    assert answer(invited, accept=True).status == 404
    user = f"{ACCOUNT}/users/sub-{THEIRS}-Owner"
    assert api.patch(user, {"active": True}).status == 409
    assert invited.get(ACCOUNT).status == 404
    invite_theirs(world, api, "Staff")
    assert invited.get("/api/me").json["invitations"][0]["role"] == "Staff"


def test_an_invitation_taken_back_is_gone(world: World, api: Gateway) -> None:
    invited = invite_theirs(world, api)

    api.patch(f"{ACCOUNT}/users/sub-{THEIRS}-Owner", {"active": False})

    assert answer(invited, accept=True).status == 404
    assert invited.get("/api/me").json["invitations"] == []


def test_an_owner_who_has_not_accepted_does_not_let_the_last_one_go(
    world: World, api: Gateway
) -> None:
    invite_theirs(world, api, "Owner")

    assert api.patch(f"{ACCOUNT}/users/sub-{OURS}-Owner", {"active": False}).status == 409


def test_an_answer_to_no_invitation_is_404_and_one_in_other_words_422(
    world: World, api: Gateway
) -> None:
    invited = invite_theirs(world, api)

    assert answer(api, accept=True).status == 404
    assert answer(invited, accept=True, uid="999999").status == 404
    assert answer(invited, accept="yes").status == 422
    assert len(invited.get("/api/me").json["invitations"]) == 1


@pytest.mark.parametrize(
    "name", ["Log in at evil.example", "https://evil", "Green\uff0eLeaf", "Shop 203.0.113.9"]
)
def test_an_account_cannot_be_called_like_a_web_address(api: Gateway, name: str) -> None:
    got = api.patch(ACCOUNT, {"name": name}, if_match='"1"')

    assert (got.status, got.json["errors"][0]["field"]) == (422, "name")
    assert api.get(ACCOUNT).json["name"] == an_account().name


@pytest.mark.parametrize("name", ["Dr. Green", "No. 1 Leaf", "Green Leaf Inc.", "A.B. Shop", "店"])
def test_a_name_with_a_dot_is_a_name(api: Gateway, name: str) -> None:
    assert api.patch(ACCOUNT, {"name": name}, if_match='"1"').status == 200


def test_the_team_is_listed(world: World, api: Gateway) -> None:
    world.gateway("Staff")

    got = api.get(f"{ACCOUNT}/users").json["items"]

    assert [(user["email"], user["role"]) for user in got] == [
        (f"owner@{OURS}.example", "Owner"),
        (f"staff@{OURS}.example", "Staff"),
    ]


def test_a_role_taken_away_is_gone_at_once_in_this_process(world: World, api: Gateway) -> None:
    operator = world.gateway("Operator")
    assert operator.patch(ACCOUNT, {"sync_hour": 4}, if_match='"1"').status == 200

    sub = f"sub-{OURS}-Operator"
    assert api.patch(f"{ACCOUNT}/users/{sub}", {"role": "Analyst"}).status == 200

    assert operator.patch(ACCOUNT, {"sync_hour": 5}, if_match='"2"').status == 403


def test_rows_are_read_again_after_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(auth.time, "monotonic", lambda: now[0])
    operator = world.gateway("Operator")
    assert operator.get(ACCOUNT).status == 200
    row = User(OURS, f"sub-{OURS}-Operator", f"operator@{OURS}.example", "Operator", active=False)
    world.accounts.change_user(row, other_owner=None)

    now[0] += 59
    assert operator.get(ACCOUNT).status == 200
    now[0] += 2
    assert operator.get(ACCOUNT).status == 404


def test_the_last_owner_cannot_go(api: Gateway) -> None:
    got = api.patch(f"{ACCOUNT}/users/sub-{OURS}-Owner", {"active": False})

    assert (got.status, got.json["code"]) == (409, "conflict")
    assert "make somebody else Owner first" in got.json["detail"]


def test_a_person_of_another_account_is_not_found_in_ours(api: Gateway) -> None:
    got = api.patch(f"{ACCOUNT}/users/sub-{THEIRS}-Owner", {"role": "Staff"})

    assert got.status == 404


def test_open_notifications_are_listed_and_mended_ones_on_request(
    world: World, api: Gateway
) -> None:
    notifier = wiring.notifications.notifier()
    notifier.raise_(OURS, "unmapped_stores", "account", names=["Ballard"], sales=12)
    notifier.raise_(OURS, "key_rejected", "posabit:crd_1", title="POSaBIT", scope="Ballard")
    notifier.clear(OURS, "key_rejected", "posabit:crd_1")

    [shown] = api.get(f"{ACCOUNT}/notifications").json["items"]
    every = api.get(f"{ACCOUNT}/notifications", state="all").json["items"]

    assert shown["title"] == "You have unmapped stores: Ballard. 12 sales wait for a store."
    assert (shown["link"], shown["severity"]) == ("/settings/stores", "warning")
    assert shown["data"] == {"names": ["Ballard"], "sales": 12}
    assert {one["kind"]: one["cleared_at"] is None for one in every} == {
        "unmapped_stores": True,
        "key_rejected": False,
    }
    assert len(world.operator.letters) == 2


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What the deployment sets, read anew at the next call."""
    for field in fields(Config):
        monkeypatch.setenv(field.name.upper(), "")
    for name in ("WORKER_SLOTS", "SYNC_RESERVE_SECONDS", "COMMIT_LOCK_SECONDS"):
        monkeypatch.setenv(name, "20")
    config.cache_clear()
    yield monkeypatch
    config.cache_clear()


@pytest.mark.parametrize(
    ("name", "value"), [("TABLE_PERSONAS", None), ("POS_BASE_URLS", "{'posabit'}")]
)
def test_the_api_says_that_its_configuration_can_not_be_read(
    name: str, value: str | None, environment: pytest.MonkeyPatch
) -> None:
    if value:
        environment.setenv(name, value)
    else:
        environment.delenv(name)

    health = Gateway(None).get("/api/health")

    assert health.json == {"status": "degraded", "reasons": ["configuration"]}


def test_the_api_says_that_it_is_up_without_a_log_in(environment: pytest.MonkeyPatch) -> None:
    assert Gateway(None).get("/api/health").json == {"status": "ok", "reasons": []}


def test_the_api_describes_itself_without_a_log_in() -> None:
    got = Gateway(None).get("/api/openapi.json")

    assert got.json["openapi"] == "3.1.0"
    assert "/api/accounts/{uid}" in got.json["paths"]
