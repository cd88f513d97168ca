"""Table of contents: every function this product runs on AWS."""

from __future__ import annotations

from typing import Any

from chalice.app import CloudWatchEvent, Rate, SNSEvent, SQSEvent

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
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.events import queues, schedules, topics
from chalicelib.entrypoints.http.application import App
from chalicelib.entrypoints.initialise import initialise_in_lambda
from chalicelib.entrypoints.partner import consents, pushes, signups, webhooks
from chalicelib.entrypoints.partner import personas as partner_personas
from chalicelib.entrypoints.partner import stores as partner_stores
from chalicelib.entrypoints.partner import wallets as partner_wallets
from chalicelib.entrypoints.public import join

app = App("aiq-pos", FRONT)

app.register_blueprint(health.resource)
app.register_blueprint(deployment.resource)
app.register_blueprint(me.resource)
app.register_blueprint(accounts.resource)
app.register_blueprint(users.resource)
app.register_blueprint(notifications.resource)
app.register_blueprint(overview.resource)
app.register_blueprint(personas.resource)
app.register_blueprint(privacy.resource)
app.register_blueprint(offboarding.resource)
app.register_blueprint(audiences.resource)
app.register_blueprint(exports.resource)
app.register_blueprint(integrations.resource)
app.register_blueprint(changes.resource)
app.register_blueprint(contact_sync.resource)
app.register_blueprint(freezing.resource)
app.register_blueprint(loyalty.resource)
app.register_blueprint(credentials.resource)
app.register_blueprint(runs.resource)
app.register_blueprint(stores.resource)
app.register_blueprint(switching.resource)
app.register_blueprint(texting.resource)
app.register_blueprint(discounts.resource)
app.register_blueprint(counter.resource)
app.register_blueprint(api_keys.resource)
app.register_blueprint(partner_stores.resource)
app.register_blueprint(partner_wallets.resource)
app.register_blueprint(signups.resource)
app.register_blueprint(join.resource)
app.register_blueprint(consents.resource)
app.register_blueprint(webhooks.resource)
app.register_blueprint(pushes.resource)
app.register_blueprint(partner_personas.resource)


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


@app.on_sns_message(topic="inbound-sms")
def inbound_sms(event: SNSEvent) -> None:
    topics.inbound_sms(event)


initialise_in_lambda()
