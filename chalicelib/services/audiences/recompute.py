"""Go over every persona of an account: derive it again, correct what has drifted, note its line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.audiences import (
    SNAPSHOT_SORTS,
    ListedPersona,
    list_persona,
    sort_key,
    tags_of,
)
from chalicelib.domain.contact_states import consent_of_person
from chalicelib.domain.times import local_day_number
from chalicelib.domain.words import Day, SnapshotSort, Uid
from chalicelib.services.audiences.checkpoint import Checkpoint, Spill
from chalicelib.services.audiences.snapshots import work_prefix
from chalicelib.services.audiences.volumes import Volume, VolumeBuilder, pack
from chalicelib.services.derivation.compare import (
    ComparedPersona,
    Comparison,
    PersonaComparison,
    digest_of,
)
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.job_messages.base import next_position
from chalicelib.services.ports.audiences import AudienceRun, AudienceRuns, Objects, TimeLeft
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ContactStates
from chalicelib.services.ports.persona_list import PersonaList

PAGE = 250
MENDED_AT_ONCE = 100
"""A commit holds the account for about half a second then."""
SPILL_ROWS = 20_000
"""Lines held in memory, some 20 MB."""
SHOW_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recompute:
    """Works through the personas of one audience run."""

    runs: AudienceRuns
    objects: Objects
    personas: PersonaList
    comparison: PersonaComparison
    commits: FactCommits
    states: ContactStates
    clock: Clock

    def walk(
        self, run: AudienceRun, checkpoint: Checkpoint, time_left: TimeLeft
    ) -> tuple[AudienceRun, Checkpoint]:
        """Go on until everybody was derived, the time is up, or as many lines wait as are held.

        Returns what is to be saved: nothing of it is, except corrections that were made.
        """
        run = self._finish_mending(run)
        lines: list[ListedPersona] = []
        shown_at = self.clock.monotonic()
        while True:
            ids = self._next_ids(run.uid, checkpoint)
            run = self._page(run, ids, checkpoint, lines)
            done = checkpoint.walked and not checkpoint.unlisted
            if done or len(lines) >= SPILL_ROWS or not time_left():
                break
            if self.clock.monotonic() - shown_at >= SHOW_EVERY_SECONDS:
                shown_at, now = self.clock.monotonic(), self.clock.now()
                seen = checkpoint.counts.total() + len(lines)
                run = self.runs.save_run(replace(run, personas=seen, heartbeat_at=now))
        if lines:
            checkpoint.spills.append(self._spill(run, lines))
        for line in lines:
            checkpoint.counts.add(tags_of(line))
        return replace(run, personas=checkpoint.counts.total()), checkpoint

    def _next_ids(self, uid: Uid, checkpoint: Checkpoint) -> list[str]:
        """Return the ids of the next page, and move the checkpoint behind it."""
        if checkpoint.walked:
            ids = sorted(checkpoint.unlisted)[:PAGE]
            checkpoint.listed_late.update(ids)
            checkpoint.unlisted.difference_update(ids)
            return ids
        ids, following = self.personas.in_turn(uid, PAGE, checkpoint.after)
        checkpoint.after = next_position(checkpoint.after, following)
        checkpoint.walked = following is None
        checkpoint.unlisted.difference_update(ids)
        return ids

    def _page(
        self,
        run: AudienceRun,
        ids: Sequence[str],
        checkpoint: Checkpoint,
        lines: list[ListedPersona],
    ) -> AudienceRun:
        if not ids:
            return run
        compared = self.comparison.compare(run.uid, ids)
        if compared.differing:
            run = self._mend(run, compared)
        wanted = set(ids)
        found = [each for each in compared.personas if each.persona.id in wanted]
        made = {each.persona.id for each in compared.personas if not each.is_stored}
        checkpoint.unlisted |= made - wanted - checkpoint.listed_late
        zone = compared.terms.zone
        today = local_day_number(run.as_of or self.clock.now(), zone)
        for each in found:
            checkpoint.figures.add_records(each.pulled)
        checkpoint.figures.add_left_out(compared.left_out)
        more = self._lines(run, found, today)
        for line in more:
            checkpoint.figures.add(line, zone, today)
        lines += more
        return run

    def _lines(
        self, run: AudienceRun, found: Sequence[ComparedPersona], today: Day
    ) -> list[ListedPersona]:
        numbers = {number for each in found for number in each.numbers}
        states = self.states.eventual_states(run.uid, sorted(numbers)) if numbers else {}
        return [
            list_persona(
                each.persona,
                consent_of_person(each.persona.texted_at, each.numbers, states),
                today,
            )
            for each in found
        ]

    def _mend(self, run: AudienceRun, compared: Comparison) -> AudienceRun:
        """Correct what differs. What had to follow a change or the time has not drifted."""
        steady = run.steady and digest_of(compared.terms) == run.terms
        followed = self._rederive(run.uid, compared.due)
        rest = sorted(compared.differing - compared.due)
        if rest and steady:
            run = self.runs.save_run(replace(run, mending=tuple(rest)))
        changed = self._rederive(run.uid, rest)
        return self.runs.save_run(
            replace(
                run,
                mending=(),
                drifted=run.drifted + (changed if steady else 0),
                recomputed=run.recomputed + followed + (0 if steady else changed),
            )
        )

    def _finish_mending(self, run: AudienceRun) -> AudienceRun:
        """Count what a worker was correcting when it died: it may have done so without saying."""
        if not run.mending:
            return run
        changed = self._rederive(run.uid, run.mending) or len(run.mending)
        return self.runs.save_run(replace(run, mending=(), drifted=run.drifted + changed))

    def _rederive(self, uid: Uid, records: Iterable[str]) -> int:
        ids = sorted(records)
        return sum(
            self.commits.rederive(uid, ids[start : start + MENDED_AT_ONCE]).changed
            for start in range(0, len(ids), MENDED_AT_ONCE)
        )

    def _spill(self, run: AudienceRun, lines: Sequence[ListedPersona]) -> Spill:
        """Store the lines in each order."""
        packed = [(line, pack(line)) for line in lines]
        return {by: self._sorted_volume(run, by, packed) for by in SNAPSHOT_SORTS}

    def _sorted_volume(
        self, run: AudienceRun, by: SnapshotSort, packed: Iterable[tuple[ListedPersona, bytes]]
    ) -> Volume:
        builder = VolumeBuilder()
        for line, text in sorted(packed, key=lambda each: sort_key(each[0], by)):
            builder.add(line, text)
        name = f"{work_prefix(run.uid, run.id)}{by}-{run.seq:08d}.jsonl.gz"
        content, volume = builder.build(name)
        self.objects.put(name, content)
        return volume
