"""Changes of settings: preview, apply, follow the job (product.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from chalicelib.domain.settings import TRUST_FLAGS, card_settings
from chalicelib.domain.words import POINT, JobState, MembersChoice, Platform, PreviewState, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.dashboard.setting_fields import settings_fields
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input, Moment, PointsOut, ProposedChange

if TYPE_CHECKING:
    from chalicelib.services.changes.propose import Proposal
    from chalicelib.services.ports.changes import Preview

resource = Resource(__name__, tag="Changes", front=FRONT)

ACCOUNT = "/api/accounts/{uid}"
CARD = "/api/accounts/{uid}/integrations/{platform}"
EXAMPLE = "prv_01KB2W8Q6ZJ6M3D5V9X1T7R4NC.tok_01KB2W8Q6ZJ6M3D5V9X1T7R4ND"


class BalanceChangeAnswer(Answer):
    persona: str
    before: PointsOut
    after: PointsOut


class ChangeCounts(Answer):
    """What the change would do. `points`: by how much all balances together would change;
    `earned_twice`: sales that earn and are in the imported balances too; `doubled`: sales that look
    like one that the other POS of a switch tells, and wait for a person; `out_of_market` and
    `back_in_market`: contacts that the market filter would leave out, or take up again; `joined`:
    personas that would become part of another; `split`: those that would be more where one comes
    apart; `dropped`: those that would be shown no more for want of a contact."""

    personas: int
    enrolled: int
    lost: int
    messages: int
    opt_ins: int
    balances: int
    points: PointsOut
    largest: tuple[BalanceChangeAnswer, ...]
    earned_twice: int
    doubled: int
    out_of_market: int
    back_in_market: int
    joined: int
    split: int
    dropped: int


class PreviewAnswer(Answer):
    """`token` comes when all are counted (`state` is `ready`); read it again until then.

    `sentence` says the counts in words, `warning` is the help article's, `notes` what is set beside
    what was asked for. An `outdated` preview never gets a token: make another.
    """

    id: str
    subject: str
    state: PreviewState
    changes: dict[str, object]
    counts: ChangeCounts
    sentence: str
    warning: str | None
    notes: tuple[str, ...] = ()
    token: str | None
    valid_until: Moment | None
    rules_version: int
    settings_version: int


class JobAnswer(Answer):
    """The background work after a change: `done` of about `total` personas were looked at."""

    id: str
    subject: str
    state: JobState
    total: int
    done: int
    changed: int
    left: int
    made_at: Moment
    heartbeat_at: Moment | None
    ended_at: Moment | None


@settings_fields(row for row in card_settings() if row.previewed)
class PreviewedSettings(ProposedChange):
    """The settings to change; null removes one, what is left out stays."""


class SettingsApplication(Input):
    token: str = Field(max_length=100, examples=[EXAMPLE])
    changes: PreviewedSettings = Field(
        examples=[{"enroll_after": "2026-01-31"}], description="Exactly what was previewed."
    )
    members: MembersChoice = Field(
        default="keep",
        examples=["keep"],
        description="Who would be lost by a removed or later date: keep them or let them go.",
    )


class FlagTrustInput(Input):
    trusted: bool = Field(
        examples=[True], description="This source's opt-in flags opt its shoppers in."
    )
    token: str | None = Field(
        default=None,
        max_length=100,
        examples=[EXAMPLE],
        description="Of the preview; trusting needs it, trusting no longer does not.",
    )


class SmsAnswer(Answer):
    """When requests may begin to go out, and whether they are stopped: by a person, or with the
    setting's removal."""

    starts_at: Moment | None
    stopped: bool
    version: int


class LeaversAnswer(Answer):
    members: int


class WithdrawnContactsAnswer(Answer):
    shoppers: int


@resource.post(f"{CARD}/settings/preview", right="previews:run", status=201, limit="previews")
def preview_settings(uid: Uid, platform: Platform, body: PreviewedSettings) -> PreviewAnswer:
    """Count what a change of settings would do; nothing is changed."""
    return preview_answer(*wiring.changes.apply_change().preview(_settings(uid, platform, body)))


@resource.get(f"{ACCOUNT}/previews/{{preview}}", right="previews:run")
def get_preview(uid: Uid, preview: str) -> PreviewAnswer:
    """Read how far a preview is counted, and its token when it is ready."""
    return preview_answer(wiring.outside.changes().preview(uid, preview))


@resource.post(f"{CARD}/settings/apply", right="settings:write", status=202)
def apply_settings(
    uid: Uid, platform: Platform, body: SettingsApplication, version: int, caller: Caller
) -> JobAnswer:
    """Put previewed settings into force; a background job does the rest."""
    proposal = _settings(uid, platform, body.changes)
    service = wiring.changes.apply_change()
    job = service.apply(proposal, body.token, version, body.members, actor=caller.actor)
    return JobAnswer.model_validate(job)


