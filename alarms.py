"""What wakes the operator, and the dashboard that shows why: beside the handlers of app.py that
the rows watch.

`tools/alarms.py` makes CloudWatch alarms of the rows when the application is packaged. What an
alarm says is its row in docs/runbook: what one sees, where to look, what to do.
"""

from __future__ import annotations

from tools.alarms import (
    Alarm,
    Graph,
    Metric,
    function,
    on_demand_table,
    ours,
    queue,
    queue_dimensions,
    ref,
    schedule,
    topic,
    worker,
)

SIX_HOURS = 21_600
"""Who is refused is tried again every hour: three refusals are three hours, or many people."""

ALARMS: tuple[Alarm, ...] = (
    # app
    *function("ApiHandler", "The dashboard API", logical="APIHandler"),
    Alarm(
        "ApiServerErrors",
        "The API answers 5xx",
        Metric("AWS/ApiGateway", "5XXError", {"ApiName": ref("AWS::StackName"), "Stage": "api"}),
        at_least=5,
    ),
    Alarm(
        "ApiSlow",
        "The API is slow",
        Metric("AWS/ApiGateway", "Latency", {"ApiName": ref("AWS::StackName"), "Stage": "api"}),
        statistic="p95",
        at_least=5000,
        periods=3,
    ),
    # plan_syncs, release_texts, send_digests, watch_dead_letters
    *schedule("PlanSyncs", "The planner of syncs", tick="plan-syncs"),
    *schedule("ReleaseTexts", "The release of texts", tick="release-texts"),
    *schedule("SendDigests", "The sender of digests", tick="send-digests", errors_within=SIX_HOURS),
    *schedule("WatchDeadLetters", "The watch over dead letters", tick="watch-dead-letters"),
    Alarm("DigestsRefused", "SES refuses digests", ours("EmailsRefused"), 3, period=SIX_HOURS),
    Alarm(
        "EmailBounces",
        "Too many e-mails bounce",
        Metric("AWS/SES", "Reputation.BounceRate"),
        at_least=0.05,
        statistic="Average",
        period=3600,
        missing="ignore",
    ),
    Alarm(
        "EmailComplaints",
        "Too many e-mails are marked as spam",
        Metric("AWS/SES", "Reputation.ComplaintRate"),
        at_least=0.001,
        statistic="Average",
        period=3600,
        missing="ignore",
    ),
    # sync_worker, own_server_sync_worker, account_jobs, text_worker, webhook_worker
    *worker("SyncWorker", "The sync worker", counted_as="sync"),
    *queue("Sync", "sync queue"),
    *worker("OwnServerSyncWorker", "The own-server sync worker", counted_as="sync-own-server"),
    *queue("SyncOwnServer", "own-server sync queue"),
    *worker("AccountJobs", "The worker of account jobs", counted_as="jobs"),
    *queue("Jobs", "account jobs queue"),
    *worker("TextWorker", "The text worker", counted_as="texts"),
    *queue(
        "Texts",
        "texts queue",
        dead="A text message failed ten times, or was written to a number of nobody",
    ),
    *worker("WebhookWorker", "The webhook worker", counted_as="webhooks"),
    *queue("Webhooks", "webhooks queue"),
    Alarm(
        "TextsRefused", "SNS refuses texts", ours("Texts", outcome="refused"), 3, period=SIX_HOURS
    ),
    Alarm(
        "TextsSpend",
        "Texts of this month cost more than SmsSpendAlarm",
        Metric("AWS/SNS", "SMSMonthToDateSpentUSD"),
        at_least=ref("SmsSpendAlarm"),
        statistic="Maximum",
        period=3600,
        missing="ignore",
    ),
    Alarm(
        "PersonasDrifted",
        "Personas differed from what their facts say",
        ours("PersonasDrifted"),
        at_least=1,
    ),
    # inbound_sms
    *worker("InboundSms", "The reader of inbound texts", counted_as="inbound-sms"),
    topic("InboundSmsTopic", "Inbound texts do not reach their reader"),
    Alarm(
        "InboundSmsLost",
        "An inbound text reached neither its reader nor the dead letters",
        Metric("AWS/Lambda", "DestinationDeliveryFailures", {"FunctionName": ref("InboundSms")}),
        at_least=1,
    ),
    # all of them
    Alarm("UnreadableRows", "A stored row cannot be read", ours("UnreadableRows"), 1),
    topic("OperatorTopic", "Notices to the operator are not delivered"),
    Alarm(
        "OperatorUntold",
        "Notices to the operator cannot be published",
        ours("OperatorPublishFailures"),
        at_least=1,
    ),
    *on_demand_table("Accounts", indexes=["by_user"]),
    *on_demand_table("Integrations", indexes=["due"]),
    *on_demand_table("Stores"),
    *on_demand_table("Personas", indexes=["recent", "by_name", "texts_due"]),
    *on_demand_table("Sync"),
)

QUEUES = ("Sync", "SyncOwnServer", "Jobs", "Texts", "Webhooks")

GRAPHS: tuple[Graph, ...] = (
    Graph(
        "Freshness per source: seconds since the last good run of the stalest",
        [ours("FreshnessSeconds")],
        by="platform",
        statistic="Maximum",
        period=3600,
    ),
    Graph("Lag of the planner, seconds", [ours("PlanLagSeconds")], statistic="Maximum"),
    Graph("Records set aside per source", [ours("SetAside")], by="platform", period=3600),
    Graph("Unlinked sales per source", [ours("SalesUnlinked")], by="platform", period=3600),
    Graph(
        "Age of the oldest message, seconds",
        [Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", queue_dimensions(q)) for q in QUEUES],
        statistic="Maximum",
    ),
    Graph("Texts by outcome", [ours("Texts")], by="outcome"),
    Graph("Failed messages by worker", [ours("WorkerFailures")], by="worker"),
    Graph("Ended ticks by schedule", [ours("Ticks")], by="schedule"),
    Graph(
        "Refused e-mails, unreadable rows, notices that were not published",
        [ours("EmailsRefused"), ours("UnreadableRows"), ours("OperatorPublishFailures")],
    ),
)
