"""Integrations: cards, the age-gate box, connecting, settings (product.md §2, §3, §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from chalicelib.domain.errors import Actor
from chalicelib.domain.integration_states import AGE_GATE_LABEL, IntegrationState
from chalicelib.domain.settings import card_settings
from chalicelib.domain.words import CredentialId, HealthLevel, Platform, Stream, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.changes import JobAnswer, SmsAnswer
from chalicelib.entrypoints.dashboard.credentials import CredentialAnswer
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.dashboard.setting_fields import settings_fields
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Change, Input, Moment

if TYPE_CHECKING:
    from chalicelib.services.integrations.cards import Card
    from chalicelib.services.integrations.settings import SettingsView
    from chalicelib.services.ports.integrations import Integration

resource = Resource(__name__, tag="Integrations", front=FRONT)

PLATFORM = "/api/accounts/{uid}/integrations/{platform}"


class CredentialFieldAnswer(Answer):
    """One field of the card. `pattern` must match the whole value; `host` is the address of the
    retailer's own server."""

    key: str
    label: str
    help: str
    secret: bool
    required: bool
    immutable: bool
    pattern: str | None
    example: str
    max_length: int
    host: bool


class CapabilitiesAnswer(Answer):
    """The platform's column of the integration grid."""

    streams: tuple[Stream, ...]
    credential_per: str
    age_gate_to_connect: bool
    own_server: bool
    pushes_signups: bool
    writable: bool
    imports_points: bool
    market_sync: bool
    min_sync_hours: int


class ContractAnswer(Answer):
    """How sure we are of the POS's wire contract; `inferred` lists what no document says."""

    status: str
    note: str
    inferred: tuple[str, ...]


class PermissionAnswer(Answer):
    """A permission that a key needs, named as in the POS. `note`: what to do where granting it is
    not in the retailer's hands."""

    name: str
    note: str | None


class AgeGateAnswer(Answer):
    """The box at the end of the card, and who ticked it."""

    label: str = AGE_GATE_LABEL
    ticked: bool
    ticked_by: str | None
    ticked_by_name: str | None
    ticked_at: Moment | None


class SettingAnswer(Answer):
    """`value`: an ISO day, a bool, or null. `applied` is false for what is stored, but not in
    effect: `status` says why."""

    key: str
    label: str
    kind: str
    help: str
    warning: str | None
    note: str | None
    value: str | bool | None
    hint: str | None
    applied: bool
    status: str


class SettingsAnswer(Answer):
    """`sms`: when double opt-in messages may go out; `job`: the latest background work after a
    change of the account's rules."""

    warning: str | None
    settings: tuple[SettingAnswer, ...]
    sms: SmsAnswer
    job: JobAnswer | None
    version: int


class FlagTrustAnswer(Answer):
    """*Trust opt-in flags of this source*, and the Owner who ticked it."""

    trusted: bool
    ticked_by: str | None
    ticked_by_name: str | None
    ticked_at: Moment | None


class StateAnswer(Answer):
    platform: Platform
    state: IntegrationState
    age_gate: AgeGateAnswer
    flag_trust: FlagTrustAnswer
    connected_at: Moment | None
    version: int


class HealthAnswer(Answer):
    """How a source is, in one code for programs; its worst credential counts. `actor` must act,
    null where nobody must; `credential`: the one that is meant; `since`: from when it has been so.
    """

    level: HealthLevel
    code: str = Field(
        description="`not_connected`, `no_credential`, `disconnected`, `freezing`, `frozen`,"
        " `rolling_back`, `unfreezing`, `syncing`, `waiting` (for the first sync), `connected`,"
        " `stale`, or the code of a failed run."
    )
    actor: Actor | None
    credential: CredentialId | None
    since: Moment | None


class CardSummary(Answer):
    """One card of the integrations page. `to_do`: what stands between it and *Connect*.

    `oldest_good_sync_at`: the source is as fresh as the credential whose last good sync is oldest;
    null while one has had none. `last_shopper_at`: when a sync last brought a new shopper.
    `guide_url`: the vendor's own guide, where one is known."""

    platform: Platform
    title: str
    state: IntegrationState
    capabilities: CapabilitiesAnswer
    contract: ContractAnswer
    credentials_count: int
    health: HealthAnswer
    last_sync_at: Moment | None = Field(description="The latest good sync of any credential.")
    oldest_good_sync_at: Moment | None
    last_shopper_at: Moment | None
    guide_url: str | None
    next_sync_at: Moment | None
    to_do: tuple[str, ...]


class CardList(Answer):
    items: list[CardSummary]


class CardAnswer(CardSummary):
    """A card with its fields, credentials without secrets, and settings. `steps`: what is to be
    done in the POS first. `deleted_sales`: what becomes of a sale that is deleted there.

    `rejected_key`: what to do when the POS rejects a key; `each_credential`: said once a credential
    is saved; `read_only`: that AIQ changes nothing there; null where there is nothing to say."""

    age_gate: AgeGateAnswer
    flag_trust: FlagTrustAnswer
    sms_status: str | None = Field(
        description="Why no SMS goes for this source; null when it may go."
    )
    connected_at: Moment | None
    steps: tuple[str, ...]
    deleted_sales: str
    rejected_key: str | None
    each_credential: str | None
    read_only: str | None
    permissions: tuple[PermissionAnswer, ...]
    credential_fields: tuple[CredentialFieldAnswer, ...]
    credentials: list[CredentialAnswer]
    settings_warning: str | None
    settings: tuple[SettingAnswer, ...]
    sms: SmsAnswer
    job: JobAnswer | None
    version: int


class AgeGateInput(Input):
    passed: bool = Field(examples=[True], description="The box is ticked.")


