"""Who may read and change comments, and how a comment is found by what it is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.comment import items, storage
from lambdas.comment.models.records import CommentRecord
from shared.api import READERS, Call
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_customer,
    require_readable_customer,
    state_at,
)
from shared.errors import Forbidden, NotFound
from shared.keys import customer_of_subscription
from shared.records import Read, Records
from shared.targets import CUSTOMER, SUBSCRIPTION, require_shown, require_unfenced

ROLES: Mapping[str, tuple[str, ...] | None] = {
    items.OPEN: None,
    items.CARDS: ("giftcard_admin", "crm_manage", "crm_edit"),
    items.RECORDS: READERS,
}
"""The roles of which one is needed for each audience; None: every member."""


def may_read(call: Call, audience: str) -> bool:
    roles = ROLES[audience]
    return roles is None or call.caller.has(*roles)


def require_role(call: Call, target_type: str) -> None:
    """Raises 403 where the caller may not read records of the type that a request names."""
    if not may_read(call, items.audience(target_type)):
        raise Forbidden()


@dataclass(frozen=True, slots=True)
class Found:
    """A comment that a request names. ``target_id``: the record that it is on; for a customer who
    was merged, the survivor. ``redirect``: what the answer says of that."""

    comment: CommentRecord
    target_id: str
    redirect: dict[str, str]

    def has(self, number: int | None) -> bool:
        """Returns whether the comment has a content of this number."""
        return number is not None and number <= self.comment.current_revision

    def data(self, comment: CommentRecord | None = None) -> dict[str, Any]:
        """Returns the answer's data with the comment, or with what became of it."""
        return {"comment": storage.comment_shown(comment or self.comment, self.target_id)}


def reads_of(call: Call, body: Any) -> list[Read]:
    """Returns the reads of a comment that a request names, with the customer whom it is about."""
    guid = customer_of(body.target_type, body.target_id)
    states = [] if guid is None else [state_at(call.keys, guid)]
    return [storage.named_at(call.keys, body), *states]


def require_found(call: Call, records: Records, body: Any, *, writes: bool) -> Found:
    """Returns the comment. Raises 404 where the three names do not fit together, or where the
    deletion of what the comment is on has begun; a write then is ``busy``."""
    records.ensure(*reads_of(call, body))
    state, named = None, body.target_id
    guid = customer_of(body.target_type, named)
    if guid is not None:
        demanded = require_customer if writes else require_readable_customer
        state = demanded(call.keys, records, guid)
    comment = records.require(storage.named_at(call.keys, body))
    if comment.target_type != body.target_type or comment.target_id not in _ids(body, state):
        raise NotFound()
    comment = require_unfenced(comment) if writes else require_shown(comment)
    if body.target_type != CUSTOMER or state is None:
        return Found(comment, comment.target_id, {})
    return Found(comment, state.customer_guid, redirected(named, state.customer_guid))


def customer_of(target_type: str, target_id: str) -> str | None:
    """Returns the customer whom comments on a record are about; None for a record of no customer,
    or one that its own link leads to: that is fenced itself."""
    if target_type == SUBSCRIPTION:
        return customer_of_subscription(target_id)
    return target_id if target_type == CUSTOMER else None


def _ids(body: Any, state: CustomerStateRecord | None) -> tuple[str, ...]:
    """Returns the ids under which a comment may be on the record that a request names."""
    if body.target_type != CUSTOMER or state is None:
        return (body.target_id,)
    return state.owners
