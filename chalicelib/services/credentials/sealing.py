"""Make a credential of the fields that a person typed, with its secrets sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

from chalicelib.domain.words import CredentialId, Instant, ScopeId, Uid
from chalicelib.services.credentials.fields import MARKET, secret_names
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.ports.common import Clock, Ids
from chalicelib.services.ports.integrations import Credential
from chalicelib.services.ports.pos import PlatformInfo

Value = TypeVar("Value")

NO_CHANGES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sealer:
    """Makes and changes credentials from validated fields, and opens them again for a check."""

    key_ring: KeyRing
    ids: Ids
    clock: Clock

    def new(
        self,
        uid: Uid,
        info: PlatformInfo,
        fields: Mapping[str, str],
        start: Instant,
        scope: ScopeId,
    ) -> Credential:
        """Return a credential of these fields with a new id; `start` is its *History from*."""
        credential_id = CredentialId(self.ids.new("crd"))
        secret = secret_names(info)
        secrets = self.key_ring.seal(
            uid, credential_id, {name: fields[name] for name in fields if name in secret}
        )
        return Credential(
            uid=uid,
            platform=info.platform,
            id=credential_id,
            scope=scope,
            fields={name: fields[name] for name in fields if name not in secret},
            sealed=secrets.sealed,
            fingerprints=secrets.fingerprints,
            last_four=secrets.last_four,
            market=fields.get(MARKET),
            history_from=start,
            created_at=self.clock.now(),
            own_server=info.own_server,
        )

    def with_changes(
        self, info: PlatformInfo, credential: Credential, changes: Mapping[str, str]
    ) -> Credential:
        """Return the credential with these fields; an empty value removes its field."""
        secret = secret_names(info)
        fresh = {name: value for name, value in changes.items() if name in secret and value}
        secrets = self.key_ring.seal(credential.uid, credential.id, fresh)
        removed = {name for name, value in changes.items() if not value}
        plain = dict(credential.fields) | {n: v for n, v in changes.items() if n not in secret}
        return replace(
            credential,
            fields=_without(plain, removed),
            sealed=_without({**credential.sealed, **secrets.sealed}, removed),
            fingerprints=_without({**credential.fingerprints, **secrets.fingerprints}, removed),
            last_four=_without({**credential.last_four, **secrets.last_four}, removed),
            market=plain.get(MARKET) or None,
        )

    def fields_in_clear(
        self, credential: Credential, changes: Mapping[str, str] = NO_CHANGES
    ) -> dict[str, str]:
        """Return every field as it would be after `changes`, secrets in clear: for a check only.

        Raises SecretUnreadable for a stored secret that is not among the changes.
        """
        secrets = self.key_ring.secrets(credential, without=changes)
        fields = {**credential.fields, **secrets, **changes}
        return {name: value for name, value in fields.items() if value}


def _without(values: Mapping[str, Value], names: set[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name not in names}
