"""Who may call what a POS calls, and how often (product.md §11, partner-api.md S12, S24)."""

from __future__ import annotations

import pytest

from chalicelib.config import config
from chalicelib.domain.errors import TooManyRequests
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.services.api_keys import admission as admissions
from chalicelib.services.ports.api_keys import KeyCall
from tests.fakes.aws import create_table
from tests.fakes.common import FakeClock
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.functional.partner import REFUSED, Caller, a_caller, a_key, refusal

STORES = f"/api/v1.1/stores/{OURS}"


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """A clock that stands still unless it is told to go."""
    made = FakeClock()
    monkeypatch.setattr(wiring.outside, "clock", lambda: made)
    return made


@pytest.fixture(autouse=True)
def stores_table(world: World) -> None:
    import boto3

    create_table(boto3.client("dynamodb"), "stores-under-test")


def test_a_key_opens_its_account_in_the_envelope(world: World) -> None:
    got = a_caller().get(STORES)

    assert got.status == 200
    assert got.json == {"data": {"stores": []}, "code": 200, "success": True}


@pytest.mark.parametrize("form", ["{key}", "  {key} ", "\t{key}"])
def test_blanks_around_a_key_are_cut_and_case_of_the_header_is_not_asked(
    world: World, form: str
) -> None:
    header = {"x-apikey": form.format(key=a_key())}

    assert Gateway(None).send("GET", STORES, headers=header).status == 200


@pytest.mark.parametrize("other", ["", "key", "aiq_3912_aaaaaaaaaa_" + "a" * 40])
def test_a_missing_or_wrong_key_is_refused_with_aiqs_words(world: World, other: str) -> None:
    got = Caller(other).get(STORES)

    assert (got.status, refusal(got)) == (403, REFUSED)


def test_case_of_a_key_counts(world: World) -> None:
    assert Caller(a_key().upper()).get(STORES).status == 403


@pytest.mark.parametrize("uid", [THEIRS, "999999"])
def test_another_accounts_uid_is_refused_like_a_wrong_key(world: World, uid: str) -> None:
    got = a_caller().get(f"/api/v1.1/stores/{uid}")

    assert (got.status, refusal(got)) == (403, REFUSED)


