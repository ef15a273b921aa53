"""The demo world: every example of the API document works on it, and its books are in order.

What the routes answer to their examples is recorded in ``infra/openapi/answers.json``, which the
API document shows. ``ANSWERS=write`` writes it, and the diff is reviewed like code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local import demo_world
from infra.openapi.responses import RECORDED, answers
from infra.openapi.text import written
from lambdas.families import FAMILIES
from shared.routes import Route
from tests.builders import World
from tests.conftest import Database

ROWS: list[Route] = [row for rows in FAMILIES.values() for row in rows]
# After the last step of the demo world. The recorded answers are of this time.
NOW = datetime(2026, 1, 12, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def shown(database: Database) -> World:
    """A demo world for the tests that only read."""
    assert database.engine.is_running
    return filled(World())


def filled(org: World) -> World:
    demo_world.load(org.code, org.owner.secret)
    return org


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_the_example_of_every_route_answers_200_as_recorded(
    row: Route, shown: World, search_kept: Callable[[], None], worker_id: str
) -> None:
    org = filled(World()) if row.writes or "q" in (row.sample or {}) else shown
    search_kept()
    answer = org.owner(row.path, row.sample, method=row.method, now=NOW)
    assert answer.status == 200, answer.body
    assert not answer.replayed, "the example shows what is there instead of what it does"
    found = {"data": short(answer.data), "revision": answer.body.get("revision")}
    if os.environ.get("ANSWERS") == "write":
        assert worker_id == "master", "only one process may record: -n 0"
        record(row.path, alike(found))
    else:
        assert answers().get(row.path) == alike(found), "review it, then run with ANSWERS=write"


def record(path: str, found: dict[str, Any]) -> None:
    whole = json.loads(RECORDED.read_text(encoding="utf-8"))
    known = {row.path for row in ROWS}
    whole = {at: one for at, one in {**whole, path: found}.items() if at in known}
    RECORDED.write_text(written(dict(sorted(whole.items()))), encoding="utf-8")


def short(data: dict[str, Any]) -> dict[str, Any]:
    """The data of an answer with one item of each list: one shows what they are like."""
    return {name: value[:1] if isinstance(value, list) else value for name, value in data.items()}


# What is made anew by every call. The ids of the demo world begin with 01KA and zeros.
ANEW = re.compile(
    r"(?P<id>\b01(?!KA00000)[0-9A-Z]{24}|(?<=_)01(?!KA00000)[0-9A-Z]{24})"
    r"|(?P<hash>\b(?!0{64})[0-9a-f]{64}\b)"
    r"|(?P<code>(?<=\"card_code\": \")[0-9A-Z-]{21})"
    r"|(?P<last>(?<=\"card_last4\": \")[0-9A-Z]{4})"
    r"|(?P<text>(?<=redacted-)[0-9a-z]{10})"
    r"|(?P<token>(?<=\"next_token\": \")[^\"]+)"
    r"|(?P<proof>(?<=\"signature\": \")[A-Za-z0-9+/=]+)"
    r"|(?P<person>(?<=user_guid:)u[0-9a-f]+)"
    r"|(?P<keyed>(?<=card_)[a-z2-7]{26}\b|(?<=[0-9A-Z]{26})[A-Z2-7]{26}\b)"
)

TOKEN = "TCk27ENUfmhb3gUasEoxUlsxNzY4MzE4MjAwLCIw"


def alike(value: Any) -> Any:
    """The same answer with ids, hashes and persons that do not differ from run to run: each is
    numbered by its first appearance."""
    numbers: dict[str, int] = {}

    def instead(match: re.Match[str]) -> str:
        number = numbers.setdefault(match[0], len(numbers) + 1)
        digest = hashlib.sha256(str(number).encode())
        match match.lastgroup:
            case "id":
                return f"01KA0000000000000000009{number:03}"
            case "hash":
                return digest.hexdigest()
            case "code":
                return demo_world.CARD
            case "last":
                return demo_world.CARD.replace("-", "")[-4:]
            case "person":
                return "U123"
            case "text":
                return digest.hexdigest()[:10]
            case "token":
                return TOKEN
            case "proof":
                return base64.b64encode(digest.digest() * 2).decode()
        letters = base64.b32encode(digest.digest()).decode()[:26]
        return letters.lower() if match[0].islower() else letters

    return json.loads(ANEW.sub(instead, json.dumps(value)))


def test_the_ledger_of_the_demo_world_is_provable(shown: World) -> None:
    proof = shown.owner("/loyalty/recalculate", {"customer_guid": demo_world.ADA, **WHY}).data
    assert (proof["equal"], proof["chain_ok"], proof["differences"]) == (True, True, [])
    assert proof["entries_read"] == 4
    assert proof["stored"]["available_points"] == 480 - 100 + 60


def test_the_demo_world_is_made_once(database: Database) -> None:
    org = filled(World())
    before = database.items(org.code)
    filled(org)
    assert database.items(org.code) == before


def test_each_record_of_the_demo_world_says_when_it_was_made(shown: World) -> None:
    made: dict[str, Any] = shown.owner("/customer/get", {"customer_guid": demo_world.ADA}).data
    assert made["customer"]["created_at"] == "2025-11-14T09:00:00Z"


WHY = {"reason": "a proof", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
