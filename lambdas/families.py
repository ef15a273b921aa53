"""The whole API: each family's rows. Whatever lists routes reads this."""

from __future__ import annotations

from lambdas.account.handler import ROUTES as ACCOUNT
from lambdas.customer.handler import ROUTES as CUSTOMER
from lambdas.giftcard.handler import ROUTES as GIFTCARD
from lambdas.loyalty.handler import ROUTES as LOYALTY
from lambdas.privacy.handler import ROUTES as PRIVACY
from lambdas.retention.handler import ROUTES as RETENTION
from lambdas.stat.handler import ROUTES as STAT
from lambdas.subscription.handler import ROUTES as SUBSCRIPTION
from shared.routes import Route

FAMILIES: dict[str, tuple[Route, ...]] = {
    "account": ACCOUNT,
    "customer": CUSTOMER,
    "giftcard": GIFTCARD,
    "loyalty": LOYALTY,
    "privacy": PRIVACY,
    "retention": RETENTION,
    "stat": STAT,
    "subscription": SUBSCRIPTION,
}
