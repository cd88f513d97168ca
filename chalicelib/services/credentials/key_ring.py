"""A credential's secrets: sealed on the way in, opened only to call the POS (product.md §3.5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field

from chalicelib.domain.errors import SecretUnreadable, field_fault
from chalicelib.domain.words import CredentialId, Uid
from chalicelib.services.ports.common import SecretBox
from chalicelib.services.ports.integrations import Credential
from chalicelib.services.ports.pos import CredentialAccess, Permit, PosToken, TokenStore

SHOWN_FROM_LENGTH = 12
"""Of a shorter secret the last four characters would tell too much."""

FINGERPRINT_BYTES = 6

PIECE = 4000
"""Characters, all of them ASCII; KMS encrypts 4 KB at a time."""

UNREADABLE = (
    "The stored key of this credential cannot be decrypted any more. Edit the credential and enter"
    " the key again."
)


@dataclass(frozen=True, slots=True)
class SealedSecrets:
    """Encrypted secrets by field; `fingerprints` and `last_four` may be shown."""

    sealed: Mapping[str, bytes] = field(repr=False)
    fingerprints: Mapping[str, str]
    last_four: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Encrypts the secrets of credentials and decrypts them again."""

    box: SecretBox

    def seal(self, uid: Uid, credential: CredentialId, secrets: Mapping[str, str]) -> SealedSecrets:
        """Encrypt each secret for this account, credential and field alone."""
        return SealedSecrets(
            sealed={
                name: self.box.seal(secret, context(uid, credential, name))
                for name, secret in secrets.items()
            },
            fingerprints={name: fingerprint(uid, name, secrets[name]) for name in secrets},
            last_four={name: last_four(secrets[name]) for name in secrets},
        )

    def seal_token(self, uid: Uid, credential: CredentialId, token: PosToken) -> tuple[bytes, ...]:
        """Encrypt what a POS gave, in pieces that the box takes."""
        told = json.dumps(asdict(token))
        starts = range(0, len(told), PIECE)
        return tuple(
            self.box.seal(told[at : at + PIECE], context(uid, credential, f"token.{number}"))
            for number, at in enumerate(starts)
        )

    def token(self, credential: Credential) -> PosToken | None:
        """Return what the POS gave last; None where there is nothing that can be decrypted, for
        then it is asked for anew."""
        try:
            pieces = [
                self.box.unseal(piece, context(credential.uid, credential.id, f"token.{number}"))
                for number, piece in enumerate(credential.tokens)
            ]
            return PosToken(**json.loads("".join(pieces))) if pieces else None
        except (ValueError, TypeError):
            return None

    def access(
        self,
        credential: Credential,
        *,
        time_zone: str,
        currency: str,
        permit: Permit,
        tokens: TokenStore | None = None,
    ) -> CredentialAccess:
        """Return what opens the POS, secrets in clear: for the length of one job, never stored.

        `tokens`: keeps what the POS gives for it. Raises SecretUnreadable when a secret was sealed
        for something else.
        """
        return CredentialAccess(
            platform=credential.platform,
            fields={**credential.fields, **self.secrets(credential)},
            scope=credential.scope or None,
            time_zone=time_zone,
            currency=currency,
            trust=credential.trust,
            permit=permit,
            tokens=tokens,
        )

    def secrets(self, credential: Credential, *, without: Container[str] = ()) -> dict[str, str]:
        """Return each secret in clear, by field, but for the fields in `without`.

        Raises SecretUnreadable as `access` does.
        """
        return {
            name: self._unseal(credential, name, sealed)
            for name, sealed in credential.sealed.items()
            if name not in without
        }

    def _unseal(self, credential: Credential, name: str, sealed: bytes) -> str:
        try:
            return self.box.unseal(sealed, context(credential.uid, credential.id, name))
        except ValueError:
            fault = field_fault(f"fields.{name}", "cannot be decrypted any more: give it again")
            raise SecretUnreadable(UNREADABLE, errors=[fault]) from None


def context(uid: Uid, credential: CredentialId, name: str) -> dict[str, str]:
    """Return the encryption context, without which the secret cannot be decrypted."""
    return {"uid": uid, "credential": credential, "field": name}


def fingerprint(uid: Uid, name: str, secret: str) -> str:
    """Return 12 hex characters: the same for the same secret of an account, revealing nothing."""
    salt = f"{uid}\x1f{name}".encode()[:64]
    return hashlib.blake2b(secret.encode(), key=salt, digest_size=FINGERPRINT_BYTES).hexdigest()


def last_four(secret: str) -> str:
    """Return the last four characters, none of a secret that is too short to show any."""
    return secret[-4:] if len(secret) >= SHOWN_FROM_LENGTH else ""
