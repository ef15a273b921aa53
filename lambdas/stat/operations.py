"""The health check. It needs no credential, no org and no database."""

from __future__ import annotations

from shared.api import Answer
from shared.settings import SERVICE


def stat() -> Answer:
    """Returns that the service is up. It needs no org and no credential, and ignores them if they
    are sent."""
    return Answer({"service": SERVICE, "status": "active"})
