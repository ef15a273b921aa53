"""Lists as answers: ``{plural: […], next_token?}``. A token is bound to org, route and filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.call import Answer, Call
from shared.codec import Wire
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_readable_customer,
    state_at,
)
from shared.paging import Listing, cursor_of, page, sign

Page = tuple[list[dict[str, Any]], str | None]


def answer_list(
    call: Call,
    listing: Listing,
    body: Any,
    keep: Callable[[Wire], dict[str, Any] | None],
    *,
    plural: str,
    beside: Callable[[], None] | None = None,
    complete: Callable[[list[dict[str, Any]]], list[dict[str, Any] | None]] | None = None,
) -> Answer:
    """Returns a page of a list. ``keep`` turns an entry into an item, or drops it (None).
    ``beside`` reads what ``keep`` needs, in the same trip. ``complete`` adds what is in other
    records, or drops an item."""

    def walk(limit: int, cursor: str | None) -> Page:
        return page(call.table, listing, limit, cursor, keep, beside=beside, complete=complete)

    return answer_walk(call, body, walk, plural=plural)


def answer_walk(
    call: Call, body: Any, walk: Callable[[int, str | None], Page], *, plural: str
) -> Answer:
    """Returns a page of a list that the route reads in its own way: ``walk(limit, cursor)`` returns
    a page of items and the cursor of the next page."""
    filters = body.model_dump(mode="json", exclude={"limit", "next_token"}, exclude_none=True)
    scope = f"{call.caller.orgcode} {call.route.path} {sorted(filters.items())}"
    cursor = None if body.next_token is None else cursor_of(body.next_token, scope, call.now)
    items, after = walk(body.limit, cursor)
    data: dict[str, Any] = {plural: items}
    if after is not None:
        data["next_token"] = sign(scope, after, call.now)
    return Answer(data)


class _SeveralPartitions(Exception):
    """A list of one customer's records lies in other partitions than the one it began with."""

    def __init__(self, owners: tuple[str, ...]) -> None:
        self.owners = owners
        super().__init__(f"{len(owners)} partitions")


def answer_customer_list(
    call: Call,
    body: Any,
    place: Callable[[str], tuple[str, str]],
    keep: Callable[[Wire, str], dict[str, Any] | None],
    *,
    plural: str,
) -> Answer:
    """Returns a page of one customer's records, newest first, with those of everyone who was merged
    into the customer. ``body.customer_guid`` names the customer. ``place`` returns where the
    records of a customer lie: the partition, and what their sort keys begin with before an id.
    ``keep`` turns a record of the customer that answers into an item, or drops it (None).

    The first page and the customer's state are read in one trip. Only where the state names other
    partitions is a second one needed."""
    walk = CustomerWalk(call, body.customer_guid, place, keep)
    answer = answer_walk(call, body, walk, plural=plural)
    return Answer({"customer_guid": walk.survivor, **answer.data} | walk.redirect)


@dataclass(slots=True)
class CustomerWalk:
    """Walks through records that belong to a customer, with those of everyone who was merged into
    it: a ``walk`` for ``answer_walk``. ``named`` is the customer whom the request names; ``place``
    and ``keep`` are as in ``answer_customer_list``. Afterwards it knows who the survivor is."""

    call: Call
    named: str
    place: Callable[[str], tuple[str, str]]
    keep: Callable[[Wire, str], dict[str, Any] | None]
    _state: CustomerStateRecord | None = None

    @property
    def survivor(self) -> str:
        return self.named if self._state is None else self._state.customer_guid

    @property
    def redirect(self) -> dict[str, str]:
        return redirected(self.named, self.survivor)

    def __call__(self, limit: int, cursor: str | None) -> Page:
        partition, prefix = self.place(self.named)
        try:
            own = Listing((partition,), prefix=prefix)
            return page(self.call.table, own, limit, cursor, self._item, beside=self._read_state)
        except _SeveralPartitions as found:
            every = Listing(tuple(self.place(guid)[0] for guid in found.owners), prefix=prefix)
            return page(self.call.table, every, limit, cursor, self._item)

    def _item(self, wire: Wire) -> dict[str, Any] | None:
        return self.keep(wire, self.survivor)

    def _read_state(self) -> None:
        call, named = self.call, self.named
        records = call.table.load([state_at(call.keys, named)])
        self._state = call.decided(
            records, lambda r: require_readable_customer(call.keys, r, named)
        )
        if self._state.owners != (named,):
            raise _SeveralPartitions(self._state.owners)
