"""The alarms on whatever fails, is refused, or is left undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from aws_cdk import Duration

from infra.metrics import messages, objects, share, total
from infra.watch import Watch
from lambdas.jobs.handler import ERASURE_AGE, FAILED, RUNS_BEGUN, RUNS_OPEN
from shared.keys import INDEXES
from shared.routes import Route

JOBS = "jobs"
"""The folder of the function that the schedules start."""

LATE_STREAM_MS = 5 * 60 * 1000
_METRICS_IN_MATH = 10
"""The most metrics that CloudWatch accepts in the expression of one alarm."""
_REFUSED_PER_CENT, _THROTTLED_PER_CENT, _LEAST_CALLS, _REFUSED_PERIODS = 40, 2, 100, 3
"""Shares of refusals that are not a shop's day. A till asks for customers who are not there, so a
good many of the answers are refusals at any time."""
_NEARLY_ALL = 0.8
OLD_ERASURE_S = 60 * 60
_LONG_RUN = Duration.hours(1), 20
_MISSED_DAY = Duration.hours(6), 5

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


def watch_function(watch: Watch, name: str) -> None:
    """Makes the alarms of any function: its errors, its throttles, and its share of the account's
    concurrency where it has one."""
    for metric in ("Errors", "Throttles"):
        watch.above(
            f"{name.capitalize()}{metric}",
            f"{name} {metric.lower()}",
            f"The function {name} had {metric.lower()}.",
            watch.metrics.function(name, metric),
        )
    reserved = watch.environment.reserved_concurrency.get(name)
    if reserved is not None:
        watch.above(
            f"{name.capitalize()}Concurrency",
            f"{name} concurrency",
            f"The function {name} uses nearly all of its {reserved} reserved places.",
            watch.metrics.function(name, "ConcurrentExecutions", "Maximum"),
            limit=_NEARLY_ALL * reserved,
        )


def watch_answers(watch: Watch, family: str, routes: Sequence[Route]) -> None:
    """Makes the alarms for answers with a 5xx. The function's own errors do not include them."""
    if watch.environment.emulator or not watch.environment.detailed_metrics:
        return
    for name, part in answers(family, routes):
        watch.above(
            f"{family.capitalize()}Faults{name.rpartition(' ')[2]}",
            name,
            f"Routes of {family} answered with a server fault.",
            total(
                {
                    f"m{number}": watch.metrics.gateway("5XXError", "Sum", route)
                    for number, route in enumerate(part)
                }
            ),
        )


def answers(family: str, routes: Sequence[Route]) -> Iterator[tuple[str, Sequence[Route]]]:
    """Yields the names of a family's alarms for answers with a 5xx, each with its routes."""
    left = iter(routes)
    number = 0
    while part := tuple(islice(left, _METRICS_IN_MATH)):
        number += 1
        yield f"{family} 5xx {number}", part


def watch_stream(watch: Watch, name: str, mapping_id: str) -> None:
    """Makes the alarms for stream records that are late, stored as failures, or dropped."""
    watch.above(
        f"{name.capitalize()}IteratorAge",
        f"{name} is late",
        f"{name} is more than five minutes behind the table's stream.",
        watch.metrics.function(name, "IteratorAge", "Maximum"),
        limit=LATE_STREAM_MS,
    )
    for metric in ("OnFailureDestinationDeliveredEventCount", "DroppedEventCount"):
        watch.above(
            f"{name.capitalize()}{metric}",
            f"{name} {metric}",
            f"{name} gave up on stream records; process them again from the failure bucket.",
            watch.metrics.mapping(mapping_id, metric),
        )


def watch_failures(watch: Watch, refused_queue: str, failure_bucket: str) -> None:
    """Makes the alarms that stay on as long as failed work lies somewhere."""
    watch.above(
        "RefusedEvents",
        "refused events",
        "The bus refused events; they are in the publisher's queue.",
        messages(refused_queue),
    )
    watch.above(
        "KeptFailures",
        "kept failures",
        "Failed stream records lie in the failure bucket; each is removed after 14 days.",
        objects(failure_bucket),
    )


