"""The health check: no credential, no org, no database."""

from __future__ import annotations

from shared.api import Answer, Call
from shared.settings import SERVICE


def stat(call: Call, body: None) -> Answer:
    """Says that the service is up. Needs no org and no credential; one that is sent is ignored."""
    del call, body
    return Answer({"service": SERVICE, "status": "active"})
