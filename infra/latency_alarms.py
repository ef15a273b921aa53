"""The alarms on latency: of each busy route, and of each latency class.

A percentile says something from 200 (p95) or 1,000 (p99) calls on, and few routes of a shop have so
many in five minutes. So the alarm of a class counts instead: each request tells whether it was over
the limits of its own route. Too many in a short window and in a long one raise the alarm. The long
window keeps a moment's trouble from raising it, and the short one ends it soon after the trouble.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.metrics import share
from infra.watch import Watch, rings
from shared.routes import Route, Tier

_SLOW_PERIODS = 3


@dataclass(frozen=True, slots=True)
class Objective:
    """How many requests of a class may be over a limit: ``per_cent`` of at least ``least``."""

    per_cent: int
    least: int
    windows: tuple[tuple[str, Duration], tuple[str, Duration]]


OBJECTIVES = {
    "p95": Objective(5, 20, (("short", Duration.minutes(15)), ("long", Duration.hours(1)))),
    "p99": Objective(1, 100, (("short", Duration.hours(1)), ("long", Duration.hours(6)))),
}
"""The windows are as long as a small chain of shops needs for so many requests of a class."""


def watch_latency(watch: Watch, routes: Sequence[Route]) -> None:
    """Makes the alarms of all routes and of their classes."""
    for tier in Tier:
        rows = [route for route in routes if route.latency.tier == tier.name]
        if rows and watch.environment.detailed_metrics:
            _watch_routes(watch, tier.name, rows)
        for percentile in percentiles(rows):
            _watch_class(watch, tier.name, percentile)


def percentiles(rows: Iterable[Route]) -> list[str]:
    """Returns the percentiles for which any of the rows has a limit."""
    return sorted({percentile for row in rows for percentile in row.latency.limits})


def short_window(tier: str, percentile: str) -> str:
    """Returns the name of the alarm that is the first to see a class become slow."""
    return f"slow class {tier} {percentile} short"


def _watch_class(watch: Watch, tier: str, percentile: str) -> None:
    if watch.environment.emulator:
        return
    objective = OBJECTIVES[percentile]
    rules = []
    for window, period in objective.windows:
        alarm = watch.above(
            f"SlowClass{tier}{percentile.title()}{window.title()}",
            f"slow class {tier} {percentile} {window}",
            f"More than {objective.per_cent} % of at least {objective.least} requests of latency "
            f"class {tier} within {period.to_human_string()} were over their own {percentile}.",
            share(
                watch.metrics.over(tier, percentile, "Sum", period),
                watch.metrics.over(tier, percentile, "SampleCount", period),
                least=objective.least,
                period=period,
            ),
            limit=objective.per_cent,
            notifies=False,
        )
        rules.append(rings(alarm))
    watch.any_or_all(
        f"SlowClass{tier}{percentile.title()}",
        f"slow-class-{tier}-{percentile}",
        f"Latency class {tier} misses its {percentile}: more than {objective.per_cent} % of its "
        "requests were over the limits of their own routes, for long enough to matter, and still.",
        cloudwatch.AlarmRule.all_of(*rules),
    )


def _watch_routes(watch: Watch, tier: str, rows: Sequence[Route]) -> None:
    """The alarm of a route notifies nobody. One alarm does, once for all slow routes of the
    class."""
    slow = [
        rings(_slow(watch, route, percentile, limit_ms))
        for route in rows
        for percentile, limit_ms in route.latency.limits.items()
    ]
    watch.any_or_all(
        f"SlowTier{tier}",
        f"slow-tier-{tier}",
        f"A busy route of latency class {tier} is over its own limit.",
        cloudwatch.AlarmRule.any_of(*slow),
    )


def _slow(watch: Watch, route: Route, percentile: str, limit_ms: int) -> cloudwatch.Alarm:
    title = f"{route.method}{route.path.title().replace('/', '')}{percentile.title()}"
    return watch.above(
        f"Slow{title}",
        f"slow {route.call} {percentile}",
        f"{percentile} of {route.call} (class {route.latency.tier}) is over {limit_ms} ms.",
        watch.metrics.gateway("Latency", percentile, route),
        limit=limit_ms,
        periods=_SLOW_PERIODS,
        notifies=False,
        few_are_ignored=True,
    )
