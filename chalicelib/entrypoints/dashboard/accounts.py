"""Account Settings (product.md §13)."""

from __future__ import annotations

from pydantic import Field

from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.changes import EXAMPLE, PreviewAnswer, preview_answer
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Change, Moment, ProposedChange, ShortText

resource = Resource(__name__, tag="Account", front=FRONT)

MINIMUM_AGES = (13, 30)
MOST_PLACEHOLDERS = 100


class AccountAnswer(Answer):
    """`locale`: by which numbers and dates are written; by the currency until somebody chose."""

    uid: Uid
    name: str
    time_zone: str
    currency: str
    sync_hour: int
    sync_every_hours: int
    minimum_age: int
    merge_on_name_and_birth_date: bool
    placeholders: list[str]
    counter_pin: bool
    locale: str = Field(validation_alias="shown_locale", examples=["en-US"])
    created_at: Moment
    version: int


class AccountChange(Change):
    """The fields to change; the others stay. `token`: of the preview of a change that can join,
    enrol or remove people, or move points: time zone, minimum age, join on name and birth date,
    placeholders."""

    name: ShortText = Field(default="", examples=["Green Leaf"])
    time_zone: ShortText = Field(
        default="", examples=["America/Los_Angeles"], description="An IANA time zone."
    )
    currency: str = Field(default="", pattern=r"^[A-Z]{3}$", examples=["USD"])
    sync_hour: int = Field(
        default=0, ge=0, le=23, examples=[3], description="Local hour of the daily sync."
    )
    sync_every_hours: int = Field(
        default=0, ge=1, le=12, examples=[6], description="Hours between the passes in between."
    )
    minimum_age: int = Field(default=0, ge=MINIMUM_AGES[0], le=MINIMUM_AGES[1], examples=[21])
    merge_on_name_and_birth_date: bool = Field(
        default=False,
        examples=[False],
        description="Also join source records with the same first and last name and birth date.",
    )
    placeholders: list[ShortText] = Field(
        default=[],
        max_length=MOST_PLACEHOLDERS,
        examples=[["206-555-0100", "none@greenleaf.com"]],
        description="Phones and e-mails that your counters type for shoppers without one: they "
        "join nobody and are never texted. Known ones such as 000-000-0000 need not be listed.",
    )
    counter_pin: bool = Field(
        default=False,
        examples=[False],
        description="Staff redeem at the counter only with a PIN that the shopper was sent.",
    )
    locale: str = Field(
        default="",
        max_length=12,
        pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$",
        examples=["fr-CA"],
        description="Language and country (BCP 47) by which numbers and dates are written.",
    )
    token: str | None = Field(default=None, max_length=100, examples=[EXAMPLE])


class DecidingChange(ProposedChange):
    """What can join, enrol or remove people, or move points."""

    time_zone: ShortText = Field(
        default="", examples=["America/Los_Angeles"], description="An IANA time zone."
    )
    minimum_age: int = Field(default=0, ge=MINIMUM_AGES[0], le=MINIMUM_AGES[1], examples=[21])
    merge_on_name_and_birth_date: bool = Field(default=False, examples=[True])
    placeholders: list[ShortText] = Field(
        default=[], max_length=MOST_PLACEHOLDERS, examples=[["206-555-0100"]]
    )


@resource.get("/api/accounts/{uid}", right="account:read")
def get_account(uid: Uid) -> AccountAnswer:
    """Read the account's settings."""
    return AccountAnswer.model_validate(wiring.outside.accounts().get(uid))


@resource.patch("/api/accounts/{uid}", right="account:write")
def change_account(uid: Uid, body: AccountChange, version: int, caller: Caller) -> AccountAnswer:
    """Change the account's settings."""
    changes = body.sent_fields()
    token = changes.pop("token", None)
    service = wiring.changes.terms_changes()
    changed = service.account(uid, version, changes, token, actor=caller.actor)
    return AccountAnswer.model_validate(changed)


@resource.post("/api/accounts/{uid}/preview", right="previews:run", status=201, limit="previews")
def preview_account(uid: Uid, body: DecidingChange) -> PreviewAnswer:
    """Count what a change of the account would do to people and points; nothing is changed."""
    proposal = wiring.changes.terms_proposals().preview_of_account(uid, body.sent_fields())
    return preview_answer(*wiring.changes.apply_change().preview(proposal))
