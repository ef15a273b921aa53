"""What comments and notifications are about: a record of this service, or anything else.

Who says something about a record of this service names it by its type and id, and the record must
be there. The check is a part of the transaction, so nothing new is said about a record that is
gone; what was said before may still be changed. What is said about records of other systems is
taken as it is.

A deletion removes what is said about the records that it removes. So that nothing new comes while
it works, it fences such a record first: ``fenced_by`` names the deletion. From then on the record
is not found by reads, and ``busy`` to writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Protocol, Self, TypeVar

from pydantic import AfterValidator, model_validator

from shared.call import Call
from shared.customer_guard import CustomerGuard
from shared.errors import ApiError, Busy, Fault, NotFound
from shared.fields import Request, ShortText
from shared.keys import CARD_PREFIX, Key, Keys, customer_of_subscription
from shared.writes import Check, Condition, CurrentItem, Write

CUSTOMER, SUBSCRIPTION = "customer", "subscription"
HEADS: Mapping[str, Callable[[Keys, str], Key]] = {
    "account": lambda keys, guid: keys.account(guid),
    "contact": lambda keys, guid: keys.contact(guid),
    "certificate": lambda keys, certificate_id: keys.certificate(certificate_id),
    SUBSCRIPTION: lambda keys, subscription_id: keys.subscription(subscription_id),
    "warranty": lambda keys, warranty_id: keys.warranty(warranty_id),
    "gift_card": lambda keys, card_id: keys.gift_card_of(card_id),
    "notification": lambda keys, notification_id: keys.notification(notification_id),
    "comment": lambda keys, comment_id: keys.comment(comment_id),
}
"""Where the records of this service are that something may be said about, customers excepted."""
TARGET_TYPES = (CUSTOMER, *HEADS)
_CODE = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
GONE_OR_NOT_FENCED = Condition("attribute_not_exists(fenced_by)")
NOT_FENCED = Condition(f"attribute_exists(pk) AND {GONE_OR_NOT_FENCED.expression}")


# ---------------------------------------------------------------- one spelling


def normal_type(target_type: str) -> str:
    """Returns the type in lower case where this service has it. It must not slip through as a type
    of another system under another spelling."""
    folded = target_type.lower()
    return folded if folded in TARGET_TYPES else target_type


def normal_id(target_type: str, target_id: str) -> str:
    """Returns the one spelling of a record's id under which something is said about it. Ids that
    lead to the same record have the same one: what is said under another one would outlive it."""
    if target_type == "certificate":
        return target_id.upper()
    if target_type == "gift_card":
        # Some letters have an upper case of another letter: the card is found by that.
        return CARD_PREFIX + target_id.upper().lower().removeprefix(CARD_PREFIX)
    return target_id


TargetType = Annotated[ShortText, AfterValidator(normal_type)]
"""The type of a record of this service, in any case of its letters, or any other word."""


class NamesRecord(Request):
    """A request that names a record by its type and id: it has both in their one spelling."""

    type_and_id: ClassVar[tuple[str, str]] = ("target_type", "target_id")
    """The names of the two fields."""

    @model_validator(mode="after")
    def _one_spelling(self) -> Self:
        target_type, target_id = (getattr(self, name) for name in self.type_and_id)
        if target_type is not None and target_id is not None:
            object.__setattr__(self, self.type_and_id[1], normal_id(target_type, target_id))
        return self


# ---------------------------------------------------------------- what events tell


def told_in_events(target_type: str | None, target_id: str | None) -> tuple[str | None, str | None]:
    """Returns the type and the id by which events name a record; None: events do not tell it.

    A record of this service is named by both. What names a record of another system is the caller's
    free text: an id may be an e-mail address, and a type may be a sentence. Events hold no personal
    data and no free text, and outlive every erasure. So they never tell such an id, and the type
    only where it is a code, in lower snake case (``order``, ``return_note``)."""
    if target_type is None or target_type in TARGET_TYPES:
        return target_type, target_id
    return (target_type if _CODE.fullmatch(target_type) else None), None


# ---------------------------------------------------------------- fences


class Fenceable(Protocol):
    """A stored record that a deletion may fence."""

    @property
    def fenced_by(self) -> str | None: ...


F = TypeVar("F", bound=Fenceable)


def require_unfenced(record: F | None) -> F:
    """Returns the record for a write. Raises 404 where there is none, and ``busy`` while a deletion
    is about to remove it."""
    if record is None:
        raise NotFound()
    if record.fenced_by is not None:
        raise Busy()
    return record


def require_shown(record: F | None) -> F:
    """Returns the record for a read. Raises 404 where there is none, or where its deletion has
    begun."""
    if record is None or record.fenced_by is not None:
        raise NotFound()
    return record


def about(
    call: Call, target_type: str, target_id: str, *, named: str, active: bool, is_new: bool
) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the checks and the guards of a write that says something about a record. They refuse
    a record of this service that is not there, with 404 and the field that names it (``named``).
    ``active``: for a customer it counts as activity. ``is_new``: false for a change of what was
    said before. Its record may be gone by now, and whoever said it may still take it back; only a
    deletion that is about to remove it stops that. What was said about a customer goes with the
    customer, so there is nothing left to change."""
    if target_type == CUSTOMER:
        return [], [call.guard(target_id, statuses=None, active=active, named=named)]
    if target_type not in HEADS:
        return [], []

    def on_failure(current: CurrentItem) -> ApiError:
        if current.wire is not None:
            return Busy()
        return NotFound(minor=[Fault("not-found", named, "does not exist")])

    head = HEADS[target_type](call.keys, target_id)
    condition = NOT_FENCED if is_new else GONE_OR_NOT_FENCED
    checks: list[Write] = [Check(head, condition, on_failure=on_failure)]
    if target_type != SUBSCRIPTION:
        return checks, []
    owner = customer_of_subscription(target_id)
    return checks, [call.guard(owner, statuses=None, active=active, named=named)]
