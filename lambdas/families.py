"""The whole API: each family's rows. Whatever lists routes reads this."""

from __future__ import annotations

from lambdas.account.handler import ROUTES as ACCOUNT
from lambdas.comment.handler import ROUTES as COMMENT
from lambdas.customer.handler import ROUTES as CUSTOMER
from lambdas.exemption.handler import ROUTES as EXEMPTION
from lambdas.giftcard.handler import ROUTES as GIFTCARD
from lambdas.inbox.handler import ROUTES as INBOX
from lambdas.loyalty.handler import ROUTES as LOYALTY
from lambdas.privacy.handler import ROUTES as PRIVACY
from lambdas.retention.handler import ROUTES as RETENTION
from lambdas.stat.handler import ROUTES as STAT
from lambdas.subscription.handler import ROUTES as SUBSCRIPTION
from lambdas.warranty.handler import ROUTES as WARRANTY
from shared.routes import Route

FAMILIES: dict[str, tuple[Route, ...]] = {
    "account": ACCOUNT,
    "comment": COMMENT,
    "customer": CUSTOMER,
    "exemption": EXEMPTION,
    "giftcard": GIFTCARD,
    "inbox": INBOX,
    "loyalty": LOYALTY,
    "privacy": PRIVACY,
    "retention": RETENTION,
    "stat": STAT,
    "subscription": SUBSCRIPTION,
    "warranty": WARRANTY,
}
