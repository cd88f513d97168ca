"""Keys of the table of integrations: cards, credentials, the scopes that they claim."""

from __future__ import annotations

from chalicelib.adapters.dynamo.keys.account_keys import account_of
from chalicelib.adapters.dynamo.keys.key_parts import shard_number
from chalicelib.domain.words import CredentialId, Platform, Uid

DUE_SHARDS = 16
INTEGRATION_PREFIX = "INTEGRATION#"


def integration(platform: Platform) -> str:
    return f"{INTEGRATION_PREFIX}{platform}"


CREDENTIAL_PREFIX = "CREDENTIAL#"
ADDITIONS_SK = "ADDITIONS"


def credentials_of(platform: Platform) -> str:
    return f"{CREDENTIAL_PREFIX}{platform}#"


def credential(platform: Platform, credential_id: CredentialId) -> str:
    return f"{credentials_of(platform)}{credential_id}"


def credential_of(pk: str, sk: str) -> tuple[Uid, Platform, CredentialId]:
    """Return account, platform and id from the key of a credential's row, as an index holds it."""
    platform, _, credential_id = sk.removeprefix(CREDENTIAL_PREFIX).partition("#")
    return account_of(pk), Platform(platform), CredentialId(credential_id)


SCOPE_PREFIX = "SCOPE#"


def scope(platform: Platform, scope_id: str) -> str:
    return f"{SCOPE_PREFIX}{platform}#{scope_id}"


def due_shard_number(credential_id: str) -> int:
    """Return the shard of the `due` index for a credential; it never changes."""
    return shard_number(credential_id, DUE_SHARDS)


def due_shard(number: int) -> str:
    return f"DUE#{number:02d}"
