"""*Use AIQ's last backup*, and the backups that there are (product.md §10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from chalicelib.domain.integration_states import IntegrationState
from chalicelib.domain.settings import USE_LAST_BACKUP, card_setting
from chalicelib.domain.words import BackupKind, BackupState, Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input, Moment, PointsOut

if TYPE_CHECKING:
    from chalicelib.services.freezing.count import RollBackCounts
    from chalicelib.services.ports.integrations import Integration

resource = Resource(__name__, tag="Backups", front=FRONT)

CARD = "/api/accounts/{uid}/integrations/{platform}"

Choice = Literal["last", "now"]
CHOICE = Field(
    examples=["last"],
    description="The backup of the last audience run, or one that is taken now.",
)


class BackupAnswer(Answer):
    """A backup of the source. `size`: bytes; `pinned`: the source uses it."""

    id: str
    kind: BackupKind
    state: BackupState
    made_at: Moment
    customers: int
    sales: int
    size: int
    pinned: bool


class BackupList(Answer):
    """`note`: why the source gets no backups, and what to expect then."""

    items: list[BackupAnswer]
    note: str | None


class FreezeChoice(Input):
    choice: Choice = CHOICE


class FreezeInput(Input):
    choice: Choice = CHOICE
    token: str = Field(
        max_length=100, examples=["9f86d081884c7d659a2feaa0"], description="Of the preview."
    )


class RollBackAnswer(Answer):
    """What would be rolled back. `shoppers` and `sales`: facts that change; `personas`: who leaves
    the lists; `members`: who is a member no more; `points`: by how much all balances together
    change; `unfixed_balances`: imported balances that no complete listing fixed yet. Without
    `complete`, the last four are at least so many. `note`: why no backup can be taken now."""

    choice: Choice
    backup: str | None
    made_at: Moment | None
    shoppers: int
    sales: int
    personas: int
    members: int
    points: PointsOut
    unfixed_balances: int
    complete: bool
    warning: str
    note: str | None
    sentence: str
    token: str


class FrozenAnswer(Answer):
    """How far *Use AIQ's last backup* is. From `frozen_at` on no request reaches the POS.
    `rolling_back` and `rolling_forward`: facts are being put back, or where they were; `done` of
    `total`. `problem`: why nothing was rolled back, `problem_text` in words. `waiting_pushes`:
    calls of the POS that are stored once it is turned off."""

    platform: Platform
    state: IntegrationState
    backup: str | None
    by: str | None
    since: Moment | None
    frozen_at: Moment | None
    rolling_back: bool
    rolling_forward: bool
    done: int
    total: int
    problem: str | None
    problem_text: str | None
    waiting_pushes: int
    version: int


@resource.get(f"{CARD}/backups", right="audiences:read")
def list_backups(uid: Uid, platform: Platform) -> BackupList:
    """List the source's backups, newest first."""
    service = wiring.freezing.freeze_service()
    found = service.offered(uid, platform)
    return BackupList(
        note=service.why_not_backed_up(uid, platform),
        items=[
            BackupAnswer(
                id=each.id,
                kind=each.kind,
                state=each.state,
                made_at=each.made_at,
                customers=each.customers,
                sales=each.sales,
                size=each.size,
                pinned=bool(each.pinned_by),
            )
            for each in found
        ],
    )


@resource.post(f"{CARD}/freeze/preview", right="previews:run", limit="previews")
def preview_freeze(uid: Uid, platform: Platform, body: FreezeChoice) -> RollBackAnswer:
    """Count what would be rolled back; nothing is changed."""
    service = wiring.freezing.freeze_service()
    token = service.token(uid, platform, body.choice)
    backup = service.chosen(uid, platform, body.choice)
    counts = wiring.freezing.count_roll_back().count(uid, platform, backup)
    setting = card_setting(USE_LAST_BACKUP)
    return RollBackAnswer(
        choice=body.choice,
        backup=backup.id if backup else None,
        made_at=backup.made_at if backup else None,
        shoppers=counts.shoppers,
        sales=counts.sales,
        personas=counts.personas,
        members=counts.members,
        points=counts.points,
        unfixed_balances=counts.balances,
        complete=counts.is_complete,
        warning=(setting.warning if setting else "") or "",
        note=service.why_not_backed_up(uid, platform) if backup is None else None,
        sentence=_sentence(counts),
        token=token,
    )


@resource.post(f"{CARD}/freeze", right="integrations:write", status=202, limit="credential_changes")
def freeze(uid: Uid, platform: Platform, body: FreezeInput, caller: Caller) -> FrozenAnswer:
    """Stop all calls to the POS, and put its data back to the backup."""
    service = wiring.freezing.freeze_service()
    return _answer(service.freeze(uid, platform, body.choice, body.token, actor=caller.actor))


@resource.post(f"{CARD}/unfreeze", right="integrations:write", status=202)
def unfreeze(uid: Uid, platform: Platform, caller: Caller) -> FrozenAnswer:
    """Put the data where it was, without the POS; then the source is synced again."""
    service = wiring.freezing.freeze_service()
    return _answer(service.unfreeze(uid, platform, actor=caller.actor))


@resource.get(f"{CARD}/freeze", right="integrations:read")
def get_freeze(uid: Uid, platform: Platform) -> FrozenAnswer:
    """Read how far *Use AIQ's last backup* is."""
    return _answer(wiring.integrations.cards().get(uid, platform).integration)


def _answer(card: Integration) -> FrozenAnswer:
    from chalicelib.services.freezing.freeze import PROBLEMS

    frozen = card.frozen if card.is_frozen else None
    waiting = wiring.signups.waiting_pushes().line(card.uid, card.platform).waiting if frozen else 0
    return FrozenAnswer(
        platform=card.platform,
        state=card.state,
        backup=(frozen.backup or None) if frozen else None,
        by=frozen.by if frozen else None,
        since=frozen.at if frozen else None,
        frozen_at=frozen.frozen_at if frozen else None,
        rolling_back=frozen is not None and frozen.rolling == "back",
        rolling_forward=frozen is not None and frozen.rolling == "forth",
        done=frozen.done if frozen else 0,
        total=frozen.total if frozen else 0,
        problem=(frozen.problem or None) if frozen else None,
        problem_text=PROBLEMS.get(frozen.problem) if frozen else None,
        waiting_pushes=waiting,
        version=card.version,
    )


def _sentence(counts: RollBackCounts) -> str:
    """The counts in words."""
    least = "" if counts.is_complete else "at least "
    said = (
        f"{counts.shoppers} shoppers and {counts.sales} sales would be rolled back; {least}"
        f"{counts.personas} personas would leave the lists and {counts.members} members would be"
        " lost."
    )
    if counts.balances:
        said += (
            f" The imported balances of {counts.balances} shoppers are not fixed yet: they go back"
            " too. To keep them, wait for the next complete listing."
        )
    return said
