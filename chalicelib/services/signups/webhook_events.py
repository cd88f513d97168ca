"""Work off what a POS sent by webhook (partner-api.md S20): late, twice or in any order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.records import Consent, Customer
from chalicelib.domain.signups import PUSHED_SCOPE
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.job_messages.webhook_messages import WebhookMessage
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.signups import ReadContact, SignUp, SignUps
from chalicelib.services.signups.pos_scopes import PosScopes
from chalicelib.services.signups.reading import read_signup

FLAGS: dict[bool | None, Consent] = {None: "unknown", True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class WebhookWorker:
    """Signs up whom a POS signed up, and takes the profiles that changed there."""

    signups: SignUps
    commits: FactCommits
    clock: Clock
    phone: ReadContact
    email: ReadContact
    scopes: PosScopes

    def handle(self, message: WebhookMessage) -> str:
        """Return what was done. What nobody can be told by is passed over: it was acknowledged.
        Raises SourceStandsStill for a profile of a source that uses AIQ's last backup."""
        signup = SignUp(
            **message.told,
            platform=message.platform,
            actor=f"webhook:{message.platform}",
            at=message.at,
            id=message.id,
        )
        if message.type == "signup":
            return self._sign_up(message, signup)
        return self._change(message, signup)

    def _sign_up(self, message: WebhookMessage, signup: SignUp) -> str:
        try:
            done = self.signups.sign_up(message.uid, signup)
        except InvalidInput:
            return "no_contact"
        return "new" if done.is_new else "known"

    def _change(self, message: WebhookMessage, signup: SignUp) -> str:
        """An older profile never takes the place of a newer one: see `domain.versions`."""
        if not message.pos_id:
            return "no_id"
        told, _ = read_signup(signup, self.phone, self.email, self.clock.now())
        scopes = self.scopes.find(message.uid, message.platform, {message.pos_id: None})
        profile = pushed_profile(told, message.pos_id, signup)
        profile = replace(profile, pos_scope=scopes.get(message.pos_id))
        done = self.commits.commit(message.uid, message.platform, PUSHED_SCOPE, customers=[profile])
        return "changed" if done.records else "known"


def pushed_profile(told: Customer, pos_id: str, signup: SignUp) -> Customer:
    """Return the record of what a POS pushed of its shopper: its opt-in flags are a POS's."""
    return replace(
        told,
        ext_id=pos_id,
        sms_consent=FLAGS[signup.sms],
        email_consent=FLAGS[signup.emails],
    )
