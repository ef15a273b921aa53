"""What an environment is: the meaning of its settings, the names that follow from them, and the
context that chooses one.

Nothing here knows a construct. The environment's name is a part of stack names and physical names
(``crm-prod-data``, ``crm-prod-account``), and never of a construct id. So every environment has the
same constructs, and a change that was tested in one fits the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

SERVICE = "crm"
PREFIX = "/crm"
STAGE = "live"
"""The gateway's stage: part of every address, so it is the same in every environment."""

NOBODYS_ACCOUNT = "000000000000"
"""The account of an environment that was not named one. Nobody has credentials for it, so templates
can be made and read, and the deployment tool refuses to deploy them. Emulators of AWS have it."""
_DEFAULT_REGION = "us-east-1"

_UNRESERVED_CONCURRENCY = 100
"""Lambda refuses to reserve the last hundred places of an account."""

_UNNAMED_BUILD = {"major": "1", "minor": "0", "id": "LOCAL-0000000000"}


class Throttle(NamedTuple):
    """The limit of one route: requests per second, and requests at once."""

    rate: int
    burst: int


class FairUse(NamedTuple):
    """The limits of one caller, in requests per minute."""

    per_address: int
    per_credential: int
    per_org: int


class RestoredTable(NamedTuple):
    """A table that was restored from a backup, and its stream."""

    name: str
    stream_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment.

    - ``account`` and ``region``: where it lives. A deployment to another place is refused.
    - ``keep_data``: the table stays when its stack is removed, and stacks are protected from it.
    - ``restored_table``: everything uses this table, in place of the stack's own.
    - ``receipt_keys``: how many keys of the receipts there have been. The last one signs. One more
      here is a rotation; never make it fewer.
    - ``backup_region``: where the backups and the root secret have a copy. None: nowhere.
    - ``detailed_metrics``: metrics per route, and the alarms and dashboards that read them. Each is
      billed.
    - ``contributor_insights``: counts who or what is behind an alarm.
    - ``throttles``: of each route, by its latency class. ``None`` stands for all other methods of a
      path: the preflights of browsers, and what is no route.
    - ``fair_use``: the limits of one caller, and the web ACL that keeps them. None: no web ACL.
    - ``account_concurrency``: the account's own limit of concurrent executions.
    - ``reserved_concurrency``: for the functions named, out of the account's. It is kept for them,
      and they get no more.
    - ``provisioned_concurrency``: per function, billed by the hour. None: off.
    - ``snap_start``: functions start from a snapshot of an initialised process.
    - ``canary``: the steps in which a new version takes over, by CodeDeploy's own name, such as
      ``Canary10Percent15Minutes``. None: it takes over at once, and no alarm takes it back.
    - ``release_at_once``: this deployment takes over at once, whatever the alarms say.
    - ``build``: the deployed build (``major``, ``minor``, ``id``).
    - ``emulator``: leaves out what the local emulator of AWS does not accept: the events archive,
      composite alarms, metric-math alarms, the gateway's account settings, canaries,
      the web ACL, Contributor Insights.
    """

    name: str
    account: str = NOBODYS_ACCOUNT
    region: str = _DEFAULT_REGION
    keep_data: bool
    detailed_metrics: bool
    log_retention_days: int
    archive_days: int
    memory_mb: int
    throttles: Mapping[str | None, Throttle]
    fair_use: FairUse | None = None
    contributor_insights: bool = False
    stream_parallelization: int = 1
    account_concurrency: int = 1_000
    reserved_concurrency: Mapping[str, int] = field(default_factory=dict)
    provisioned_concurrency: int | None = None
    snap_start: bool = False
    restored_table: RestoredTable | None = None
    receipt_keys: int = 1
    backup_region: str | None = None
    canary: str | None = None
    release_at_once: bool = False
    emulator: bool = False
    build: Mapping[str, str] = field(default_factory=lambda: dict(_UNNAMED_BUILD))

    def __post_init__(self) -> None:
        if self.receipt_keys < 1:
            raise ValueError(f"{self.name}: receipts need a key")
        if self.snap_start and self.provisioned_concurrency:
            raise ValueError(f"{self.name}: a function is kept warm, or starts from a snapshot")
        kept = sum(self.reserved_concurrency.values())
        if kept > self.account_concurrency - _UNRESERVED_CONCURRENCY:
            raise ValueError(f"{self.name}: {kept} reserved of {self.account_concurrency} places")

    def stack(self, concern: str) -> str:
        """Returns the name of a stack, such as ``crm-dev-data``."""
        return f"{SERVICE}-{self.name}-{concern}"

    def function(self, family: str) -> str:
        """Returns the name of a function, such as ``crm-dev-account``."""
        return f"{SERVICE}-{self.name}-{family}"

    def alarm(self, what: str) -> str:
        """Returns the name of an alarm, such as ``crm-dev api 5xx``."""
        return f"{self.shared_name} {what}"

    @property
    def shared_name(self) -> str:
        """The name of the table, the bus and the API. An environment has one of each."""
        return f"{SERVICE}-{self.name}"

    @property
    def table_name(self) -> str:
        """The name of the table in use."""
        return self.shared_name if self.restored_table is None else self.restored_table.name


def chosen(environments: Mapping[str, Environment], context: Callable[[str], Any]) -> Environment:
    """Returns the environment that the context chooses, with the place and the build that it names.
    ``context`` returns the value of a key, or None. Raises ``ValueError`` for a value that is not
    valid."""
    name = context("environment") or "dev"
    if name not in environments:
        raise ValueError(f"environment must be one of {', '.join(environments)}, not {name!r}")
    found = environments[name]
    if context("emulator") in (True, "true"):
        found = replace(
            found, emulator=True, canary=None, fair_use=None, contributor_insights=False
        )
    account, region = _place(name, context)
    build = {part: context(f"build_{part}") for part in ("major", "minor", "id")}
    return replace(
        found,
        account=account,
        region=region,
        release_at_once=_release(context("release")),
        restored_table=_restored(context),
        backup_region=_backup_region(name, region, context),
        build={**found.build, **{key: str(value) for key, value in build.items() if value}},
    )


def _release(asked: Any) -> bool:
    if asked not in (None, "canary", "at-once"):
        raise ValueError(f"release must be canary or at-once, not {asked!r}")
    return bool(asked == "at-once")


def _restored(context: Callable[[str], Any]) -> RestoredTable | None:
    """Returns the restored table that the context names. Its stream belongs to the name: a table
    that is restored again has another one."""
    name, stream = context("table_name"), context("table_stream_arn")
    if name is None and stream is None:
        return None
    if not re.fullmatch(r"arn:aws[a-z-]*:dynamodb:[^:]+:\d{12}:table/.+/stream/.+", str(stream)):
        raise ValueError(f"table_stream_arn must be the ARN of a table's stream, not {stream!r}")
    if str(stream).split("/")[1] != name:
        raise ValueError(f"table_stream_arn must be of the table {name!r}, not {stream!r}")
    return RestoredTable(str(name), str(stream))


def _backup_region(name: str, own: str, context: Callable[[str], Any]) -> str | None:
    region = context(f"{name}:backup_region")
    if region is None:
        return None
    if region == own or not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", str(region)):
        raise ValueError(f"{name}:backup_region must be another region than {own}, not {region!r}")
    return str(region)


def _place(name: str, context: Callable[[str], Any]) -> tuple[str, str]:
    """Returns the account and the region of the environment. They go together: with a region of
    its own choice, a deployment could reach a second region of the right account."""
    account, region = context(f"{name}:account"), context(f"{name}:region")
    if account is None and region is None:
        return NOBODYS_ACCOUNT, _DEFAULT_REGION
    if not re.fullmatch(r"\d{12}", str(account)):
        raise ValueError(f"{name}:account must have twelve digits, not {account!r}")
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", str(region)):
        raise ValueError(f"{name}:region must be a region such as eu-central-1, not {region!r}")
    return str(account), str(region)
