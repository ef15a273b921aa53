"""The structured log and the metrics: the only importer of Powertools, at first use.

A line names the call, the outcome and the request id. No body, no header, no personal value and no
secret ever goes in: the door hands over what a line may hold, nothing else is read from a request.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from shared.settings import SERVICE

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@cache
def logger() -> Logger:
    """The process's logger; its level is Powertools' own setting."""
    from aws_lambda_powertools import Logger

    return Logger(service=SERVICE, utc=True)


def count(name: str, call: str) -> None:
    """Add one to a metric of this call (embedded metric format: a line of the log)."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace="crm") as metric:
        metric.add_dimension(name="call", value=call)


def answered(**facts: Any) -> None:
    """One line for one answered request."""
    logger().info("answered", extra=facts)


def failed(error: BaseException, **facts: Any) -> None:
    """A defect, with its stack. Only the types in the chain and the places in the code are logged:
    an exception's text may hold what a caller sent."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    logger().error(
        "failed",
        extra={
            **facts,
            "error_type": type(error).__name__,
            "stack": [f"{f.filename.rsplit('/', 2)[-1]}:{f.lineno} {f.name}" for f in frames],
        },
    )
