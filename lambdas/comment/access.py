"""Who may see what is said about a record, and whether a comment is about the record that a call
names."""

from __future__ import annotations

from typing import Any

from lambdas.comment.models.records import CommentRecord
from lambdas.comment.models.requests import Targeted
from shared.api import Call
from shared.customer_state import require_customer, require_readable_customer, state_at
from shared.errors import Forbidden, NotFound
from shared.keys import customer_of_subscription
from shared.records import Read, Records
from shared.routes import READERS
from shared.targets import CUSTOMER, SUBSCRIPTION, TARGET_TYPES

CARD_READERS = ("giftcard_admin", "crm_manage", "crm_edit")
OPEN_TO_MEMBERS = frozenset({"comment", "notification"})
"""The records of this service that any member may read."""


def may_read(call: Call, target_type: str) -> bool:
    """Returns whether the caller may read records of a type. Those of other systems are free."""
    if target_type not in TARGET_TYPES or target_type in OPEN_TO_MEMBERS:
        return True
    return call.caller.has(*(CARD_READERS if target_type == "gift_card" else READERS))


def ensure_may_read(call: Call, target_type: str) -> None:
    """403 for a caller who may not read records of the type."""
    if not may_read(call, target_type):
        roles = CARD_READERS if target_type == "gift_card" else READERS
        raise Forbidden(detail={"roles_any_of": list(roles)})


def target_reads(call: Call, body: Targeted) -> list[Any]:
    """Returns the reads of the customer on whom a comment's fate hangs."""
    owner = _owner(body.target_type, body.normal_target_id)
    reads: list[Read] = [] if owner is None else [state_at(call.keys, owner)]
    return reads


def _owner(target_type: str, target_id: str) -> str | None:
    if target_type == CUSTOMER:
        return target_id
    return customer_of_subscription(target_id) if target_type == SUBSCRIPTION else None


def require_right_target(
    call: Call, records: Records, comment: CommentRecord, body: Targeted, *, reading: bool
) -> None:
    """Raises 404 where the comment is about another record than the call names. Everyone who was
    merged into a customer stands for it. Raises as the customer does where its erasure has begun.
    """
    named = body.normal_target_id
    owner = _owner(body.target_type, named)
    if comment.target_type != body.target_type:
        raise NotFound()
    names: tuple[str, ...] = (named,)
    if owner is not None:
        require = require_readable_customer if reading else require_customer
        state = require(call.keys, records, owner)
        names = state.owners if body.target_type == CUSTOMER else names
    if comment.target_id not in names:
        raise NotFound()
