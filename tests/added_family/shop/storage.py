"""Where the shops lie."""

from __future__ import annotations

from lambdas.shop.models.records import ShopRecord
from shared.codec import Item
from shared.keys import Keys
from shared.records import Get


def shop_at(keys: Keys, shop_guid: str) -> Get[ShopRecord]:
    return Get(keys.shop(shop_guid), ShopRecord)


def shop_item(keys: Keys, shop: ShopRecord) -> Item[ShopRecord]:
    return Item(keys.shop(shop.shop_guid), shop)
