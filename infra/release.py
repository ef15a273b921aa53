"""How a new version of a function takes over: behind an alias, at first with a part of the calls.

Whoever calls a function calls its alias ``live``. A deployment publishes a version and moves the
alias to it. Every version stays, so to go back is to move the alias. Where the environment has a
canary, CodeDeploy moves the alias in two steps, and moves it back as soon as an alarm is on. The
stack then goes back as well, with every function of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from aws_cdk import (
    ArnFormat,
    CfnCodeDeployLambdaAliasUpdate,
    CfnUpdatePolicy,
    Duration,
    Stack,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.settings import Environment

ALIAS = "live"
MOST_ALARMS = 10
"""The most alarms that CodeDeploy watches for one function. They are alarms on metrics: it cannot
see composite ones."""

_PERIOD = Duration.minutes(1)
_AT_ONCE = "AllAtOnce"


class Releases:
    """The aliases of the functions of one stack, and what moves them."""

    def __init__(self, stack: Stack, concern: str, environment: Environment) -> None:
        self._stack, self._environment = stack, environment
        self._application_name = environment.stack(concern)
        self._rights = iam.PolicyDocument()

    def live(
        self,
        made: lambda_.Function,
        name: str,
        *,
        lateness_ms: int | None = None,
        alarms: Sequence[str] = (),
    ) -> lambda_.Alias:
        """Returns the alias of the function. A canary is taken back when the function fails, when
        it reads its stream later than ``lateness_ms``, or when one of the alarms with these names
        is on. Those must be there before the function is."""
        construct_id = made.node.id
        alias = lambda_.Alias(
            self._stack,
            f"{construct_id}Live",
            alias_name=ALIAS,
            version=made.current_version,
            provisioned_concurrent_executions=self._environment.provisioned_concurrency,
        )
        if self._environment.canary is not None:
            watched = [self._fails(construct_id, name)]
            if lateness_ms is not None:
                watched.append(self._is_late(construct_id, name, lateness_ms))
            self._move_in_steps(alias, construct_id, name, watched, alarms)
        return alias

    def _move_in_steps(
        self,
        alias: lambda_.Alias,
        construct_id: str,
        name: str,
        watched: Sequence[cloudwatch.Alarm],
        alarms: Sequence[str],
    ) -> None:
        names = [*(alarm.alarm_name for alarm in watched), *alarms]
        if len(names) > MOST_ALARMS:
            raise ValueError(f"{name} has {len(names)} alarms for its canary, of {MOST_ALARMS}")
        group = self._group(construct_id, name, names)
        self._may_move(name, names)
        resource = alias.node.default_child
        if not isinstance(resource, lambda_.CfnAlias):
            raise TypeError("an alias is one resource")
        resource.cfn_options.update_policy = CfnUpdatePolicy(
            code_deploy_lambda_alias_update=CfnCodeDeployLambdaAliasUpdate(
                application_name=self._application_name,
                deployment_group_name=self._environment.function(name),
            )
        )
        # The policy names the group, which does not make it a dependency.
        resource.add_resource_dependency(group)

    def _group(
        self, construct_id: str, name: str, alarms: Sequence[str]
    ) -> codedeploy.CfnDeploymentGroup:
        made, at_once = codedeploy.CfnDeploymentGroup, self._environment.release_at_once
        steps = _AT_ONCE if at_once else self._environment.canary
        return made(
            self._stack,
            f"{construct_id}Release",
            application_name=self._application.ref,
            deployment_group_name=self._environment.function(name),
            service_role_arn=self._role.role_arn,
            deployment_config_name=f"CodeDeployDefault.Lambda{steps}",
            deployment_style=made.DeploymentStyleProperty(
                deployment_option="WITH_TRAFFIC_CONTROL", deployment_type="BLUE_GREEN"
            ),
            alarm_configuration=made.AlarmConfigurationProperty(
                # An alarm that is on already would stop the very release that repairs its cause.
                enabled=not at_once,
                alarms=[made.AlarmProperty(name=each) for each in alarms],
            ),
            auto_rollback_configuration=made.AutoRollbackConfigurationProperty(
                enabled=True,
                events=[
                    "DEPLOYMENT_FAILURE",
                    "DEPLOYMENT_STOP_ON_ALARM",
                    "DEPLOYMENT_STOP_ON_REQUEST",
                ],
            ),
        )

    def _may_move(self, name: str, alarms: Sequence[str]) -> None:
        """Lets CodeDeploy move this function's alias and read these alarms. Its managed policy
        would let it move every alias of the account."""
        function = self._arn("lambda", "function", self._environment.function(name))
        self._rights.add_statements(
            iam.PolicyStatement(
                actions=[
                    "lambda:GetAlias",
                    "lambda:GetProvisionedConcurrencyConfig",
                    "lambda:UpdateAlias",
                ],
                resources=[function, f"{function}:{ALIAS}"],
            ),
            iam.PolicyStatement(
                actions=["cloudwatch:DescribeAlarms"],
                resources=[self._arn("cloudwatch", "alarm", each) for each in alarms],
            ),
        )

    def _arn(self, service: str, resource: str, name: str) -> str:
        return self._stack.format_arn(
            service=service,
            resource=resource,
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _fails(self, construct_id: str, name: str) -> cloudwatch.Alarm:
        function = self._environment.function(name)
        return self._alarm(
            f"{construct_id}LiveErrors",
            f"{name} live errors",
            "Errors",
            {"FunctionName": function, "Resource": f"{function}:{ALIAS}"},
            "Sum",
            0,
        )

    def _is_late(self, construct_id: str, name: str, lateness_ms: int) -> cloudwatch.Alarm:
        # A reader that reports records as failed has no errors, and falls behind.
        return self._alarm(
            f"{construct_id}LiveLate",
            f"{name} live late",
            "IteratorAge",
            {"FunctionName": self._environment.function(name)},
            "Maximum",
            lateness_ms,
        )

    def _alarm(
        self,
        construct_id: str,
        name: str,
        metric_name: str,
        dimensions: dict[str, str],
        statistic: str,
        limit: int,
    ) -> cloudwatch.Alarm:
        """Returns an alarm that is on within a minute, and tells only CodeDeploy."""
        return cloudwatch.Alarm(
            self._stack,
            construct_id,
            alarm_name=self._environment.alarm(name),
            alarm_description="Takes a canary back. People are told by other alarms.",
            metric=cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name=metric_name,
                dimensions_map=dimensions,
                statistic=statistic,
                period=_PERIOD,
            ),
            threshold=limit,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    @cached_property
    def _application(self) -> codedeploy.CfnApplication:
        return codedeploy.CfnApplication(
            self._stack,
            "Releases",
            application_name=self._application_name,
            compute_platform="Lambda",
        )

    @cached_property
    def _role(self) -> iam.Role:
        return iam.Role(
            self._stack,
            "ReleasesRole",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            inline_policies={"rights": self._rights},
        )
