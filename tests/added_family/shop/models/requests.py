"""What comes in: shops."""

from __future__ import annotations

from shared.fields import Guid, Name, Request


class ShopNew(Request):
    """A shop as it is opened."""

    name: Name


class ShopCreateRequest(Request):
    shop: ShopNew


class ShopGetRequest(Request):
    shop_guid: Guid
