"""Builds the services of audience runs, of the lists they leave, and of exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.passing_over import pass_over
from chalicelib.entrypoints.wiring import (
    audience_starts,
    derivation,
    freezing,
    notifications,
    outside,
    queues,
)
from chalicelib.observability import count

if TYPE_CHECKING:
    from chalicelib.domain.words import Uid
    from chalicelib.services.audiences.export_worker import ExportWorker
    from chalicelib.services.audiences.exports import ExportService
    from chalicelib.services.audiences.pages import SnapshotLists
    from chalicelib.services.audiences.plan import AudiencePlanner
    from chalicelib.services.audiences.run import AudienceRunWorker
    from chalicelib.services.ports.audiences import TakesBackups


@once
def planner() -> AudiencePlanner:
    from chalicelib.adapters.dynamo.keys.account_keys import AUDIENCE_SHARDS
    from chalicelib.services.audiences.plan import AudiencePlanner

    return AudiencePlanner(
        runs=outside.audience_runs(),
        accounts=outside.accounts(),
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        starter=audience_starts.starter(),
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
        shards=AUDIENCE_SHARDS,
        pass_over=pass_over,
    )


@once
def backups() -> TakesBackups:
    """Build what takes the backups of a run."""
    from chalicelib.services.freezing.run_backups import RunBackups

    return RunBackups(
        freezing.take_backup(),
        outside.integrations(),
        outside.audience_runs(),
        queues.jobs_queue(),
    )


@once
def run_worker() -> AudienceRunWorker:
    from chalicelib.services.audiences.recompute import Recompute
    from chalicelib.services.audiences.run import AudienceRunWorker
    from chalicelib.services.audiences.sorting import ListWriter

    recompute = Recompute(
        runs=outside.audience_runs(),
        objects=outside.objects(),
        personas=outside.persona_list(),
        comparison=derivation.comparison(),
        commits=derivation.commits(),
        states=outside.consent_log(),
        clock=outside.clock(),
    )
    return AudienceRunWorker(
        runs=outside.audience_runs(),
        objects=outside.objects(),
        backups=backups(),
        recompute=recompute,
        merging=ListWriter(outside.objects()),
        terms=derivation.terms(),
        starter=audience_starts.starter(),
        notifier=notifications.notifier(),
        count_drift=_count_drift,
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
        after_run=_read_discount_lists,
    )


def _read_discount_lists(uid: Uid) -> None:
    from chalicelib.services.job_messages.account_jobs import DiscountListsMessage

    queues.jobs_queue().send(DiscountListsMessage(uid).body())


def _count_drift(personas: int) -> None:
    count("PersonasDrifted", personas)


@once
def lists() -> SnapshotLists:
    from chalicelib.services.audiences.pages import SnapshotLists

    return SnapshotLists(outside.audience_runs(), outside.objects())


@once
def exports() -> ExportService:
    from chalicelib.services.audiences.exports import ExportService

    return ExportService(
        outside.audience_runs(),
        outside.exports(),
        outside.objects(),
        queues.jobs_queue(),
        outside.ids(),
        outside.clock(),
    )


@once
def export_worker() -> ExportWorker:
    from chalicelib.entrypoints.wiring import privacy
    from chalicelib.services.audiences.export_worker import ExportWorker

    return ExportWorker(
        persona_file=privacy.persona_file(),
        runs=outside.audience_runs(),
        exports=outside.exports(),
        objects=outside.objects(),
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
    )
