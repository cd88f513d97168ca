"""*Check*: does a key work, and what does it open (product.md §3.2)."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.errors import (
    AiqError,
    ConfigurationError,
    Conflict,
    HostRefused,
    KeyRejected,
    PermissionMissing,
    ServerUnreachable,
    UnexpectedAnswer,
)
from chalicelib.domain.integration_states import may_call
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.services.credentials.host_trust import settle
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.integrations import Credential, Credentials, Integrations
from chalicelib.services.ports.pos import (
    CheckResult,
    CredentialAccess,
    HostTrust,
    PlatformInfo,
    PosGateway,
)

SECOND_CREDENTIAL = (
    "Another credential opens this {per} already. Change that one's key, or remove it first:"
    " a credential added again takes its data up."
)


class ScopeTaken(ConfigurationError):
    """The first check of a credential found that another one opens the same scope."""

    code = "scope_taken"


class Checks:
    """Asks the POS for a person; never on behalf of a source that is frozen (product.md §10)."""

    def __init__(self, pos: PosGateway, integrations: Integrations, accounts: Accounts) -> None:
        self._pos = pos
        self._integrations = integrations
        self._accounts = accounts

    def ask(
        self,
        uid: Uid,
        platform: Platform,
        fields: Mapping[str, str],
        scope: ScopeId | None = None,
        trust: HostTrust | None = None,
    ) -> CheckResult:
        """Raises NotFound for an unknown platform, Conflict while it is frozen, HostRefused with
        the field for an address that may not be called."""
        info = self._pos.platform(platform)
        integration = self._integrations.get(uid, platform)
        if integration and not may_call(integration.state):
            raise Conflict(
                f"{info.title} is not called while AIQ's last backup is used:"
                " turn *Use AIQ's last backup* off first.",
                state=integration.state,
            )
        account = self._accounts.get(uid)
        access = CredentialAccess(
            platform, fields, scope, account.time_zone, account.currency, trust or HostTrust()
        )
        try:
            return self._pos.check(access)
        except HostRefused as refused:
            raise HostRefused(refused.message, errors=_at_the_field(info, refused)) from None


def learn_scope(
    pos: PosGateway, credentials: Credentials, credential: Credential, access: CredentialAccess
) -> Credential:
    """The worker's first step with a credential saved while its host did not answer.

    Returns it with its scope claimed and its certificate pinned; one that lacks neither comes back
    as it is. Raises HostRefused and what the
    check says: KeyRejected, PermissionMissing, ServerUnreachable, UnexpectedAnswer; ScopeTaken
    when another live credential has the scope; StaleVersion when a person changed it meanwhile.
    """
    if credential.scope and not credential.trust.pending:
        return credential
    result = pos.check(access)
    credential = settle(credentials, credential, result)
    if credential.scope:
        return credential
    if not result.scope:
        raise as_error(result)
    try:
        return credentials.claim_scope(credential, result.scope)
    except Conflict:
        per = pos.platform(credential.platform).credential_per
        raise ScopeTaken(SECOND_CREDENTIAL.format(per=per)) from None


def _at_the_field(info: PlatformInfo, refused: HostRefused) -> list[dict[str, str]]:
    return [
        {"field": f"fields.{field.key}", "reason": refused.message, "example": field.example}
        for field in info.fields
        if field.host
    ]


def refuse_rejected(result: CheckResult) -> None:
    """A key the POS rejects is not stored. Raises KeyRejected."""
    if result.outcome == "key_rejected":
        raise KeyRejected(result.message, outcome=result.outcome)


def as_error(result: CheckResult) -> AiqError:
    """The error a sync meets for the same reason."""
    match result.outcome:
        case "key_rejected":
            return KeyRejected(result.message)
        case "permission_missing":
            return PermissionMissing(result.message, permissions=result.missing_permissions)
        case "server_unreachable":
            return ServerUnreachable(result.message)
        case _:
            return UnexpectedAnswer(result.message)
