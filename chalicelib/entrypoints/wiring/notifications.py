"""Builds the services of notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.passing_over import pass_over
from chalicelib.entrypoints.wiring import outside, queues

if TYPE_CHECKING:
    from chalicelib.services.notifications.dead_letters import DeadLetterWatch
    from chalicelib.services.notifications.digest_choices import DigestChoices
    from chalicelib.services.notifications.notify import Notifier
    from chalicelib.services.notifications.send_digests import DigestSender


@once
def notifier() -> Notifier:
    from chalicelib.services.notifications.notify import Notifier

    return Notifier(outside.notifications(), outside.operator_topic(), outside.clock())


@once
def dead_letter_watch() -> DeadLetterWatch:
    from chalicelib.services.notifications.dead_letters import DeadLetterWatch

    syncs = [queues.sync_dead_letters("sync"), queues.sync_dead_letters("sync-own-server")]
    others = (
        queues.jobs_dead_letters(),
        queues.texts_dead_letters(),
        queues.webhooks_dead_letters(),
    )
    return DeadLetterWatch([*syncs, *others], notifier(), pass_over)


@once
def digest_choices() -> DigestChoices:
    from chalicelib.services.notifications.digest_choices import DigestChoices

    return DigestChoices(
        outside.digests(),
        outside.accounts(),
        outside.audit(),
        outside.clock(),
        sends=bool(config().digest_sender),
    )


@once
def digest_sender() -> DigestSender:
    from chalicelib.services.notifications.send_digests import DigestSender

    return DigestSender(
        outside.digests(),
        outside.accounts(),
        outside.notifications(),
        outside.mailer(),
        outside.clock(),
        dashboard=config().dashboard_url,
        pass_over=pass_over,
    )
