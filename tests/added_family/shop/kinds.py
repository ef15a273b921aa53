"""What the shops store. A shop is the company's: no customer's erasure touches it."""

from __future__ import annotations

from lambdas.shop.models.envelopes import ShopOpened
from lambdas.shop.models.records import ShopRecord
from shared.kinds import Kind

KINDS = (
    Kind(
        record=ShopRecord,
        erasure="keep",
        events={"shop-opened": ShopOpened},
        when={"shop-opened": "A shop was opened."},
    ),
)
