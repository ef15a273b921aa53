"""Every kind of record that the service stores, in one tuple."""

from __future__ import annotations

from lambdas.account.kinds import KINDS as ACCOUNT
from lambdas.customer.kinds import KINDS as CUSTOMER
from lambdas.giftcard.kinds import KINDS as GIFTCARD
from lambdas.loyalty.kinds import KINDS as LOYALTY
from shared.kinds import Kind

KINDS: tuple[Kind, ...] = (*ACCOUNT, *CUSTOMER, *GIFTCARD, *LOYALTY)
