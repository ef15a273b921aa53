"""The door of the inbox: the rows of its routes, and the Lambda handler made of them."""

from __future__ import annotations

from typing import Any

from lambdas.inbox import operations
from lambdas.inbox.models import envelopes, requests
from shared.api import Tier, reading, serve, writing
from shared.errors import AlreadyExists, InvalidState
from shared.routes import MEMBER

NOTE = "ntfy_01KA0000000000000000000000"
ADA = "cust_01KA0000000000000000000000"
OPEN: dict[str, Any] = {"roles": (MEMBER,), "provenance": "optional", "latency": Tier.A}
"""What the rows of the writing routes have in common."""

ROUTES = (
    writing(
        "/inbox/create",
        operations.inbox_create,
        requests.InboxCreateRequest,
        envelopes.InboxEnvelope,
        "Create inbox notification",
        **OPEN,
        keyed="the dedupe_key, which counts up",
        sample={
            "team_guid": "TEAM-SERVICE",
            "title": "Call Ada back",
            "record_type": "customer",
            "record_id": ADA,
            "priority": "high",
        },
    ),
    reading(
        "/inbox/get",
        operations.inbox_get,
        requests.InboxGetRequest,
        envelopes.InboxEnvelope,
        "Get inbox notification",
        roles=(MEMBER,),
        latency=Tier.B,
        sample={"notification_id": NOTE},
    ),
    reading(
        "/inbox/list",
        operations.inbox_list,
        requests.InboxListRequest,
        envelopes.InboxListEnvelope,
        "List inbox notifications",
        roles=(MEMBER,),
        latency=Tier.B,
        paginated=True,
        sample={"team_guid": "TEAM-SERVICE", "state": "pending"},
    ),
    writing(
        "/inbox/state",
        operations.inbox_state,
        requests.InboxStateRequest,
        envelopes.InboxEnvelope,
        "Update inbox state",
        **OPEN,
        revision="optional",
        refuses=(InvalidState, AlreadyExists),
        sample={"notification_id": NOTE, "state": "claimed"},
    ),
    writing(
        "/inbox/status",
        operations.inbox_status,
        requests.InboxStatusRequest,
        envelopes.InboxEnvelope,
        "Update inbox status",
        **OPEN,
        revision="required",
        refuses=(InvalidState, AlreadyExists),
        sample={"notification_id": NOTE, "status": "archived", "expected_revision": 1},
    ),
)
lambda_handler = door = serve(ROUTES)
