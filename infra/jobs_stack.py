"""The scheduled work: each minute the sweeper continues what is not finished and tells which
occurrences of subscriptions are due, and each day the runs of the retention policy begin."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import function as recipe
from infra.fault_alarms import JOBS
from infra.function import Records
from infra.nag import accept
from infra.package import Package
from infra.release import Releases
from infra.settings import Environment
from infra.stack import ConcernStack
from lambdas.jobs.handler import DAILY

_TIMEOUT_S = 60


class JobsStack(ConcernStack):
    """The sweeper and its schedule."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        package: Package,
        records: Records,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, concern="jobs")
        sweeper = recipe.function(
            self,
            "SweeperFunction",
            name=JOBS,
            environment=environment,
            package=package,
            layer=recipe.layer(self, package),
            variables={
                "CRM_TABLE": records.table_name,
                "CRM_ROOT_SECRET_ARN": records.root_secret_arn,
                "CRM_RECEIPT_KEY_ID": records.receipt_key_arns[-1],
                "CRM_ERASURE_LOG_BUCKET": records.erasure_log_name,
            },
            rights=[
                *recipe.may_read(records),
                *recipe.may_write(records),
                *recipe.may_erase(records),
                *recipe.may_log_erasures(records),
            ],
            timeout_s=_TIMEOUT_S,
        )
        role = sweeper.role
        if role is None:
            raise ValueError("the recipe gives every function a role of its own")
        log = self.resolve(records.erasure_log_arn)["Fn::ImportValue"]
        accept(
            role,
            f"IAM5[Resource::{log}/*]",
            "An object of the log is named by its day and org, so no name is known before; the "
            "function may add objects there, and read none.",
        )
        self._schedules(Releases(self, "jobs", environment).live(sweeper, JOBS))

    def _schedules(self, sweeper: lambda_.Alias) -> None:
        # A failed run is not repeated: the next one comes a minute later, and finds the same jobs.
        events.Rule(
            self,
            "EveryMinute",
            description="Starts the sweeper.",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(sweeper, retry_attempts=0)],
        )
        # To begin a run again changes nothing, so this one may be repeated.
        events.Rule(
            self,
            "EveryDay",
            description="Writes the log of erasures, and begins the runs of the retention policy.",
            schedule=events.Schedule.cron(hour="3", minute="0"),
            targets=[
                targets.LambdaFunction(
                    sweeper,
                    event=events.RuleTargetInput.from_object(
                        {"job": DAILY, "time": events.EventField.time}
                    ),
                    retry_attempts=2,
                )
            ],
        )
