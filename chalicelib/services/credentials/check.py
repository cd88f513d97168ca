"""*Check*: does a key work, and what does it open (product.md §3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import (
    AiqError,
    ConfigurationError,
    Conflict,
    HostRefused,
    KeyRejected,
    LoginExpired,
    PermissionMissing,
    ServerUnreachable,
    UnexpectedAnswer,
    field_fault,
)
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.services.credentials.host_trust import keep_host_trust
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.pos import (
    CheckResult,
    CredentialAccess,
    HostTrust,
    Permits,
    PlatformInfo,
    PosGateway,
    TokenStore,
)

CHECKED_WHEN_SAVED = (
    "{title} takes what you typed only once, so that it is checked when you save the credential."
)
SECOND_CREDENTIAL = (
    "Another credential opens this {per} already. Change that one's key, or remove it first:"
    " a credential added again takes its data up."
)


WHICH_STORE = (
    "This key does not tell which {per} it opens, and you have others. Say whether it is a new"
    " {per}, or a new key for one of them."
)


class WhichStore(Conflict):
    """`details["credentials"]`: the ids of those that the key may belong to."""

    code = "which_store"


class ScopeTaken(ConfigurationError):
    """The first check of a credential found that another one opens the same scope."""

    code = "scope_taken"


@dataclass(frozen=True, slots=True)
class Checks:
    """Asks a POS what a key opens, never on behalf of a source that is frozen (product.md §10)."""

    pos: PosGateway
    permits: Permits
    accounts: Accounts

    def ask(
        self,
        uid: Uid,
        platform: Platform,
        fields: Mapping[str, str],
        scope: ScopeId | None = None,
        trust: HostTrust | None = None,
        tokens: TokenStore | None = None,
    ) -> CheckResult:
        """Return what the POS answers to these fields, secrets in clear.

        `tokens`: of a stored credential; without it, the result has the token that it took.
        Raises NotFound for an unknown platform, CallsStopped while it is frozen or where it was
        meanwhile, HostRefused with the field for an address that may not be called.
        """
        info = self.pos.platform(platform)
        permit = self.permits.for_checks(uid, platform)
        permit()
        account = self.accounts.get(uid)
        access = CredentialAccess(
            platform,
            fields,
            scope,
            account.time_zone,
            account.currency,
            trust or HostTrust(),
            permit=permit,
            tokens=tokens,
        )
        try:
            return self.pos.check(access)
        except HostRefused as refused:
            raise HostRefused(refused.message, errors=_at_the_field(info, refused)) from None


def learn_scope(
    pos: PosGateway, credentials: Credentials, credential: Credential, access: CredentialAccess
) -> Credential:
    """Check a credential that was saved while its host did not answer: the worker's first step.

    Returns it with its scope claimed and its certificate pinned; one that lacks neither comes back
    as it is. Raises CallsStopped, HostRefused; what the check says: KeyRejected, PermissionMissing,
    ServerUnreachable, UnexpectedAnswer; ScopeTaken when another live credential has the scope;
    StaleVersion when a person changed it meanwhile.
    """
    if credential.scope and not credential.trust.pending:
        return credential
    result = pos.check(access)
    credential = keep_host_trust(credentials, credential, result)
    if credential.scope:
        return credential
    if not result.scope:
        raise check_error(result)
    try:
        return credentials.claim_scope(credential, result.scope)
    except Conflict:
        per = pos.platform(credential.platform).credential_per
        raise ScopeTaken(SECOND_CREDENTIAL.format(per=per)) from None


def _at_the_field(info: PlatformInfo, refused: HostRefused) -> list[dict[str, object]]:
    named = refused.details.get("field")
    return [
        field_fault(f"fields.{field.key}", refused.message, field.example)
        for field in info.fields
        if (field.key == named if named else field.host)
    ]


def refuse_rejected_key(result: CheckResult) -> None:
    """Raises KeyRejected when the POS rejected the key: such a key is not stored."""
    if result.outcome == "key_rejected":
        raise KeyRejected(result.message, outcome=result.outcome)


def check_error(result: CheckResult) -> AiqError:
    """Return the error that a sync meets for the same reason."""
    if result.code == LoginExpired.code:
        return LoginExpired(result.message)
    match result.outcome:
        case "key_rejected":
            return KeyRejected(result.message)
        case "permission_missing":
            return PermissionMissing(result.message, permissions=result.missing_permissions)
        case "server_unreachable":
            return ServerUnreachable(result.message)
        case _:
            return UnexpectedAnswer(result.message)


def require_known_scope(
    info: PlatformInfo, result: CheckResult, others: Sequence[Credential]
) -> None:
    """Raises WhichStore where a good key does not tell what it opens, and it may be what another
    credential opens already: nothing may exist twice (product.md §1)."""
    known = [other.id for other in others if other.scope]
    if known and result.outcome == "ok" and not result.scope:
        raise WhichStore(WHICH_STORE.format(per=info.credential_per), credentials=known)
