"""Keep the markets that derivation goes by equal to what the credentials say (product.md §7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.job_messages.base import AFTER_THE_REQUEST_SECONDS
from chalicelib.services.ports.common import JobQueue
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.rules import RuleBook


def markets_of(credentials: Iterable[Credential], held: Mapping[str, str]) -> dict[str, str]:
    """Return the market of each scope whose credential has one. `held`: those known before, of
    which a scope without a live credential keeps its own: so do its contacts."""
    live = {each.scope: each.market for each in credentials if each.scope}
    removed = {scope: market for scope, market in held.items() if scope not in live}
    return {**removed, **{scope: market for scope, market in live.items() if market}}


@dataclass(frozen=True, slots=True)
class Markets:
    """Follows changes of credentials while *Sync to relevant market* is on."""

    rules: RuleBook
    credentials: Credentials
    jobs: JobQueue

    def refresh(self, uid: Uid, platform: Platform) -> None:
        """Take the credentials' markets over, and have everybody derived again where one changed.
        Done twice, it changes nothing."""
        while True:
            rules = self.rules.get(uid)
            source = rules.source(platform)
            if not source.to_market:
                return
            live = self.credentials.for_integration(uid, platform)
            markets = markets_of(live, source.markets)
            if markets == source.markets:
                return
            # Before the save: never a save without its job.
            message = RemapMessage(uid, reason=f"market of {platform}")
            self.jobs.send(message.body(), delay_seconds=AFTER_THE_REQUEST_SECONDS)
            with suppress(StaleVersion):
                source = replace(source, markets=markets)
                self.rules.save(uid, replace(rules, sources={**rules.sources, platform: source}))
                return