def watch_jobs(watch: Watch) -> None:
    """Makes the alarms for scheduled work that fails, does not end, or does not begin."""
    watch_function(watch, JOBS)
    watch.missed(
        "JobsMissed",
        "jobs missed",
        "The sweeper has not run for ten minutes; erasures and due occurrences of subscriptions "
        "stand still.",
        watch.metrics.function(JOBS, "Invocations"),
        periods=2,
        silence_is_a_fault=True,
    )
    watch.missed(
        "RetentionMissed",
        "retention missed",
        "The runs of the retention policy have not begun for thirty hours.",
        watch.metrics.jobs(RUNS_BEGUN, "Sum", _MISSED_DAY[0]),
        periods=_MISSED_DAY[1],
        # A new deployment has no past. Where nothing runs at all, "jobs missed" tells.
        silence_is_a_fault=False,
    )
    watch.above(
        "ErasureAge",
        "erasure does not end",
        "An erasure has gone on for more than an hour.",
        watch.metrics.jobs(ERASURE_AGE, "Maximum"),
        limit=OLD_ERASURE_S,
    )
    watch.above(
        "RetentionDoesNotEnd",
        "retention does not end",
        "For twenty hours there was always a run of the retention policy that had not ended.",
        watch.metrics.jobs(RUNS_OPEN, "Minimum", _LONG_RUN[0]),
        periods=_LONG_RUN[1],
    )
    watch.above(
        "WorkFailed",
        "scheduled work fails",
        "In each minute of a quarter of an hour, something that the sweeper works on failed.",
        watch.metrics.jobs(FAILED, "Minimum"),
        periods=3,
    )


def watch_api(watch: Watch) -> None:
    """Makes the alarms of the whole API. Unlike the metrics per route, these metrics exist in every
    environment."""
    watch.above(
        "ApiFaults",
        "api 5xx",
        "The API answered with a server fault.",
        watch.metrics.gateway("5XXError", "Sum"),
    )
    if watch.environment.emulator:
        return
    for name, limit, part in (
        ("4xx", _REFUSED_PER_CENT, watch.metrics.gateway("4XXError", "Sum")),
        ("429", _THROTTLED_PER_CENT, watch.metrics.answered_429()),
    ):
        watch.above(
            f"Share{name.title()}",
            f"share of {name}",
            f"For a quarter of an hour, more than {limit} % of the answers were {name}.",
            share(part, watch.metrics.gateway("Count", "SampleCount"), least=_LEAST_CALLS),
            limit=limit,
            periods=_REFUSED_PERIODS,
        )


def watch_account(watch: Watch) -> None:
    """Makes the alarm of what all functions of the account share."""
    quota = watch.environment.account_concurrency
    watch.above(
        "ConcurrencyOfAll",
        "concurrency of all functions",
        f"The functions of the account use or reserve nearly all of its {quota} places.",
        watch.metrics.concurrency(),
        limit=_NEARLY_ALL * quota,
    )


def watch_table(watch: Watch) -> None:
    """Makes the alarms for a table or an index that throttles, and for a database that fails."""
    for place in (None, *(index.name for index in INDEXES)):
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
            where = {"GlobalSecondaryIndexName": place} if place else {}
            watch.above(
                f"Table{place or ''}{metric}",
                f"table {place or 'itself'} {metric}",
                "DynamoDB throttles the table or an index of it.",
                watch.metrics.table(metric, where),
            )
    if not watch.environment.emulator:
        metrics = {
            f"m{number}": watch.metrics.table("SystemErrors", {"Operation": operation})
            for number, operation in enumerate(_TABLE_OPERATIONS)
        }
        watch.above("TableSystemErrors", "table system errors", "DynamoDB fails.", total(metrics))
