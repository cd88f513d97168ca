"""Integrations and credentials: the fake and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.integrations import DynamoIntegrations
from chalicelib.adapters.dynamo.keys import (
    account_keys,
    fact_keys,
    integration_keys,
    store_row_keys,
    sync_keys,
)
from chalicelib.adapters.dynamo.sources import DynamoSources
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion, TooManyCredentials
from chalicelib.services.ports.integrations import (
    AgeGate,
    Credential,
    Credentials,
    Integration,
    Integrations,
)
from chalicelib.services.ports.pos import HostTrust
from chalicelib.services.ports.runs import Sources, SyncSource
from tests.fakes.accounts import MemoryAccounts
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import NOON
from tests.fakes.integrations import MemoryCredentials, MemoryIntegrations, MemorySources

OURS, OTHERS = "3912", "4000"
TABLE = "integrations-under-test"


@dataclass
class Repositories:
    integrations: Integrations
    credentials: Credentials
    sources: Sources


@pytest.fixture(params=["fake", "table"])
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repositories]:
    if request.param == "fake":
        integrations, credentials = MemoryIntegrations(), MemoryCredentials()
        sources = MemorySources(MemoryAccounts(), integrations, credentials)
        yield Repositories(integrations, credentials, sources)
        return
    set_aws_environment(monkeypatch)
    with mock_aws():
        repositories = Repositories(
            DynamoIntegrations(TABLE), DynamoCredentials(TABLE), DynamoSources(TABLE, TABLE)
        )
        CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield repositories


def a_credential(number: int = 1, **changes: object) -> Credential:
    base = Credential(
        uid=OURS,
        platform="posabit",
        id=f"crd_{number}",
        scope=f"venue-{number}",
        fields={"store_name": "Ballard"},
        sealed={"key": b"\x00sealed\xff"},
        fingerprints={"key": "a1b2c3"},
        last_four={"key": "9f3c"},
        market="WA",
        history_from=NOON - 1,
        created_at=NOON,
        version=1,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_an_integration_nobody_touched_is_not_there(rows: Repositories) -> None:
    assert rows.integrations.get(OURS, "posabit") is None
    assert rows.integrations.for_account(OURS) == []


def test_an_integration_is_read_as_it_was_saved(rows: Repositories) -> None:
    integration = Integration(
        OURS,
        "posabit",
        state="connected",
        age_gate=AgeGate("ann@example.com", NOON),
        settings={"enroll_after": "2026-01-01", "sync_personas": True},
        connected_at=NOON,
    )

    saved = rows.integrations.save(integration)

    assert saved == replace(integration, version=1)
    assert rows.integrations.get(OURS, "posabit") == saved
    assert rows.integrations.for_account(OURS) == [saved]


def test_unticking_the_box_leaves_no_trace_of_who_ticked_it_on_the_row(rows: Repositories) -> None:
    ticked = rows.integrations.save(Integration(OURS, "posabit", age_gate=AgeGate("ann", NOON)))

    rows.integrations.save(replace(ticked, age_gate=None))

    held = rows.integrations.get(OURS, "posabit")
    assert held is not None
    assert held.age_gate is None


@pytest.mark.parametrize("version", [0, 2])
def test_saving_an_integration_at_another_version_is_refused(
    rows: Repositories, version: int
) -> None:
    rows.integrations.save(Integration(OURS, "posabit"))

    with pytest.raises(StaleVersion):
        rows.integrations.save(Integration(OURS, "posabit", version=version))


def test_the_source_of_a_sync_is_read_at_once(rows: Repositories) -> None:
    assert rows.sources.read(OURS, "posabit", "crd_1") == SyncSource(None, None, None)
    saved = rows.integrations.save(Integration(OURS, "posabit", state="connected"))
    rows.credentials.add(a_credential())

    found = rows.sources.read(OURS, "posabit", "crd_1")

    assert found == SyncSource(None, saved, rows.credentials.get(OURS, "posabit", "crd_1"))


def test_the_source_of_a_removed_credential_has_none(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    rows.credentials.remove(rows.credentials.get(OURS, "posabit", "crd_1"), NOON)

    assert rows.sources.read(OURS, "posabit", "crd_1").credential is None


def test_a_credential_is_read_as_it_was_added(rows: Repositories) -> None:
    credential = a_credential(next_sync_at=NOON, own_server=True)

    rows.credentials.add(credential)

    assert rows.credentials.get(OURS, "posabit", "crd_1") == credential
    assert rows.credentials.for_integration(OURS, "posabit") == [credential]


def test_what_is_trusted_of_an_own_server_is_kept_and_changed(rows: Repositories) -> None:
    accepted = HostTrust(accept_certificate=True)
    rows.credentials.add(a_credential(trust=accepted))
    held = rows.credentials.get(OURS, "posabit", "crd_1")

    pinned = rows.credentials.save(replace(held, trust=replace(accepted, certificate="AB:CD")))
    taken_back = rows.credentials.save(replace(pinned, trust=HostTrust()))

    assert held.trust == accepted
    assert pinned.trust.certificate == "AB:CD"
    assert taken_back.trust == HostTrust()
    assert rows.credentials.get(OURS, "posabit", "crd_1") == taken_back


def test_an_account_has_so_many_live_credentials_and_no_more(rows: Repositories) -> None:
    rows.credentials.add(a_credential(1, scope="one"), most=2)
    rows.credentials.add(a_credential(2, scope="two", platform="webjoint"), most=2)
    rows.credentials.add(a_credential(3, scope="three", uid=OTHERS), most=2)

    with pytest.raises(TooManyCredentials):
        rows.credentials.add(a_credential(4, scope="four"), most=2)
    rows.credentials.remove(rows.credentials.get(OURS, "posabit", a_credential(1).id), NOON)
    rows.credentials.add(a_credential(4, scope="four"), most=2)


def test_of_two_credentials_that_are_added_at_once_the_second_counts_the_first(
    rows: Repositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = CredentialRow.count
    others = [a_credential(2, scope="two")]

    def count_before_the_other(*given: Any, **named: Any) -> int:
        counted = int(count(*given, **named))
        while others:
            rows.credentials.add(others.pop(), most=1)
        return counted

    monkeypatch.setattr(CredentialRow, "count", count_before_the_other)
    if isinstance(rows.credentials, MemoryCredentials):
        rows.credentials.add(others.pop(), most=1)

    with pytest.raises(TooManyCredentials):
        rows.credentials.add(a_credential(1, scope="one"), most=1)
    assert len(rows.credentials.for_integration(OURS, "posabit")) == 1


def test_a_second_live_credential_for_a_scope_is_refused(rows: Repositories) -> None:
    rows.credentials.add(a_credential(1, scope="venue"))

    with pytest.raises(Conflict):
        rows.credentials.add(a_credential(2, scope="venue"))

    assert [row.id for row in rows.credentials.for_integration(OURS, "posabit")] == ["crd_1"]


def test_a_scope_is_one_account_s_and_one_platform_s(rows: Repositories) -> None:
    rows.credentials.add(a_credential(1, scope="venue"))

    rows.credentials.add(a_credential(2, scope="venue", uid=OTHERS))
    rows.credentials.add(a_credential(3, scope="venue", platform="webjoint"))

    assert [row.id for row in rows.credentials.for_integration(OURS, "posabit")] == ["crd_1"]


def test_a_re_added_credential_takes_the_old_scope_up(rows: Repositories) -> None:
    rows.credentials.add(a_credential(1, scope="venue"))
    rows.credentials.remove(rows.credentials.get(OURS, "posabit", "crd_1"), NOON)

    rows.credentials.add(a_credential(2, scope="venue"))

    assert rows.credentials.get(OURS, "posabit", "crd_2").scope == "venue"


def test_a_scope_is_removed_until_a_credential_takes_it_up(rows: Repositories) -> None:
    rows.credentials.add(a_credential(1, scope="venue"))
    rows.credentials.add(a_credential(2, scope="other"))
    before = rows.credentials.removed_scopes(OURS, "posabit")

    rows.credentials.remove(rows.credentials.get(OURS, "posabit", "crd_1"), NOON)
    removed = rows.credentials.removed_scopes(OURS, "posabit")
    rows.credentials.add(a_credential(3, scope="venue"))

    assert (before, removed) == (set(), {"venue"})
    assert rows.credentials.removed_scopes(OURS, "posabit") == set()


def test_two_credentials_of_unknown_scope_may_wait_side_by_side(rows: Repositories) -> None:
    rows.credentials.add(a_credential(1, scope=""))
    rows.credentials.add(a_credential(2, scope=""))

    claimed = rows.credentials.claim_scope(rows.credentials.get(OURS, "posabit", "crd_1"), "venue")
    with pytest.raises(Conflict):
        rows.credentials.claim_scope(rows.credentials.get(OURS, "posabit", "crd_2"), "venue")

    assert (claimed.scope, claimed.version) == ("venue", 2)
    assert rows.credentials.get(OURS, "posabit", "crd_1") == claimed
    assert rows.credentials.get(OURS, "posabit", "crd_2").scope == ""


def test_claiming_a_scope_twice_is_no_conflict_and_another_scope_is(rows: Repositories) -> None:
    rows.credentials.add(a_credential(1, scope="venue"))
    held = rows.credentials.get(OURS, "posabit", "crd_1")

    again = rows.credentials.claim_scope(held, "venue")
    with pytest.raises(Conflict):
        rows.credentials.claim_scope(again, "other")
    with pytest.raises(StaleVersion):
        rows.credentials.claim_scope(held, "venue")


def test_a_removed_credential_is_gone_from_every_answer(rows: Repositories) -> None:
    rows.credentials.add(a_credential(next_sync_at=NOON))
    held = rows.credentials.get(OURS, "posabit", "crd_1")

    rows.credentials.remove(held, NOON)

    with pytest.raises(NotFound):
        rows.credentials.get(OURS, "posabit", "crd_1")
    assert rows.credentials.for_integration(OURS, "posabit") == []
    assert everything_due(rows, NOON) == []
    for write in (
        lambda: rows.credentials.set_due(OURS, "posabit", "crd_1", NOON),
        lambda: rows.credentials.resume(OURS, "posabit", "crd_1", NOON),
        lambda: rows.credentials.save(replace(held, version=2)),
    ):
        with pytest.raises(NotFound):
            write()


def test_a_removed_credential_keeps_its_row_and_no_secret(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    rows.credentials.remove(rows.credentials.get(OURS, "posabit", "crd_1"), NOON)

    if isinstance(rows.credentials, MemoryCredentials):
        sealed: object = rows.credentials.rows[OURS, "posabit", "crd_1"].sealed
    else:
        sealed = CredentialRow.get(
            account_keys.account(OURS), integration_keys.credential("posabit", "crd_1")
        ).sealed

    assert not sealed


def test_removing_at_a_stale_version_removes_nothing(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    read = rows.credentials.get(OURS, "posabit", "crd_1")
    rows.credentials.save(replace(read, market="OR"))

    with pytest.raises(StaleVersion):
        rows.credentials.remove(read, NOON)

    assert rows.credentials.get(OURS, "posabit", "crd_1").market == "OR"


def test_saving_keeps_what_runs_left(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    read = rows.credentials.get(OURS, "posabit", "crd_1")
    finish_a_run(rows, error="upstream", failures=2, next_sync_at=NOON + 5)

    rows.credentials.save(replace(read, market=None, sealed={"key": b"new"}))

    held = rows.credentials.get(OURS, "posabit", "crd_1")
    assert (held.market, held.sealed, held.version) == (None, {"key": b"new"}, 2)
    assert (held.last_error, held.failures_in_a_row, held.next_sync_at) == ("upstream", 2, NOON + 5)


def test_saving_a_credential_at_a_stale_version_is_refused(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    read = rows.credentials.get(OURS, "posabit", "crd_1")
    rows.credentials.save(read)

    with pytest.raises(StaleVersion):
        rows.credentials.save(read)


def finish_a_run(
    rows: Repositories,
    *,
    run: str = "run_1",
    good_at: int | None = None,
    error: str | None = None,
    failures: int = 0,
    stopped: str | None = None,
    next_sync_at: int | None = None,
) -> None:
    rows.credentials.record_run(
        OURS,
        "posabit",
        "crd_1",
        run_id=run,
        good_at=good_at,
        error=error,
        failures_in_a_row=failures,
        stopped=stopped,
        next_sync_at=next_sync_at,
    )


def test_a_bad_run_keeps_the_time_of_the_last_good_one(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    finish_a_run(rows, good_at=NOON)

    finish_a_run(rows, run="run_2", error="key_rejected", failures=3, stopped="key_rejected")

    held = rows.credentials.get(OURS, "posabit", "crd_1")
    assert (held.last_good_run_at, held.last_run_id) == (NOON, "run_2")
    assert (held.stopped, held.next_sync_at, held.version) == ("key_rejected", None, 1)


def test_resuming_forgets_failures_and_makes_it_due(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    finish_a_run(rows, error="key_rejected", failures=3, stopped="key_rejected")

    rows.credentials.resume(OURS, "posabit", "crd_1", NOON)

    held = rows.credentials.get(OURS, "posabit", "crd_1")
    assert (held.stopped, held.last_error, held.failures_in_a_row) == (None, None, 0)
    assert [due.credential for due in everything_due(rows, NOON)] == ["crd_1"]


def test_a_run_that_outlives_its_credential_leaves_nothing(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    rows.credentials.remove(rows.credentials.get(OURS, "posabit", "crd_1"), NOON)

    finish_a_run(rows, next_sync_at=NOON)

    assert everything_due(rows, NOON) == []


def everything_due(rows: Repositories, until: int) -> list[object]:
    return [
        due
        for shard in range(integration_keys.DUE_SHARDS)
        for due in rows.credentials.due(shard, until, limit=100)
    ]


def test_only_credentials_with_a_past_due_time_are_due(rows: Repositories) -> None:
    rows.credentials.add(a_credential(1, next_sync_at=NOON - 1))
    rows.credentials.add(a_credential(2, next_sync_at=NOON, uid=OTHERS, own_server=True))
    rows.credentials.add(a_credential(3, next_sync_at=NOON + 1))
    rows.credentials.add(a_credential(4))

    due = everything_due(rows, NOON)

    found = {(d.uid, d.credential, d.due_at, d.own_server) for d in due}
    assert found == {(OURS, "crd_1", NOON - 1, False), (OTHERS, "crd_2", NOON, True)}


def test_a_shard_gives_its_oldest_first_and_no_more_than_asked(rows: Repositories) -> None:
    same_shard = [n for n in range(200) if integration_keys.due_shard_number(f"crd_{n}") == 0][:3]
    for order, number in enumerate(same_shard):
        rows.credentials.add(a_credential(number, next_sync_at=NOON - order))

    due = rows.credentials.due(0, NOON, limit=2)

    assert [d.credential for d in due] == [f"crd_{same_shard[2]}", f"crd_{same_shard[1]}"]


def test_only_one_planner_claims_a_due_credential(rows: Repositories) -> None:
    rows.credentials.add(a_credential(next_sync_at=NOON))
    [due] = everything_due(rows, NOON)

    first = rows.credentials.claim_due(due, NOON + 100)
    second = rows.credentials.claim_due(due, NOON + 200)

    assert (first, second) == (True, False)
    assert rows.credentials.get(OURS, "posabit", "crd_1").next_sync_at == NOON + 100


def test_a_credential_taken_out_of_due_cannot_be_claimed(rows: Repositories) -> None:
    rows.credentials.add(a_credential(next_sync_at=NOON))
    [due] = everything_due(rows, NOON)
    rows.credentials.set_due(OURS, "posabit", "crd_1", None)

    assert rows.credentials.claim_due(due, NOON + 100) is False
    assert everything_due(rows, NOON + 1000) == []


def test_no_answer_crosses_accounts(rows: Repositories) -> None:
    rows.credentials.add(a_credential())
    rows.integrations.save(Integration(OURS, "posabit"))

    with pytest.raises(NotFound):
        rows.credentials.get(OTHERS, "posabit", "crd_1")
    assert rows.credentials.for_integration(OTHERS, "posabit") == []
    assert rows.integrations.get(OTHERS, "posabit") is None
    with pytest.raises(NotFound):
        rows.credentials.set_due(OTHERS, "posabit", "crd_1", NOON)


NAMES = st.text(min_size=1, max_size=20)
UIDS = st.from_regex(r"[0-9]{4,10}", fullmatch=True)


@given(uid=UIDS, name=NAMES)
def test_every_key_begins_with_what_isolates_the_account(uid: str, name: str) -> None:
    assert account_keys.account(uid) == f"ACCOUNT#{uid}"
    assert store_row_keys.inventory(uid, name).split("#")[1] == uid
    assert fact_keys.record(uid, name).startswith(f"{uid}#")
    assert fact_keys.merge_key(uid, "phone", name).startswith(f"{uid}#")
    assert fact_keys.sale(uid, "posabit", name, name).startswith(f"{uid}#")
    assert sync_keys.runs(uid, name).split("#")[1] == uid
    assert sync_keys.aside(uid, name).split("#")[1] == uid
    assert sync_keys.credential_state(uid, name).split("#")[1] == uid


@given(uid=UIDS, platform=st.from_regex(r"[a-z]{3,10}", fullmatch=True), credential=NAMES)
def test_a_credential_s_key_says_whose_it_is(uid: str, platform: str, credential: str) -> None:
    key = account_keys.account(uid), integration_keys.credential(platform, credential)

    assert integration_keys.credential_of(*key) == (uid, platform, credential)


def test_tokens_are_renewed_by_one_at_a_time_and_kept_by_whoever_was_first(
    rows: Repositories,
) -> None:
    rows.credentials.add(a_credential())
    before = rows.credentials.get(OURS, "posabit", "crd_1")
    lease, keep = rows.credentials.lease_tokens, rows.credentials.keep_tokens

    assert lease(before, NOON, NOON + 90)
    assert not lease(before, NOON + 89, NOON + 180)
    assert lease(before, NOON + 90, NOON + 180), "who had it is gone"
    assert keep(before, (b"one", b"two"))
    assert not keep(before, (b"late",))
    assert not lease(before, NOON + 500, NOON + 600), "others renewed them since"

    held = rows.credentials.get(OURS, "posabit", "crd_1")
    assert (held.tokens, held.tokens_version) == ((b"one", b"two"), 1)
    assert (held.version, held.sealed) == (before.version, before.sealed)
    assert lease(held, NOON, NOON + 90)
    rows.credentials.release_tokens(held)
    assert lease(held, NOON, NOON + 90)


def test_new_secrets_come_with_their_tokens_and_end_a_renewal_of_the_old_ones(
    rows: Repositories,
) -> None:
    rows.credentials.add(replace(a_credential(), tokens=(b"first",), tokens_version=1))
    before = rows.credentials.get(OURS, "posabit", "crd_1")
    rows.credentials.lease_tokens(before, NOON, NOON + 90)

    rows.credentials.save(replace(before, market=None))
    kept = rows.credentials.get(OURS, "posabit", "crd_1").tokens
    changed = rows.credentials.save(rows.credentials.get(OURS, "posabit", "crd_1"), (b"new",))

    assert kept == (b"first",)
    assert (changed.tokens, changed.tokens_version) == ((b"new",), 2)
    assert not rows.credentials.keep_tokens(before, (b"of the old secrets",))
    assert rows.credentials.lease_tokens(changed, NOON, NOON + 90)


def test_a_removed_credential_keeps_no_token(rows: Repositories) -> None:
    rows.credentials.add(replace(a_credential(), tokens=(b"first",), tokens_version=1))
    held = rows.credentials.get(OURS, "posabit", "crd_1")
    rows.credentials.remove(held, NOON)

    assert not rows.credentials.lease_tokens(held, NOON, NOON + 90)
    assert not rows.credentials.keep_tokens(held, (b"late",))
    rows.credentials.release_tokens(held)
