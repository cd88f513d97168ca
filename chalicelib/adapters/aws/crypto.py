"""Secrets under KMS. They are far below KMS's 4 KB, so no envelope is needed."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.exceptions import ClientError

from chalicelib.adapters.aws.client import client

WRONG_CONTEXT = "InvalidCiphertextException"


class KmsBox:
    """The `SecretBox` port: KMS encryption whose context says whose secret it is."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id

    def seal(self, secret: str, context: Mapping[str, str]) -> bytes:
        answer = client("kms").encrypt(
            KeyId=self._key_id, Plaintext=secret.encode(), EncryptionContext=dict(context)
        )
        return bytes(answer["CiphertextBlob"])

    def unseal(self, sealed: bytes, context: Mapping[str, str]) -> str:
        """Raises ValueError when it was sealed for another context or by another key."""
        try:
            answer = client("kms").decrypt(
                CiphertextBlob=sealed, KeyId=self._key_id, EncryptionContext=dict(context)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != WRONG_CONTEXT:
                raise
            raise ValueError("the secret was sealed for another context") from None
        return bytes(answer["Plaintext"]).decode()
