"""What may happen to an account, a contact and a credit line. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any

from lambdas.account.models.records import AccountRecord, CreditOrderRecord
from shared.codec import shown_value
from shared.errors import (
    AlreadyExists,
    CreditHold,
    CreditLimitExceeded,
    CurrencyMismatch,
    Fault,
    Forbidden,
    InvalidInput,
    InvalidState,
)
from shared.fields import Money
from shared.states import next_revision, steps, with_changes, with_status

DEPTH = 5
"""How many levels of parents an account may have."""
ACCOUNT_STEPS = steps(
    {
        "pending": "active closed",
        "active": "on_hold inactive closed",
        "on_hold": "active inactive closed",
        "inactive": "active closed",
        "closed": "",
    }
)
CONTACT_STEPS = steps({"active": "inactive", "inactive": "active"})
MANAGED = frozenset({"credit_limit", "credit_hold", "credit_hold_reason", "payment_terms"})
"""The fields that only ``crm_manage`` may set: they decide how much a company may owe."""

# ---------------------------------------------------------------- accounts


def ensure_may_set(given: Set[str], *, manages: bool) -> None:
    """403 with every given field that the caller's roles do not allow."""
    refused = [] if manages else sorted(given & MANAGED)
    if refused:
        faults = [Fault("forbidden", f"account.{f}", "needs the role crm_manage") for f in refused]
        raise Forbidden(minor=faults, detail={"roles_any_of": ["crm_manage"]})


def changed(account: AccountRecord, changes: Mapping[str, Any], now: datetime) -> AccountRecord:
    """Returns the account with the changes; the very same object where they change nothing."""
    limit = changes.get("credit_limit")
    if limit is None:
        return with_changes(account, changes, now)
    used = account.credit_used
    if limit.currency != used.currency and used.amount:
        raise InvalidState(
            "The currency of the credit limit cannot change while credit is used.",
            detail={"credit_used": shown_value(used)},
        )
    # A limit below what is used is allowed: less than nothing is available then.
    credit = {
        "credit_used": Money(limit.currency, used.amount),
        "credit_available": limit.plus(-used.amount),
    }
    return with_changes(account, {**changes, **credit}, now)


def ancestors_below(parent: AccountRecord, account_guid: str | None = None) -> tuple[str, ...]:
    """Returns the ancestors of an account with this parent. Refuses a cycle, a closed parent, and
    a place more than five levels deep. ``account_guid`` is None for a new account."""
    field = "account.parent_account_guid"
    ancestors = (parent.account_guid, *parent.ancestors)
    if account_guid == parent.account_guid:
        raise InvalidInput.of(field, "must be another account", "cycle")
    if account_guid in ancestors:
        raise InvalidState("An account cannot move below itself.", detail={"field": field})
    if parent.status == "closed":
        raise InvalidState("The parent is closed.", detail={"state": "closed", "field": field})
    if len(ancestors) >= DEPTH:
        raise InvalidInput.of(field, f"must lie at most {DEPTH} levels deep", "depth")
    return ancestors


def with_account_status(account: AccountRecord, status: str, now: datetime) -> AccountRecord:
    """Returns the account in the status; the very same object where it has it already."""
    after = with_status(account, ACCOUNT_STEPS, status, now)
    if status == "closed" and after is not account and account.credit_used.amount > 0:
        raise InvalidState(
            "An account that uses credit cannot be closed.",
            detail={
                "state": account.status,
                "allowed": sorted(ACCOUNT_STEPS[account.status] - {"closed"}),
                "credit_used": shown_value(account.credit_used),
            },
        )
    return after


def account_closed() -> InvalidState:
    return InvalidState("The account is closed.", detail={"state": "closed"})


def ensure_open(account: AccountRecord) -> None:
    """409 where the account is closed."""
    if account.status == "closed":
        raise account_closed()


# ---------------------------------------------------------------- credit


def ensure_same_consumption(order: CreditOrderRecord, amount: Money) -> None:
    """409 where a further consumption for the order is not a repeat of the first one."""
    if order.released > 0:
        # Goods must not go out on credit that was given back, not even for the same amount.
        raise InvalidState(
            "Credit of this order was released already.",
            detail={"released": shown_value(Money(order.consumed.currency, order.released))},
        )
    if order.consumed != amount:
        raise AlreadyExists.of("order_ref", "consumed credit with another amount")


def ensure_no_credit_hold(account: AccountRecord) -> None:
    """409 where credit is held: by the account's status or by ``credit_hold``."""
    if account.status != "active" or account.credit_hold:
        raise CreditHold(detail={"state": account.status, "credit_hold": account.credit_hold})


def consumed(account: AccountRecord, amount: Money, now: datetime) -> AccountRecord:
    """Returns the account after the consumption of ``amount``."""
    ensure_currency(amount, account.credit_limit.currency)
    if amount.amount > account.credit_available.amount:
        raise CreditLimitExceeded(detail={"available": shown_value(account.credit_available)})
    return _with_credit_used(account, amount.amount, now)


def ensure_currency(amount: Money, currency: str) -> None:
    """409 where the amount is in another currency."""
    if amount.currency != currency:
        raise CurrencyMismatch(detail={"available": currency})


def releasable(
    account: AccountRecord, order: CreditOrderRecord | None, amount: Money | None
) -> tuple[Money, Money]:
    """Returns what a release asks for and what it gives back: never more than is left of the order,
    nor more than the account uses. Without ``amount`` it asks for all that is left."""
    used = account.credit_used
    left = used if order is None else order.consumed.plus(-order.released)
    if amount is not None:
        ensure_currency(amount, left.currency)
    requested = left if amount is None else amount
    # An account may have changed its currency since the order. It did so while it used no credit,
    # so nothing of the order is still in use.
    most = used.amount if used.currency == left.currency else 0
    return requested, Money(left.currency, min(requested.amount, left.amount, most))


def released(account: AccountRecord, applied: Money, now: datetime) -> AccountRecord:
    """Returns the account after ``applied`` came back; the very same object where that is 0."""
    return account if applied.amount == 0 else _with_credit_used(account, -applied.amount, now)


def _with_credit_used(account: AccountRecord, minor: int, now: datetime) -> AccountRecord:
    """Returns the account that uses ``minor`` units more, or less where that is negative."""
    used, available = account.credit_used.plus(minor), account.credit_available.plus(-minor)
    assert used.amount >= 0
    assert account.credit_limit.amount == used.amount + available.amount
    return next_revision(account, now, credit_used=used, credit_available=available)


# ---------------------------------------------------------------- contacts


def contact_standing(
    contact_guid: str, status: str, account: AccountRecord | None
) -> dict[str, Any]:
    """Returns the fields of a contact that only its account can tell. Which contact is primary is
    one pointer on the account, so there are never two. A closed account makes its contacts inactive
    without a write to any of them."""
    if account is None or account.status == "closed":
        status = "inactive"
    is_primary = account is not None and account.primary_contact_guid == contact_guid
    return {"status": status, "is_primary": is_primary}
