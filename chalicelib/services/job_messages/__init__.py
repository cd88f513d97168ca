"""The messages of the job queues: one frozen class per kind of job, a module per queue (ADR 17).

A message travels as a JSON object: its version `v`, its kind `job`, its fields. Readers pass over
fields that they do not know. `sync_message`, `account_job`, `text_job` and `webhook_event` read a
queue's messages; `body()` writes one.
"""
