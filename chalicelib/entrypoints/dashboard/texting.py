"""Settings → Texting, and the consent of a persona (product.md §6, §9, §12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from chalicelib.domain.contact_states import RequestReason
from chalicelib.domain.texting import LONGEST_WORDING, MOST_REQUESTS
from chalicelib.domain.words import Channel, ConsentState, TextKind, TextState, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Change, Input, Listing, Moment

if TYPE_CHECKING:
    from chalicelib.services.consent.log import ContactHistory
    from chalicelib.services.ports.texting import UnclearReply
    from chalicelib.services.texting.settings import TextingView

resource = Resource(__name__, tag="Texting", front=FRONT)

TEXTING = "/api/accounts/{uid}/texting"
HOUR_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d$"
MOST_A_DAY, MOST_A_MONTH = 100_000, 5_000_000
MOST_MINUTES = 7 * 24 * 60

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_WORDING)
]
Brand = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f{}]*$"
    ),
]


class TextCounts(Answer):
    """Texts that went or may have; their parts, which carriers charge; those nobody knows of."""

    texts: int
    parts: int
    unknown: int


class WordingsAnswer(Answer):
    """`{brand}` stands for the brand's name."""

    request: str
    confirmation: str
    opt_out: str
    help: str


class TextingAnswer(Answer):
    """`status` says why no SMS goes, null when SMS goes; `waiting`: requests not made yet."""

    number: str | None
    brand: str
    request_limit: int
    opens: str
    closes: str
    daily_cap: int
    monthly_budget: int
    start_after_minutes: int
    wordings: WordingsAnswer
    status: str | None
    today: TextCounts
    this_month: TextCounts
    waiting: int
    version: int


class WordingsChange(Change):
    """The wordings to change; null takes one back to ours."""

    request: Words | None = Field(
        default=None,
        examples=["{brand}: Reply YES to get texts. HELP for help, STOP to opt out."],
        description="Asks for consent; must say {brand}, YES, HELP and STOP.",
    )
    confirmation: Words | None = Field(
        default=None,
        examples=["{brand}: You are signed up. HELP for help, STOP to opt out."],
        description="Follows a YES; must say {brand}, HELP and STOP.",
    )
    opt_out: Words | None = Field(
        default=None,
        examples=["{brand}: You are opted out."],
        description="Follows a STOP; must say {brand}.",
    )
    help: Words | None = Field(
        default=None,
        examples=["{brand}: Call 206-555-0100. Reply STOP to opt out."],
        description="Follows a HELP; must say {brand} and STOP.",
    )


class TextingChange(Change):
    """The fields to change; null takes one back to its default, what is left out stays."""

    number: str | None = Field(
        default=None,
        max_length=40,
        examples=["+12065550100"],
        description="The origination number, of the US or Canada; null: no SMS.",
    )
    brand: Brand | None = Field(default=None, examples=["Green Leaf"])
    request_limit: int | None = Field(
        default=None, ge=1, le=MOST_REQUESTS, examples=[2], description="Requests per number."
    )
    opens: str | None = Field(
        default=None,
        pattern=HOUR_PATTERN,
        examples=["09:00"],
        description="Requests go from this local time of the shopper's store, 08:00 or later.",
    )
    closes: str | None = Field(
        default=None,
        pattern=HOUR_PATTERN,
        examples=["20:00"],
        description="And before this one, 21:00 or earlier.",
    )
    daily_cap: int | None = Field(default=None, ge=0, le=MOST_A_DAY, examples=[1000])
    monthly_budget: int | None = Field(
        default=None,
        ge=0,
        le=MOST_A_MONTH,
        examples=[20000],
        description="In parts of texts, which is what carriers charge.",
    )
    start_after_minutes: int | None = Field(
        default=None,
        ge=0,
        le=MOST_MINUTES,
        examples=[60],
        description="Between applying the double opt-in setting of a card and its first request.",
    )
    wordings: WordingsChange | None = Field(default=None, examples=[{"help": None}])


class TestInput(Input):
    number: str = Field(max_length=40, examples=["+12065550123"])


class TestAnswer(Answer):
    """`id` is the text's; it goes within moments."""

    id: str


class TextsQuery(Listing):
    day: date | None = Field(
        default=None,
        examples=["2026-01-31"],
        description="In the account's time zone; today when left out.",
    )


class TextAnswer(Answer):
    """One text. `why`: the source whose setting asked, the shopper's message it answers, `test`.
    `unknown`: it may have gone, nobody knows, and it is never sent again."""

    id: str
    kind: TextKind
    number: str
    body: str
    parts: int
    at: Moment
    why: str
    state: TextState
    message_id: str | None


class TextPage(Answer):
    items: list[TextAnswer]
    next_cursor: str | None


class ReplyAnswer(Answer):
    """A shopper's reply that we could not read. `request`: when they were last asked before it."""

    id: str
    at: Moment
    number: str
    text: str
    request: Moment | None = Field(validation_alias="requested_at")


class ReplyList(Answer):
    """The replies that wait for a person, the oldest first, at most 200."""

    items: list[ReplyAnswer]


class ReplyDecision(Input):
    means: Literal["stop", "nothing"] = Field(examples=["stop"])


