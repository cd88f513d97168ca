"""Builds the job queues and their dead-letter queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once

if TYPE_CHECKING:
    from chalicelib.services.ports.common import JobQueue, SyncQueue
    from chalicelib.services.ports.dead_letters import DeadLetterQueue


@once
def sync_queue(name: SyncQueue) -> JobQueue:
    from chalicelib.adapters.aws.queues import SqsQueue

    sync, own_server = config().queue_sync_url, config().queue_sync_own_server_url
    return SqsQueue(sync if name == "sync" else own_server)


@once
def jobs_queue() -> JobQueue:
    from chalicelib.adapters.aws.queues import SqsQueue

    return SqsQueue(config().queue_jobs_url)


@once
def texts_queue() -> JobQueue:
    from chalicelib.adapters.aws.queues import SqsQueue

    return SqsQueue(config().queue_texts_url)


@once
def webhooks_queue() -> JobQueue:
    from chalicelib.adapters.aws.queues import SqsQueue

    return SqsQueue(config().queue_webhooks_url)


@once
def sync_dead_letters(name: SyncQueue) -> DeadLetterQueue:
    from chalicelib.adapters.aws.dead_letters import SqsDeadLetters

    sync, own_server = config().queue_sync_dead_url, config().queue_sync_own_server_dead_url
    return SqsDeadLetters(name, sync if name == "sync" else own_server)


@once
def jobs_dead_letters() -> DeadLetterQueue:
    from chalicelib.adapters.aws.dead_letters import SqsDeadLetters

    return SqsDeadLetters("jobs", config().queue_jobs_dead_url)


@once
def texts_dead_letters() -> DeadLetterQueue:
    from chalicelib.adapters.aws.dead_letters import SqsDeadLetters

    return SqsDeadLetters("texts", config().queue_texts_dead_url)


@once
def webhooks_dead_letters() -> DeadLetterQueue:
    from chalicelib.adapters.aws.dead_letters import SqsDeadLetters

    return SqsDeadLetters("webhooks", config().queue_webhooks_dead_url)
