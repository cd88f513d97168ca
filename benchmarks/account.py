"""The account that the benchmarks measure: one retailer with one POSaBIT store."""

from __future__ import annotations

from chalicelib.domain.words import CredentialId, Platform, ScopeId, Uid
from chalicelib.services.ports.accounts import Account

UID, PLATFORM, CREDENTIAL = Uid("100001"), Platform("posabit"), CredentialId("crd_bench")
SCOPE = ScopeId("bench-venue")


def bench_account(time_zone: str, created_at: int) -> Account:
    return Account(
        uid=UID,
        name="Bench",
        time_zone=time_zone,
        currency="USD",
        sync_hour=3,
        sync_every_hours=6,
        minimum_age=21,
        merge_on_name_and_birth_date=False,
        created_at=created_at,
    )
