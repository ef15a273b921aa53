"""What goes out: answers, and the data of events."""

from __future__ import annotations

from datetime import datetime

from shared.fields import Shape


class Shop(Shape):
    """A shop."""

    shop_guid: str
    """The id of the shop."""
    name: str
    """What the shop is called."""
    revision: int
    created_at: datetime


class ShopData(Shape):
    """The shop as the call leaves it."""

    shop: Shop


class ShopEnvelope(Shape):
    data: ShopData
    revision: int


class ShopOpened(Shape):
    """A shop was opened."""

    shop_guid: str
