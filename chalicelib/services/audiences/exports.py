"""CSV of an audience, made in the background of the latest snapshot (product.md §6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain.audiences import SnapshotFilter
from chalicelib.domain.errors import Conflict
from chalicelib.domain.times import DAY, MINUTE, SECOND
from chalicelib.domain.words import AudienceName, Instant, Uid
from chalicelib.services.job_messages.account_jobs import ExportMessage
from chalicelib.services.ports.audiences import (
    AudienceRuns,
    Export,
    Exports,
    ExportState,
    Objects,
)
from chalicelib.services.ports.common import Clock, Ids, JobQueue

LINK_FOR = 10 * MINUTE
KEPT_FOR = DAY
"""The bucket deletes exports after a day."""


class ExportView(NamedTuple):
    """How an export stands. `url` gives the file away until `expires_at`; None before it is done
    and once it is deleted."""

    id: str
    audience: AudienceName
    state: ExportState
    rows: int
    as_of: Instant | None
    url: str | None
    expires_at: Instant | None


def export_name(uid: Uid, export: str) -> str:
    """Return the name of an export's object."""
    return f"exports/{uid}/{export}.csv"


def export_names(uid: Uid, export: str) -> tuple[str, str]:
    """Return the names that the object of an export may have: of a list, and of a persona."""
    return export_name(uid, export), f"exports/{uid}/{export}.json"


@dataclass(frozen=True, slots=True)
class ExportService:
    """Asks for exports, and says how they stand."""

    runs: AudienceRuns
    exports: Exports
    objects: Objects
    jobs: JobQueue
    ids: Ids
    clock: Clock

    def request(
        self, uid: Uid, audience: AudienceName, filters: SnapshotFilter, actor: str
    ) -> ExportView:
        """Queue an export. Raises Conflict before the first audience run.

        The message goes first: one without its export does nothing, an export without its message
        would never end.
        """
        if not self.runs.head(uid).latest:
            raise Conflict(
                "There is no list to export yet. Run the audiences now, or wait until tonight's"
                " audience run."
            )
        now = self.clock.now()
        export = Export(uid, self.ids.new("export"), audience, filters, actor, now)
        self.jobs.send(ExportMessage(uid, export.id).body(), delay_seconds=1)
        return self._view(self.exports.save(export))

    def request_persona(self, uid: Uid, contact_id: str, actor: str) -> ExportView:
        """Queue an export of all that is kept of a persona."""
        now, nothing = self.clock.now(), SnapshotFilter()
        name = self.ids.new("export")
        export = Export(uid, name, "personas", nothing, actor, now, persona=contact_id)
        self.jobs.send(ExportMessage(uid, export.id).body(), delay_seconds=1)
        return self._view(self.exports.save(export))

    def get(self, uid: Uid, export: str) -> ExportView:
        """Return how the export stands, with a new link where it is done. Raises NotFound."""
        return self._view(self.exports.get(uid, export))

    def _view(self, export: Export) -> ExportView:
        url, expires_at = None, None
        now = self.clock.now()
        is_csv = not export.persona
        names = export_names(export.uid, export.id)
        if export.state == "done" and export.ends_at is not None and now < export.ends_at:
            day = "" if export.as_of is None else f"-{export.as_of // DAY}"
            url = self.objects.link(
                names[0] if is_csv else names[1],
                LINK_FOR // SECOND,
                f"{export.uid}-{export.audience}{day}.csv" if is_csv else f"{export.persona}.json",
            )
            expires_at = now + LINK_FOR
        return ExportView(
            export.id, export.audience, export.state, export.rows, export.as_of, url, expires_at
        )
