"""The dashboards: one for each latency class, one for the families that move money, one for the
stream and the scheduled work. They are for a person with an alarm in hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.environments import MONEY
from infra.fault_alarms import LATE_STREAM_MS, OLD_ERASURE_S
from infra.latency_alarms import OBJECTIVES, percentiles
from infra.metrics import Metrics, messages, objects
from infra.settings import Environment
from lambdas.jobs.handler import ERASURE_AGE, FAILED, RUNS_OPEN
from shared.routes import Route, Tier

_LINES = 8
"""The most routes in one graph: more lines cannot be told apart."""
_WIDE, _HALF, _THIRD = 24, 12, 8

Row = list[cloudwatch.IWidget]


class Dashboards:
    """Makes the dashboards of an environment in a stack."""

    def __init__(self, stack: Stack, environment: Environment, metrics: Metrics) -> None:
        self._stack, self._environment, self._metrics = stack, environment, metrics

    def make(
        self,
        families: Mapping[str, Sequence[Route]],
        mappings: Mapping[str, str],
        refused_queue: str,
        failure_bucket: str,
    ) -> None:
        routes = [route for rows in families.values() for route in rows]
        for tier in Tier:
            rows = [route for route in routes if route.latency.tier == tier.name]
            if rows:
                self._dashboard(f"Tier{tier.name}", f"tier-{tier.name}", self._tier(tier, rows))
        money = [row for name in MONEY if name in families for row in self._money(name, families)]
        if money:
            self._dashboard("Money", "money", money)
        stream = self._stream(mappings, refused_queue, failure_bucket)
        self._dashboard("Stream", "stream", stream)

    def _dashboard(self, construct_id: str, name: str, rows: Sequence[Row]) -> None:
        cloudwatch.Dashboard(
            self._stack,
            f"Dashboard{construct_id}",
            dashboard_name=f"{self._environment.shared_name}-{name}",
            default_interval=Duration.hours(12),
            widgets=list(rows),
        )

    def _tier(self, tier: Tier, rows: Sequence[Route]) -> list[Row]:
        """The class as a whole, then each route against its own limits."""
        found = [self._class(tier.name, percentiles(rows))]
        by_limits = sorted(rows, key=lambda route: (str(route.latency.limits), route.path))
        for _, alike in groupby(by_limits, key=lambda route: route.latency):
            for part in _parts(list(alike)):
                found.append(self._routes(part))
        return found

    def _class(self, tier: str, limited: Sequence[str]) -> Row:
        shares = [
            _graph(
                f"Share over {percentile}: at most {OBJECTIVES[percentile].per_cent} %",
                [self._metrics.over(tier, percentile, "Average")],
                _THIRD,
                limit=OBJECTIVES[percentile].per_cent / 100,
            )
            for percentile in limited
        ]
        calls = self._metrics.over(tier, limited[0], "SampleCount")
        return [_graph(f"Requests of class {tier}", [calls], _THIRD), *shares]

    def _routes(self, routes: Sequence[Route]) -> Row:
        limits = routes[0].latency.limits
        return [
            _graph(
                f"{percentile} at the gateway: at most {limit_ms} ms",
                [self._named(route, "Latency", percentile) for route in routes],
                _WIDE // len(limits),
                limit=limit_ms,
            )
            for percentile, limit_ms in limits.items()
        ]

    def _money(self, name: str, families: Mapping[str, Sequence[Route]]) -> Iterator[Row]:
        function = self._metrics.function
        reserved = self._environment.reserved_concurrency.get(name)
        for part in _parts([route for route in families[name] if route.writes]):
            calls = [self._named(route, "Count", "SampleCount") for route in part]
            faults = [self._named(route, "5XXError", "Sum") for route in part]
            yield [
                _graph(f"{name}: requests that write", calls, _HALF),
                _graph(f"{name}: answers with a 5xx", faults, _HALF),
            ]
        yield [
            _graph(
                f"{name}: places in use",
                [function(name, "ConcurrentExecutions", "Maximum")],
                _HALF,
                limit=reserved,
            ),
            _graph(
                f"{name}: errors and throttles",
                [function(name, "Errors"), function(name, "Throttles")],
                _HALF,
            ),
        ]

    def _stream(
        self, mappings: Mapping[str, str], refused_queue: str, failure_bucket: str
    ) -> list[Row]:
        lost = [
            self._metrics.mapping(mapping, metric)
            for mapping in mappings.values()
            for metric in ("OnFailureDestinationDeliveredEventCount", "DroppedEventCount")
        ]
        late = [self._metrics.function(name, "IteratorAge", "Maximum") for name in mappings]
        jobs = self._metrics.jobs
        return [
            [
                _graph("Readers behind the stream, ms", late, _HALF, limit=LATE_STREAM_MS),
                _graph("Records given up", lost, _HALF),
            ],
            [
                _graph("Refused events that wait", [messages(refused_queue)], _HALF),
                _graph("Failed records that are kept", [objects(failure_bucket)], _HALF),
            ],
            [
                _graph(
                    "Age of the oldest erasure, s",
                    [jobs(ERASURE_AGE, "Maximum")],
                    _THIRD,
                    limit=OLD_ERASURE_S,
                ),
                _graph("Runs of retention that go on", [jobs(RUNS_OPEN, "Maximum")], _THIRD),
                _graph("Scheduled work that failed", [jobs(FAILED, "Maximum")], _THIRD),
            ],
        ]

    def _named(self, route: Route, metric: str, statistic: str) -> cloudwatch.Metric:
        return self._metrics.gateway(metric, statistic, route).with_(label=route.path)


def _graph(
    title: str, metrics: Sequence[cloudwatch.IMetric], width: int, *, limit: float | None = None
) -> cloudwatch.GraphWidget:
    line = [] if limit is None else [cloudwatch.HorizontalAnnotation(value=limit, label="limit")]
    return cloudwatch.GraphWidget(
        title=title, left=list(metrics), left_annotations=line, width=width
    )


def _parts(routes: Sequence[Route]) -> Iterator[tuple[Route, ...]]:
    left = iter(routes)
    while part := tuple(islice(left, _LINES)):
        yield part
