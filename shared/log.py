"""The structured log and the metrics. Only this module imports Powertools, at first use.

A line has the call, the outcome and the request id. It never has a body, a header, a personal value
or a secret: the door passes exactly the values of a line, and nothing here reads a request.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.settings import SERVICE, settings

if TYPE_CHECKING:
    from logging import LogRecord

    from aws_lambda_powertools import Logger

_FACTS = "facts"
"""Where a record of the log has the values of our line: as one value, not as one attribute each."""

_serialize = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode


@cache
def logger() -> Logger:
    """Returns the logger of the process. Powertools' own setting decides its level.

    Its formatter writes our lines, whose values are already those of the line, without the general
    steps of Powertools' own: these take three times as long. All other lines go there. No line
    names the place in the code, because it is always a function of this module.
    """
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    class Formatter(LambdaPowertoolsFormatter):
        def format(self, record: LogRecord) -> str:
            facts = record.__dict__.get(_FACTS)
            if facts is None:
                return super().format(record)
            line = {
                "level": record.levelname,
                "message": record.msg,
                "timestamp": self.formatTime(record),
                "service": SERVICE,
                **facts,
            }
            trace = self._get_latest_trace_id()
            if trace is not None:
                line["xray_trace_id"] = trace
            return self.serialize(line)

    line = Formatter(utc=True, use_rfc3339=True, location=None, json_serializer=_serialize)
    return Logger(service=SERVICE, logger_formatter=line)


def count(name: str, call: str) -> None:
    """Adds one to a metric of this call. It is a log line in the embedded metric format, so it
    costs no request."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    with single_metric(
        name=name, unit=MetricUnit.Count, value=1, namespace=namespace(settings().environment)
    ) as metric:
        metric.add_dimension(name="call", value=call)


def namespace(environment: str) -> str:
    """Returns the namespace of the metrics of an environment: several may share an account."""
    return f"{SERVICE}/{environment}"


def metrics(values: Mapping[str, int], **dimensions: str) -> dict[str, Any]:
    """Returns the members that turn a log line into metrics as well (the embedded metric format of
    CloudWatch). Each value is one data point.

    Each name of a value is billed once for every combination of dimensions. So dimensions have few
    values, and never an org or a person. Powertools would write a line of its own instead, which
    takes several times as long as these members, and is stored besides the other line.
    """
    directive = {
        "Namespace": namespace(settings().environment),
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name} for name in values],
    }
    stamp = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]}
    return {"_aws": stamp, **dimensions, **values}


def answered(**facts: Any) -> None:
    """Logs one answered request in one line."""
    logger().info("answered", extra={_FACTS: facts})


def worked(**facts: Any) -> None:
    """Logs one run of scheduled work in one line."""
    logger().info("worked", extra={_FACTS: facts})


def failed(error: BaseException, **facts: Any) -> None:
    """Logs a defect: the type of the exception and the places in the code. The text of the
    exception is left out, because it may contain what a caller sent."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    logger().error(
        "failed",
        extra={
            _FACTS: {
                **facts,
                "error_type": type(error).__name__,
                "stack": [f"{f.filename.rsplit('/', 2)[-1]}:{f.lineno} {f.name}" for f in frames],
            }
        },
    )
