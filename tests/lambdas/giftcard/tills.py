"""What the tests of the gift cards share: a till's calls, and a look at the ledger of a card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lambdas.giftcard import storage
from lambdas.giftcard.models.records import GiftCardActivityRecord, GiftCardRecord
from shared.keys import of_org
from shared.records import Query
from shared.table import Table
from tests.builders import WHY, Response, World, euro


@dataclass(frozen=True)
class Card:
    """A card of a world, by its code."""

    world: World
    code: str

    def redeem(self, order: str, amount: int, /, **more: Any) -> Response:
        body = {"card_code": self.code, "order_ref": order, "amount": euro(amount), **WHY}
        return self.world.owner("/giftcard/redeem", body | more)

    def reverse(self, order: str, key: str, amount: int | None = None, /, **more: Any) -> Response:
        body = {"card_code": self.code, "order_ref": order, "idempotency_key": key, **WHY}
        if amount is not None:
            body["amount"] = euro(amount)
        return self.world.owner("/giftcard/reverse", body | more)

    def get(self, **more: Any) -> Response:
        return self.world.owner("/giftcard/get", {"card_code": self.code}, **more)

    def set_status(self, status: str, revision: int) -> Response:
        body = {"card_code": self.code, "status": status, "expected_revision": revision, **WHY}
        return self.world.owner("/giftcard/status/set", body)

    @property
    def shown(self) -> dict[str, Any]:
        return dict(self.get().data["stored_value"])

    @property
    def card_id(self) -> str:
        return storage.card_id_of(of_org(self.world.code), self.code.replace("-", ""))

    def ledger(self) -> tuple[GiftCardRecord, list[GiftCardActivityRecord]]:
        """The head and all movements, straight from the table; they must agree."""
        keys = of_org(self.world.code)
        head_at = storage.card_at(keys, self.card_id)
        moves = Query(head_at.key[0], "Y", "Z", GiftCardActivityRecord, limit=None)
        records = Table().load([head_at, moves])
        head, activities = records.require(head_at), records.all(moves)
        assert head.balance.amount == sum(a.change for a in activities)
        assert 0 <= head.balance.amount <= head.issued_amount.amount
        assert len({a.card_revision for a in activities}) == len(activities)
        back = sum(a.change for a in activities if a.kind == "reverse")
        assert back == sum(a.reversed for a in activities if a.kind == "redeem")
        return head, activities


def issue(world: World, amount: int = 5_000, /, **more: Any) -> Response:
    return world.owner("/giftcard/issue", {"amount": euro(amount), **WHY, **more})


def card(world: World, amount: int = 5_000, /, **more: Any) -> Card:
    return Card(world, issue(world, amount, **more).data["stored_value"]["card_code"])
