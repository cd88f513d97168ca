"""Write the CSV of an export, streamed into an upload in parts.

There is no file before its last part: a worker that dies is followed by one that goes on after the
last part it knows of, or the export fails. Parts are cut by size alone, so that a part that is
written twice is the same both times. The last line says how many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from chalicelib.domain.audiences import ListedPersona, tags_of
from chalicelib.domain.csv_text import BYTE_ORDER_MARK, Cell, csv_lines, phone_cell, text_cell
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.times import day_text, to_text
from chalicelib.domain.words import POINT
from chalicelib.services.audiences.exports import KEPT_FOR, export_name, export_names
from chalicelib.services.audiences.snapshots import SnapshotManifest, read_manifest
from chalicelib.services.audiences.volumes import SnapshotDamaged, VolumeReader
from chalicelib.services.job_messages.account_jobs import ExportMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.ports.audiences import (
    AudienceRuns,
    Export,
    Exports,
    ObjectMissing,
    Objects,
    PersonaFile,
    TimeLeft,
)
from chalicelib.services.ports.common import Clock, JobQueue

PART_BYTES = 8 * 1024 * 1024
ROWS_AT_ONCE = 500
MOST_TRIES = 8
"""Deliveries that may fail in a row; fewer than SQS buries a message after."""

COLUMNS = (
    "contact_id", "first_name", "last_name", "phone", "email", "sourced_from", "favourite_store",
    "member", "points", "texting", "flags", "last_purchase", "first_seen",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWorker:
    """Works off exports."""

    runs: AudienceRuns
    exports: Exports
    objects: Objects
    jobs: JobQueue
    clock: Clock
    part_bytes: int = PART_BYTES
    persona_file: PersonaFile | None = None

    def handle(self, message: ExportMessage, time_left: TimeLeft) -> int:
        """Go on with the export, and return how many rows are written.

        A message for an export that has ended does nothing and returns 0, as does one whose export
        was never stored.
        """
        try:
            export = self.exports.get(message.uid, message.export)
            if export.state in ("done", "failed"):
                return 0
            if export.tries >= MOST_TRIES:
                return self._fail(export).rows
            export = self.exports.save(replace(export, state="running", tries=export.tries + 1))
            if export.persona:
                return self._write_persona(export).rows
            return self._write(export, message, time_left).rows
        except NotFound:
            return 0
        except StaleVersion:  # another worker has the same message, and is ahead
            return 0

    def _write_persona(self, export: Export) -> Export:
        """Write all that is kept of a persona; one that is no more fails the export."""
        if self.persona_file is None:
            return self._fail(export)
        try:
            content, rows = self.persona_file.content(export.uid, export.persona)
        except NotFound:
            return self._fail(export)
        now = self.clock.now()
        _, name = export_names(export.uid, export.id)
        self.objects.put(name, content)
        ends_at = now + KEPT_FOR
        return self.exports.save(
            replace(export, state="done", rows=rows, as_of=now, ended_at=now, ends_at=ends_at)
        )

    def _write(self, export: Export, message: ExportMessage, time_left: TimeLeft) -> Export:
        try:
            export, manifest = self._begun(export)
            for after, rows, content in self._parts(export, manifest):
                is_last = after == manifest.personas
                export = self._add_part(export, after, rows, content)
                if not is_last and not time_left():
                    onward = replace(message, hop=next_hop(message.hop))
                    self.jobs.send(onward.body())
                    return export
            return self._end(export, manifest)
        except (ObjectMissing, SnapshotDamaged):
            return self._begin_anew(export, message)

    def _begun(self, export: Export) -> tuple[Export, SnapshotManifest]:
        """Return the export with a snapshot and an upload, and the snapshot's manifest."""
        if export.run and export.upload:
            return export, read_manifest(self.objects, export.uid, export.run)
        run = self.runs.head(export.uid).latest
        manifest = read_manifest(self.objects, export.uid, run)
        name = export_name(export.uid, export.id)
        upload = self.objects.begin_upload(name, "text/csv; charset=utf-8")
        begun = replace(
            export, run=run, as_of=manifest.as_of, upload=upload, parts=(), after=0, rows=0
        )
        return self.exports.save(begun), manifest

    def _parts(
        self, export: Export, manifest: SnapshotManifest
    ) -> Iterator[tuple[int, int, bytes]]:
        """Yield the parts that are not uploaded yet: lines of the list and rows of the CSV up to
        its end, and its content. The last one holds the end of the list."""
        if export.parts and export.after == manifest.personas:
            return
        wanted = export.filters.tags(export.audience)
        content, after, rows = bytearray(), export.after, export.rows
        if not export.parts:
            content += _encoded(BYTE_ORDER_MARK + csv_lines([COLUMNS]))
        waiting: list[tuple[Cell, ...]] = []
        for line in self._lines(manifest, after):
            after += 1
            if wanted <= tags_of(line):
                rows += 1
                waiting.append(_row(line))
            if len(waiting) == ROWS_AT_ONCE:
                content += _encoded(csv_lines(waiting))
                waiting = []
                if len(content) >= self.part_bytes and after < manifest.personas:
                    yield after, rows, bytes(content)
                    content = bytearray()
        waiting.append((f"# rows {rows}",))
        content += _encoded(csv_lines(waiting))
        yield after, rows, bytes(content)

    def _lines(self, manifest: SnapshotManifest, after: int) -> Iterator[ListedPersona]:
        """Yield the lines of the list by name, from the line `after` on."""
        reader, first = VolumeReader(self.objects), 0
        for volume in manifest.lists["name"]:
            if first + volume.rows > after:
                for line, _ in reader.stream(volume, max(0, after - first)):
                    yield line
            first += volume.rows
        if first != manifest.personas:
            raise SnapshotDamaged("The list by name does not hold everybody.")

    def _add_part(self, export: Export, after: int, rows: int, content: bytes) -> Export:
        name, number = export_name(export.uid, export.id), len(export.parts) + 1
        tag = self.objects.upload_part(name, export.upload, number, content)
        moved = replace(export, parts=(*export.parts, tag), after=after, rows=rows, tries=0)
        return self.exports.save(moved)

    def _end(self, export: Export, manifest: SnapshotManifest) -> Export:
        """Make the file of its parts, if it holds as many rows as the list."""
        if export.rows != manifest.counts.total(export.filters.tags(export.audience)):
            raise SnapshotDamaged("The list and its count differ.")
        name = export_name(export.uid, export.id)
        self.objects.end_upload(name, export.upload, export.parts)
        now = self.clock.now()
        return self.exports.save(
            replace(export, state="done", ended_at=now, ends_at=now + KEPT_FOR, upload="")
        )

    def _begin_anew(self, export: Export, message: ExportMessage) -> Export:
        """Begin again with the latest snapshot. The upload is forgotten: nobody sees its parts."""
        if export.upload:
            self.objects.abort_upload(export_name(export.uid, export.id), export.upload)
        if export.tries >= MOST_TRIES or message.hop >= MOST_TRIES:
            return self._fail(export)
        anew = replace(export, run="", upload="", parts=(), after=0, rows=0)
        anew = self.exports.save(anew)
        self.jobs.send(replace(message, hop=next_hop(message.hop)).body(), delay_seconds=5)
        return anew

    def _fail(self, export: Export) -> Export:
        if export.upload:
            self.objects.abort_upload(export_name(export.uid, export.id), export.upload)
        now = self.clock.now()
        return self.exports.save(replace(export, state="failed", ended_at=now, upload="", rows=0))


def _row(line: ListedPersona) -> tuple[Cell, ...]:
    """Return the cells of a persona, in the order of `COLUMNS`."""
    return (
        line.id,
        text_cell(line.first),
        text_cell(line.last),
        phone_cell(line.phone),
        text_cell(line.email),
        text_cell(" ".join(line.sources)),
        line.favourite_store,
        "yes" if line.member else "no",
        _points(line.points),
        line.consent,
        text_cell(" ".join(line.flags)),
        "" if line.last_purchase is None else day_text(line.last_purchase),
        to_text(line.inserted_at),
    )


def _points(points: int) -> Decimal | int:
    whole, rest = divmod(points, POINT)
    return Decimal(points) / POINT if rest else whole


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
