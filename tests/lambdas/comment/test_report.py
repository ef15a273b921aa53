"""The report: the largest comments of an org, at a cost that does not grow with the org."""

from __future__ import annotations

from datetime import timedelta

from tests.builders import World
from tests.lambdas.comment.author import NOW, Author, on, owner
from tests.meter import Meter

NAMES = {"comment_id", "target_type", "target_id", "size_bytes", "user_guid", "created_at"}


def reported(author: Author, limit: int = 256) -> list[tuple[str, int]]:
    found = author.caller("/comment/report", {"limit": limit}).data["items"]
    assert all(one.keys() == NAMES for one in found)
    return [(one["comment_id"], one["size_bytes"]) for one in found]


def test_the_largest_current_comments_come_first_and_ties_by_id(world: World) -> None:
    author = Author(world.owner, {})
    bodies = ["é€", "x" * 12, "x" * 5, "", "x" * 100, "x" * 12]
    made = [
        owner(world, **on("order", f"SO-{n}")).at(NOW + timedelta(seconds=n)).add(body)
        for n, body in enumerate(bodies)
    ]
    order = sorted(made, key=lambda one: (-one["size_bytes"], one["comment_id"]))
    expected = [(one["comment_id"], one["size_bytes"]) for one in order]
    assert [size for _, size in expected] == [100, 12, 12, 5, 5, 0]
    assert reported(author) == expected
    assert reported(author, 2) == expected[:2]
    assert reported(author, 0) == expected[:1]
    assert "next_token" not in author.caller("/comment/report", {"limit": 2}).data


def test_the_report_follows_revisions_and_states(world: World) -> None:
    author = owner(world)
    small, large = author.add("x"), author.add("x" * 9)
    author.revise(small, body="x" * 20)
    assert [size for _, size in reported(author)] == [20, 9]
    author.set(large, "archived")
    assert reported(author) == [(small["comment_id"], 20)]
    author.set({**large, "revision": 2}, "current")
    author.set({**small, "revision": 2}, "deleted")
    assert reported(author) == [(large["comment_id"], 9)]


def test_its_cost_grows_with_the_limit_and_not_with_the_org(world: World, meter: Meter) -> None:
    author = owner(world)

    def units(limit: int) -> float:
        author.caller("/comment/report", {"limit": 1})
        with meter.measuring() as costs:
            assert author.caller("/comment/report", {"limit": limit}).status == 200
        assert costs[0].trips == 1
        return float(costs[0].read_units)

    def fill(many: int) -> None:
        for n in range(many):
            author.at(NOW + timedelta(seconds=n)).add("x" * 2_000)

    fill(12)
    few = units(8)
    fill(108)
    assert units(8) == few
    assert units(100) > units(8)
