"""Lists as answers: ``{plural: […], next_token?}``, the token bound to org, route and filters."""

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
    """Answers a page of a list. ``keep`` makes an item of an entry, or drops it (None). ``beside``
    reads what ``keep`` has to know, in the same trip; ``complete`` adds what only other records
    know, or drops an item."""

    def walk(limit: int, cursor: str | None) -> Page:
        return page(call.table, listing, limit, cursor, keep, beside=beside, complete=complete)

    return answer_walk(call, body, walk, plural=plural)


def answer_walk(
    call: Call, body: Any, walk: Callable[[int, str | None], Page], *, plural: str
) -> Answer:
    """Answers a page of a walk of the route's own: ``walk(limit, cursor)`` gives a page of items
    and the cursor of the next one."""
    filters = body.model_dump(mode="json", exclude={"limit", "next_token"}, exclude_none=True)
    scope = f"{call.caller.orgcode} {call.route.path} {sorted(filters.items())}"
    cursor = None if body.next_token is None else cursor_of(body.next_token, scope, call.now)
    items, after = walk(body.limit, cursor)
    data: dict[str, Any] = {plural: items}
    if after is not None:
        data["next_token"] = sign(scope, after, call.now)
    return Answer(data)
