"""Send the test text that Settings → Texting queued to the number typed (product.md §9)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.contact_states import SENDING_AT_MOST
from chalicelib.domain.texting import count_parts
from chalicelib.domain.times import HOUR
from chalicelib.domain.words import TextState
from chalicelib.services.consent.circumstances import with_brand
from chalicelib.services.job_messages.text_jobs import SendTest
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ContactStates
from chalicelib.services.ports.texting import (
    Caps,
    KillSwitch,
    Text,
    TextingSettings,
    TextLog,
    TextSender,
)
from chalicelib.services.texting.sending import send_once

JUST_ASKED = HOUR
"""A job that lay longer, say in the dead-letter queue, is too late: nobody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTests:
    """Sends what *Send me a test* queued, at any hour: a person asked for it just now."""

    settings: TextingSettings
    accounts: Accounts
    texts: TextLog
    contact_states: ContactStates
    sender: TextSender
    switch: KillSwitch
    clock: Clock

    def handle(self, job: SendTest) -> TextState | None:
        """Send the test and return what became of it.

        None when something forbids it by now, or when it was begun before.
        """
        rules = with_brand(self.settings.get(job.uid), self.accounts.get(job.uid))
        state = self.contact_states.states(job.uid, [job.number])[job.number]
        blocked = state.consent.state == "opted_out" or state.unusable is not None
        now = self.clock.now()
        stale = now - job.at > JUST_ASKED
        if rules.number is None or self.switch.read().off or blocked or stale:
            return None
        body = f"{rules.brand}: This is a test. Reply HELP for help, STOP to opt out."
        text = Text(
            id=job.id,
            uid=job.uid,
            kind="test",
            number=job.number,
            body=body,
            parts=count_parts(body),
            at=job.at,
            day=job.day,
            why="test",
        )
        caps = Caps(rules.daily_cap, rules.monthly_budget)
        if self.texts.begin(text, caps, ends_by=now + SENDING_AT_MOST) != "begun":
            return None
        result = send_once(self.sender, rules.number, text)
        self.texts.end(text, result.state, result.message_id)
        return result.state
