"""How a function is made, and the rights that it may have.

Every function of every stack is made here. So all have the same runtime, a log group with a
retention period, and a role with the listed rights only. Nothing here knows a route.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.nag import accept
from infra.package import Package
from infra.settings import SERVICE, Environment
from shared.keys import INDEXES

IDENTITY_PARTITIONS = "A#*"
"""The partitions of sessions (``A#h(secret)``). A family that only reads may write to no other."""

_READ = ("dynamodb:BatchGetItem",)
_WRITE = (
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
_SEARCH = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
)
_STREAM = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The names of the data stack's resources, for the other stacks. ``receipt_key_arns``: every
    key that has ever signed receipts; the last one does now."""

    table_name: str
    table_arn: str
    stream_arn: str
    root_secret_arn: str
    receipt_key_arns: tuple[str, ...]
    erasure_log_name: str
    erasure_log_arn: str


def function(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    environment: Environment,
    package: Package,
    layer: lambda_.ILayerVersion,
    variables: Mapping[str, str],
    rights: Sequence[iam.PolicyStatement],
    timeout_s: int,
) -> lambda_.Function:
    """Returns the function of ``lambdas/<name>/handler.py``. It has exactly these rights, and may
    write its own log.

    Tracing is off: its rights can only be granted on every resource, and the log line of a call
    already has the latency.
    """
    log = _log(scope, construct_id, name, environment)
    made = lambda_.Function(
        scope,
        construct_id,
        function_name=environment.function(name),
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        code=lambda_.Code.from_asset(str(package.function(name))),
        handler=f"lambdas.{name}.handler.lambda_handler",
        layers=[layer],
        role=_role(scope, construct_id, log, rights),
        log_group=log,
        memory_size=environment.memory_mb,
        timeout=Duration.seconds(timeout_s),
        reserved_concurrent_executions=environment.reserved_concurrency.get(name),
        snap_start=(
            lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if environment.snap_start else None
        ),
        tracing=lambda_.Tracing.DISABLED,
        environment={**_about_the_build(environment, name), **variables},
        # A version that has been replaced stays, so that the alias can go back to it.
        current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
    )
    accept(
        made,
        "L1",
        "Python 3.13 is the version that the layer's compiled wheels are pinned and "
        "tested for; the runtime is supported, and moves together with the lock file.",
    )
    return made


def layer(scope: Construct, package: Package) -> lambda_.LayerVersion:
    """Returns the layer. Each stack has its own: CloudFormation does not replace a resource that
    another stack imports, so a shared layer could never be updated."""
    return lambda_.LayerVersion(
        scope,
        "Layer",
        code=lambda_.Code.from_asset(str(package.layer)),
        compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        compatible_architectures=[lambda_.Architecture.ARM_64],
        description="What every function needs: shared/ and its pinned dependencies.",
    )


def retention(environment: Environment) -> logs.RetentionDays:
    """Returns how long the environment keeps its logs."""
    days = {
        7: logs.RetentionDays.ONE_WEEK,
        30: logs.RetentionDays.ONE_MONTH,
        90: logs.RetentionDays.THREE_MONTHS,
    }
    return days[environment.log_retention_days]


def may_read(records: Records) -> list[iam.PolicyStatement]:
    """Returns the rights to read by key, to query the table and its indexes, and to read the root
    secret."""
    indexes = [f"{records.table_arn}/index/{index.name}" for index in INDEXES]
    return [
        _allow(_READ, [records.table_arn]),
        _allow(["dynamodb:Query"], [records.table_arn, *indexes]),
        _allow(["secretsmanager:GetSecretValue"], [records.root_secret_arn]),
    ]


def may_extend_sessions(records: Records) -> list[iam.PolicyStatement]:
    """Returns the right to extend sessions, which routes that only read need too. It covers the
    partitions of sessions only."""
    return [
        iam.PolicyStatement(
            actions=["dynamodb:UpdateItem"],
            resources=[records.table_arn],
            conditions={
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [IDENTITY_PARTITIONS]},
                # "ForAllValues" also holds where there is no value, so require that there is one.
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        )
    ]


def may_write(records: Records) -> list[iam.PolicyStatement]:
    """Returns the rights for the actions of a transaction. DynamoDB checks each of them, and has no
    separate right for transactions."""
    return [_allow(_WRITE, [records.table_arn])]


def may_erase(records: Records) -> list[iam.PolicyStatement]:
    """Returns the rights to delete in batches, and to sign the receipts of deletions."""
    return [
        _allow(["dynamodb:BatchWriteItem"], [records.table_arn]),
        # The key before the last one too: a version before the rotation signs with it, in a canary
        # and after a roll-back.
        _allow(["kms:Sign"], list(records.receipt_key_arns[-2:])),
    ]


def may_log_erasures(records: Records) -> list[iam.PolicyStatement]:
    """Returns the right to add objects to the log of erasures, and not to read it."""
    return [_allow(["s3:PutObject"], [f"{records.erasure_log_arn}/*"])]


def may_index_search(records: Records) -> list[iam.PolicyStatement]:
    """Returns the rights to read the records that have changed, and to write their search
    entries."""
    return [
        _allow(_SEARCH, [records.table_arn]),
        _allow(["secretsmanager:GetSecretValue"], [records.root_secret_arn]),
    ]


def may_follow_stream(records: Records) -> list[iam.PolicyStatement]:
    """Returns the rights to read the table's stream."""
    return [_allow(_STREAM, [records.stream_arn])]


def may_publish(bus_arn: str, queue_arn: str) -> list[iam.PolicyStatement]:
    """Returns the rights to put events on the bus, and refused ones into the queue."""
    return [_allow(["events:PutEvents"], [bus_arn]), _allow(["sqs:SendMessage"], [queue_arn])]


def may_store_failures(bucket_arn: str) -> list[iam.PolicyStatement]:
    """Returns the rights that a stream mapping needs for its failure destination. Lambda chooses
    the names of the objects, so only their prefix is known."""
    return [
        _allow(["s3:ListBucket"], [bucket_arn]),
        _allow(["s3:PutObject"], [f"{bucket_arn}/{FAILURE_OBJECTS}"]),
    ]


FAILURE_OBJECTS = "aws/lambda/*"
"""The names under which a stream mapping stores failed batches."""


def _log(scope: Construct, construct_id: str, name: str, environment: Environment) -> logs.LogGroup:
    return logs.LogGroup(
        scope,
        f"{construct_id}Log",
        log_group_name=f"/aws/lambda/{environment.function(name)}",
        retention=retention(environment),
        removal_policy=RemovalPolicy.DESTROY,
    )


def _role(
    scope: Construct,
    construct_id: str,
    log: logs.LogGroup,
    rights: Sequence[iam.PolicyStatement],
) -> iam.Role:
    to_log = _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log.log_group_arn])
    return iam.Role(
        scope,
        f"{construct_id}Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={"rights": iam.PolicyDocument(statements=[to_log, *rights])},
    )


def _allow(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))


def _about_the_build(environment: Environment, name: str) -> dict[str, str]:
    return {
        "CRM_ENVIRONMENT": environment.name,
        "CRM_BUILD_MAJOR": environment.build["major"],
        "CRM_BUILD_MINOR": environment.build["minor"],
        "CRM_BUILD_ID": environment.build["id"],
        "POWERTOOLS_SERVICE_NAME": f"{SERVICE}-{name}",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
