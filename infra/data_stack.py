"""What must outlive every release: the table with its indexes and stream, and the root secret.

The schema is not written here; it is read from ``shared.keys``, where the code reads it too.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.nag import accept
from infra.settings import Environment
from shared.keys import INDEXES, PARTITION, SORT, TTL, VIEW


class DataStack(Stack):
    """The table and the root of every keyed hash."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=environment.stack("data"),
            termination_protection=environment.keep_data,
        )
        self.table = self._table(environment)
        self.root_secret = self._root_secret()
        CfnOutput(self, "TableName", value=self.table.table_name)
        CfnOutput(self, "RootSecretArn", value=self.root_secret.secret_arn)

    def _table(self, environment: Environment) -> dynamodb.Table:
        """On-demand billing, because the load of a till has no plateau to provision for.

        The key is AWS-managed: its use shows in the audit trail and costs nothing a month. A key
        of our own would add a monthly price and a right on every function, and would protect
        from nobody who can already read the table. Deletion protection is on everywhere, so that
        even a table which may go has to be let go of by hand first.
        """
        table = dynamodb.Table(
            self,
            "Table",
            table_name=environment.shared_name,
            partition_key=_text(PARTITION),
            sort_key=_text(SORT),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            time_to_live_attribute=TTL,
            deletion_protection=not environment.emulator,
            removal_policy=(
                RemovalPolicy.RETAIN if environment.keep_data else RemovalPolicy.DESTROY
            ),
        )
        for index in INDEXES:
            table.add_global_secondary_index(
                index_name=index.name,
                partition_key=_text(index.partition),
                sort_key=_text(index.sort),
                projection_type=dynamodb.ProjectionType.INCLUDE,
                non_key_attributes=[VIEW],
            )
        return table

    def _root_secret(self) -> secretsmanager.Secret:
        """Kept even where the table is not: a table restored from a backup is unreadable by its
        look-ups without the root that its keys were made with."""
        secret = secretsmanager.Secret(
            self,
            "RootSecret",
            description="Root of the keyed hashes in the table's keys. Never rotate, never delete.",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True
            ),
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(
            secret,
            "SMG4",
            "Every stored key is derived from this root: a rotation would make every "
            "e-mail, phone, code and session look-up miss. It is read by functions only.",
        )
        return secret


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
