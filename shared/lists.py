"""Lists as answers: ``{plural: […], next_token?}``. A token is bound to org, route and filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.call import Answer, Call
from shared.codec import Wire
from shared.customer_state import (
    CustomerStateRecord,
    redirected,
    require_readable_customer,
    state_at,
)
from shared.errors import InvalidNextToken
from shared.keys import Index
from shared.paging import Listing, cursor_of, page, sign

Page = tuple[list[dict[str, Any]], str | None]


@dataclass(slots=True)
class WalkDay:
    """The day of a list whose items change by the calendar. All pages of a walk are of the day of
    the first one: its token carries that. Without it a walk around midnight could lose items."""

    day: date

    def resume(self, cursor: str) -> str:
        """Takes the day out of a cursor, and returns the rest of it."""
        day, _, rest = cursor.partition(" ")
        try:
            self.day = date.fromisoformat(day)
        except ValueError:
            # The token of a release whose list had no day.
            raise InvalidNextToken() from None
        return rest

    def kept_in(self, cursor: str) -> str:
        return f"{self.day.isoformat()} {cursor}"


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
    call: Call,
    body: Any,
    walk: Callable[[int, str | None], Page],
    *,
    plural: str,
    day: WalkDay | None = None,
) -> Answer:
    """Returns a page of a list that the route reads in its own way: ``walk(limit, cursor)`` returns
    a page of items and the cursor of the next page. ``day``: the day of the list, where it has one;
    when ``walk`` is called, it is that of the first page."""
    filters = body.model_dump(mode="json", exclude={"limit", "next_token"}, exclude_none=True)
    scope = f"{call.caller.orgcode} {call.route.path} {sorted(filters.items())}"
    cursor = None if body.next_token is None else cursor_of(body.next_token, scope, call.now)
    if cursor is not None and day is not None:
        cursor = day.resume(cursor)
    items, after = walk(body.limit, cursor)
    data: dict[str, Any] = {plural: items}
    if after is not None:
        after = after if day is None else day.kept_in(after)
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
    index: Index | None = None,
    day: WalkDay | None = None,
    field: str = "customer_guid",
) -> Answer:
    """Returns a page of one customer's records, newest first, with those of everyone who was merged
    into the customer. ``field`` of the body names the customer. ``place`` returns where the
    records of a customer lie: the partition, of the table or of an index, and what their sort keys
    begin with before an id. ``keep`` turns a record of the customer that answers into an item, or
    drops it (None).

    The first page and the customer's state are read in one trip. Only where the state names other
    partitions is a second one needed."""
    walk = CustomerWalk(call, getattr(body, field), place, keep, index)
    answer = answer_walk(call, body, walk, plural=plural, day=day)
    return Answer({field: walk.survivor, **answer.data} | walk.redirect)


@dataclass(slots=True)
class CustomerWalk:
    """Walks through records that belong to a customer, with those of everyone who was merged into
    it: a ``walk`` for ``answer_walk``. ``named`` is the customer whom the request names; ``place``
    and ``keep`` are as in ``answer_customer_list``. Afterwards it knows who the survivor is."""

    call: Call
    named: str
    place: Callable[[str], tuple[str, str]]
    keep: Callable[[Wire, str], dict[str, Any] | None]
    index: Index | None = None
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
            own = Listing((partition,), self.index, prefix)
            return page(self.call.table, own, limit, cursor, self._item, beside=self._read_state)
        except _SeveralPartitions as found:
            partitions = tuple(self.place(guid)[0] for guid in found.owners)
            every = Listing(partitions, self.index, prefix)
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
