"""The operator's SNS topic."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws import client as aws
from chalicelib.observability import count, logger

SUBJECT_LIMIT = 99


@dataclass(frozen=True, slots=True)
class SnsOperatorTopic:
    """Publishes to the operator's topic: the `OperatorTopic` port."""

    topic_arn: str

    def publish(self, subject: str, text: str) -> None:
        """Publish, and only log and count a failure: the notification itself is stored, and a run
        must not fail for a mail."""
        try:
            aws.client("sns").publish(
                TopicArn=self.topic_arn,
                Subject=subject[:SUBJECT_LIMIT],
                Message=text,
                MessageAttributes={"source": {"DataType": "String", "StringValue": "aiq-pos"}},
            )
        except (BotoCoreError, ClientError):
            logger().exception("operator.not_told")
            count("OperatorPublishFailures")
