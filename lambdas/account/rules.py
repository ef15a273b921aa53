"""What may happen to an account, a contact and a credit line. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from lambdas.account.models import (
    AccountRecord,
    ContactRecord,
    CreditOrderRecord,
)
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
from shared.states import advance, steps

DEPTH = 5
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
MANAGED = ("credit_limit", "credit_hold", "credit_hold_reason", "payment_terms")
"""What only ``crm_manage`` may set."""


def may_set(given: frozenset[str], *, manages: bool) -> None:
    """403 naming the fields that the caller's roles do not reach."""
    beyond = [] if manages else sorted(given & set(MANAGED))
    if beyond:
        raise Forbidden(
            minor=[Fault("forbidden", f"account.{f}", "needs the role crm_manage") for f in beyond],
            detail={"roles_any_of": ["crm_manage"]},
        )


def changed(account: AccountRecord, changes: Mapping[str, Any], now: datetime) -> AccountRecord:
    """The account with the changes; the very same object where they change nothing."""
    limit = changes.get("credit_limit")
    if limit is not None:
        if limit.currency != account.credit_limit.currency and account.credit_used.amount:
            raise InvalidState(
                "The currency of the credit limit cannot change while credit is used.",
                detail={"credit_used": shown_value(account.credit_used)},
            )
        used = Money(limit.currency, account.credit_used.amount)
        available = limit.plus(-used.amount)
        changes = {**changes, "credit_used": used, "credit_available": available}
    after = replace(account, **changes)
    if after == account:
        return account
    return replace(after, revision=account.revision + 1, updated_at=now)


def below(parent: AccountRecord, account_guid: str | None = None) -> tuple[str, ...]:
    """The ancestors of an account under this parent; refused where that makes a cycle, goes deeper
    than five, or the parent is closed."""
    ancestors = (parent.account_guid, *parent.ancestors)
    if account_guid == parent.account_guid:
        raise InvalidInput.of("account.parent_account_guid", "must be another account", "cycle")
    if account_guid in ancestors:
        raise InvalidState(
            "An account cannot move below itself.", detail={"field": "account.parent_account_guid"}
        )
    if parent.status == "closed":
        raise InvalidState(detail={"state": "closed", "field": "account.parent_account_guid"})
    if len(ancestors) >= DEPTH:
        raise InvalidInput.of(
            "account.parent_account_guid", f"must lie at most {DEPTH} levels deep", "depth"
        )
    return ancestors


def with_status(account: AccountRecord, status: str, now: datetime) -> AccountRecord:
    """The account in its next state; the very same object where it is there already."""
    if not advance(ACCOUNT_STEPS, account.status, status):
        return account
    if status == "closed" and account.credit_used.amount > 0:
        raise InvalidState(
            "An account that uses credit cannot be closed.",
            detail={
                "state": account.status,
                "allowed": sorted(ACCOUNT_STEPS[account.status] - {"closed"}),
                "credit_used": shown_value(account.credit_used),
            },
        )
    return replace(account, status=status, revision=account.revision + 1, updated_at=now)


# ---------------------------------------------------------------- credit


def may_consume_again(order: CreditOrderRecord, amount: Money) -> None:
    """Refuses a second consumption of an order that differs, or whose goods' credit went back. An
    alike one passes: it is a replay."""
    if order.released > 0:
        raise InvalidState(
            "Credit of this order was released already.",
            detail={"released": shown_value(Money(order.consumed.currency, order.released))},
        )
    if order.consumed != amount:
        raise AlreadyExists.of("order_ref", "consumed credit with another amount")


def can_carry(account: AccountRecord) -> None:
    """409 where the account's credit is held, by its status or by hand."""
    if account.status != "active" or account.credit_hold:
        raise CreditHold(detail={"state": account.status, "credit_hold": account.credit_hold})


def consumed(account: AccountRecord, amount: Money, now: datetime) -> AccountRecord:
    """The account after the consumption of ``amount``."""
    same_currency(account, amount)
    if amount.amount > account.credit_available.amount:
        raise CreditLimitExceeded(detail={"available": shown_value(account.credit_available)})
    return _moved(account, amount.amount, now)


def same_currency(
    account: AccountRecord, amount: Money, order: CreditOrderRecord | None = None
) -> None:
    """409 for an amount in another currency than the order's, or (None) the account's credit."""
    currency = account.credit_limit.currency if order is None else order.consumed.currency
    if amount.currency != currency:
        raise CurrencyMismatch(detail={"available": currency})


def releasable(
    account: AccountRecord, order: CreditOrderRecord | None, amount: Money | None
) -> tuple[Money, Money]:
    """(asked, applied): never more than is left of the order, nor than is used at all. Credit of an
    order in a currency that the account has left is used no more, and nothing of it comes back."""
    used = account.credit_used
    left = used.amount if order is None else order.consumed.amount - order.released
    currency = used.currency if order is None else order.consumed.currency
    asked = Money(currency, left) if amount is None else amount
    most = used.amount if currency == used.currency else 0
    return asked, Money(currency, min(asked.amount, left, most))


def given_back(order: CreditOrderRecord, applied: Money, now: datetime) -> CreditOrderRecord:
    """The order after ``applied`` of it came back."""
    return replace(
        order,
        released=order.released + applied.amount,
        revision=order.revision + 1,
        updated_at=now,
    )


def released(account: AccountRecord, applied: Money, now: datetime) -> AccountRecord:
    """The account after ``applied`` came back; the very same object for nothing."""
    return account if applied.amount == 0 else _moved(account, -applied.amount, now)


def _moved(account: AccountRecord, minor: int, now: datetime) -> AccountRecord:
    after = replace(
        account,
        credit_used=account.credit_used.plus(minor),
        credit_available=account.credit_available.plus(-minor),
        revision=account.revision + 1,
        updated_at=now,
    )
    assert after.credit_used.amount >= 0
    assert after.credit_limit.amount == after.credit_used.amount + after.credit_available.amount
    return after


# ---------------------------------------------------------------- contacts


def contact_changed(
    contact: ContactRecord, changes: Mapping[str, Any], now: datetime, *, moves_mark: bool
) -> ContactRecord:
    """The contact with the changes; the very same object where nothing changes. ``moves_mark``: the
    mark of the primary contact comes or goes, which its account keeps."""
    after = replace(contact, **changes)
    if after == contact and not moves_mark:
        return contact
    return replace(after, revision=contact.revision + 1, updated_at=now)


def contact_status(contact: ContactRecord, account: AccountRecord | None) -> str:
    """A contact under a closed account is inactive, whatever its row says."""
    closed = account is None or account.status == "closed"
    return "inactive" if closed else contact.status
