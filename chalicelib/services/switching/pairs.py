"""Find the sales of some personas that look doubled, as derivation holds them back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import orjson

from chalicelib.domain.doubles import DoubledSale
from chalicelib.domain.loyalty import first_earning_day, suspected_doubles
from chalicelib.domain.personas import Persona
from chalicelib.domain.rules import Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import DAY, day_text
from chalicelib.domain.words import Day, Platform, Uid
from chalicelib.services.ports.changes import PreviewReads
from chalicelib.services.ports.switching import DoubledPair, PosSwitch, SaleOfPair


@dataclass(frozen=True, slots=True)
class FindPairs:
    """Reads eventually consistent, without a lock."""

    reads: PreviewReads

    def of(self, switch: PosSwitch, people: Iterable[Persona], terms: Terms) -> list[DoubledPair]:
        """Return the pairs among the sales of these personas, decided ones too."""
        both = {switch.old, switch.new}
        return [
            pair
            for persona in people
            if persona.earn_from is not None
            and both.issubset(persona.sources)
            and _may_have_any(persona, both, persona.earn_from, terms)
            for pair in _pairs(
                switch,
                persona,
                self._refs(switch.uid, persona, persona.earn_from, terms),
                terms,
            )
        ]

    def _refs(self, uid: Uid, persona: Persona, since: Day, terms: Terms) -> list[SaleRef]:
        """The person's sales, from the first that may earn on."""
        first = first_earning_day(since, persona.sources, terms.rules)
        at = max(0, first - 1) * DAY
        return [ref for rid in persona.members for ref in self.reads.refs(uid, rid, at)]


def _may_have_any(persona: Persona, both: Iterable[Platform], since: Day, terms: Terms) -> bool:
    """Whether the last purchase in each of both POS is late enough to earn beside the other's: a
    pair is of one day. Of nearly everybody no sale is read."""
    starts = [terms.rules.accrual_start(platform) for platform in both]
    first = max([since, *(start for start in starts if start is not None)])
    last_days = persona.last_days
    return all(platform in last_days and last_days[platform] >= first for platform in both)


def _pairs(
    switch: PosSwitch, persona: Persona, refs: Sequence[SaleRef], terms: Terms
) -> Iterator[DoubledPair]:
    """Those of which one is held back, then those that somebody said are two sales. After a switch
    back the earlier one may hold back the other side."""
    between = {switch.old, switch.new}
    said = {replace(ref, double=""): ref for ref in refs}
    held_back = suspected_doubles(refs, persona.earn_from, terms)
    if_nothing_was_said = [
        DoubledSale(said[old], said[new], day)
        for old, new, day in suspected_doubles(said, persona.earn_from, terms)
    ]
    decided = [pair for pair in if_nothing_was_said if pair.new.double or pair.old.double]
    listed: set[SaleRef] = set()
    for old, new, day in [*held_back, *decided]:
        if {old.platform, new.platform} == between and new not in listed:
            listed.add(new)
            yield DoubledPair(_name(new, day), persona.id, day, _seen(old), _seen(new))


def _name(new: SaleRef, day: Day) -> str:
    """Names sort by day."""
    place = orjson.dumps([new.platform, new.scope, new.ext_id])
    return f"{day_text(day)}-{blake2b(place, digest_size=8).hexdigest()}"


def _seen(ref: SaleRef) -> SaleOfPair:
    return SaleOfPair(ref.platform, ref.scope, ref.ext_id, ref.ordered_at, ref.net, ref.double)