class EntryAnswer(Answer):
    """One thing that happened: a POS's flag, a request of ours, an act of the shopper's own.
    `actor_name`: whose act, as people call them."""

    id: str
    at: Moment
    act: str
    source: str
    actor: str
    actor_name: str = ""
    wording: str
    evidence: dict[str, object]


class ContactAnswer(Answer):
    """The consent of one number or address, the newest entry first."""

    channel: Channel
    contact: str
    state: ConsentState
    since: Moment | None
    unusable: str | None
    entries: list[EntryAnswer]


class WhyAnswer(Answer):
    """Why this person was asked by SMS, will be, or was not."""

    state: Literal["asked", "wanted", "not_wanted", "answered", "nobody"]
    reason: RequestReason | None
    sentences: list[str]
    data: dict[str, object]


class ConsentAnswer(Answer):
    contacts: list[ContactAnswer]
    asked: WhyAnswer


@resource.get(TEXTING, right="settings:read")
def get_texting(uid: Uid) -> TextingAnswer:
    """Read the texting settings, what they let through so far, and whether SMS goes at all."""
    return _texting(wiring.texting.texting_service().get(uid))


@resource.patch(TEXTING, right="settings:write")
def change_texting(uid: Uid, body: TextingChange, version: int, caller: Caller) -> TextingAnswer:
    """Change the texting settings."""
    changes = body.sent_fields()
    if isinstance(wordings := changes.get("wordings"), WordingsChange):
        changes["wordings"] = wordings.sent_fields()
    return _texting(
        wiring.texting.texting_service().change(uid, version, changes, actor=caller.actor)
    )


@resource.post(f"{TEXTING}/test", right="settings:write", status=202, limited=True)
def send_test_text(uid: Uid, body: TestInput, caller: Caller) -> TestAnswer:
    """Send me a test: one text to the number typed, at most five an hour."""
    sent = wiring.texting.texting_service().send_test(uid, body.number, actor=caller.actor)
    return TestAnswer(id=sent)


@resource.get(f"{TEXTING}/texts", right="personas:read")
def list_texts(uid: Uid, query: TextsQuery) -> TextPage:
    """List the texts of a day: what was sent to whom, when, why, and how it went."""
    after = cursors().unseal(query.cursor, uid, "texts", query.day)
    service = wiring.texting.texting_service()
    texts, position = service.texts_of_day(uid, query.day, query.limit, after)
    return TextPage(
        items=[TextAnswer.model_validate(text) for text in texts],
        next_cursor=cursors().seal(position, uid, "texts", query.day),
    )


@resource.get(f"{TEXTING}/replies", right="settings:read")
def list_replies(uid: Uid) -> ReplyList:
    """List the replies that nobody could classify; each waits for a person, for 30 days."""
    return _replies(wiring.texting.reply_queue().waiting_replies(uid))


@resource.post(f"{TEXTING}/replies/{{reply}}", right="settings:write")
def decide_reply(uid: Uid, reply: str, body: ReplyDecision, caller: Caller) -> ReplyList:
    """Say what a reply means: it opts out, or says nothing. Answers those that still wait."""
    queue = wiring.texting.reply_queue()
    return _replies(queue.decide(uid, reply, body.means, actor=caller.actor))


@resource.get("/api/accounts/{uid}/personas/{contact_id}/consent", right="personas:read")
def get_persona_consent(uid: Uid, contact_id: str) -> ConsentAnswer:
    """Read a persona's consent history, per phone and e-mail, and why it was (not) asked by SMS."""
    view = wiring.personas.personas().get(uid, contact_id)
    contacts: dict[tuple[Channel, str], None] = {}
    for member in view.members:
        if member.phone:
            contacts["sms", member.phone] = None
        if member.email:
            contacts["email", member.email] = None
    histories = wiring.consent.consent_service().history(uid, contacts)
    why = wiring.texting.why_not_asked().explain(uid, view.row.id)
    actors = [entry.actor for history in histories for entry in history.entries]
    names = wiring.accounts.names().names_of(uid, actors)
    return ConsentAnswer(
        contacts=[_contact(history, names) for history in histories],
        asked=WhyAnswer.model_validate(why),
    )


def _replies(replies: list[UnclearReply]) -> ReplyList:
    return ReplyList(items=[ReplyAnswer.model_validate(reply) for reply in replies])


def _contact(history: ContactHistory, names: Mapping[str, str]) -> ContactAnswer:
    return ContactAnswer(
        channel=history.channel,
        contact=history.contact,
        state=history.state.consent.state,
        since=history.state.consent.since,
        unusable=history.state.unusable,
        entries=[
            EntryAnswer.model_validate(entry).model_copy(
                update={"actor_name": names.get(entry.actor, entry.actor)}
            )
            for entry in history.entries
        ],
    )


def _texting(view: TextingView) -> TextingAnswer:
    return TextingAnswer.model_validate(
        {
            **view.rules.as_fields(),
            "wordings": WordingsAnswer.model_validate(view.wordings()),
            "status": view.status,
            "today": TextCounts.model_validate(view.today),
            "this_month": TextCounts.model_validate(view.this_month),
            "waiting": view.waiting,
            "version": view.rules.version,
        }
    )
