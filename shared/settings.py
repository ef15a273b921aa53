"""What a deployment decides (read from the environment once, at first use) and what an org decides.

The only module that reads ``os.environ``; importing it reads nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache

from shared.marks import Word

API_VERSION = "2026-03-04"
SERVICE = "crm"


@dataclass(frozen=True, slots=True)
class Settings:
    """A deployment. ``root_secret`` is the root of every keyed hash, or, deployed, absent: then
    ``root_secret_arn`` names where it is kept. A call that has not answered within
    ``read_timeout_s`` is made again on another connection: the table's own p99 is far below it, and
    a till waits for us."""

    table_name: str
    event_bus_name: str
    environment: str
    root_secret: str | None
    root_secret_arn: str | None
    retry_queue_url: str | None
    read_timeout_s: float = 1.5
    build: dict[str, str] = field(default_factory=dict)


@cache
def settings() -> Settings:
    """The deployment's settings, from the environment that the API stack writes."""
    env = os.environ
    return Settings(
        table_name=env.get("CRM_TABLE", "crm"),
        event_bus_name=env.get("CRM_EVENT_BUS", "crm"),
        environment=env.get("CRM_ENVIRONMENT", "local"),
        root_secret=env.get("CRM_ROOT_SECRET"),
        root_secret_arn=env.get("CRM_ROOT_SECRET_ARN"),
        retry_queue_url=env.get("CRM_RETRY_QUEUE_URL"),
        read_timeout_s=float(env.get("CRM_READ_TIMEOUT_S", "1.5")),
        build={
            "build_major": env.get("CRM_BUILD_MAJOR", "1"),
            "build_minor": env.get("CRM_BUILD_MINOR", "0"),
            "build_id": env.get("CRM_BUILD_ID", "LOCAL-0000000000"),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgSettings:
    """What an org decides for itself; the defaults are the specification's.

    Money marks are minor units of ``currency``; ``hold_hours`` is how long a hold waits;
    ``hold_expiry`` is what a hold that nobody resolved then means: ``reject`` or ``release``.
    ``unknown_card_limit`` is how many unknown card codes one credential may ask for within ten
    minutes; 0 is any number.
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
