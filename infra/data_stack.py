"""The stack of everything that must outlive a release: the table with its indexes and stream, the
root secret, the key that signs receipts, and the log of erasures.

The schema comes from ``shared.keys``, which the code uses too.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.backups import Backups
from infra.nag import accept
from infra.private_bucket import private_bucket
from infra.settings import Environment
from infra.stack import ConcernStack
from shared.keys import INDEXES, PARTITION, SORT, TTL, VIEW

ERASURE_LOG_DAYS = 400
"""Longer than the oldest backup that may be restored."""


class DataStack(ConcernStack):
    """The table, the root of every keyed hash, and the keys of the receipts."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, environment=environment, concern="data")
        made = self._table(environment)
        self.table = self._in_use(made, environment)
        self.root_secret = self._root_secret(environment)
        self.receipt_keys = self._receipt_keys(environment.receipt_keys)
        self.erasure_log = self._erasure_log()
        if environment.keep_data and not environment.emulator:
            Backups(self, "Backups", environment=environment, table=self.table)
        CfnOutput(self, "TableName", value=self.table.table_name)
        CfnOutput(self, "RootSecretArn", value=self.root_secret.secret_arn)
        arns = [key.key_arn for key in self.receipt_keys]
        CfnOutput(self, "ReceiptKeyArn", value=arns[-1])
        CfnOutput(self, "ReceiptKeyArns", value=",".join(arns))
        CfnOutput(self, "ErasureLogName", value=self.erasure_log.bucket_name)

    def _table(self, environment: Environment) -> dynamodb.Table:
        """Returns the table, with on-demand billing, because the load of tills is not steady.

        The encryption key is AWS-managed: its use is in the audit trail, and it has no monthly
        price. A key of our own would have a monthly price and need a right on every function. It
        would not protect from anybody who can already read the table. Deletion protection is on in
        every environment, so that nobody removes a table by accident.
        """
        throttled_keys = self._throttled_keys(environment)
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
            contributor_insights_specification=throttled_keys,
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
                contributor_insights_specification=throttled_keys,
            )
        return table

    def _in_use(self, made: dynamodb.Table, environment: Environment) -> dynamodb.ITable:
        """Returns the table that everything uses: the one that was restored, or the stack's own.
        That one stays as it is, so that it can be looked at."""
        restored = environment.restored_table
        if restored is None:
            return made
        return dynamodb.Table.from_table_attributes(
            self,
            "RestoredTable",
            table_name=restored.name,
            table_stream_arn=restored.stream_arn,
            global_indexes=[index.name for index in INDEXES],
        )

    def _throttled_keys(
        self, environment: Environment
    ) -> dynamodb.ContributorInsightsSpecification | None:
        """Returns the wish to see the keys of throttled requests, and of no other. Keys hold codes,
        ids and hashes, and nothing personal."""
        if not environment.contributor_insights:
            return None
        return dynamodb.ContributorInsightsSpecification(
            enabled=True, mode=dynamodb.ContributorInsightsMode.THROTTLED_KEYS
        )

    def _root_secret(self, environment: Environment) -> secretsmanager.Secret:
        """Returns the root secret. It is kept even if the table is removed: without it, no look-up
        would work in a table that is restored from a backup. So it has a copy where the backups
        have one."""
        copy = environment.backup_region
        secret = secretsmanager.Secret(
            self,
            "RootSecret",
            description="Root of the keyed hashes in the table's keys. Never rotate, never delete.",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64,
                exclude_punctuation=True,
                # The emulator knows only this one. A secret that begins so is read as JSON.
                exclude_characters="{",
            ),
            replica_regions=(None if copy is None else [secretsmanager.ReplicaRegion(region=copy)]),
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(
            secret,
            "SMG4",
            "Every stored key is derived from this root: after a rotation no look-up by "
            "e-mail, phone, code or session would work. Only functions read it.",
        )
        return secret

    def _erasure_log(self) -> s3.Bucket:
        """Returns the bucket of the log of erasures: the guids of customers who were erased. It is
        kept longer than any backup of the table, because a restored table needs it."""
        bucket = private_bucket(self, "ErasureLog", kept_days=ERASURE_LOG_DAYS)
        accept(
            bucket,
            "S1",
            "One function writes here once a day, and only administrators read it after a restore; "
            "who did is in the account's audit trail.",
        )
        return bucket

    def _receipt_keys(self, many: int) -> list[kms.Key]:
        """Returns the keys that sign the receipts of deletions, the newest last. All are kept, even
        if the table is removed: receipts are verified years later."""
        keys = [
            kms.Key(
                self,
                "ReceiptKey" if number == 1 else f"ReceiptKey{number}",
                description="Signs the receipts of deleted customers.",
                key_spec=kms.KeySpec.ECC_NIST_P256,
                key_usage=kms.KeyUsage.SIGN_VERIFY,
                removal_policy=RemovalPolicy.RETAIN,
            )
            for number in range(1, many + 1)
        ]
        for key in keys:
            # The other stacks are deployed later. Until then they use what they used before, and
            # an export that is in use cannot be removed.
            self.export_value(key.key_arn)
        return keys


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
