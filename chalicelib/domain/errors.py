"""Errors say who must act: the retailer (`you`), the POS (`the POS`), or `us` (product.md §5).

Each has a stable `code`, a sentence for a person, and whether trying again can help. None carries a
secret or personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

Actor = Literal["you", "the POS", "us"]


class AiqError(Exception):
    """Root of everything this product raises on purpose."""

    actor: ClassVar[Actor] = "us"
    retriable: ClassVar[bool] = False
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


def actor_of(code: str) -> Actor:
    """Return who must act on the errors of this code; `us` for a code that nobody knows."""
    return _ACTORS.get(code, "us")


class ConfigurationError(AiqError):
    actor = "you"
    code = "configuration"


class KeyRejected(ConfigurationError):
    code = "key_rejected"


class LoginExpired(KeyRejected):
    """The POS renews a login no more: its owner must log in there again."""

    code = "login_expired"


class SecretUnreadable(ConfigurationError):
    """A stored secret cannot be decrypted as this credential's: it must be given again.

    `details['errors']`: the fields, as in `InvalidInput`.
    """

    code = "secret_unreadable"


class PermissionMissing(ConfigurationError):
    """`details['permissions']`: the permissions' names as the POS shows them."""

    code = "permission_missing"


class ServerUnreachable(ConfigurationError):
    code = "server_unreachable"
    retriable = True


class ServerTooSlow(ConfigurationError):
    """The server answers so slowly that a run used up its time."""

    code = "server_too_slow"
    retriable = True


class ServerUntrusted(ServerUnreachable):
    """The server answers, but not with the certificate or protocol that the retailer trusts.

    `details['certificate']`: the SHA-256 of the certificate it shows, if that is the reason.
    """

    code = "server_untrusted"
    retriable = False


class HostRefused(ConfigurationError):
    code = "host_refused"


class UpstreamError(AiqError):
    actor = "the POS"
    code = "upstream"
    retriable = True


class RateLimited(UpstreamError):
    """`details['retry_after']`: seconds to wait, or None when the POS did not say."""

    code = "rate_limited"


class UnexpectedAnswer(UpstreamError):
    """HTML, a cut body, the wrong shape, an empty page in the middle …"""

    code = "unexpected_answer"


class FilterIgnored(UpstreamError):
    code = "filter_ignored"
    retriable = False


class RecordNotFound(UpstreamError):
    code = "not_found"
    retriable = False


class RecordRefused(UpstreamError):
    """The POS refuses to create a record. `details['taken']`: it says that there is one already;
    `details['fields']`: the names of the POS's fields that its refusal speaks of."""

    code = "record_refused"
    retriable = False


class RequestError(AiqError):
    """Root of what the API answers with a 4xx; `status` is the HTTP status."""

    actor = "you"
    status: ClassVar[int] = 400
    code = "bad_request"


class InvalidInput(RequestError):
    """`details['errors']`: list of {field, reason, example}."""

    status = 422
    code = "invalid_input"


NOTHING_STORED = "Some fields cannot be taken; nothing was stored."


def invalid_fields(*faults: Mapping[str, object]) -> InvalidInput:
    """Return the refusal of a request for its fields; make each fault with `field_fault`."""
    return InvalidInput(NOTHING_STORED, errors=list(faults))


def field_fault(field: str, reason: str, example: object = None) -> dict[str, object]:
    """Return what is wrong with one field, and a value that would be accepted."""
    return {"field": field, "reason": reason, "example": example}


class BadPosition(InvalidInput):
    """A cursor that this list cannot have given."""

    def __init__(self) -> None:
        reason = "not a cursor of this list with these filters; begin again without it"
        super().__init__(NOTHING_STORED, errors=[field_fault("cursor", reason)])


class NotFound(RequestError):
    status = 404
    code = "not_found"


class Forbidden(RequestError):
    status = 403
    code = "forbidden"


class Conflict(RequestError):
    status = 409
    code = "conflict"


class SourceStandsStill(Conflict):
    """The source uses AIQ's last backup: nothing that is pulled of it is stored."""

    code = "source_stands_still"


class CallsStopped(Conflict):
    """The source is frozen or disconnected: nothing is asked of its POS any more.

    `details['state']`: the integration's.
    """

    code = "calls_stopped"


class TooManyCredentials(Conflict):
    """The account has all the credentials that it may have."""

    code = "too_many_credentials"


class StaleVersion(RequestError):
    status = 412
    code = "stale_version"


class TooManyRequests(RequestError):
    """`details['retry_after']`: seconds."""

    status = 429
    code = "too_many_requests"


class Gone(RequestError):
    """What was asked for existed, and is over."""

    status = 410
    code = "gone"


class TooLarge(RequestError):
    status = 413
    code = "too_large"


class CommitBusy(AiqError):
    """The account's commit lock stayed taken; the same work may be tried again.

    `details['retry_after']`: seconds.
    """

    code = "commit_busy"
    retriable = True


class Unavailable(AiqError):
    """AWS did not answer; what was asked of it may have been done all the same.

    `details['retry_after']`: seconds.
    """

    code = "unavailable"
    retriable = True


class LeaseLost(AiqError):
    """Another worker holds the lease now; this one must not commit anything more."""

    code = "lease_lost"


class PoisonMessage(AiqError):
    """A job message that fails however often it is retried."""

    code = "poison_message"


class NewerMessage(AiqError):
    """A job message of a `version` or `kind` that only newer code knows."""

    code = "newer_message"

    def __init__(self, version: int, kind: str) -> None:
        super().__init__("the message is of a newer version or kind")
        self.version = version
        self.kind = kind


def _kinds(root: type[AiqError]) -> Iterator[type[AiqError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


_ACTORS: Mapping[str, Actor] = {kind.code: kind.actor for kind in _kinds(AiqError)}
