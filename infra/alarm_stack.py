"""The alarms: one per route and percentile with the row's own limits, those of each latency class,
and one for every way in which work can fail or be left undone.

The names of the watched resources come from the settings, so that this stack depends on no other
one for them. Passed in is only what gets its name when it is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import CfnOutput, RemovalPolicy
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra import fault_alarms as faults
from infra.dashboards import Dashboards
from infra.insights import make_insights
from infra.latency_alarms import watch_latency
from infra.metrics import Metrics
from infra.settings import Environment
from infra.stack import ConcernStack
from infra.watch import Watch
from shared.routes import Route


class AlarmStack(ConcernStack):
    """The alarms, the topic that they notify, and what a person looks at then."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        families: Mapping[str, Sequence[Route]],
        mappings: Mapping[str, str],
        refused_queue: str,
        failure_bucket: str,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, concern="alarms")
        self.topic = self._topic()
        metrics = Metrics(environment)
        watch = Watch(self, environment, metrics, actions.SnsAction(self.topic))
        watch_latency(watch, [route for routes in families.values() for route in routes])
        for family, routes in families.items():
            faults.watch_function(watch, family)
            faults.watch_answers(watch, family, routes)
        for name, mapping_id in mappings.items():
            faults.watch_function(watch, name)
            faults.watch_stream(watch, name, mapping_id)
        faults.watch_jobs(watch)
        faults.watch_failures(watch, refused_queue, failure_bucket)
        faults.watch_api(watch)
        faults.watch_account(watch)
        faults.watch_table(watch)
        if environment.detailed_metrics:
            dashboards = Dashboards(self, environment, metrics)
            dashboards.make(families, mappings, refused_queue, failure_bucket)
        if environment.contributor_insights:
            make_insights(self, environment)
        CfnOutput(self, "AlarmTopicArn", value=self.topic.topic_arn)

    def _topic(self) -> sns.Topic:
        """Returns the topic. It has its own key, because alarms may not use the default one."""
        key = kms.Key(
            self,
            "TopicKey",
            enable_key_rotation=True,
            description="Encrypts the alarm topic.",
            # It only encrypts messages on their way. Nothing that is kept needs it.
            removal_policy=RemovalPolicy.DESTROY,
        )
        own_alarms = {"StringEquals": {"aws:SourceAccount": self.account}}
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                # In the policy of a key, "*" means this key.
                resources=["*"],
                conditions=own_alarms,
            )
        )
        topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions=own_alarms,
            )
        )
        return topic
