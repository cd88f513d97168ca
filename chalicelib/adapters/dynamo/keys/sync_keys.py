"""Keys of the table of syncs: stream states, manifests, runs, records that were set aside."""

from __future__ import annotations

from chalicelib.domain.words import Day, Platform, Stream, Uid


def credential_state(uid: Uid, credential_id: str) -> str:
    return f"CREDENTIAL#{uid}#{credential_id}"


STATE_SK = "STATE"
STREAMS_SK = "STREAMS"


def piece(kind: str, name: str) -> str:
    return f"PIECE#{kind}#{name}"


def manifest(uid: Uid, credential_id: str, name: str, generation: int) -> str:
    return f"MANIFEST#{uid}#{credential_id}#{name}#{generation}"


MANIFEST_BASE_PREFIX = "BASE#"


def manifest_base(bucket: int) -> str:
    return f"{MANIFEST_BASE_PREFIX}{bucket:05d}"


def manifest_delta(number: int) -> str:
    return f"DELTA#{number:06d}"


def sale_days(uid: Uid, credential_id: str) -> str:
    return f"SALEDAYS#{uid}#{credential_id}"


def sale_day(day: Day, number: int) -> str:
    return f"{day:06d}#{number:03d}"


def runs(uid: Uid, platform: Platform) -> str:
    return f"RUNS#{uid}#{platform}"


def aside(uid: Uid, run: str) -> str:
    return f"ASIDE#{uid}#{run}"


def aside_row(name: Stream, number: int) -> str:
    return f"{name}#{number:06d}"
