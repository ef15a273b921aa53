"""The backups of the table. Point-in-time recovery reaches back 35 days and stays in the region;
these are kept longer, and may have a copy in another one."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from constructs import Construct

from infra.nag import accept
from infra.settings import Environment

DAILY_KEPT_DAYS, MONTHLY_KEPT_DAYS = 35, 365
"""How long backups are kept: less than the log of erasures, without which none may be restored."""


class Backups(Construct):
    """A vault, and a plan that backs up the table each day and each month."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        table: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, construct_id)
        vault = backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=environment.shared_name,
            removal_policy=RemovalPolicy.RETAIN,
        )
        plan = backup.BackupPlan(self, "Plan", backup_vault=vault)
        copies = self._copies(environment)
        for name, kept, day in (
            ("daily", DAILY_KEPT_DAYS, "*"),
            ("monthly", MONTHLY_KEPT_DAYS, "1"),
        ):
            plan.add_rule(
                backup.BackupPlanRule(
                    rule_name=name,
                    schedule_expression=events.Schedule.cron(hour="4", minute="0", day=day),
                    delete_after=Duration.days(kept),
                    copy_actions=[
                        backup.BackupPlanCopyActionProps(
                            destination_backup_vault=vault, delete_after=Duration.days(kept)
                        )
                        for vault in copies
                    ],
                )
            )
        selection = plan.add_selection(
            "Table", resources=[backup.BackupResource.from_dynamo_db_table(table)]
        )
        accept(
            selection.node.find_child("Role"),
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AWSBackupServiceRolePolicyForBackup]",
            "The backup service needs rights on its own vaults and on the table that only its own "
            "policy names; nothing but the service can take this role.",
        )

    def _copies(self, environment: Environment) -> list[backup.IBackupVault]:
        """Returns the vault of the other region, which is made there once by hand: a stack makes
        nothing outside its own region."""
        region = environment.backup_region
        if region is None:
            return []
        stack = Stack.of(self)
        arn = (
            f"arn:{stack.partition}:backup:{region}:{environment.account}:"
            f"backup-vault:{environment.shared_name}"
        )
        return [backup.BackupVault.from_backup_vault_arn(self, "Copy", arn)]
