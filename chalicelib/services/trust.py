"""*Trust opt-in flags of this source*: an Owner lets a POS's flags opt in (product.md §9)."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import StaleVersion
from chalicelib.services.connect import WRITE_TRIES, ConnectService, DeriveAgain
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.rules import RuleBook


class TrustService:
    def __init__(
        self, connecting: ConnectService, rules: RuleBook, derive_again: DeriveAgain
    ) -> None:
        self._connecting = connecting
        self._rules = rules
        self._derive_again = derive_again

    def trust(self, uid: str, platform: str, *, actor: str) -> Integration:
        """From now on, and for the flags AIQ knows already. Raises NotFound, StaleVersion."""
        integration = self._connecting.trust_flags(uid, platform, actor=actor)
        self._rule(uid, platform, trusted=True)
        return integration

    def distrust(self, uid: str, platform: str, *, actor: str) -> Integration:
        """Flags are evidence only, from now on; who was opted in by one stays so."""
        integration = self._connecting.distrust_flags(uid, platform, actor=actor)
        self._rule(uid, platform, trusted=False)
        return integration

    def _rule(self, uid: str, platform: str, *, trusted: bool) -> None:
        for tries_left in range(WRITE_TRIES - 1, -1, -1):
            rules = self._rules.get(uid)
            source = replace(rules.source(platform), trusts_opt_in_flags=trusted)
            try:
                self._rules.save(uid, replace(rules, sources={**rules.sources, platform: source}))
            except StaleVersion:
                if not tries_left:
                    raise
                continue
            break
        self._derive_again(uid, "opt_in_flags")
