"""The settings of a deployment and of an org.

A deployment's settings come from the environment. They are read once, at first use, and not at
import. No other deployed module reads ``os.environ``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from shared.marks import Word

API_VERSION = "2026-03-04"
SERVICE = "crm"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a deployment. ``root_secret`` is the root of every keyed hash. On AWS it is
    absent, and ``root_secret_arn`` names the secret. A call to the database that takes longer than
    ``read_timeout_s`` is repeated on another connection: the database's own p99 is far below that,
    and a till is waiting. ``receipt_key_id``: the key that signs the receipts of deletions.
    ``erasure_log_bucket``: the bucket of the log of erasures; without it none is written.
    ``sdk_only``: the SDK makes every call, also those of the table."""

    table_name: str
    event_bus_name: str
    environment: str
    root_secret: str | None
    root_secret_arn: str | None
    retry_queue_url: str | None
    receipt_key_id: str = "local"
    erasure_log_bucket: str | None = None
    sdk_only: bool = False
    read_timeout_s: float = 1.5
    build: dict[str, str] = field(default_factory=dict)


def environment() -> Mapping[str, str]:
    """Returns the environment variables themselves, for those that the SDK defines and that our own
    client follows."""
    return os.environ


@cache
def settings() -> Settings:
    """Returns the deployment's settings, from the environment variables that the stacks set."""
    env = os.environ
    return Settings(
        table_name=env.get("CRM_TABLE", "crm"),
        event_bus_name=env.get("CRM_EVENT_BUS", "crm"),
        environment=env.get("CRM_ENVIRONMENT", "local"),
        # Empty is absent: no key may derive from nothing.
        root_secret=env.get("CRM_ROOT_SECRET") or None,
        root_secret_arn=env.get("CRM_ROOT_SECRET_ARN") or None,
        retry_queue_url=env.get("CRM_RETRY_QUEUE_URL"),
        receipt_key_id=env.get("CRM_RECEIPT_KEY_ID", "local"),
        erasure_log_bucket=env.get("CRM_ERASURE_LOG_BUCKET"),
        sdk_only=env.get("CRM_CLIENT") == "sdk",
        read_timeout_s=float(env.get("CRM_READ_TIMEOUT_S", "1.5")),
        build={
            "build_major": env.get("CRM_BUILD_MAJOR", "1"),
            "build_minor": env.get("CRM_BUILD_MINOR", "0"),
            "build_id": env.get("CRM_BUILD_ID", "LOCAL-0000000000"),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgSettings:
    """What an org decides for itself. The defaults come from the specification.

    - ``high_value_minor``: an amount, in minor units of ``currency``.
    - ``hold_hours``: how long a hold stays pending.
    - ``hold_expiry``: what happens to a hold that nobody has resolved by then: ``reject`` or
      ``release``.
    - ``unknown_card_limit``: how many unknown card codes one credential may ask for within ten
      minutes; 0 means any number.
    """

    timezone: Word = "UTC"
    region: Word = "US"
    currency: Word = "USD"
    email_unique: bool = True
    phone_unique: bool = False
    reason_in_events: bool = False
    high_value_minor: int = 100_000
    hold_hours: int = 72
    hold_expiry: Word = "reject"
    idempotency_days: int = 30
    unknown_card_limit: int = 20
