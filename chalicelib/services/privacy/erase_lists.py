"""Erase a shopper from what an audience run leaves: the lists, and the files made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from chalicelib.domain.audiences import SNAPSHOT_SORTS, ListedPersona, TagCounts, tags_of
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.audiences.exports import export_names
from chalicelib.services.audiences.snapshots import (
    manifest_name,
    read_manifest,
    snapshot_prefix,
    snapshots_of,
)
from chalicelib.services.audiences.volumes import Volume, VolumeBuilder, VolumeReader
from chalicelib.services.ports.audiences import (
    AudienceHead,
    AudienceRuns,
    Exports,
    ObjectMissing,
    Objects,
)
from chalicelib.services.signups.signatures import signature_prefix


@dataclass(frozen=True, slots=True)
class EraseLists:
    """Every step may be done again; one that finds nothing changes nothing."""

    runs: AudienceRuns
    exports: Exports
    objects: Objects

    def is_run_under_way(self, uid: Uid) -> bool:
        """Whether an audience run may be writing lists just now."""
        head = self.runs.head(uid)
        return bool(head.live) and self.runs.run(uid, head.live).is_live

    def erase_from_lists(self, uid: Uid, records: Collection[str], erasure: str) -> int:
        """Write the current lists without the shopper, and delete all older ones. Return how many
        lines there were."""
        head = self.runs.head(uid)
        gone = self._rewrite(uid, head.latest, records, erasure) if head.latest else 0
        self._delete_older(uid, head)
        if head.previous:
            self.runs.save_head(head, replace(head, previous=""))
        return gone

    def erase_signatures(self, uid: Uid, signers: Iterable[str], until: Instant) -> int:
        """Delete what these signed with until then, records and contacts (`signer_of`), and return
        how many pictures there were."""
        prefixes = [signature_prefix(uid, signer) for signer in signers]
        names = [
            found.name
            for prefix in prefixes
            for found in self.objects.names(prefix)
            if found.stored_at is None or found.stored_at < until
        ]
        self.objects.delete(names)
        return len(names)

    def erase_exports(self, uid: Uid) -> int:
        """Delete every file made of lists, and end those that are being made. Return how many."""
        gone = 0
        for export in self.exports.of_account(uid):
            if export.state == "failed":
                continue
            csv, _ = names = export_names(uid, export.id)
            if export.upload:
                self.objects.abort_upload(csv, export.upload)
            self.objects.delete(names)
            self.exports.save(replace(export, state="failed", upload="", rows=0, ends_at=None))
            gone += 1
        of_account = [
            found.name
            for found in self.objects.names(f"exports/{uid}/")
            if found.name.endswith(".jsonl.gz")
        ]
        self.objects.delete(of_account)
        return gone + len(of_account)

    def _rewrite(self, uid: Uid, run: str, records: Collection[str], erasure: str) -> int:
        try:
            manifest = read_manifest(self.objects, uid, run)
        except ObjectMissing:
            return 0
        removed: dict[str, ListedPersona] = {}
        old: list[str] = []
        lists = {}
        for by in SNAPSHOT_SORTS:
            volumes: list[Volume] = []
            for number, volume in enumerate(manifest.lists[by]):
                name = f"{snapshot_prefix(uid, run)}{by}-{number:08d}-{erasure}.jsonl.gz"
                kept = self._without(volume, records, name, removed)
                volumes += [kept] if kept is not None else []
                old += [] if kept == volume else [volume.name]
            lists[by] = tuple(volumes)
        if not removed:
            return 0
        counts = dict(manifest.counts.counts)
        for line in removed.values():
            tags = tags_of(line)
            counts[tags] = counts.get(tags, 0) - 1
        left = TagCounts({tags: count for tags, count in counts.items() if count > 0})
        people = manifest.personas - len(removed)
        changed = replace(manifest, personas=people, counts=left, lists=lists)
        self.objects.put(manifest_name(uid, run), changed.packed())
        self.objects.delete(old)
        return len(removed) * len(SNAPSHOT_SORTS)

    def _without(
        self,
        volume: Volume,
        records: Collection[str],
        name: str,
        removed: dict[str, ListedPersona],
    ) -> Volume | None:
        """The volume without the shopper; None when nobody is left in it."""
        reader, builder = VolumeReader(self.objects), VolumeBuilder()
        found = False
        for line, packed in reader.stream(volume):
            if line.id in records:
                removed[line.id], found = line, True
            else:
                builder.add(line, packed)
        if not found:
            return volume
        if not builder.rows:
            return None
        content, kept = builder.build(name)
        self.objects.put(name, content)
        return kept

    def _delete_older(self, uid: Uid, head: AudienceHead) -> None:
        """Delete what no manifest of the current lists names: lists of other runs, and what a run
        needed until its own were written."""
        kept: set[str] = set()
        if head.latest:
            kept.add(manifest_name(uid, head.latest))
            manifest = read_manifest(self.objects, uid, head.latest)
            kept |= {volume.name for each in manifest.lists.values() for volume in each}
        there = [found.name for found in self.objects.names(snapshots_of(uid))]
        self.objects.delete([name for name in there if name not in kept])
