"""Decide whose key a call carries, and whether that key may call now (partner-api.md S12, S24)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from chalicelib.domain.api_keys import (
    CALL_LIMITS,
    REFUSED,
    Bucket,
    CallLimits,
    KeyText,
    Sender,
    is_secret,
    read_key,
    seconds_to_wait,
)
from chalicelib.domain.errors import Forbidden, TooManyRequests
from chalicelib.domain.limits import CallLimit
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.api_keys import ApiKey, ApiKeys, KeyUse, KeyUses
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.limits import RaisedLimits, Throttle

TOO_MANY = "Too many calls with this key: see Retry-After."
TRIES = 6
"""So often another process may count a call between our read and our write."""

REFUSALS_PER_MINUTE = 60
"""Of one address; then it has to wait. Who has a good key is not concerned."""
NO_ACCOUNT = Uid("0")

RAISED: dict[Bucket, CallLimit] = {"till": "till_calls", "push": "push_calls", "read": "read_calls"}


@dataclass(frozen=True, slots=True)
class KeyAdmission:
    """Admits calls by their key. A key is read on every call, so a revoked one ends at once."""

    keys: ApiKeys
    uses: KeyUses
    raised: RaisedLimits
    throttle: Throttle
    clock: Clock

    def admit(self, presented: str, bucket: Bucket, address: str) -> Sender:
        """Return whose key this is, and count the call.

        `address`: where the call comes from. Raises Forbidden, with the same words whatever is
        wrong, and TooManyRequests.
        """
        text = read_key(presented)
        key, use = (None, KeyUse()) if text is None else self.keys.find(text.uid, text.id, bucket)
        now = self.clock.now()
        if text is None or key is None or not _is_its_holder(key, text, now):
            raise self._refusal(address)
        number = self._count(key, bucket, use, now)
        return Sender(
            key.uid,
            key.id,
            key.platform,
            key.captures_consent is not None,
            key.store,
            bucket,
            number,
        )

    def refuse(self, address: str) -> None:
        """Refuse a call that carries no key where keys belong. Raises Forbidden,
        TooManyRequests."""
        raise self._refusal(address)

    def _refusal(self, address: str) -> Forbidden | TooManyRequests:
        """It costs no key's bucket but the address's, which is kept as a digest."""
        what = "refused#" + blake2b(address.encode(), digest_size=12).hexdigest()
        wait = self.throttle.take(NO_ACCOUNT, what, REFUSALS_PER_MINUTE, 60)
        if wait is None:
            return Forbidden(REFUSED)
        return TooManyRequests(TOO_MANY, retry_after=wait)

    def _count(self, key: ApiKey, bucket: Bucket, use: KeyUse, now: Instant) -> int:
        """Count a call; return its number. Raises TooManyRequests."""
        limits = CALL_LIMITS[bucket]
        for _ in range(TRIES):
            if seconds_to_wait(use.windows, limits, now) is not None:
                limits = self._raised(key.uid, bucket)
                wait = seconds_to_wait(use.windows, limits, now)
                if wait is not None:
                    raise TooManyRequests(TOO_MANY, retry_after=wait)
            done, use = self.uses.count(key.uid, key.id, bucket, use, limits, now)
            if done:
                return use.calls
        raise TooManyRequests(TOO_MANY, retry_after=1)

    def _raised(self, uid: Uid, bucket: Bucket) -> CallLimits:
        """A raised limit is read only once the default is used up."""
        limits, raised = CALL_LIMITS[bucket], self.raised.get(uid, RAISED[bucket])
        return limits if raised is None else limits.raised_to(raised)


def _is_its_holder(key: ApiKey, text: KeyText, now: Instant) -> bool:
    return is_secret(text.secret, key.salt, key.digest) and key.is_live(now)
