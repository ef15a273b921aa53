"""The metrics that alarms and dashboards read, by the names that follow from the settings.

Most come from AWS. The functions make a few more (``shared.log.metrics``), and the access log one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.settings import PREFIX, STAGE, Environment
from shared.log import namespace
from shared.routes import Route, over

PERIOD = Duration.minutes(5)
REFUSED_429 = "answered_429"
"""The metric that the access log makes: the answers with the status 429, whoever gave them."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of one environment."""

    environment: Environment

    def gateway(self, name: str, statistic: str, route: Route | None = None) -> cloudwatch.Metric:
        """Returns a metric of one route, or of the whole stage."""
        row = {"Method": route.method, "Resource": PREFIX + route.path} if route else {}
        where = {"ApiName": self.environment.shared_name, "Stage": STAGE, **row}
        return _metric("AWS/ApiGateway", name, where, statistic)

    def function(self, name: str, metric: str, statistic: str = "Sum") -> cloudwatch.Metric:
        where = {"FunctionName": self.environment.function(name)}
        return _metric("AWS/Lambda", metric, where, statistic)

    def mapping(self, mapping_id: str, metric: str) -> cloudwatch.Metric:
        """Returns a count of a mapping of the stream to its reader."""
        return _metric("AWS/Lambda", metric, {"EventSourceMappingUUID": mapping_id}, "Sum")

    def table(self, name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
        where = {"TableName": self.environment.shared_name, **dimensions}
        return _metric("AWS/DynamoDB", name, where, "Sum")

    def concurrency(self) -> cloudwatch.Metric:
        """Returns how much of the account's concurrency is in use or reserved."""
        return _metric("AWS/Lambda", "ClaimedAccountConcurrency", {}, "Maximum")

    def over(
        self, tier: str, percentile: str, statistic: str, period: Duration = PERIOD
    ) -> cloudwatch.Metric:
        """Returns the requests of a latency class that were over their own limits: how many (Sum),
        or of how many (SampleCount), or their share (Average)."""
        return _metric(self._own, over(percentile), {"tier": tier}, statistic, period)

    def answered_429(self) -> cloudwatch.Metric:
        return _metric(self._own, REFUSED_429, {}, "Sum")

    def jobs(self, name: str, statistic: str, period: Duration = PERIOD) -> cloudwatch.Metric:
        """Returns a metric of the scheduled work."""
        return _metric(self._own, name, {"function": "jobs"}, statistic, period)

    @property
    def _own(self) -> str:
        return namespace(self.environment.name)


def messages(queue_name: str) -> cloudwatch.Metric:
    """Returns how many messages lie in a queue."""
    where = {"QueueName": queue_name}
    return _metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", where, "Maximum")


def objects(bucket_name: str) -> cloudwatch.Metric:
    """Returns how many objects lie in a bucket. It is counted once a day."""
    where = {"BucketName": bucket_name, "StorageType": "AllStorageTypes"}
    return _metric("AWS/S3", "NumberOfObjects", where, "Average", Duration.days(1))


def share(
    part: cloudwatch.Metric, whole: cloudwatch.Metric, *, least: int, period: Duration = PERIOD
) -> cloudwatch.MathExpression:
    """Returns ``part`` in per cent of ``whole``; 0 where the whole is less than ``least``, because
    a share of a few says nothing."""
    return cloudwatch.MathExpression(
        expression=f"IF(whole >= {least}, 100 * part / whole, 0)",
        using_metrics={"part": part, "whole": whole},
        label="per cent",
        period=period,
    )


def total(metrics: Mapping[str, cloudwatch.Metric]) -> cloudwatch.MathExpression:
    """Returns the sum of the metrics. A metric without data counts as 0: otherwise one route
    without calls would leave the whole sum without data."""
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in metrics),
        using_metrics=dict(metrics),
        period=PERIOD,
    )


def _metric(
    where: str,
    name: str,
    dimensions: Mapping[str, str],
    statistic: str,
    period: Duration = PERIOD,
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=where,
        metric_name=name,
        dimensions_map=dict(dimensions) or None,
        statistic=statistic,
        period=period,
    )
