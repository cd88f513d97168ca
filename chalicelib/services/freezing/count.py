"""Count what *Use AIQ's last backup* would roll back (product.md §10)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from chalicelib.domain.backups import Backup
from chalicelib.domain.points_import import is_locked
from chalicelib.domain.pulled_facts import FactPlace, PulledCustomer, PulledFact
from chalicelib.domain.words import Fence, Platform, Points, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.freezing.shards import ShardStore
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts_log import FactLines, FactsLog
from chalicelib.services.ports.rules import RuleBook

MOST_FACTS = 20_000
MOST_BYTES = 30_000_000
"""Of a backup that is read while somebody waits."""
PAGE = 250
SECONDS = 5.0
EVER: Fence = 10**12 - 1
_EMPTY = Backup(Uid(""), Platform(""), "", 0, "on_demand", "", 0)


@dataclass(frozen=True, slots=True)
class RollBackCounts:
    """What would be rolled back. `shoppers` and `sales`: facts that change; `personas`: who leaves
    the lists; `members`: who is a member no more; `points`: by how much all balances together
    change; `balances`: imported balances that are not fixed yet. `is_complete`: all were looked at;
    else the last four are at least so many.
    """

    shoppers: int = 0
    sales: int = 0
    personas: int = 0
    members: int = 0
    points: Points = 0
    balances: int = 0
    is_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRollBack:
    """Counts within a few seconds, without a lock."""

    commits: FactCommits
    log: FactsLog
    lines: FactLines
    shards: ShardStore
    rules: RuleBook
    clock: Clock

    def count(self, uid: Uid, platform: Platform, backup: Backup | None) -> RollBackCounts:
        """Count what a roll back to the backup would change; None: nothing."""
        if backup is None:
            return RollBackCounts()
        began = self.clock.monotonic()
        changed, is_complete = self._changed(uid, platform, backup)
        if backup.size > MOST_BYTES:
            sales = sum(place.kind == "sale" for place in changed)
            return RollBackCounts(len(changed) - sales, sales, is_complete=False)
        held = self._held(backup, changed)
        facts = {place: self.lines.fact(line) for place, line in held.items()}
        wanted = sorted(p for p, line in changed.items() if held.get(p) != line)
        sales = sum(place.kind == "sale" for place in wanted)
        personas = members = points = 0
        pages = iter(wanted)
        while page := list(islice(pages, PAGE)):
            if self.clock.monotonic() - began > SECONDS:
                is_complete = False
                break
            versions: list[PulledFact] = [facts[place] for place in page if place in facts]
            missing = [place for place in page if place not in facts]
            found = self.commits.count_put_back(uid, platform, versions, missing)
            personas += found.people
            members += found.members
            points += found.points
        balances = self._unfixed(uid, platform, [facts[p] for p in wanted if p in facts])
        return RollBackCounts(
            len(wanted) - sales, sales, personas, members, points, balances, is_complete
        )

    def count_all(self, uid: Uid, platform: Platform, backup: Backup | None) -> RollBackCounts:
        """Count what of a source is there at all. `backup`: its last good one; None where there is
        none."""
        began = self.clock.monotonic()
        changed, is_complete = self._changed(uid, platform, backup or _EMPTY)
        if backup is not None and backup.size > MOST_BYTES:
            return RollBackCounts(backup.customers, backup.sales, is_complete=False)
        places = set(changed)
        for shard in backup.shards if backup else ():
            places |= self.shards.read(uid, platform, shard).keys()
        sales = sum(place.kind == "sale" for place in places)
        personas = members = points = 0
        pages = iter(sorted(places))
        while page := list(islice(pages, PAGE)):
            if self.clock.monotonic() - began > SECONDS:
                is_complete = False
                break
            found = self.commits.count_put_back(uid, platform, [], page)
            personas, members = personas + found.people, members + found.members
            points += found.points
        return RollBackCounts(
            len(places) - sales, sales, personas, members, points, is_complete=is_complete
        )

    def _changed(
        self, uid: Uid, platform: Platform, backup: Backup
    ) -> tuple[dict[FactPlace, bytes], bool]:
        """The last line of each fact that came or changed after the backup; whether these are
        all."""
        changed: dict[FactPlace, bytes] = {}
        for _, facts in self.log.read(uid, platform, backup.fence, EVER):
            changed.update((place, line) for place, line in facts)
            if len(changed) > MOST_FACTS:
                return changed, False
        return changed, True

    def _held(self, backup: Backup, wanted: dict[FactPlace, bytes]) -> dict[FactPlace, bytes]:
        """The backup's lines of these facts."""
        held: dict[FactPlace, bytes] = {}
        for shard in backup.shards:
            lines = self.shards.read(backup.uid, backup.platform, shard)
            held.update((place, line) for place, line in lines.items() if place in wanted)
        return held

    def _unfixed(self, uid: Uid, platform: Platform, facts: list[PulledFact]) -> int:
        source = self.rules.get(uid).source(platform)
        if source.imported_on is None or is_locked(source):
            return 0
        return sum(
            isinstance(f, PulledCustomer) and f.scope not in source.import_locks for f in facts
        )
