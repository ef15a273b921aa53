"""The door of the comments: the rows of their routes, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.comment.models import envelopes, requests
from lambdas.comment.operations import reading as reads
from lambdas.comment.operations import writing as writes
from shared.api import Tier, reading, serve, writing
from shared.errors import InvalidNextToken, InvalidState
from shared.routes import MEMBER

ON_ADA = {"target_type": "customer", "target_id": "cust_01KA0000000000000000000000"}

ROUTES = (
    writing(
        "/comment",
        writes.comment_add,
        requests.CommentAddRequest,
        envelopes.CommentEnvelope,
        "Add comment",
        roles=(MEMBER,),
        latency=Tier.A,
        provenance="optional",
        refuses=(InvalidState,),
        sample={
            **ON_ADA,
            "caption": "Called back",
            "body": "Prefers the shop in the #harbour. She comes on Friday.",
        },
    ),
    reading(
        "/comment/get",
        reads.comment_get,
        requests.CommentGetRequest,
        envelopes.CommentEnvelope,
        "Get comment",
        roles=(MEMBER,),
        latency=Tier.B,
        refuses=(InvalidNextToken,),
        sample={**ON_ADA, "comment_id": "COMMENT", "history": True},
    ),
    reading(
        "/comment/list",
        reads.comment_list,
        requests.CommentListRequest,
        envelopes.CommentListEnvelope,
        "List comments",
        roles=(MEMBER,),
        latency=Tier.B,
        paginated=True,
        sample=ON_ADA,
    ),
    reading(
        "/comment/report",
        reads.comment_report,
        requests.CommentReportRequest,
        envelopes.CommentReportEnvelope,
        "Report top-N largest comments",
        roles=(MEMBER,),
        latency=Tier.A,
        sample={"limit": 3},
    ),
    writing(
        "/comment/revise",
        writes.comment_revise,
        requests.CommentReviseRequest,
        envelopes.CommentEnvelope,
        "Revise comment",
        roles=(MEMBER,),
        latency=Tier.A,
        revision="optional",
        provenance="optional",
        refuses=(InvalidState,),
        sample={
            **ON_ADA,
            "comment_id": "COMMENT",
            "body": "Prefers the shop in the #harbour. She comes on Saturday.",
        },
    ),
    writing(
        "/comment/status",
        writes.comment_status,
        requests.CommentStatusRequest,
        envelopes.CommentEnvelope,
        "Update comment status",
        roles=(MEMBER,),
        latency=Tier.A,
        revision="required",
        provenance="optional",
        refuses=(InvalidState,),
        sample={
            **ON_ADA,
            "comment_id": "COMMENT",
            "status": "archived",
            "expected_revision": 1,
        },
    ),
)
lambda_handler = door = serve(ROUTES)
