"""What a certificate of an erasure says. It holds no personal data."""

from __future__ import annotations

from chalicelib.domain.backups import DAYS_KEPT
from chalicelib.domain.times import DAY, to_text
from chalicelib.domain.words import Instant
from chalicelib.services.ports.privacy import Erasure

OBJECT_VERSIONS_DAYS = 30
RECOVERY_DAYS = 35
MESSAGES_DAYS = 4
DEAD_LETTERS_DAYS = 14

KEPT = (
    "Salted hashes of ids and contacts, so that no POS brings the shopper back.",
    "Of a contact that was opted out: since when, beside its hash, so that it is not written to.",
    "Sales without a shopper, for the totals.",
    "This certificate, and that it was asked for, in the activity log.",
)


def certificate_of(erasure: Erasure, now: Instant) -> dict[str, object]:
    """Return the certificate of an erasure that ends now."""
    return {
        "erasure": erasure.id,
        "subject": erasure.subject,
        "requested_at": to_text(erasure.requested_at),
        "by": erasure.by,
        "erased_at": to_text(now),
        "erased": dict(sorted(erasure.counts.items())),
        "kept": list(KEPT),
        "copies": copies_kept(now),
    }


def copies_kept(now: Instant) -> list[dict[str, object]]:
    """Return until when copies exist that cannot be rewritten."""
    return [
        _copy("Unpinned backups, which show the person to nobody", now, DAYS_KEPT),
        _copy("Deleted versions of unpinned backups", now, DAYS_KEPT + OBJECT_VERSIONS_DAYS),
        _copy("Deleted versions of objects", now, OBJECT_VERSIONS_DAYS),
        _copy("Recovery of tables to a moment (PITR)", now, RECOVERY_DAYS),
        _copy("Messages of queues", now, MESSAGES_DAYS),
        _copy("Dead letters", now, DEAD_LETTERS_DAYS),
    ]


def _copy(what: str, now: Instant, days: int) -> dict[str, object]:
    return {"what": what, "ends_at": to_text(now + days * DAY)}
