"""One-time tokens of redemption URLs: signed, not stored (partner-api.md, S6)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from chalicelib.domain.errors import NotFound
from chalicelib.domain.outside_json import read_json
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Instant, Minor, Points, Uid
from chalicelib.services.ports.rewards import SigningKeys

GOOD_FOR = DAY
ANSWERED_FOR = 90 * DAY
"""A used one gets its first answer for so long."""

NOT_MINTED = "There is no such redemption URL: show the wallet again."
_SIGNATURE_BYTES = 16
_FORM = 1


class WalletToken(NamedTuple):
    """What a wallet showed of one discount. `record`: the source record that redeems (S26);
    `contact`: the contactID shown; `nonce` makes each one different."""

    discount: str
    price: Points
    amount_off: Minor
    percent_off: int
    record: str
    contact: str
    minted_at: Instant
    nonce: str


@dataclass(frozen=True, slots=True)
class WalletTokens:
    """Signs tokens with the account's key and reads them again. `draw` gives random hex."""

    signing_keys: SigningKeys
    draw: Callable[[], str]

    def mint(self, uid: Uid, token: WalletToken) -> str:
        """Return the token as text for an address, with a new nonce."""
        content = orjson.dumps([_FORM, *token._replace(nonce=self.draw())])
        return _text(self._signature(uid, content) + content)

    def read(self, uid: Uid, text: str) -> WalletToken:
        """Raises NotFound for what this account's wallets never minted."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise NotFound(NOT_MINTED) from None
        signature, content = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(uid, content)):
            raise NotFound(NOT_MINTED)
        _, *values = read_json(content)
        return WalletToken(*values[: len(WalletToken._fields)])

    def _signature(self, uid: Uid, content: bytes) -> bytes:
        key = self.signing_keys.get(uid)
        signed = b"wallet token\x1f" + uid.encode() + b"\x1f" + content
        return hmac.digest(key, signed, hashlib.sha256)[:_SIGNATURE_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
