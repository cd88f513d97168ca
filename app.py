"""Table of contents: every function this product runs on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, CloudWatchEvent, Rate, SNSEvent, SQSEvent

from chalicelib.entrypoints.events import queues, schedules, topics
from chalicelib.entrypoints.http.application import App
from chalicelib.entrypoints.initialise import initialise_in_lambda
from chalicelib.entrypoints.serving import serving

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.routing import Front


def front() -> Front:
    from chalicelib.entrypoints.dashboard.front import FRONT

    return FRONT


def resources() -> list[Blueprint]:
    """All that the API serves; a request imports what serves its path."""
    from chalicelib.entrypoints.dashboard import (
        accounts,
        api_keys,
        audiences,
        changes,
        contact_sync,
        counter,
        credentials,
        deployment,
        discounts,
        exports,
        freezing,
        health,
        integrations,
        inventory,
        loyalty,
        me,
        notifications,
        offboarding,
        overview,
        personas,
        privacy,
        runs,
        stores,
        switching,
        texting,
        users,
    )
    from chalicelib.entrypoints.partner import consents, elsewhere, pushes, signups, webhooks
    from chalicelib.entrypoints.partner import personas as partner_personas
    from chalicelib.entrypoints.partner import stores as partner_stores
    from chalicelib.entrypoints.partner import wallets as partner_wallets
    from chalicelib.entrypoints.public import join

    modules = (
        health,
        deployment,
        me,
        accounts,
        users,
        notifications,
        overview,
        personas,
        privacy,
        offboarding,
        audiences,
        exports,
        integrations,
        inventory,
        changes,
        contact_sync,
        freezing,
        loyalty,
        credentials,
        runs,
        stores,
        switching,
        texting,
        discounts,
        counter,
        api_keys,
        partner_stores,
        partner_wallets,
        signups,
        join,
        consents,
        webhooks,
        pushes,
        partner_personas,
        elsewhere,
    )
    return [module.resource for module in modules]


app = App("aiq-pos", front, resources, serving)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def plan_syncs(event: CloudWatchEvent) -> None:
    schedules.plan_syncs(event)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def release_texts(event: CloudWatchEvent) -> None:
    schedules.release_texts(event)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def send_digests(event: CloudWatchEvent) -> None:
    schedules.send_digests(event)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def watch_dead_letters(event: CloudWatchEvent) -> None:
    schedules.watch_dead_letters(event)


@app.on_sqs_message(queue="sync", batch_size=1)
def sync_worker(event: SQSEvent) -> dict[str, Any]:
    return queues.sync(event, "sync")


@app.on_sqs_message(queue="sync-own-server", batch_size=1)
def own_server_sync_worker(event: SQSEvent) -> dict[str, Any]:
    return queues.sync(event, "sync-own-server")


@app.on_sqs_message(queue="jobs", batch_size=1)
def account_jobs(event: SQSEvent) -> dict[str, Any]:
    return queues.account_job(event)


@app.on_sqs_message(queue="texts", batch_size=1)
def text_worker(event: SQSEvent) -> dict[str, Any]:
    return queues.text(event)


@app.on_sqs_message(queue="webhooks", batch_size=1)
def webhook_worker(event: SQSEvent) -> dict[str, Any]:
    return queues.webhook(event)


@app.on_sns_message(topic="inbound-sms")
def inbound_sms(event: SNSEvent) -> None:
    topics.inbound_sms(event)


initialise_in_lambda(app)
