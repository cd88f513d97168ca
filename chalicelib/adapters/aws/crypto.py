"""Secrets encrypted by KMS. They are far below its 4 KB, so that no data key is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from chalicelib.adapters.aws.client import client

UNREADABLE = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
"""KMS's codes for another context and for what another key encrypted."""

NO_RIGHT = "is not authorized to"
"""Tells a role that may not decrypt from a ciphertext whose key KMS does not know or is not ours:
both are AccessDeniedException."""


@dataclass(frozen=True, slots=True)
class KmsBox:
    """Encrypts secrets with the KMS key `key_id`: the `SecretBox` port.

    The context of a secret is KMS's encryption context.
    """

    key_id: str

    def seal(self, secret: str, context: Mapping[str, str]) -> bytes:
        answer = client("kms").encrypt(
            KeyId=self.key_id, Plaintext=secret.encode(), EncryptionContext=dict(context)
        )
        return bytes(answer["CiphertextBlob"])

    def unseal(self, sealed: bytes, context: Mapping[str, str]) -> str:
        """Decrypt a secret. Raises ValueError if its context or its key is another."""
        try:
            answer = client("kms").decrypt(
                CiphertextBlob=sealed, KeyId=self.key_id, EncryptionContext=dict(context)
            )
        except ClientError as error:
            if not _is_unreadable(error.response["Error"]):
                raise
            raise ValueError("the secret was sealed for another context or key") from None
        return bytes(answer["Plaintext"]).decode()


def _is_unreadable(error: Mapping[str, str]) -> bool:
    foreign = error["Code"] == "AccessDeniedException" and NO_RIGHT not in error.get("Message", "")
    return foreign or error["Code"] in UNREADABLE
