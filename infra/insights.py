"""Contributor Insights: who or what is behind an alarm, counted from the lines that are logged
anyway.

A metric per route or per org would be billed for each of them. These rules keep the largest only.
A contributor is a route, an org's code or the fingerprint of a credential: nothing personal.
"""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.settings import Environment
from shared.routes import over

_ANSWERED = {"Match": "$.message", "In": ["answered"]}

RULES: dict[str, tuple[list[str], list[dict[str, Any]]]] = {
    "slow routes": (["$.call"], [_ANSWERED, {"Match": f"$.{over('p95')}", "EqualTo": 1}]),
    "failing routes": (["$.call", "$.tag"], [_ANSWERED, {"Match": "$.status", "GreaterThan": 499}]),
    "busiest callers": (["$.orgcode", "$.fingerprint"], [_ANSWERED]),
}
"""The keys of the contributors and the filters of the lines, by name: for the alarms on a latency
class, for those on faults, and for those on refusals and throttles."""


def make_insights(stack: Stack, environment: Environment) -> None:
    """Makes the rules over the logs of all functions of the environment."""
    for name, (keys, filters) in RULES.items():
        cloudwatch.CfnInsightRule(
            stack,
            name.title().replace(" ", ""),
            rule_name=environment.alarm(name),
            rule_state="ENABLED",
            rule_body=json.dumps(
                {
                    "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
                    "LogGroupNames": [f"/aws/lambda/{environment.function('*')}"],
                    "LogFormat": "JSON",
                    "Contribution": {"Keys": keys, "Filters": filters},
                    "AggregateOn": "Count",
                }
            ),
        )
