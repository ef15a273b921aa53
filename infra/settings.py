"""What the environments decide differently: one frozen value each, and the names that follow.

Nothing here knows a construct. The environment's name goes into stack names and physical names
(``crm-prod-data``, ``crm-prod-account``), never into a construct id: the same template must come
out for every environment, or a change is tried on something else than what it is meant for.
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
    """One environment. With ``keep_data`` the table outlives its stack, and no stack can be ended
    by accident.

    ``detailed_metrics`` are billed per route and metric. ``throttle_*`` hold for the whole API
    (requests, requests per second). ``reserved_concurrency`` is taken from the account's pool, per
    function; ``provisioned_concurrency`` is paid by the hour; either is off when absent.
    ``snap_start`` restores a function from a picture of its started process. The deployed build is
    named by ``build`` (``major``, ``minor``, ``id``). ``emulator`` leaves out what the local
    emulator of AWS refuses: the events archive, composite alarms, metric-math alarms, the
    gateway's account settings.
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
        """The stack's name, such as ``crm-dev-data``."""
        return f"{SERVICE}-{self.name}-{concern}"

    def function(self, family: str) -> str:
        """The function's name, such as ``crm-dev-account``."""
        return f"{SERVICE}-{self.name}-{family}"

    @property
    def shared_name(self) -> str:
        """The name of what an environment has one of: table, bus, API."""
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
    """The settings of the environment, for this build; ``ValueError`` where there is none."""
    if name not in ENVIRONMENTS:
        raise ValueError(f"environment must be one of {', '.join(ENVIRONMENTS)}, not {name!r}")
    chosen = ENVIRONMENTS[name]
    return replace(chosen, emulator=emulator, build={**chosen.build, **(build or {})})
