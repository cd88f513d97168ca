"""What people are called where the activity log, a card or a ledger names who did something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import SYSTEM, Audit

US = "AIQ"
FORMER = "a former member"
SHOPPER = "the shopper"
LATEST_LOOKED_AT = 100
_USER = "user:"


@dataclass(frozen=True, slots=True)
class ActorNames:
    """Names actors, which are stored as ids so that exports and logs stay free of e-mails."""

    accounts: Accounts
    audit: Audit

    def names_of(self, uid: Uid, actors: Iterable[str | None]) -> dict[str, str]:
        """Return a name for each actor: their e-mail, `a former member` for who has no row in the
        account any more, `AIQ` for what nobody did by hand. What is no person keeps its id."""
        wanted = {actor for actor in actors if actor}
        emails: dict[str, str] = {}
        if any(actor.startswith(_USER) for actor in wanted):
            emails = {user.sub: user.email for user in self.accounts.users(uid)}
        return {actor: _name(actor, emails) for actor in wanted}

    def last_change(self, uid: Uid, subject: str) -> tuple[str, Instant] | None:
        """Return the name of who changed the subject last, and when; None where none of the latest
        lines of the activity log says so."""
        entries, _ = self.audit.entries(uid, LATEST_LOOKED_AT, None)
        for entry in entries:
            if entry.subject == subject:
                return self.names_of(uid, [entry.actor]).get(entry.actor, US), entry.at
        return None


def _name(actor: str, emails: dict[str, str]) -> str:
    if actor == SYSTEM:
        return US
    if actor == "shopper":
        return SHOPPER
    if actor.startswith(_USER):
        return emails.get(actor.removeprefix(_USER), FORMER)
    return actor