@pytest.mark.parametrize("name", ["api_key", "X-APIKEY", "anything"])
def test_a_key_in_the_address_is_refused_and_stands_in_no_log(
    world: World, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    caller = a_caller()

    got = caller.get(STORES, **{name: caller.key})

    assert (got.status, refusal(got)) == (403, REFUSED)
    assert caller.key not in "".join(capsys.readouterr())


def test_a_key_as_a_segment_of_the_address_is_refused(world: World) -> None:
    caller = a_caller()

    got = caller.get(f"/api/v2/loyalty/lookup/{caller.key}")

    assert (got.status, refusal(got)) == (403, REFUSED)


def test_a_revoked_key_is_refused_by_the_next_call(world: World) -> None:
    caller, service = a_caller(), wiring.api_keys.service()
    assert caller.get(STORES).status == 200
    [view] = service.for_account(Uid(OURS))

    service.revoke(Uid(OURS), view.key.id, actor="user:owner")

    assert refusal(caller.get(STORES)) == REFUSED


def test_a_replaced_key_is_good_until_its_hours_are_over(world: World, clock: FakeClock) -> None:
    old, service = a_caller(), wiring.api_keys.service()
    [view] = service.for_account(Uid(OURS))

    new = Caller(service.replace(Uid(OURS), view.key.id, 2, actor="user:owner").text)
    both = old.get(STORES).status, new.get(STORES).status
    clock.move(2 * 3600)

    assert both == (200, 200)
    assert (old.get(STORES).status, new.get(STORES).status) == (403, 200)


def test_a_key_is_stored_as_a_salted_hash_alone(world: World) -> None:
    text = a_key()

    [view] = wiring.api_keys.service().for_account(Uid(OURS))

    secret = text.rpartition("_")[2]
    assert secret not in repr(view.key)
    assert len(view.key.digest) == 32
    assert len(view.key.salt) == 16


def test_five_reads_a_second_are_served_whatever_other_processes_have_read(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where forty processes read a key before any of them counts its call."""
    admission, key = wiring.api_keys.admission(), a_key()
    stored = wiring.api_keys.stored_keys()
    first_read = stored.find(Uid(OURS), key.split("_")[2], "read")
    monkeypatch.setattr(stored, "find", lambda *_: first_read)
    served, waits = 0, []

    for _ in range(40):
        try:
            admission.admit(key, "read", "10.0.0.1")
        except TooManyRequests as refused:
            waits.append(refused.details["retry_after"])
        else:
            served += 1

    assert (served, waits) == (5, [1] * 35)


def test_a_call_too_many_says_when_to_come_again(world: World, clock: FakeClock) -> None:
    caller = a_caller()

    answers = [caller.get(STORES) for _ in range(6)]

    assert [got.status for got in answers] == [200] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert answers[-1].json["success"] is False


def test_a_full_bucket_of_reads_leaves_the_till_alone(world: World, clock: FakeClock) -> None:
    from chalicelib.domain.api_keys import Sender

    caller = a_caller()
    while caller.get(STORES).status == 200:
        pass

    sender = wiring.api_keys.admission().admit(caller.key, "till", "10.0.0.1")

    assert isinstance(sender, Sender)
    assert a_caller().get(STORES).status == 200, "another key has buckets of its own"


def test_minutes_and_hours_are_counted_too(world: World, clock: FakeClock) -> None:
    admission, key = wiring.api_keys.admission(), a_key()
    waits = []
    for _ in range(130):
        clock.move(0.25)
        try:
            admission.admit(key, "read", "10.0.0.1")
        except TooManyRequests as refused:
            waits.append(int(str(refused.details["retry_after"])))

    assert len(waits) == 10
    assert 1 < min(waits) <= max(waits) <= 60


def test_an_operator_may_raise_a_bucket(world: World, clock: FakeClock) -> None:
    caller = a_caller()
    wiring.outside.raised_limits().put(Uid(OURS), "read_calls", 4_000)

    answers = [caller.get(STORES).status for _ in range(12)]

    assert answers.count(200) == 10


def test_who_guesses_keys_has_to_wait_and_who_has_one_has_not(
    world: World, clock: FakeClock
) -> None:
    answers = [Caller("guess").get(STORES).status for _ in range(61)]

    assert answers == [403] * 60 + [429]
    assert a_caller().get(STORES).status == 200


def test_whose_keys_fail_behind_the_front_stops_nobody_else_there(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admissions, "REFUSALS_PER_MINUTE", 1)
    monkeypatch.setenv("FRONT_SECRET", "of the front")
    config.cache_clear()

    def guess(address: str, secret: str) -> int:
        headers = {
            "X-APIKEY": "guess",
            "X-Front-Secret": secret,
            "X-Forwarded-For": f"{address}, 127.0.0.1",
        }
        return Gateway(None).send("GET", STORES, headers=headers).status

    behind = [guess(address, "of the front") for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2")]
    made_up = [guess(address, "") for address in ("10.0.0.3", "10.0.0.4")]

    assert behind == [403, 429, 403]
    assert made_up == [403, 429]


def test_a_keys_last_calls_are_kept_with_masked_phones(world: World, clock: FakeClock) -> None:
    caller, service = a_caller(), wiring.api_keys.service()
    caller.get(STORES)
    clock.move(1)
    caller.get(f"/api/v1.1/stores/{THEIRS}")
    [view] = service.for_account(Uid(OURS))

    calls = service.calls(Uid(OURS), view.key.id)

    assert [(call.route, call.status) for call in calls] == [
        ("/api/v1.1/stores/{uid}", 403),
        ("/api/v1.1/stores/{uid}", 200),
    ]
    assert calls[0].error == "Please provide a valid API key"
    assert view.used_at == clock.now()


@pytest.mark.parametrize(
    ("method", "path", "shown"),
    [
        ("GET", "/api/v2/tiers/3912", "/api/v2/tiers/{}"),
        ("GET", "/api/v1.1/walletOffers/2065550123", "/api/v1.1/walletOffers/{}"),
        ("POST", "/api/v1.1/contact/Ana/Reyes?x", "/api/v1.1/contact/{}/{}"),
        ("DELETE", STORES, "/api/v1.1/stores/{}"),
        ("PATCH", "/api/v2/" + "loyalty/" * 20, "/api/v2" + "/loyalty" * 8),
        ("HEAD", "/api/v2/%6Coyalty/ana%40example.com", "/api/v2/{}/{}"),
    ],
)
def test_a_call_that_is_not_served_is_404_in_the_envelope_and_seen_by_its_route(
    world: World, method: str, path: str, shown: str
) -> None:
    caller, service = a_caller(), wiring.api_keys.service()

    got = caller.gateway.send(method, path, headers={"X-APIKEY": caller.key})

    assert (got.status, got.json["code"], got.json["success"]) == (404, 404, False)
    [view] = service.for_account(Uid(OURS))
    [call] = service.calls(Uid(OURS), view.key.id)
    assert (call.method, call.route, call.status) == (method, shown, 404)


def test_what_is_not_served_is_told_to_nobody_without_a_key(world: World) -> None:
    served, unknown = (Caller("").get(path) for path in (STORES, "/api/v1.1/audiences/3912"))

    assert refusal(served) == refusal(unknown) == REFUSED


def test_of_more_than_200_calls_the_last_are_kept(world: World) -> None:
    key, stored = a_key(), wiring.api_keys.stored_keys()
    key_id = key.split("_")[2]
    for number in range(1, 206):
        stored.keep_call(
            Uid(OURS), key_id, "till", number, KeyCall(number, "GET", "/api/v2/lookup/{phone}", 200)
        )

    calls = wiring.api_keys.service().calls(Uid(OURS), key_id)

    assert [call.at for call in calls] == list(range(205, 5, -1))
