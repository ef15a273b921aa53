"""A comment and its contents are read in one trip, which is not one moment: a revision may come
between the two reads. It tears no answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.builders import World
from tests.faults import Faults
from tests.lambdas.comment.author import Author, owner

COMMENT, CONTENTS = "batch_get_item", "query"
"""How a trip reads the comment, and how it reads the contents."""


def between(faults: Faults, early: str, late: str, act: Callable[[], Any]) -> None:
    """Something happens between two reads of the next trip."""
    read = threading.Event()

    def first(_: Any, __: str, ___: dict[str, Any], perform: Callable[[], Any]) -> Any:
        answer = perform()
        read.set()
        return answer

    def then(_: Any, __: str, ___: dict[str, Any], perform: Callable[[], Any]) -> Any:
        assert read.wait(10), f"no {early} in the trip of the {late}"
        act()
        return perform()

    faults.inject(first, operation=early)
    faults.inject(then, operation=late)


def numbers(author: Author, comment: dict[str, Any], **more: Any) -> tuple[int, list[int]]:
    told = author.get(comment, history=True, **more).data
    found = [one["content_revision"] for one in told["history"]]
    return told["comment"]["current_revision"], found


def test_a_history_ends_with_the_content_of_the_comment_beside_it(
    world: World, faults: Faults
) -> None:
    author = owner(world)
    comment = author.add("one")
    between(faults, CONTENTS, COMMENT, partial(author.revise, comment, body="two"))
    assert numbers(author, comment) == (2, [2, 1])
    between(faults, COMMENT, CONTENTS, partial(author.revise, comment, body="three"))
    assert numbers(author, comment) == (2, [2, 1])
    assert faults.pending == 0
    assert numbers(author, comment) == (3, [3, 2, 1])


def test_a_page_of_a_torn_history_is_full_and_the_walk_goes_on(
    world: World, faults: Faults
) -> None:
    author = owner(world)
    comment = author.add("1")
    for n in range(2, 6):
        author.revise(comment, body=str(n))
    between(faults, COMMENT, CONTENTS, partial(author.revise, comment, body="6"))
    first = author.get(comment, history=True, limit=2).data
    assert [one["content_revision"] for one in first["history"]] == [5, 4]
    assert numbers(author, comment, next_token=first["next_token"]) == (6, [3, 2, 1])


def test_a_content_that_came_after_its_own_read_is_found(world: World, faults: Faults) -> None:
    """The items of one batch are not of one moment either. Here it answers in two parts."""
    author = owner(world)
    comment = author.add("one")

    def torn(client: Any, _: str, arguments: dict[str, Any], __: Callable[[], Any]) -> Any:
        ((table, request),) = arguments["RequestItems"].items()
        contents = [key for key in request["Keys"] if key["sk"]["S"].startswith("MV#")]
        others = [key for key in request["Keys"] if key not in contents]
        assert (len(contents), len(others)) == (1, 1)
        now = {**arguments, "RequestItems": {table: {**request, "Keys": contents}}}
        answer: dict[str, Any] = client.batch_get_item(**now)
        assert author.revise(comment, body="two").status == 200
        return {**answer, "UnprocessedKeys": {table: {**request, "Keys": others}}}

    faults.inject(torn, operation=COMMENT)
    shown = author.shown(comment, content_revision=2)
    assert faults.pending == 0
    assert (shown["current_revision"], shown["content_revision"], shown["body"]) == (2, 2, "two")
