"""Find the scope in which a POS lists a shopper whom it pushes (partner-api.md S3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.ids import record_id
from chalicelib.domain.signups import OWN_SCOPES, PUSHED_SCOPE
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.stores import StoreKey, Stores


@dataclass(frozen=True, slots=True)
class PosScopes:
    """Says where pushed shoppers are pulled, so that both are one by the POS's id alone."""

    facts: FactStore
    stores: Stores
    rules: RuleBook

    def find(
        self, uid: Uid, platform: Platform, shoppers: Mapping[str, ScopeId | None]
    ) -> dict[str, ScopeId]:
        """Return the scope of each shopper, by its id in the POS, as far as it is known.

        `shoppers`: with the scope that came along, None where none did. Else it is the only one
        that the source has, the only one in which the id was pulled, or the one known before: an id
        may be somebody else's in another store.
        """
        self._note_pushes(uid, platform)
        known = {ext_id: scope for ext_id, scope in shoppers.items() if scope}
        asked = [ext_id for ext_id in shoppers if ext_id not in known]
        scopes = _scopes_of(platform, self.stores.keys(uid)) if asked else []
        if len(scopes) == 1:
            return known | dict.fromkeys(asked, scopes[0])
        places = {
            record_id(uid, platform, scope, ext_id): (ext_id, scope)
            for ext_id in asked
            for scope in (*scopes, PUSHED_SCOPE)
        }
        rows = self.facts.rows(uid, places) if places else {}
        pulled: dict[str, list[ScopeId]] = {}
        for rid, (ext_id, scope) in places.items():
            stored = rows[rid].stored if rid in rows else None
            if stored is None:
                continue
            if scope != PUSHED_SCOPE:
                pulled.setdefault(ext_id, []).append(scope)
            elif stored.record.customer.pos_scope:
                known[ext_id] = ScopeId(stored.record.customer.pos_scope)
        only = {ext_id: found[0] for ext_id, found in pulled.items() if len(found) == 1}
        return {**known, **only}

    def _note_pushes(self, uid: Uid, platform: Platform) -> None:
        """Note before the first push that the source pushes: whoever is pulled from then on is
        looked for among the pushed."""
        while not (rules := self.rules.get(uid)).source(platform).pushes:
            source = replace(rules.source(platform), pushes=True)
            with suppress(StaleVersion):
                self.rules.save(uid, replace(rules, sources={**rules.sources, platform: source}))


def _scopes_of(platform: Platform, keys: Sequence[StoreKey]) -> list[ScopeId]:
    scopes = {key.scope for key in keys if key.platform == platform}
    return sorted(scopes - OWN_SCOPES)
