"""A consumer of ``customer-deleted``: a rule on the CRM's bus, a queue, a function and its table.

It is a CDK application of its own, as another team would have it. It knows the name of the bus, and
nothing else of the CRM. See ``README.md`` beside it.
"""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

TIMEOUT_S = 30
ATTEMPTS = 5


class ConsumerStack(Stack):
    """What is needed to hear of each deleted customer, and to act on it once."""

    def __init__(self, scope: Construct, construct_id: str, *, bus_name: str) -> None:
        super().__init__(scope, construct_id, stack_name=f"consumer-of-{bus_name}")
        table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        # Its alarm is the team's own: whatever lies here has failed five times.
        aside = sqs.Queue(self, "LaidAside", enforce_ssl=True, retention_period=Duration.days(14))
        queue = sqs.Queue(
            self,
            "Queue",
            enforce_ssl=True,
            # Six times the function's timeout, so that a message is not delivered twice at once.
            visibility_timeout=Duration.seconds(6 * TIMEOUT_S),
            dead_letter_queue=sqs.DeadLetterQueue(queue=aside, max_receive_count=ATTEMPTS),
        )
        events.Rule(
            self,
            "CustomerDeleted",
            event_bus=events.EventBus.from_event_bus_name(self, "Bus", bus_name),
            event_pattern=events.EventPattern(source=["crm"], detail_type=["customer-deleted"]),
            targets=[targets.SqsQueue(queue, dead_letter_queue=aside)],
        )
        function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(str(Path(__file__).with_name("function"))),
            handler="handler.lambda_handler",
            timeout=Duration.seconds(TIMEOUT_S),
            environment={"TABLE": table.table_name},
        )
        function.add_event_source(sources.SqsEventSource(queue, report_batch_item_failures=True))
        # The actions of its transactions, and no other.
        table.grant(function, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        CfnOutput(self, "ConsumerTableName", value=table.table_name)
        CfnOutput(self, "ConsumerQueueUrl", value=queue.queue_url)


if __name__ == "__main__":
    app = App()
    ConsumerStack(app, "Consumer", bus_name=app.node.try_get_context("bus") or "crm-dev")
    app.synth()
