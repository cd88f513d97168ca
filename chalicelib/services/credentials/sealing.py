"""A credential made of what a person typed, its secrets sealed; and opened again for a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from chalicelib.domain.words import CredentialId, Instant, ScopeId, Uid
from chalicelib.services.credentials.fields import MARKET, secret_names
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.ports.common import Clock, Ids
from chalicelib.services.ports.integrations import Credential
from chalicelib.services.ports.pos import PlatformInfo

Value = TypeVar("Value")


class Sealer:
    def __init__(self, key_ring: KeyRing, ids: Ids, clock: Clock) -> None:
        self._key_ring = key_ring
        self._ids = ids
        self._clock = clock

    def new(
        self,
        uid: Uid,
        info: PlatformInfo,
        fields: Mapping[str, str],
        start: Instant,
        scope: ScopeId,
    ) -> Credential:
        """A credential of validated `fields`, with a new id; `start` is its history from."""
        credential_id = CredentialId(self._ids.new("crd"))
        secret = secret_names(info)
        kept = self._key_ring.seal(
            uid, credential_id, {name: fields[name] for name in fields if name in secret}
        )
        return Credential(
            uid=uid,
            platform=info.platform,
            id=credential_id,
            scope=scope,
            fields={name: fields[name] for name in fields if name not in secret},
            sealed=kept.sealed,
            fingerprints=kept.fingerprints,
            last_four=kept.last_four,
            market=fields.get(MARKET),
            history_from=start,
            created_at=self._clock.now(),
            own_server=info.own_server,
        )

    def changed(
        self, info: PlatformInfo, held: Credential, changes: Mapping[str, str]
    ) -> Credential:
        """The credential with validated `changes`; an empty one takes the field away."""
        secret = secret_names(info)
        fresh = {name: value for name, value in changes.items() if name in secret and value}
        kept = self._key_ring.seal(held.uid, held.id, fresh)
        gone = {name for name, value in changes.items() if not value}
        opened = dict(held.fields) | {n: v for n, v in changes.items() if n not in secret}
        return replace(
            held,
            fields=_without(opened, gone),
            sealed=_without({**held.sealed, **kept.sealed}, gone),
            fingerprints=_without({**held.fingerprints, **kept.fingerprints}, gone),
            last_four=_without({**held.last_four, **kept.last_four}, gone),
            market=opened.get(MARKET) or None,
        )

    def together(self, held: Credential, changes: Mapping[str, str]) -> dict[str, str]:
        """All fields as they would be after `changes`, secrets in clear: for a check only."""
        together = {**held.fields, **self._key_ring.secrets(held), **changes}
        return {name: value for name, value in together.items() if value}


def _without(values: Mapping[str, Value], gone: set[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name not in gone}