@settings_fields(card_settings())
class SettingsChange(Change):
    """The settings to change; null removes one, what is left out stays."""


@resource.get("/api/accounts/{uid}/integrations", right="integrations:read")
def list_integrations(uid: Uid) -> CardList:
    """List the card of every platform, connected or not."""
    cards = wiring.integrations.cards().all(uid)
    return CardList(items=[CardSummary.model_validate(_summary(card)) for card in cards])


@resource.get(PLATFORM, right="integrations:read")
def get_integration(uid: Uid, platform: Platform) -> CardAnswer:
    """Read a card: fields, credentials without secrets, state, settings."""
    card = wiring.integrations.cards().get(uid, platform)
    settings = _settings(uid, card.settings)
    return CardAnswer.model_validate(
        {
            **_summary(card),
            "age_gate": _age_gate(card.integration),
            "flag_trust": _flag_trust(card.integration),
            "sms_status": wiring.texting.texting_service().status_for(uid, card.integration),
            "connected_at": card.integration.connected_at,
            "steps": card.info.steps,
            "deleted_sales": card.info.deleted_sales,
            "rejected_key": card.info.rejected_key,
            "each_credential": card.info.each_credential,
            "read_only": card.info.read_only,
            "permissions": card.info.permissions,
            "credential_fields": [
                CredentialFieldAnswer.model_validate(field) for field in card.info.fields
            ],
            "credentials": [CredentialAnswer.of(credential) for credential in card.credentials],
            "settings_warning": settings.warning,
            "settings": settings.settings,
            "sms": settings.sms,
            "job": settings.job,
            "version": card.integration.version,
        }
    )


@resource.put(f"{PLATFORM}/age-gate", right="integrations:write")
def tick_age_gate(uid: Uid, platform: Platform, body: AgeGateInput, caller: Caller) -> StateAnswer:
    """Tick or untick the age-gate box; who and when is kept."""
    service = wiring.integrations.connect_service()
    act = service.tick_age_gate if body.passed else service.untick_age_gate
    return _state(act(uid, platform, actor=caller.actor))


@resource.post(f"{PLATFORM}/connect", right="integrations:write", limit="syncs")
def connect(uid: Uid, platform: Platform, caller: Caller) -> StateAnswer:
    """Connect: the first sync of every credential starts at once."""
    return _state(wiring.integrations.connect_service().connect(uid, platform, actor=caller.actor))


@resource.post(f"{PLATFORM}/disconnect", right="integrations:write")
def disconnect(uid: Uid, platform: Platform, caller: Caller) -> StateAnswer:
    """Disconnect: data stays, calls to the POS stop."""
    return _state(
        wiring.integrations.connect_service().disconnect(uid, platform, actor=caller.actor)
    )


@resource.get(f"{PLATFORM}/settings", right="settings:read")
def get_settings(uid: Uid, platform: Platform) -> SettingsAnswer:
    """Read the card's settings with their texts."""
    return _settings(uid, wiring.integrations.settings_service().get(uid, platform))


@resource.patch(f"{PLATFORM}/settings", right="settings:write")
def change_settings(
    uid: Uid, platform: Platform, body: SettingsChange, version: int, caller: Caller
) -> SettingsAnswer:
    """Change settings that need no preview; those that do are refused with what to do."""
    service = wiring.integrations.settings_service()
    changed = service.change(uid, platform, version, body.sent_fields(), actor=caller.actor)
    return _settings(uid, changed)


def _summary(card: Card) -> dict[str, object]:
    info = card.info
    return {
        "platform": info.platform,
        "title": info.title,
        "state": card.integration.state,
        "capabilities": CapabilitiesAnswer.model_validate(info),
        "contract": ContractAnswer(
            status=info.contract_status, note=info.contract_note, inferred=info.inferred
        ),
        "credentials_count": len(card.credentials),
        "health": card.health,
        "last_sync_at": card.last_sync_at,
        "oldest_good_sync_at": card.oldest_good_sync_at,
        "last_shopper_at": card.last_shopper_at,
        "guide_url": info.guide_url,
        "next_sync_at": card.next_sync_at,
        "to_do": card.to_do,
    }


def _name(integration: Integration, actor: str) -> str:
    return wiring.accounts.names().names_of(integration.uid, [actor]).get(actor, actor)


def _age_gate(integration: Integration) -> AgeGateAnswer:
    gate = integration.age_gate
    return AgeGateAnswer(
        ticked=gate is not None,
        ticked_by=gate.ticked_by if gate else None,
        ticked_by_name=_name(integration, gate.ticked_by) if gate else None,
        ticked_at=gate.ticked_at if gate else None,
    )


def _flag_trust(integration: Integration) -> FlagTrustAnswer:
    trust = integration.flag_trust
    return FlagTrustAnswer(
        trusted=trust is not None,
        ticked_by=trust.ticked_by if trust else None,
        ticked_by_name=_name(integration, trust.ticked_by) if trust else None,
        ticked_at=trust.ticked_at if trust else None,
    )


def _state(integration: Integration) -> StateAnswer:
    return StateAnswer(
        platform=integration.platform,
        state=integration.state,
        age_gate=_age_gate(integration),
        flag_trust=_flag_trust(integration),
        connected_at=integration.connected_at,
        version=integration.version,
    )


def _settings(uid: Uid, settings: SettingsView) -> SettingsAnswer:
    job = wiring.outside.changes().latest_job(uid)
    return SettingsAnswer(
        warning=settings.warning,
        settings=tuple(SettingAnswer.model_validate(setting) for setting in settings.settings),
        sms=SmsAnswer(
            starts_at=settings.sms_from, stopped=settings.sms_stopped, version=settings.version
        ),
        job=None if job is None else JobAnswer.model_validate(job),
        version=settings.version,
    )
