"""The one recipe of a function, and the rights that a function may be given.

Every function of every stack is made here, so what holds for one holds for all: the runtime, the
log group with its end, a role with nothing but what is listed. Nothing here knows a route.
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
"""Where sessions lie (``A#h(secret)``): all that a family which only reads may ever write to."""

_READ = ("dynamodb:BatchGetItem",)
_WRITE = ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem")
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
    """Where the records lie, as the other stacks need to know it."""

    table_name: str
    table_arn: str
    stream_arn: str
    root_secret_arn: str


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
    """The function whose entry is ``lambdas/<name>/handler.py``, with exactly these rights beside
    writing its own log.

    Tracing is off: its daemon may only be granted on every resource, and the log line of a call
    already says how long it took and how many units it used.
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
        reserved_concurrent_executions=environment.reserved_concurrency,
        snap_start=(
            lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if environment.snap_start else None
        ),
        tracing=lambda_.Tracing.DISABLED,
        environment={**_about_the_build(environment, name), **variables},
    )
    accept(
        made,
        "L1",
        "Python 3.13 is the version that the layer's compiled wheels are pinned and "
        "tested for; the runtime is supported, and moves together with the lock file.",
    )
    return made


def live(made: lambda_.Function, environment: Environment) -> lambda_.IFunction:
    """What callers invoke: the function itself, or the alias of its published version where a
    version is needed (a started picture, or instances kept warm)."""
    if environment.snap_start or environment.provisioned_concurrency:
        return made.add_alias(
            "live", provisioned_concurrent_executions=environment.provisioned_concurrency
        )
    return made


def layer(scope: Construct, package: Package) -> lambda_.LayerVersion:
    """The layer, one per stack: a layer handed from stack to stack could never be replaced, since
    CloudFormation keeps what another stack imports."""
    return lambda_.LayerVersion(
        scope,
        "Layer",
        code=lambda_.Code.from_asset(str(package.layer)),
        compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        compatible_architectures=[lambda_.Architecture.ARM_64],
        description="What every function stands on: shared/ and its pinned dependencies.",
    )


def retention(environment: Environment) -> logs.RetentionDays:
    """How long the environment keeps its logs."""
    days = {
        7: logs.RetentionDays.ONE_WEEK,
        30: logs.RetentionDays.ONE_MONTH,
        90: logs.RetentionDays.THREE_MONTHS,
    }
    return days[environment.log_retention_days]


def may_read(records: Records) -> list[iam.PolicyStatement]:
    """Batches by key, and queries on the table and its named indexes."""
    indexes = [f"{records.table_arn}/index/{index.name}" for index in INDEXES]
    return [
        _allow(_READ, [records.table_arn]),
        _allow(["dynamodb:Query"], [records.table_arn, *indexes]),
        _allow(["secretsmanager:GetSecretValue"], [records.root_secret_arn]),
    ]


def may_extend_sessions(records: Records) -> list[iam.PolicyStatement]:
    """A session in use lives on, also where nothing else is written: its partition, no other."""
    return [
        iam.PolicyStatement(
            actions=["dynamodb:UpdateItem"],
            resources=[records.table_arn],
            conditions={
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [IDENTITY_PARTITIONS]},
                # "For all" also holds of no value at all; a write without a key is not ours.
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        )
    ]


def may_write(records: Records) -> list[iam.PolicyStatement]:
    """The actions that a transaction is made of: DynamoDB checks each of them, and has no right
    for the transaction as such."""
    return [_allow(_WRITE, [records.table_arn])]


def may_index_search(records: Records) -> list[iam.PolicyStatement]:
    """Re-read what changed, and keep the entries under which it is found."""
    return [
        _allow(_SEARCH, [records.table_arn]),
        _allow(["secretsmanager:GetSecretValue"], [records.root_secret_arn]),
    ]


def may_follow_stream(records: Records) -> list[iam.PolicyStatement]:
    """Read the table's stream: all four rights on the one stream."""
    return [_allow(_STREAM, [records.stream_arn])]


def may_publish(bus_arn: str, queue_arn: str) -> list[iam.PolicyStatement]:
    """Put events on the one bus, and what it refuses into the one queue."""
    return [_allow(["events:PutEvents"], [bus_arn]), _allow(["sqs:SendMessage"], [queue_arn])]


def may_store_failures(bucket_arn: str) -> list[iam.PolicyStatement]:
    """What a stream mapping needs for its failure destination: the objects' names are Lambda's
    own, made at the moment of the failure."""
    return [
        _allow(["s3:ListBucket"], [bucket_arn]),
        _allow(["s3:PutObject"], [f"{bucket_arn}/{FAILURE_OBJECTS}"]),
    ]


FAILURE_OBJECTS = "aws/lambda/*"
"""Under which names a stream mapping stores what it gave up on."""


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
