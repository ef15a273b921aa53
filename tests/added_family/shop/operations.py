"""One function per route: load, decide, write, answer."""

from __future__ import annotations

from lambdas.shop import storage
from lambdas.shop.models.records import ShopRecord
from lambdas.shop.models.requests import ShopCreateRequest, ShopGetRequest
from shared.api import Answer, Call
from shared.codec import shown
from shared.commit import Step, Subject, commit
from shared.events import change_event
from shared.records import Records
from shared.writes import Put


def shop_create(call: Call, body: ShopCreateRequest) -> Answer:
    """Opens a shop under a name."""
    guid = f"shop_{call.new_id()}"
    shop = ShopRecord(shop_guid=guid, name=body.shop.name, created_at=call.now)

    def decide(call: Call, _: Records) -> Step:
        item = storage.shop_item(call.keys, shop)
        event = change_event(call, "shop-opened", ("shop", guid, 1), {"shop_guid": guid})
        answer = Answer({"shop": shown(shop)}, shop.revision)
        return Step(answer, Subject(item.key[0], guid), [Put(item, events=[event])])

    return commit(call, [], decide)


def shop_get(call: Call, body: ShopGetRequest) -> Answer:
    """Answers a shop by its guid."""
    shop = call.require(storage.shop_at(call.keys, body.shop_guid))
    return Answer({"shop": shown(shop)}, shop.revision)
