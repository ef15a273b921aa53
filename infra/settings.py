"""The settings of each environment, and the names that follow from them.

Nothing here knows a construct. The environment's name is a part of stack names and physical names
(``crm-prod-data``, ``crm-prod-account``), and never of a construct id. So every environment has the
same constructs, and a change that was tested in one fits the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SERVICE = "crm"
PREFIX = "/crm"
STAGE = "live"
"""The gateway's stage: part of every address, so it is the same in every environment."""

_UNNAMED_BUILD = {"major": "1", "minor": "0", "id": "LOCAL-0000000000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment.

    - ``keep_data``: the table stays when its stack is removed, and stacks are protected from it.
    - ``detailed_metrics``: metrics per route. Each is billed.
    - ``throttle_rate`` and ``throttle_burst``: limits of the whole API, in requests per second and
      in requests.
    - ``reserved_concurrency``: per function, from the account's pool. None: off.
    - ``provisioned_concurrency``: per function, billed by the hour. None: off.
    - ``snap_start``: functions start from a snapshot of an initialised process.
    - ``build``: the deployed build (``major``, ``minor``, ``id``).
    - ``emulator``: leaves out what the local emulator of AWS does not accept: the events archive,
      composite alarms, metric-math alarms, the gateway's account settings.
    """

    name: str
    keep_data: bool
    detailed_metrics: bool
    log_retention_days: int
    archive_days: int
    memory_mb: int
    throttle_rate: int
    throttle_burst: int
    stream_parallelization: int = 1
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    snap_start: bool = False
    emulator: bool = False
    build: Mapping[str, str] = field(default_factory=lambda: dict(_UNNAMED_BUILD))

    def stack(self, concern: str) -> str:
        """Returns the name of a stack, such as ``crm-dev-data``."""
        return f"{SERVICE}-{self.name}-{concern}"

    def function(self, family: str) -> str:
        """Returns the name of a function, such as ``crm-dev-account``."""
        return f"{SERVICE}-{self.name}-{family}"

    @property
    def shared_name(self) -> str:
        """The name of the table, the bus and the API. An environment has one of each."""
        return f"{SERVICE}-{self.name}"


ENVIRONMENTS = {
    "dev": Environment(
        name="dev",
        keep_data=False,
        detailed_metrics=False,
        log_retention_days=7,
        archive_days=7,
        memory_mb=512,
        throttle_rate=50,
        throttle_burst=100,
    ),
    "test": Environment(
        name="test",
        keep_data=False,
        detailed_metrics=True,
        log_retention_days=30,
        archive_days=30,
        memory_mb=1024,
        throttle_rate=200,
        throttle_burst=400,
    ),
    "prod": Environment(
        name="prod",
        keep_data=True,
        detailed_metrics=True,
        log_retention_days=90,
        archive_days=365,
        memory_mb=1024,
        throttle_rate=2_000,
        throttle_burst=4_000,
        stream_parallelization=2,
    ),
}


def environment(
    name: str, *, emulator: bool = False, build: Mapping[str, str] | None = None
) -> Environment:
    """Returns the settings of the environment, for this build. Raises ``ValueError`` for an unknown
    name."""
    if name not in ENVIRONMENTS:
        raise ValueError(f"environment must be one of {', '.join(ENVIRONMENTS)}, not {name!r}")
    chosen = ENVIRONMENTS[name]
    return replace(chosen, emulator=emulator, build={**chosen.build, **(build or {})})
