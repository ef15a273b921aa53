"""The consumers of the table's stream: the publisher with the event bus and its archive, and the
consumer that writes the search entries.

Both consumers have the same mapping. A batch that fails is halved until the bad record is alone.
That record is retried for six hours, and is then stored whole in the bucket, to be processed again.
A shard of the stream allows two consumers, so there must not be a third.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import function as recipe
from infra.environments import PUBLISHER
from infra.fault_alarms import LATE_STREAM_MS
from infra.function import Records
from infra.nag import accept
from infra.package import Package
from infra.private_bucket import private_bucket
from infra.release import Releases
from infra.settings import SERVICE, Environment
from infra.stack import ConcernStack
from shared.codec import EVENTS, KIND
from shared.search import SEARCHED

SEARCH = "search"
"""The folder of the function, as ``PUBLISHER`` is that of the other one."""

_GIVE_UP_AFTER_S = 6 * 60 * 60
_TIMEOUT_S = 60
_BATCH = 100
_KEPT_FAILURES_DAYS = 14

_CHANGES = [
    {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"NewImage": {EVENTS: {"S": [{"exists": True}]}}},
    }
]
"""Only items with events. Removals, search entries and idempotency keys have none, and must not
start the publisher for nothing."""

_SEARCHED_KINDS = {KIND: {"S": sorted(SEARCHED)}}
_SEARCHED = [
    {"dynamodb": {"NewImage": _SEARCHED_KINDS}},
    {"dynamodb": {"OldImage": _SEARCHED_KINDS}},
]
"""Only searched records: the new image, or the old image of a record that was removed."""


class EventsStack(ConcernStack):
    """The bus, the two consumers of the stream, and the places of their failures."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        package: Package,
        records: Records,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, concern="events")
        self._environment, self._package, self._records = environment, package, records
        self._layer = recipe.layer(self, package)
        self._releases = Releases(self, "events", environment)
        self.bus = self._bus()
        self.failures = self._failure_bucket()
        self.refused = self._refused_queue()
        self.mappings = {
            PUBLISHER: self._mapping("Publisher", PUBLISHER, self._publisher(), _CHANGES),
            SEARCH: self._mapping("SearchConsumer", SEARCH, self._search_consumer(), _SEARCHED),
        }
        CfnOutput(self, "EventBusName", value=self.bus.event_bus_name)
        CfnOutput(self, "FailureBucketName", value=self.failures.bucket_name)
        CfnOutput(self, "RefusedEventsQueueUrl", value=self.refused.queue_url)

    def _bus(self) -> events.EventBus:
        """Returns the bus. Only this account may use it. A new consumer can get old events from the
        archive. The emulator has no archives."""
        bus = events.EventBus(self, "Bus", event_bus_name=self._environment.shared_name)
        if not self._environment.emulator:
            bus.archive(
                "Archive",
                description="Every event of the service, for replay.",
                event_pattern=events.EventPattern(source=[SERVICE]),
                retention=Duration.days(self._environment.archive_days),
            )
        return bus

    def _failure_bucket(self) -> s3.Bucket:
        """Returns the bucket of stream records that failed. They contain personal data. So it has
        no versions and a short life: an erased customer must not stay here."""
        bucket = private_bucket(self, "Failures", kept_days=_KEPT_FAILURES_DAYS)
        accept(
            bucket,
            "S1",
            "Empty unless a record failed for six hours; every object in it raises an alarm. "
            "A second bucket with access logs would outlive the objects that it logs.",
        )
        return bucket

    def _refused_queue(self) -> sqs.Queue:
        """Returns the queue of single events that the bus has refused."""
        queue = sqs.Queue(
            self,
            "RefusedEvents",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(_KEPT_FAILURES_DAYS),
            visibility_timeout=Duration.seconds(_TIMEOUT_S),
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(
            queue,
            "SQS3",
            "This is the place of failed work: a person reads it after the alarm on its depth, "
            "and a message that cannot be handled has nowhere else to go.",
        )
        return queue

    def _publisher(self) -> lambda_.Function:
        return self._function(
            PUBLISHER,
            "PublisherFunction",
            variables={
                "CRM_EVENT_BUS": self.bus.event_bus_name,
                "CRM_RETRY_QUEUE_URL": self.refused.queue_url,
            },
            rights=recipe.may_publish(self.bus.event_bus_arn, self.refused.queue_arn),
        )

    def _search_consumer(self) -> lambda_.Function:
        return self._function(
            SEARCH,
            "SearchConsumerFunction",
            variables={
                "CRM_TABLE": self._records.table_name,
                "CRM_ROOT_SECRET_ARN": self._records.root_secret_arn,
            },
            rights=recipe.may_index_search(self._records),
        )

    def _function(
        self,
        name: str,
        construct_id: str,
        *,
        variables: dict[str, str],
        rights: Sequence[iam.PolicyStatement],
    ) -> lambda_.Function:
        return recipe.function(
            self,
            construct_id,
            name=name,
            environment=self._environment,
            package=self._package,
            layer=self._layer,
            variables=variables,
            rights=[
                *recipe.may_follow_stream(self._records),
                *recipe.may_store_failures(self.failures.bucket_arn),
                *rights,
            ],
            timeout_s=_TIMEOUT_S,
        )

    def _mapping(
        self,
        construct_id: str,
        name: str,
        reader: lambda_.Function,
        patterns: list[dict[str, Any]],
    ) -> lambda_.CfnEventSourceMapping:
        """Returns the mapping. The library's helper would also let the consumer list every stream
        of the account, and read and delete objects in the bucket."""
        mapping = lambda_.CfnEventSourceMapping(
            self,
            construct_id,
            function_name=self._releases.live(
                reader, name, lateness_ms=LATE_STREAM_MS
            ).function_arn,
            event_source_arn=self._records.stream_arn,
            starting_position="TRIM_HORIZON",
            batch_size=_BATCH,
            parallelization_factor=self._environment.stream_parallelization,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            maximum_retry_attempts=-1,
            maximum_record_age_in_seconds=_GIVE_UP_AFTER_S,
            destination_config={"onFailure": {"destination": self.failures.bucket_arn}},
            filter_criteria={"filters": [{"pattern": json.dumps(each)} for each in patterns]},
            # The alarms on failed and dropped records use these counts.
            metrics_config={"metrics": ["EventCount"]},
        )
        role = reader.role
        if role is None:
            raise ValueError("the recipe gives every function a role of its own")
        # Lambda reads the stream under this role as soon as the mapping is made.
        mapping.node.add_dependency(role)
        bucket = self.resolve(self.failures.bucket_arn)["Fn::GetAtt"][0]
        accept(
            role,
            f"IAM5[Resource::<{bucket}.Arn>/{recipe.FAILURE_OBJECTS}]",
            "Lambda names each object of a failed batch by mapping, shard and time, so only the "
            "prefix is known; the function may write there, and read nothing.",
        )
        return mapping