@resource.post(
    f"{CARD}/trust-opt-in-flags/preview", right="sources:trust", status=201, limit="previews"
)
def preview_flag_trust(uid: Uid, platform: Platform) -> PreviewAnswer:
    """Count whom this source's opt-in flags would opt in, if they were trusted."""
    return preview_answer(
        *wiring.changes.apply_change().preview(_trust(uid, platform, trusted=True))
    )


@resource.put(f"{CARD}/trust-opt-in-flags", right="sources:trust", status=202)
def trust_opt_in_flags(
    uid: Uid, platform: Platform, body: FlagTrustInput, version: int, caller: Caller
) -> JobAnswer:
    """Trust this source's opt-in flags, or no longer; who and when is kept. Opt-outs always count.

    An opt-in that a flag gave before stays.
    """
    proposal = _trust(uid, platform, trusted=body.trusted)
    service = wiring.changes.apply_change()
    if body.trusted:
        job = service.apply(proposal, body.token or "", version, "keep", actor=caller.actor)
    else:
        job = service.apply_unasked(proposal, actor=caller.actor, version=version)
    return JobAnswer.model_validate(job)


@resource.get(f"{ACCOUNT}/jobs/{{job}}", right="settings:read")
def get_job(uid: Uid, job: str) -> JobAnswer:
    """Read the progress of the background work after a change."""
    return JobAnswer.model_validate(wiring.outside.changes().job(uid, job))


@resource.post(f"{CARD}/settings/sms/cancel", right="settings:write", status=202)
def cancel_sms(uid: Uid, platform: Platform, caller: Caller) -> JobAnswer:
    """Take the double opt-in setting back before its first message: it is as it was before."""
    return JobAnswer.model_validate(
        wiring.changes.sms_control().cancel(uid, platform, actor=caller.actor)
    )


@resource.post(f"{CARD}/settings/sms/stop", right="settings:write")
def stop_sms(uid: Uid, platform: Platform, version: int, caller: Caller) -> SmsAnswer:
    """Stop double opt-in messages of this source; applying the setting again starts anew."""
    card = wiring.changes.sms_control().stop(uid, platform, version, actor=caller.actor)
    return SmsAnswer(starts_at=card.sms_from, stopped=card.sms_stopped, version=card.version)


@resource.post(f"{CARD}/members-left/{{choice}}", right="settings:write")
def decide_on_leavers(uid: Uid, platform: Platform, choice: str, caller: Caller) -> LeaversAnswer:
    """Keep (`keep`) or let go (`let-go`) who left because their sale was voided or moved."""
    service = wiring.loyalty.leaver_choice()
    members = service.decide(uid, platform, choice, actor=caller.actor)
    return LeaversAnswer(members=members)


@resource.post(f"{CARD}/contacts-withdrawn/{{choice}}", right="settings:write", status=202)
def decide_on_withdrawn_contacts(
    uid: Uid, platform: Platform, choice: str, caller: Caller
) -> WithdrawnContactsAnswer:
    """Take over (`apply`) the contacts that a listing took from too many, or `dismiss` that.

    Taking over goes on in the background; dismissed, shoppers keep their contacts while the POS
    goes on without them.
    """
    service = wiring.loyalty.withdrawal_choice()
    shoppers = service.decide(uid, platform, choice, actor=caller.actor)
    return WithdrawnContactsAnswer(shoppers=shoppers)


def preview_answer(preview: Preview, notes: tuple[str, ...] = ()) -> PreviewAnswer:
    """A preview as the API answers it."""
    from chalicelib.services.changes.preview import token_of, valid_until
    from chalicelib.services.changes.wording import sentence, warning

    return PreviewAnswer(
        id=preview.id,
        subject=preview.subject,
        state=preview.state,
        changes=_changes_asked_for(preview),
        counts=ChangeCounts.model_validate(preview.counts),
        sentence=sentence(preview),
        warning=warning(preview),
        notes=notes,
        token=token_of(preview),
        valid_until=valid_until(preview),
        rules_version=preview.rules_version,
        settings_version=preview.settings_version,
    )


def _changes_asked_for(preview: Preview) -> dict[str, object]:
    """The changes as they were asked for: points in points."""
    changes = dict(preview.changes)
    for name in ("points_per_100", "points_per_order"):
        points = changes.get(name)
        if isinstance(points, int):
            changes[name] = points / POINT
    return changes


def _trust(uid: Uid, platform: Platform, *, trusted: bool) -> Proposal:
    return wiring.changes.proposals().settings(uid, platform, {TRUST_FLAGS: trusted})


def _settings(uid: Uid, platform: Platform, body: PreviewedSettings) -> Proposal:
    return wiring.changes.proposals().settings(uid, platform, body.sent_fields())
