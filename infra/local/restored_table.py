"""The settings of a table that was restored from a backup.

A restore brings the items, the keys, the indexes and the billing mode. The stream, point-in-time
recovery, the time to live, tags, deletion protection and Contributor Insights are off afterwards,
and the backup service may have encrypted the table with another kind of key. The stack cannot set
them: it did not make this table. They have to be those that ``infra/data_stack.py`` gives its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.engine import table_definition
from infra.local.identities import Refused
from infra.settings import SERVICE, Environment
from shared.keys import INDEXES, TTL

_ON = ("ENABLED", "ENABLING")


@dataclass(frozen=True)
class RestoredTable:
    """A restored table, for the environment that is to use it."""

    client: Any
    name: str
    environment: Environment

    def complete(self) -> Iterator[dict[str, Any]]:
        """Gives the table each setting that it lacks, one after the other, and yields what became
        of it. The last line is what the deployment has to be told. Safe to repeat, and to stop
        anywhere. Raises ``Refused`` for a table that has other keys or indexes."""
        try:
            self._require_keys()
            # A restore takes a while, and until its end the table takes no change.
            self._wait()
            for setting, has, make in self._settings():
                there = has()
                if not there:
                    make()
                    self._wait()
                yield {"setting": setting, "outcome": "was there" if there else "set"}
            stream = self._described()["LatestStreamArn"]
            yield {"table_name": self.name, "table_stream_arn": stream}
        except (BotoCoreError, ClientError) as error:
            raise Refused(f"{error}; what is set stays, so run it again") from None

    def _settings(self) -> Iterator[tuple[str, Callable[[], bool], Callable[[], Any]]]:
        """Yields the name of each setting, whether the table has it, and what sets it. Each is a
        call of its own, because the database takes one kind of change at a time."""
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        yield (
            "on-demand billing",
            lambda: self._part("BillingModeSummary").get("BillingMode") == "PAY_PER_REQUEST",
            lambda: self._update(BillingMode="PAY_PER_REQUEST"),
        )
        yield (
            "stream",
            lambda: self._part("StreamSpecification") == stream,
            lambda: self._update(StreamSpecification=stream),
        )
        yield (
            "encryption with the AWS-managed key",
            lambda: self._part("SSEDescription").get("SSEType") == "KMS",
            lambda: self._update(SSESpecification={"Enabled": True, "SSEType": "KMS"}),
        )
        yield (
            "deletion protection",
            lambda: bool(self._described().get("DeletionProtectionEnabled")),
            lambda: self._update(DeletionProtectionEnabled=True),
        )
        yield "point-in-time recovery", self._is_recoverable, self._make_recoverable
        yield "time to live", self._has_ttl, self._set_ttl
        yield "tags", lambda: self._tags.items() <= self._has_tags().items(), self._set_tags
        if self.environment.contributor_insights:
            for index in (None, *(each.name for each in INDEXES)):
                named = {"TableName": self.name, **({"IndexName": index} if index else {})}
                yield (
                    f"Contributor Insights of {index or 'the table'}",
                    lambda named=named: self._has_insights(named),
                    lambda named=named: self._set_insights(named),
                )

    def _require_keys(self) -> None:
        """A restore may leave out indexes, and no later step would show it before a call does."""
        here, ours = self._described(), table_definition(self.name)
        if _shape(here) != _shape(ours):
            raise Refused(
                f"{self.name} has other keys or indexes than the code needs: restore with them all"
            )

    def _described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_table(TableName=self.name)["Table"]
        return found

    def _part(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._described().get(name) or {}
        return found

    def _update(self, **change: Any) -> None:
        self.client.update_table(TableName=self.name, **change)

    def _wait(self) -> None:
        """The table refuses the next change until the one before is made."""
        self.client.get_waiter("table_exists").wait(
            TableName=self.name, WaiterConfig={"Delay": 2, "MaxAttempts": 150}
        )

    def _is_recoverable(self) -> bool:
        answer = self.client.describe_continuous_backups(TableName=self.name)
        recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        return recovery.get("PointInTimeRecoveryStatus") == "ENABLED"

    def _make_recoverable(self) -> None:
        self.client.update_continuous_backups(
            TableName=self.name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )

    def _has_ttl(self) -> bool:
        answer = self.client.describe_time_to_live(TableName=self.name)["TimeToLiveDescription"]
        if answer["TimeToLiveStatus"] in _ON and answer.get("AttributeName") != TTL:
            raise Refused(f"the time to live is on {answer['AttributeName']}: switch it off first")
        return answer["TimeToLiveStatus"] in _ON

    def _set_ttl(self) -> None:
        self.client.update_time_to_live(
            TableName=self.name,
            TimeToLiveSpecification={"AttributeName": TTL, "Enabled": True},
        )

    @property
    def _tags(self) -> dict[str, str]:
        return {"service": SERVICE, "environment": self.environment.name}

    def _has_tags(self) -> dict[str, str]:
        arn = self._described()["TableArn"]
        listed = self.client.list_tags_of_resource(ResourceArn=arn)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    def _set_tags(self) -> None:
        tags = [{"Key": key, "Value": value} for key, value in self._tags.items()]
        self.client.tag_resource(ResourceArn=self._described()["TableArn"], Tags=tags)

    def _has_insights(self, named: dict[str, str]) -> bool:
        answer = self.client.describe_contributor_insights(**named)
        return answer.get("ContributorInsightsStatus") in _ON

    def _set_insights(self, named: dict[str, str]) -> None:
        self.client.update_contributor_insights(
            **named,
            ContributorInsightsAction="ENABLE",
            ContributorInsightsMode="THROTTLED_KEYS",
        )


def _shape(table: dict[str, Any]) -> Any:
    """Returns the keys of a table, and the keys and projections of its indexes."""
    indexes = {
        index["IndexName"]: (_keys(index), sorted(index["Projection"].get("NonKeyAttributes", ())))
        for index in table.get("GlobalSecondaryIndexes", ())
    }
    return _keys(table), indexes


def _keys(holder: dict[str, Any]) -> dict[str, str]:
    return {key["KeyType"]: key["AttributeName"] for key in holder["KeySchema"]}
