"""The door of the comments: the rows of their routes, and the Lambda handler made of them."""

from __future__ import annotations

from lambdas.comment.models import envelopes, requests
from lambdas.comment.operations import reading as reads
from lambdas.comment.operations import writing as writes
from shared.api import MEMBER, Tier, reading, serve, writing
from shared.errors import InvalidNextToken, InvalidState

TARGET = {"target_type": "account", "target_id": "acct_01KA0000000000000000000000"}
COMMENT_ID = "01KA0000000000000000000031"
# The part of the id that is the same in every org.
NAMED = {"comment_id": f"cmnt_{COMMENT_ID}", **TARGET}
TEXT = "They ask for delivery on Fridays. #delivery"
MEMBERS = (MEMBER,)

ROUTES = (
    writing(
        "/comment",
        writes.comment_add,
        requests.CommentAddRequest,
        envelopes.CommentEnvelope,
        "Add comment",
        roles=MEMBERS,
        latency=Tier.A,
        provenance="optional",
        refuses=(InvalidState,),
        sample={**TARGET, "caption": "Delivery", "body": TEXT},
    ),
    reading(
        "/comment/get",
        reads.comment_get,
        requests.CommentGetRequest,
        envelopes.CommentEnvelope,
        "Get comment",
        roles=MEMBERS,
        latency=Tier.B,
        refuses=(InvalidNextToken,),  # The history has pages.
        sample={**NAMED, "history": True},
    ),
    reading(
        "/comment/list",
        reads.comment_list,
        requests.CommentListRequest,
        envelopes.CommentListEnvelope,
        "List comments",
        roles=MEMBERS,
        latency=Tier.B,
        paginated=True,
        sample={**TARGET, "hashtag": "delivery"},
    ),
    reading(
        "/comment/report",
        reads.comment_report,
        requests.CommentReportRequest,
        envelopes.CommentReportEnvelope,
        "Report top-N largest comments",
        roles=MEMBERS,
        latency=Tier.A,
        sample={"limit": 8},
    ),
    writing(
        "/comment/revise",
        writes.comment_revise,
        requests.CommentReviseRequest,
        envelopes.CommentEnvelope,
        "Revise comment",
        roles=MEMBERS,
        latency=Tier.A,
        revision="optional",
        provenance="optional",
        refuses=(InvalidState,),
        sample={**NAMED, "body": "They ask for delivery on Mondays. #delivery"},
    ),
    writing(
        "/comment/status",
        writes.comment_status,
        requests.CommentStatusRequest,
        envelopes.CommentEnvelope,
        "Update comment status",
        roles=MEMBERS,
        latency=Tier.A,
        revision="required",
        provenance="optional",
        refuses=(InvalidState,),
        sample={**NAMED, "status": "archived", "expected_revision": 1},
    ),
)
lambda_handler = door = serve(ROUTES)
