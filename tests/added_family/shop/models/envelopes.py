"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import datetime

from shared.fields import Shape


class Shop(Shape):
    shop_guid: str
    name: str
    revision: int
    created_at: datetime


class ShopData(Shape):
    shop: Shop


class ShopEnvelope(Shape):
    data: ShopData
    revision: int


class ShopOpened(Shape):
    """A shop was opened."""

    shop_guid: str
