"""Send a PIN that a shopper has just asked for at the till (partner-api.md, S13)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.contact_states import SENDING_AT_MOST
from chalicelib.domain.pins import LIVES
from chalicelib.domain.texting import count_parts
from chalicelib.services.consent.circumstances import with_brand
from chalicelib.services.job_messages.text_jobs import SendPin
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ContactStates
from chalicelib.services.ports.digests import Mailer, MailUnknown
from chalicelib.services.ports.texting import (
    Caps,
    KillSwitch,
    Text,
    TextingSettings,
    TextLog,
    TextSender,
)
from chalicelib.services.texting.sending import send_once

SUBJECT = "Your PIN"
HIDDEN = "••••"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPins:
    """Sends PINs at any hour, at most once each, never to a number that opted out.

    The log of texts shows that one went, and not which.
    """

    settings: TextingSettings
    accounts: Accounts
    texts: TextLog
    contact_states: ContactStates
    sender: TextSender
    mailer: Mailer
    switch: KillSwitch
    clock: Clock

    def handle(self, job: SendPin) -> str | None:
        """Send it and return what became of it; None when something forbids it by now."""
        if self.clock.now() - job.at >= LIVES:
            return None
        return self._mail(job) if job.channel == "email" else self._text(job)

    def _mail(self, job: SendPin) -> str:
        name = self.accounts.get(job.uid).name
        try:
            self.mailer.send(job.contact, SUBJECT, _body(name, job.code))
        except MailUnknown:
            return "unknown"
        return "sent"

    def _text(self, job: SendPin) -> str | None:
        rules = with_brand(self.settings.get(job.uid), self.accounts.get(job.uid))
        state = self.contact_states.states(job.uid, [job.contact])[job.contact]
        blocked = state.consent.state == "opted_out" or state.unusable is not None
        if rules.number is None or self.switch.read().off or blocked:
            return None
        body = _body(rules.brand, job.code)
        logged = Text(
            id=job.id,
            uid=job.uid,
            kind="pin",
            number=job.contact,
            body=_body(rules.brand, HIDDEN),
            parts=count_parts(body),
            at=job.at,
            day=job.day,
            why="pin",
        )
        caps = Caps(rules.daily_cap, rules.monthly_budget)
        ends_by = self.clock.now() + SENDING_AT_MOST
        if self.texts.begin(logged, caps, ends_by=ends_by) != "begun":
            return None
        result = send_once(self.sender, rules.number, replace(logged, body=body))
        self.texts.end(logged, result.state, result.message_id)
        return result.state


def _body(brand: str, code: str) -> str:
    return f"{brand}: your PIN is {code}, good for 10 minutes. Tell it to nobody but the till."
