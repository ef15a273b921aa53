"""The alarms: one per route and percentile with the row's own limits, combined per latency class,
and one for every way in which work can fail or be left undone.

Missing data never raises an alarm (a route that nobody calls is not slow), and a percentile of a
few calls is ignored. The names of the watched resources come from the settings, so that this stack
does not depend on another one. Only the ids of the stream mappings are passed in, because Lambda
makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from aws_cdk import CfnOutput, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.jobs_stack import JOBS
from infra.settings import PREFIX, STAGE, Environment
from infra.stack import ConcernStack
from shared.keys import INDEXES
from shared.routes import Latency, Route, Tier

_PERIOD = Duration.minutes(5)
_SLOW_PERIODS = 3
_LATE_STREAM_MS = 5 * 60 * 1000
_METRICS_IN_MATH = 10
"""The most metrics that CloudWatch accepts in the expression of one alarm."""

_TABLE_OPERATIONS = (
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
)


class AlarmStack(ConcernStack):
    """The alarms, and the topic that they notify."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        families: Mapping[str, Sequence[Route]],
        mappings: Mapping[str, str],
        refused_queue: str,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, concern="alarms")
        self._environment = environment
        self.topic = self._topic()
        self._notify = actions.SnsAction(self.topic)
        self._latency(route for routes in families.values() for route in routes)
        for family, routes in families.items():
            self._function_faults(family)
            self._answered_faults(family, routes)
        for name, mapping_id in mappings.items():
            self._function_faults(name)
            self._stream_faults(name, mapping_id)
        self._sweeper_faults()
        self._queue_depth(refused_queue)
        self._api_faults()
        self._table_faults()
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

    def _latency(self, routes: Iterable[Route]) -> None:
        """The alarm of a route notifies nobody. The alarm of its latency class does, once for all
        slow routes of the class."""
        by_tier: dict[str, list[cloudwatch.IAlarmRule]] = {tier.name: [] for tier in Tier}
        for route in routes:
            for statistic, limit_ms in _limits(route.latency):
                alarm = self._slow(route, statistic, limit_ms)
                by_tier[route.latency.tier].append(
                    cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
                )
        if self._environment.emulator:
            return
        for tier, rules in by_tier.items():
            if rules:
                composite = cloudwatch.CompositeAlarm(
                    self,
                    f"SlowTier{tier}",
                    composite_alarm_name=self._name(f"slow-tier-{tier}"),
                    alarm_description=f"A route of latency class {tier} is over its own limit.",
                    alarm_rule=cloudwatch.AlarmRule.any_of(*rules),
                )
                composite.add_alarm_action(self._notify)

    def _slow(self, route: Route, statistic: str, limit_ms: int) -> cloudwatch.Alarm:
        title = f"{route.method}{route.path.title().replace('/', '')}{statistic.title()}"
        return cloudwatch.Alarm(
            self,
            f"Slow{title}",
            alarm_name=self._name(f"slow {route.call} {statistic}"),
            alarm_description=(
                f"{statistic} of {route.call} (class {route.latency.tier}) is over {limit_ms} ms."
            ),
            metric=self._gateway_metric("Latency", statistic, route),
            threshold=limit_ms,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=_SLOW_PERIODS,
            datapoints_to_alarm=_SLOW_PERIODS,
            evaluate_low_sample_count_percentile="ignore",
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _function_faults(self, name: str) -> None:
        for metric in ("Errors", "Throttles"):
            self._add_alarm(
                f"{name.capitalize()}{metric}",
                f"{name} {metric.lower()}",
                f"The function {name} had {metric.lower()}.",
                self._function_metric(name, metric),
            )

    def _answered_faults(self, family: str, routes: Sequence[Route]) -> None:
        """Adds alarms for answers with a 5xx. The function's own errors do not include them."""
        if self._environment.emulator:
            return
        for part, chunk in enumerate(_parts(routes, _METRICS_IN_MATH), start=1):
            metrics = {
                f"m{number}": self._gateway_metric("5XXError", "Sum", route)
                for number, route in enumerate(chunk)
            }
            self._add_alarm(
                f"{family.capitalize()}Faults{part}",
                f"{family} 5xx {part}",
                f"Routes of {family} answered with a server fault.",
                _sum(metrics),
            )

    def _stream_faults(self, name: str, mapping_id: str) -> None:
        """Adds alarms for stream records that are late, stored as failures, or dropped."""
        self._add_alarm(
            f"{name.capitalize()}IteratorAge",
            f"{name} is late",
            f"{name} is more than five minutes behind the table's stream.",
            self._function_metric(name, "IteratorAge", "Maximum"),
            above=_LATE_STREAM_MS,
        )
        for metric in ("OnFailureDestinationDeliveredEventCount", "DroppedEventCount"):
            self._add_alarm(
                f"{name.capitalize()}{metric}",
                f"{name} {metric}",
                f"{name} gave up on stream records; process them again from the failure bucket.",
                cloudwatch.Metric(
                    namespace="AWS/Lambda",
                    metric_name=metric,
                    dimensions_map={"EventSourceMappingUUID": mapping_id},
                    statistic="Sum",
                    period=_PERIOD,
                ),
            )

    def _sweeper_faults(self) -> None:
        """Adds alarms for runs of the sweeper that failed, and for a schedule that stands still."""
        self._function_faults(JOBS)
        missed = cloudwatch.Alarm(
            self,
            "JobsMissed",
            alarm_name=self._name("jobs missed"),
            alarm_description="The sweeper has not run for ten minutes; erasures "
            "and due occurrences of subscriptions stand still.",
            metric=self._function_metric(JOBS, "Invocations"),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=2,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        missed.add_alarm_action(self._notify)

    def _queue_depth(self, queue_name: str) -> None:
        self._add_alarm(
            "RefusedEvents",
            "refused events",
            "The bus refused events; they are in the publisher's queue.",
            cloudwatch.Metric(
                namespace="AWS/SQS",
                metric_name="ApproximateNumberOfMessagesVisible",
                dimensions_map={"QueueName": queue_name},
                statistic="Maximum",
                period=_PERIOD,
            ),
        )

    def _api_faults(self) -> None:
        """Adds the alarm for faults of the whole API. Unlike the metrics per route, this metric
        exists in every environment."""
        self._add_alarm(
            "ApiFaults",
            "api 5xx",
            "The API answered with a server fault.",
            self._gateway_metric("5XXError", "Sum"),
        )

    def _table_faults(self) -> None:
        for place in (None, *(index.name for index in INDEXES)):
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
                where = {"GlobalSecondaryIndexName": place} if place else {}
                self._add_alarm(
                    f"Table{place or ''}{metric}",
                    f"table {place or 'itself'} {metric}",
                    "DynamoDB throttles the table or an index of it.",
                    self._table_metric(metric, where),
                )
        if not self._environment.emulator:
            metrics = {
                f"m{number}": self._table_metric("SystemErrors", {"Operation": operation})
                for number, operation in enumerate(_TABLE_OPERATIONS)
            }
            self._add_alarm(
                "TableSystemErrors", "table system errors", "DynamoDB fails.", _sum(metrics)
            )

    def _add_alarm(
        self,
        construct_id: str,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        above: int = 0,
    ) -> None:
        """Adds an alarm that notifies as soon as the metric is above the threshold."""
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=self._name(name),
            alarm_description=description,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._notify)

    def _gateway_metric(
        self, name: str, statistic: str, route: Route | None = None
    ) -> cloudwatch.Metric:
        """Returns a metric of one route, or of the whole stage."""
        row = {"Method": route.method, "Resource": PREFIX + route.path} if route else {}
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name=name,
            dimensions_map={"ApiName": self._environment.shared_name, "Stage": STAGE, **row},
            statistic=statistic,
            period=_PERIOD,
        )

    def _function_metric(self, name: str, metric: str, statistic: str = "Sum") -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=metric,
            dimensions_map={"FunctionName": self._environment.function(name)},
            statistic=statistic,
            period=_PERIOD,
        )

    def _table_metric(self, name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/DynamoDB",
            metric_name=name,
            dimensions_map={"TableName": self._environment.shared_name, **dimensions},
            statistic="Sum",
            period=_PERIOD,
        )

    def _name(self, what: str) -> str:
        return f"{self._environment.shared_name} {what}"


def _limits(latency: Latency) -> Iterator[tuple[str, int]]:
    yield "p95", latency.p95_ms
    if latency.p99_ms is not None:
        yield "p99", latency.p99_ms


def _sum(metrics: dict[str, cloudwatch.Metric]) -> cloudwatch.MathExpression:
    """Returns the sum of the metrics. A metric without data counts as 0: otherwise one route
    without calls would leave the whole sum without data."""
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in metrics),
        using_metrics=dict(metrics),
        period=_PERIOD,
    )


def _parts(routes: Sequence[Route], size: int) -> Iterator[tuple[Route, ...]]:
    left = iter(routes)
    while part := tuple(islice(left, size)):
        yield part
