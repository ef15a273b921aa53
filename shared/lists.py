"""Lists as answers: ``{plural: […], next_token?}``. A token is bound to org, route and filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.call import Answer, Call
from shared.codec import Wire
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
