"""Credentials: checked, stored write-only, changed and removed (product.md §3.2, §3.5)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StrictBool

from chalicelib.domain.errors import Actor, actor_of
from chalicelib.domain.words import CheckOutcome, CredentialId, Platform, ScopeId, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Change, DayIn, Input, Moment

if TYPE_CHECKING:
    from chalicelib.services.credentials.credentials import CheckedCredential
    from chalicelib.services.ports.integrations import Credential
    from chalicelib.services.ports.pos import CheckResult

resource = Resource(__name__, tag="Credentials", front=FRONT)

CREDENTIALS = "/api/accounts/{uid}/integrations/{platform}/credentials"

FieldValues = Annotated[dict[str, str], Field(max_length=20)]
"""How long and of what form each may be, its platform says, with an example of its own."""

MOST_STORES_SHOWN = 50

FIELDS_EXAMPLE = {"store_name": "Green Leaf Ballard", "key": "vt_4f1c9a2b7d", "market": "WA"}


class SecretAnswer(Answer):
    """All that is ever shown of a secret. `last_four` is empty when it is short."""

    field: str
    fingerprint: str
    last_four: str


class CheckedStore(Answer):
    """A shop that the key opens, as the POS names it."""

    key: str
    name: str
    time_zone: str | None
    market: str | None


class CheckAnswer(Answer):
    """What the POS said to the key. `actor` must act on it, null when the key works; `code`: of the
    error behind the outcome, empty when it works.

    `stores`: the first of `store_count` shops that the key opens; `store-keys` lists all of them
    after the first sync. `certificate`: SHA-256 of the one that the retailer's own server showed,
    when no public authority vouches for it.
    """

    outcome: CheckOutcome
    code: str
    actor: Actor | None
    message: str
    scope: ScopeId | None
    stores: tuple[CheckedStore, ...]
    store_count: int
    missing_permissions: tuple[str, ...]
    certificate: str | None

    @classmethod
    def of(cls, result: CheckResult) -> CheckAnswer:
        """Shape a check: a POS may list any number of shops, an answer may not."""
        shown = tuple(map(CheckedStore.model_validate, result.stores[:MOST_STORES_SHOWN]))
        return cls(
            outcome=result.outcome,
            code=_code(result),
            actor=None if result.outcome == "ok" else actor_of(_code(result)),
            message=result.message,
            scope=result.scope,
            stores=shown,
            store_count=len(result.stores),
            missing_permissions=result.missing_permissions,
            certificate=result.certificate,
        )


def _code(result: CheckResult) -> str:
    return result.code or ("" if result.outcome == "ok" else result.outcome)


class TrustAnswer(Answer):
    """What may pass for the retailer's own server; `certificate` is the SHA-256 of the pinned one,
    null until the first use."""

    allow_http: bool
    accept_certificate: bool
    certificate: str | None


class CredentialAnswer(Answer):
    """A credential without its secrets.

    `scope` is null until a check has told what the key opens. `stopped` is the code of the error
    that stopped its schedule. `check` is there when this request asked the POS.
    """

    id: str
    platform: Platform
    scope: ScopeId | None
    fields: dict[str, str]
    secrets: tuple[SecretAnswer, ...]
    market: str | None
    history_from: Moment
    own_server: bool
    trust: TrustAnswer
    created_at: Moment
    last_sync_at: Moment | None
    next_sync_at: Moment | None
    last_run: str | None
    failures_in_a_row: int
    last_error: str | None
    stopped: str | None
    check: CheckAnswer | None = None
    version: int

    @classmethod
    def of(cls, credential: Credential, check: CheckResult | None = None) -> CredentialAnswer:
        """Shape a credential, leaving out what is sealed."""
        return cls(
            id=credential.id,
            platform=credential.platform,
            scope=credential.scope or None,
            fields=dict(credential.fields),
            secrets=tuple(
                SecretAnswer(
                    field=name,
                    fingerprint=fingerprint,
                    last_four=credential.last_four.get(name, ""),
                )
                for name, fingerprint in sorted(credential.fingerprints.items())
            ),
            market=credential.market,
            history_from=credential.history_from,
            own_server=credential.own_server,
            trust=TrustAnswer.model_validate(credential.trust),
            created_at=credential.created_at,
            last_sync_at=credential.last_good_run_at,
            next_sync_at=credential.next_sync_at,
            last_run=credential.last_run_id,
            failures_in_a_row=credential.failures_in_a_row,
            last_error=credential.last_error,
            stopped=credential.stopped,
            check=None if check is None else CheckAnswer.of(check),
            version=credential.version,
        )


class TrustChange(Change):
    """What to let pass for the retailer's own server.

    `accept_certificate` true, given again, takes the certificate shown now instead of the pinned
    one.
    """

    allow_http: StrictBool = Field(default=False, examples=[True])
    accept_certificate: StrictBool = Field(default=False, examples=[True])


class CheckInput(Input):
    fields: FieldValues = Field(
        examples=[FIELDS_EXAMPLE], description="By the keys of the card's `credential_fields`."
    )
    trust: TrustChange = Field(default_factory=TrustChange, examples=[{"allow_http": True}])


class CredentialInput(CheckInput):
    history_from: DayIn | None = Field(
        default=None,
        examples=["2025-01-31"],
        description="How far back the first sync goes; 12 months before today when left out.",
    )
    same_store_as: CredentialId | None = Field(
        default=None,
        max_length=40,
        examples=["crd_01KB2W8Q6ZJ6M3D5V9X1T7R4NC"],
        description="The credential for which this is a new key; null for a new store. Asked for by"
        " 409 `which_store` where the key does not tell.",
    )


class CredentialChange(Change):
    """The fields to change; an optional one given as an empty text is removed."""

    fields: FieldValues = Field(default_factory=dict, examples=[{"key": "vt_4f1c9a2b7d"}])
    history_from: DayIn = Field(default=date(2025, 1, 31), examples=["2025-01-31"])
    trust: TrustChange = Field(default_factory=TrustChange, examples=[{"accept_certificate": True}])


@resource.post(CREDENTIALS, right="integrations:write", status=201, limit="credential_changes")
def add_credential(
    uid: Uid, platform: Platform, body: CredentialInput, caller: Caller
) -> CredentialAnswer:
    """Check a credential against the POS and store it; a key the POS rejects is not stored."""
    same_store_as = body.same_store_as
    if same_store_as is None and "same_store_as" in body.model_fields_set:
        same_store_as = CredentialId("")  # `NEW_STORE` of the service
    return _checked(
        wiring.credentials.credential_service().add(
            uid,
            platform,
            body.fields,
            body.history_from,
            actor=caller.actor,
            trust=body.trust.sent_fields(),
            same_store_as=same_store_as,
        )
    )


@resource.post(f"{CREDENTIALS}/check", right="integrations:write", limit="checks")
def check_credential(uid: Uid, platform: Platform, body: CheckInput) -> CheckAnswer:
    """Check a credential against the POS without storing it."""
    result = wiring.credentials.credential_service().check(
        uid, platform, body.fields, body.trust.sent_fields()
    )
    return CheckAnswer.of(result)


@resource.get(f"{CREDENTIALS}/{{credential}}", right="integrations:read")
def get_credential(uid: Uid, platform: Platform, credential: CredentialId) -> CredentialAnswer:
    """Read a credential without its secrets."""
    return CredentialAnswer.of(
        wiring.credentials.credential_service().get(uid, platform, credential)
    )


@resource.post(f"{CREDENTIALS}/{{credential}}/check", right="integrations:write", limit="checks")
def check_stored_credential(uid: Uid, platform: Platform, credential: CredentialId) -> CheckAnswer:
    """Check a stored credential again."""
    result = wiring.credentials.credential_service().check_stored(uid, platform, credential)
    return CheckAnswer.of(result)


@resource.patch(
    f"{CREDENTIALS}/{{credential}}", right="integrations:write", limit="credential_changes"
)
def change_credential(
    uid: Uid,
    platform: Platform,
    credential: CredentialId,
    body: CredentialChange,
    version: int,
    caller: Caller,
) -> CredentialAnswer:
    """Change a credential's secret, market, host, trust or *History from*; new ones are checked."""
    sent = body.sent_fields()
    return _checked(
        wiring.credentials.credential_service().change(
            uid,
            platform,
            credential,
            version,
            actor=caller.actor,
            given=sent.get("fields"),
            history_from=sent.get("history_from"),
            trust=body.trust.sent_fields(),
        )
    )


@resource.delete(
    f"{CREDENTIALS}/{{credential}}", right="integrations:write", limit="credential_changes"
)
def remove_credential(
    uid: Uid, platform: Platform, credential: CredentialId, caller: Caller
) -> None:
    """Remove a credential: its secrets are forgotten, its data stays, its syncs stop."""
    wiring.credentials.credential_service().remove(uid, platform, credential, actor=caller.actor)


def _checked(checked: CheckedCredential) -> CredentialAnswer:
    return CredentialAnswer.of(checked.credential, checked.check)
