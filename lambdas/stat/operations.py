"""The health check: no credential, no org, no database."""

from __future__ import annotations

from shared.api import Answer
from shared.settings import SERVICE


def stat() -> Answer:
    """Says that the service is up. Needs no org and no credential; one that is sent is ignored."""
    return Answer({"service": SERVICE, "status": "active"})
